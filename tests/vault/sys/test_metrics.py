"""``sys/metrics``: the formats of go-metrics' memory and of Prometheus, and what dashboards read.

Names and units are those of the real server's source (``MeasureSince``, ``core_metrics.go``, ``metricsutil``).
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import hvac
import pytest
import requests

from mockkms import MockKMS
from mockkms.vault.telemetry.exposition import EventCount, Gauge, Metrics, Timing, as_json, as_prometheus
from mockkms.world.journal.journal import Journal

SAMPLE = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)")
SEED = {
    "rng": 5,
    "vault": {
        "policies": {"app": 'path "secret/*" { capabilities = ["read"] }'},
        "mounts": {"secret/": {"type": "kv", "version": 2, "secrets": {"a": {"n": 1}, "b": {"n": 2}}},
                   "old/": {"type": "kv", "version": 1, "secrets": {"x": {"n": 1}}}},
        "auth": {"userpass/": {"type": "userpass", "users": {"anna": {"password": "pw", "token_policies": ["app"]}}}},
    },
}  # fmt: skip
pytestmark = pytest.mark.server(seed=SEED)


def samples(kms: MockKMS) -> dict[tuple[str, str], float]:
    """The samples of Prometheus' format by name and labels, without that of the cluster."""
    answer = requests.get(f"{kms.url}/v1/sys/metrics?format=prometheus", timeout=60)
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    found, family = {}, ""
    for line in answer.text.splitlines():
        if line.startswith("#"):
            family = line.split()[2]
            continue
        match = SAMPLE.fullmatch(line)
        assert match is not None, line
        assert match[1].startswith(family)
        labels = [label for label in re.findall(r'\w+="[^"]*"', match[2] or "") if not label.startswith("cluster=")]
        found[match[1], ",".join(labels)] = float(match[3])
    return found


def test_what_dashboards_read(kms: MockKMS, client: hvac.Client) -> None:
    for _ in range(3):
        client.secrets.kv.v2.read_secret("a", raise_on_deleted_version=True)
    with pytest.raises(hvac.exceptions.Forbidden):
        hvac_get(kms, "secret/data/a", "nobody")
    login = requests.post(f"{kms.url}/v1/auth/userpass/login/anna", json={"password": "pw"}, timeout=60).json()
    requests.post(f"{kms.url}/v1/auth/userpass/login/anna", json={"password": "no"}, timeout=60)
    client.auth.token.create(policies=["app"])
    client.auth.token.revoke(login["auth"]["client_token"])
    found = samples(kms)
    assert found["vault_core_unsealed", ""] == found["vault_core_active", ""] == 1
    assert found["vault_core_handle_request_count", ""] == 6
    assert found["vault_core_handle_login_request_count", ""] == 2
    assert found["vault_route_read_secret__count", ""] == 4
    assert found["vault_token_create_count", ""] == 2
    assert found["vault_token_revoke_count", ""] == 1
    created = {labels: count for (name, labels), count in found.items() if name == "vault_token_creation"}
    labels = 'auth_method="{0}",creation_ttl="+Inf",mount_point="auth/{0}/",namespace="root",token_type="service"'
    assert created == {labels.format("userpass"): 1, labels.format("token"): 1}
    assert found["vault_core_handle_request_sum", ""] > 0
    assert found["vault_core_handle_request", 'quantile="0.5"'] > 0
    assert found["vault_secret_kv_count", 'mount_point="secret/",namespace="root"'] == 2
    assert found["vault_secret_kv_count", 'mount_point="old/",namespace="root"'] == 1
    assert found["vault_token_count", 'namespace="root"'] == len(kms.world.core.state.tokens.by_id)
    assert found["vault_token_count_by_policy", 'namespace="root",policy="root"'] == 1
    assert found["vault_expire_num_leases", ""] == len(kms.world.core.state.leases.items)
    assert found["vault_core_mount_table_num_entries", 'local="false",type="auth"'] == 2
    for name in ("vault_runtime_alloc_bytes", "vault_runtime_num_goroutines", "process_resident_memory_bytes"):
        assert found[name, ""] > 0


