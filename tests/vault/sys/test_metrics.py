"""``sys/metrics``: the formats of go-metrics' memory and of Prometheus, and what dashboards read.

Names and units are those of the real server's source (``MeasureSince``, ``core_metrics.go``, ``metricsutil``).
"""

from __future__ import annotations

import re
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
    assert found["vault_token_creation", 'auth_method="userpass",creation_ttl="",mount_point="auth/userpass/",'
                 'namespace="root"'] == 1  # fmt: skip
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
    assert (sample["Count"], shown["Points"], shown["Counters"]) == (1, [], [])
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
        [EventCount("c", 5, 2, {"n": "root"}), EventCount("d", 5, 0)],
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
