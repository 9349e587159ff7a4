"""Small settings and status endpoints: health, CORS, audit, tools, counters, the OpenAPI document."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from mockkms.vault.audit import device as audit
from mockkms.vault.framework import registry
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.config.cors import decide
from tests.vault.driving import START, World

pytestmark = pytest.mark.flavors("openbao", "vault")


def test_health_has_every_key_a_strict_client_wants() -> None:
    document = World("vault").ask("read", "sys/health").document or {}
    assert list(document)[:4] == ["initialized", "sealed", "standby", "performance_standby"]
    assert {"enterprise", "echo_duration_ms", "clock_skew_ms", "replication_primary_canary_age_ms"} <= set(document)
    assert document["server_time_utc"] == int(START)
    assert "performance_standby" not in (World().ask("read", "sys/health").document or {})


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"activecode": "299"}, 299), ({"activecode": "+299"}, 299), ({"activecode": "99"}, 400),
        ({"activecode": "1000"}, 400), ({"activecode": "2_99"}, 400), ({"activecode": "9" * 400}, 400),
        ({"activecode": "100"}, 200), ({"standbyok": "maybe"}, 400), ({"sealedcode": ""}, 400),
    ],
)  # fmt: skip
def test_health_codes_from_the_query(world: World, query: dict[str, str], status: int) -> None:
    response = world.ask("read", "sys/health", query=query)
    assert response.status == status
    assert (response.errors == []) is (status == 400)


def test_a_code_without_a_body_has_none(world: World) -> None:
    response = world.ask("read", "sys/health", query={"activecode": "204"})
    assert (response.status, response.raw) == (204, b"")


def test_endpoints_outside_the_core_refuse_other_verbs_without_a_text(world: World) -> None:
    for operation, path in (("update", "sys/health"), ("delete", "sys/seal-status"), ("list", "sys/leader")):
        response = world.ask(operation, path, token="")
        assert (response.status, response.errors) == (405, [])


def test_cors_allows_the_configured_origins(world: World) -> None:
    patch = world.core.product.has(Feature.CORS_PATCH)
    assert decide(world.core, "GET", "https://a.test", "").headers == ()
    world.write("sys/config/cors", {"allowed_origins": "https://a.test", "allow_credentials": True})
    assert decide(world.core, "GET", "https://b.test", "").status == 403
    assert decide(world.core, "GET", "", "").status == 0
    assert decide(world.core, "OPTIONS", "https://a.test", "PATCH").status == (200 if patch else 405)
    preflight = decide(world.core, "OPTIONS", "https://a.test", "LIST")
    assert preflight.status == 200
    assert ("Access-Control-Allow-Credentials" in dict(preflight.headers)) is not patch
    world.write("sys/config/cors", {"allowed_origins": "*"})
    assert decide(world.core, "GET", "null", "").status == 0


def test_an_audit_hash_is_an_hmac_with_the_devices_salt(tmp_path: Path) -> None:
    world = World("vault")
    assert world.write("sys/audit/log", {"type": "file", "options": {"file_path": "discard"}}).errors is None
    shown = (world.write("sys/audit-hash/log", {"input": "value"}).data or {})["hash"]
    salt = audit.devices(world.core)["log/"].salt
    assert shown == "hmac-sha256:" + hmac.new(salt.encode(), b"value", hashlib.sha256).hexdigest()


def test_the_audit_log_hides_values(tmp_path: Path) -> None:
    world, log = World("vault"), tmp_path / "audit.log"
    world.write("sys/mounts/kv", {"type": "kv", "config": {"audit_non_hmac_request_keys": ["open"]}})
    world.write("sys/audit/log", {"type": "file", "options": {"file_path": str(log)}})
    log.write_text("")
    world.write("kv/a", {"open": "seen", "shut": "hidden", "at": "2026-01-01T00:00:00Z", "n": 5})
    asked, answered = (json.loads(line) for line in log.read_text().splitlines())
    assert (asked["type"], answered["type"]) == ("request", "response")
    device = audit.devices(world.core)["log/"]
    hidden = {"shut": audit.hashed(device, "hidden"), "at": audit.hashed(device, "2026-01-01T00:00:00Z")}
    assert asked["request"]["data"] == {"open": "seen", **hidden, "n": 5}
    assert asked["request"]["client_token"] == audit.hashed(device, "root")
    assert asked["request"]["mount_type"] == "kv"
    assert asked["auth"]["policies"] == ["root"]


def test_the_audit_log_tells_what_was_refused(tmp_path: Path) -> None:
    world, log = World("vault"), tmp_path / "audit.log"
    world.write("sys/audit/log", {"type": "file", "options": {"file_path": str(log), "log_raw": "true"}})
    log.write_text("")
    world.ask("read", "secret/data/x", token=world.token(policies=["default"]))
    last = json.loads(log.read_text().splitlines()[-1])
    assert "permission denied" in last["error"]
    assert last["auth"]["policy_results"] == {"allowed": False}


@pytest.mark.parametrize(
    ("path", "body", "size"),
    [
        ("sys/tools/random", {"bytes": 5, "format": "hex"}, 10),
        ("sys/tools/random/7", {"format": "hex"}, 14),
        ("sys/tools/random/platform/3", {"format": "hex"}, 6),
        ("sys/tools/random/all", {"format": "hex"}, 64),
    ],
)
def test_random_bytes_by_body_and_path(world: World, path: str, body: dict[str, Any], size: int) -> None:
    assert len((world.write(path, body).data or {})["random_bytes"]) == size


@pytest.mark.parametrize("count", ["10485761", "0", "x", "9" * 18])
def test_counts_of_random_bytes_that_cannot_be(world: World, count: str) -> None:
    assert world.write(f"sys/tools/random/{count}").status == 400


def test_hashes_are_real(world: World) -> None:
    shown = world.write("sys/tools/hash/sha3-256", {"input": "eA=="}).data
    assert shown == {"sum": hashlib.sha3_256(b"x").hexdigest()}


def test_rotating_the_keyring_starts_a_new_term(world: World) -> None:
    before = world.ask("read", "sys/key-status").data or {}
    world.later(60)
    world.write("sys/rotate")
    after = world.ask("read", "sys/key-status").data or {}
    assert after["term"] == before["term"] + 1
    assert after["install_time"] > before["install_time"]


def test_every_endpoint_has_a_help_text(world: World) -> None:
    engine = registry.engine("system")
    assert [one.template for one in engine if not one.help] == []
    mute = [f"{one.template}: {name}" for one in engine for name, field in one.fields.items() if not field.help]
    assert mute == []


def test_enterprise_paths_say_what_they_are_in_one_product_only() -> None:
    for path in ("sys/license/status", "sys/policies/rgp/x", "sys/quotas/lease-count/x"):
        assert World("vault").ask("read", path).errors == ["enterprise-only feature"]
        assert World("openbao").ask("read", path).errors == ["1 error occurred:\n\t* unsupported path\n\n"]


def test_replication_is_off_or_unknown() -> None:
    assert World("vault").ask("read", "sys/replication/status", token="").data == {"mode": "disabled"}
    unknown = World("openbao").ask("read", "sys/replication/status", token="")
    assert (unknown.status, unknown.errors) == (404, ["unsupported path"])


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({"sha256": "00", "command": "a b", "args": ["c"]}, "must not specify args in command and args field"),
        ({"sha256": "00", "command": "a", "version": "1.0.0+builtin"},
         "version \"v1.0.0+builtin\" is not allowed because 'builtin' is a reserved metadata identifier"),
    ],
)  # fmt: skip
def test_plugins_that_are_refused(world: World, sent: dict[str, Any], text: str) -> None:
    answer = world.write("sys/plugins/catalog/secret/mine", sent)
    assert (answer.status, answer.errors) == (400, [text])


def test_a_plugin_has_a_hash_or_in_vault_a_version() -> None:
    missing = World("openbao").write("sys/plugins/catalog/secret/mine", {"version": "v1.0.0"})
    assert missing.errors == ["missing SHA-256 value"]
    refused = World("vault").write("sys/plugins/catalog/secret/mine", {})
    assert refused.errors is not None
    assert refused.errors[0].startswith("must provide at least one of sha256 or version")
    unset = World("vault").write("sys/plugins/catalog/secret/mine", {"version": "v1.0.0"})
    assert unset.errors == ["1 error occurred:\n\t* could not set plugin, plugin directory is not configured\n\n"]


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        ("x", "invalid 'limit' provided: strconv.Atoi: parsing \"x\": invalid syntax"),
        ("1_0", "invalid 'limit' provided: strconv.Atoi: parsing \"1_0\": invalid syntax"),
        ("9" * 20, f"invalid 'limit' provided: strconv.Atoi: parsing \"{'9' * 20}\": value out of range"),
        ("0", "limit must be 'none' or a positive integer"),
    ],
)
def test_limits_of_irrevocable_leases(world: World, limit: str, text: str) -> None:
    refused = world.ask("read", "sys/leases", {"type": "irrevocable", "limit": limit})
    assert (refused.status, refused.errors) == (500, [f"1 error occurred:\n\t* {text}\n\n"])
    assert world.ask("read", "sys/leases", {"type": "irrevocable", "limit": "none"}).errors is None