def hvac_get(kms: MockKMS, path: str, token: str) -> Any:
    client = hvac.Client(url=kms.url, token=token)
    try:
        return client.read(path)
    finally:
        client.adapter.close()


def test_the_labels_of_created_tokens(kms: MockKMS, client: hvac.Client) -> None:
    """``RegisterAuth`` in ``request_handling.go`` and ``handleCreateCommon`` in ``token_store.go``."""
    for ttl, kind in (("1m", "batch"), ("5m", "service"), ("10m", "service")):
        client.auth.token.create(policies=["app"], ttl=ttl, type=kind)
    with pytest.raises(hvac.exceptions.InvalidRequest):
        client.auth.token.create(policies=["app"], type="unknown")
    common = 'mount_point="auth/token/",namespace="root"'
    created = {labels: count for (name, labels), count in samples(kms).items() if name == "vault_token_creation"}
    assert created == {
        f'auth_method="token",creation_ttl="1m",{common},token_type="batch"': 1,
        f'auth_method="token",creation_ttl="10m",{common},token_type="service"': 2,
    }


def test_tokens_of_wrapped_responses(kms: MockKMS, client: hvac.Client) -> None:
    """``wrapInCubbyhole`` in ``wrapping.go``."""
    client.write_data("sys/wrapping/wrap", data={"a": "b"}, wrap_ttl="5m")
    labels = (
        'auth_method="response_wrapping",creation_ttl="10m",mount_point="sys/",namespace="root",token_type="service"'
    )
    assert samples(kms)["vault_token_creation", labels] == 1


def test_the_methods_and_lifetimes_of_tokens(kms: MockKMS, client: hvac.Client) -> None:
    """``gaugeCollectorByMethod`` and ``gaugeCollectorByTtl`` in ``token_store.go``: the method is the mount's type."""
    client.sys.enable_auth_method("userpass", path="people")
    client.auth.userpass.create_or_update_user("ben", "pw", mount_point="people", token_ttl="20m")
    login = {"password": "pw"}
    requests.post(f"{kms.url}/v1/auth/people/login/ben", json=login, timeout=60)
    requests.post(f"{kms.url}/v1/auth/userpass/login/anna", json=login, timeout=60)
    found = samples(kms)
    assert found["vault_token_count_by_auth", 'auth_method="userpass",namespace="root"'] == 2
    assert found["vault_token_count_by_auth", 'auth_method="token",namespace="root"'] == 1
    assert found["vault_token_count_by_ttl", 'creation_ttl="20m",namespace="root"'] == 1
    # The root token has no end, and 32 days are more than the longest that are told apart.
    assert found["vault_token_count_by_ttl", 'creation_ttl="+Inf",namespace="root"'] == 2


def test_the_labels_of_leases(kms: MockKMS, client: hvac.Client) -> None:
    """``handleRequest`` in ``request_handling.go``."""
    client.sys.enable_secrets_engine("pki")
    client.write_data("pki/root/generate/internal", data={"common_name": "root", "key_type": "ec"})
    client.write_data("pki/roles/app", data={"allow_any_name": True, "key_type": "ec", "generate_lease": True})
    client.write_data("pki/issue/app", data={"common_name": "a.example", "ttl": "90m"})
    labels = 'creation_ttl="2h",mount_point="pki/",namespace="root",secret_engine="pki"'
    assert samples(kms)["vault_secret_lease_creation", labels] == 1


def test_entities_and_their_aliases(kms: MockKMS, client: hvac.Client) -> None:
    """The entity of a login is counted when it is created (``CreateOrFetchEntity``); gauges: ``core_metrics.go``."""
    client.secrets.identity.create_or_update_entity("other")
    for _ in range(2):
        requests.post(f"{kms.url}/v1/auth/userpass/login/anna", json={"password": "pw"}, timeout=60)
    found, place = samples(kms), 'auth_method="userpass",mount_point="auth/userpass/",namespace="root"'
    assert found["vault_identity_entity_creation", place] == 1
    assert found["vault_identity_entity_alias_count", place] == 1
    assert found["vault_identity_entity_count", 'namespace="root"'] == 2


def test_refusals_of_rate_limits(kms: MockKMS, client: hvac.Client) -> None:
    """``rateLimitQuota.allow`` in ``quota_rate_limit.go``."""
    client.write_data("sys/quotas/rate-limit/few", data={"rate": 1, "interval": "1h", "path": "secret/"})
    statuses = [
        requests.get(f"{kms.url}/v1/secret/data/a", headers={"X-Vault-Token": kms.token}, timeout=60).status_code
        for _ in range(3)
    ]
    found = samples(kms)
    assert statuses == [200, 429, 429]
    assert found["vault_quota_rate_limit_violation", 'name="few"'] == 2
    assert found["vault_core_response_status_code", 'code="429",type="4xx"'] == 2


@pytest.mark.parametrize(("flavor", "counted"), [("vault", True), ("vault-1.21", True), ("openbao", False)])
def test_answers_by_status(flavor: str, *, counted: bool) -> None:
    """``vault.core.response_status_code`` of Vault's telemetry reference, which OpenBao does not have."""
    with MockKMS(flavor=flavor) as kms:
        for path in ("sys/health", "secret/data/none", "sys/health"):
            requests.get(f"{kms.url}/v1/{path}", headers={"X-Vault-Token": kms.token}, timeout=60)
        found = samples(kms)
        shown = {labels: count for (name, labels), count in found.items() if "status_code" in name}
        assert shown == ({'code="200",type="2xx"': 2, 'code="404",type="4xx"': 1} if counted else {})


def test_audited_requests_and_failures(kms: MockKMS, client: hvac.Client, tmp_path: Path) -> None:
    """``LogRequest`` and ``LogResponse`` in ``audit/broker.go``: a success adds 0 to the failures, which shows them."""
    assert not any("audit" in name for name, _ in samples(kms))
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    client.sys.enable_audit_device("file", path="log", options={"file_path": str(fifo)})
    client.read("secret/data/a")
    found = samples(kms)
    for kind, logged in (("request", 1), ("response", 2)):
        # The device logs the answer to the request that enabled it.
        assert found[f"vault_audit_log_{kind}_count", ""] == logged
        assert found[f"vault_audit_log_{kind}_failure", ""] == 0
    os.close(reader)
    with pytest.raises(hvac.exceptions.InternalServerError):
        client.read("secret/data/a")
    found = samples(kms)
    # The answer to what could not be logged is logged too.
    assert found["vault_audit_log_request_failure", ""] == found["vault_audit_log_response_failure", ""] == 1
    shown = requests.get(f"{kms.url}/v1/sys/metrics", timeout=60).json()
    [counter] = [one for one in shown["Counters"] if one["Name"] == "vault.audit.log_request_failure"]
    assert (counter["Count"], counter["Sum"], counter["Min"], counter["Max"]) == (2, 1, 0, 1)


def test_counters_never_fall_until_a_reset(kms: MockKMS, client: hvac.Client) -> None:
    key = ("vault_core_handle_request_count", "")
    seen = []
    for _ in range(3):
        client.read("secret/data/a")
        seen.append(samples(kms)[key])
        kms.journal.clear()
    assert seen == [1, 2, 3]
    kms.reset()
    assert key not in samples(kms)
    client.read("secret/data/a")
    assert samples(kms)[key] == 1


def test_more_requests_than_the_journal_keeps(kms: MockKMS, client: hvac.Client) -> None:
    kms.world.core.requests.history = journal = Journal(size=4)
    kms.world.core.requests.forget()
    for number in range(12):
        client.read("secret/data/a" if number % 2 else "old/x")
        journal.record(kms.journal[-1])
    found = samples(kms)
    kms.world.core.requests.history = kms.journal
    assert found["vault_core_handle_request_count", ""] == 12
    assert found["vault_route_read_secret__count", ""] == found["vault_route_read_old__count", ""] == 6


def test_json_looks_back_ten_seconds(kms: MockKMS, client: hvac.Client) -> None:
    kms.clock.freeze("2026-01-01T00:00:00Z")
    client.read("secret/data/a")
    shown = requests.get(f"{kms.url}/v1/sys/metrics", timeout=60).json()
    assert shown["Timestamp"] == "2026-01-01 00:00:00 +0000 UTC"
    [sample] = [one for one in shown["Samples"] if one["Name"] == "vault.core.handle_request"]
    assert {*sample} == {"Name", "Count", "Rate", "Sum", "Min", "Max", "Mean", "Stddev", "Labels"}
    assert (sample["Count"], shown["Points"]) == (1, [])
    [counter] = shown["Counters"]
    assert (counter["Name"], counter["Count"]) == ("vault.core.response_status_code", 1)
    assert counter["Labels"] == {"code": "200", "type": "2xx"}
    names = [one["Name"] for one in shown["Gauges"]]
    assert names == sorted(names)
    assert not any(name.startswith("process") for name in names)
    kms.clock.advance(11)
    assert requests.get(f"{kms.url}/v1/sys/metrics", timeout=60).json()["Samples"] == []
    assert samples(kms)["vault_core_handle_request_count", ""] == 1


def test_a_sealed_server_reports_its_seal_only(kms: MockKMS) -> None:
    kms.seal()
    found = samples(kms)
    assert (found["vault_core_unsealed", ""], found["vault_core_active", ""]) == (0, 0)
    assert ("vault_expire_num_leases", "") not in found


def test_the_forms() -> None:
    metrics = Metrics(
        [Gauge("a.b-c", 1.5, {"x": 'say "no"\n'}), Gauge("process_cpu_seconds_total", 2, prefixed=False)],
        [EventCount("c", 5, [1, 1], {"n": "root"}), EventCount("d", 5)],
        [Timing("t", 3, 6.0, [1.0, 2.0, 3.0]), Timing("u", 1, 1.0)],
    )
    assert as_prometheus(metrics).splitlines() == [
        "# HELP process_cpu_seconds_total process_cpu_seconds_total",
        "# TYPE process_cpu_seconds_total counter",
        "process_cpu_seconds_total 2",
        "# HELP vault_a_b_c vault_a_b_c", "# TYPE vault_a_b_c gauge", r'vault_a_b_c{x="say \"no\"\n"} 1.5',
        "# HELP vault_c vault_c", "# TYPE vault_c counter", 'vault_c{n="root"} 5',
        "# HELP vault_d vault_d", "# TYPE vault_d counter", "vault_d 5",
        "# HELP vault_t vault_t", "# TYPE vault_t summary", 'vault_t{quantile="0.5"} 2', 'vault_t{quantile="0.9"} 2.8',
        'vault_t{quantile="0.99"} 2.98', "vault_t_sum 6", "vault_t_count 3",
        "# HELP vault_u vault_u", "# TYPE vault_u summary",
        'vault_u{quantile="0.5"} NaN', 'vault_u{quantile="0.9"} NaN',
        'vault_u{quantile="0.99"} NaN', "vault_u_sum 1", "vault_u_count 1",
    ]  # fmt: skip
    shown = as_json(metrics, "now")
    assert shown["Counters"] == [{
        "Name": "vault.c", "Count": 2, "Rate": 0.2, "Sum": 2, "Min": 1, "Max": 1, "Mean": 1, "Stddev": 0,
        "Labels": {"n": "root"},
    }]  # fmt: skip
    assert shown["Gauges"] == [{"Name": "vault.a.b-c", "Value": 1.5, "Labels": {"x": 'say "no"\n'}}]
