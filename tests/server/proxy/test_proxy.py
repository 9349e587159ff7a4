"""A proxy in front of a real server over a real socket: what the client sees, what the server gets."""

from __future__ import annotations

from collections.abc import Iterator

import hvac
import pytest
import requests

from mockkms import MockKMS
from mockkms.faults import FaultError

PATH = "secret/data/app"


@pytest.fixture
def caller(proxy: MockKMS) -> Iterator[hvac.Client]:
    made = hvac.Client(url=proxy.url, token=proxy.token)
    made.session.trust_env = False
    yield made
    made.adapter.close()


def test_a_client_works_as_if_the_proxy_were_not_there(proxy: MockKMS, real: MockKMS, caller: hvac.Client) -> None:
    caller.secrets.kv.v2.create_or_update_secret("app", {"n": 1})
    assert caller.secrets.kv.v2.read_secret_version("app", raise_on_deleted_version=True)["data"]["data"] == {"n": 1}
    assert caller.secrets.kv.v2.list_secrets("")["data"]["keys"] == ["app"]
    lines = ["POST /v1/secret/data/app", "GET /v1/secret/data/app", "LIST /v1/secret/metadata"]
    assert real.journal.lines() == proxy.journal.lines() == lines


def test_an_answer_is_lost_after_the_write_took_effect(proxy: MockKMS, caller: hvac.Client) -> None:
    proxy.faults.add(PATH, operation="write", lose_answer=True, times=1)
    with pytest.raises(requests.ConnectionError):
        caller.secrets.kv.v2.create_or_update_secret("app", {"n": 1})
    assert caller.secrets.kv.v2.read_secret_version("app", raise_on_deleted_version=True)["data"]["data"] == {"n": 1}
    assert [entry.cut for entry in proxy.journal] == ["close", ""]


@pytest.mark.parametrize("words", [{"seal": True}, {"unseal": True}, {"revoke": True}, {"restart": "lose"}])
def test_what_needs_the_servers_state_is_refused(proxy: MockKMS, words: dict[str, object]) -> None:
    with pytest.raises(FaultError, match=r"a real server answers here .* available here: answer, bad_chunk"):
        proxy.faults.add("*", **words)
    with pytest.raises(FaultError, match="a real server answers here"):
        proxy.faults.script([{"expect": "*", **words}])
    assert not proxy.faults.active


def test_rules_and_journal_see_what_requests_show(proxy: MockKMS, caller: hvac.Client) -> None:
    caller.sys.enable_secrets_engine("transit", path="team-transit")
    caller.secrets.transit.create_key("orders", mount_point="team-transit")
    caller.secrets.transit.encrypt_data("orders", "aGVsbG8=", mount_point="team-transit")
    caller.secrets.transit.generate_data_key("orders", "plaintext", mount_point="team-transit")
    caller.secrets.kv.v2.create_or_update_secret("a/b", {"n": 1})
    caller.sys.enable_auth_method("approle")
    caller.auth.approle.create_or_update_approle("web")
    caller.sys.list_policies()
    seen = [(entry.operation, entry.mount, entry.key) for entry in proxy.journal]
    assert seen == [
        ("update", "sys/", "team-transit"), ("update", "team-transit/", "orders"),
        ("update", "team-transit/", "orders"), ("update", "team-transit/", "orders"),
        ("update", "secret/", "a/b"), ("update", "sys/", "approle"), ("update", "auth/approle/", "web"),
        ("read", "sys/", ""),
    ]  # fmt: skip
    rule = proxy.faults.add(match={"mount": "team-transit", "key": "orders", "operation": "write"}, status=503)
    with pytest.raises(hvac.exceptions.VaultDown):
        caller.secrets.transit.encrypt_data("orders", "aGVsbG8=", mount_point="team-transit")
    assert rule.fired == 1


def test_tokens_are_known_once_an_answer_contained_them(proxy: MockKMS, caller: hvac.Client) -> None:
    caller.sys.create_or_update_policy("reader", 'path "secret/data/*" { capabilities = ["read", "create"] }')
    made = caller.auth.token.create(policies=["reader"])["auth"]
    reader = hvac.Client(url=proxy.url, token=made["client_token"])
    reader.secrets.kv.v2.create_or_update_secret("app", {"n": 1})
    entry = proxy.journal[-1]
    assert (entry.accessor, [*entry.policies], entry.denied) == (made["accessor"], ["default", "reader"], False)
    with pytest.raises(hvac.exceptions.Forbidden):
        reader.secrets.kv.v2.delete_metadata_and_all_versions("app")
    proxy.journal.assert_called("secret/metadata/app", denied=True, policy="reader", times=1)
    rule = proxy.faults.add("secret/*", policy="reader", answer="sealed")
    with pytest.raises(hvac.exceptions.VaultDown):
        reader.secrets.kv.v2.read_secret_version("app", raise_on_deleted_version=True)
    caller.secrets.kv.v2.read_secret_version("app", raise_on_deleted_version=True)
    assert rule.fired == 1
    assert caller.lookup_token()["data"]["accessor"] == proxy.journal[-1].accessor
    assert [*proxy.journal[-1].policies] == ["root"]


def mounts_seen(proxy: MockKMS, client: hvac.Client, *paths: str) -> list[str]:
    for path in paths:
        client.read(path)
    return [entry.mount for entry in proxy.journal][-len(paths) :]


def test_mounts_are_known_once_an_answer_contained_them(real: MockKMS, proxy: MockKMS, caller: hvac.Client) -> None:
    behind = hvac.Client(url=real.url, token=real.token)
    for path in ("one/kv", "two/kv", "three/kv"):
        behind.sys.enable_secrets_engine("kv", path=path, options={"version": "2"})
    behind.sys.enable_auth_method("approle", path="corp/approle")
    login = "auth/corp/approle/role/web"
    assert mounts_seen(proxy, caller, "one/kv/data/a", login) == ["one/", "auth/corp/"]
    caller.read("sys/internal/ui/mounts/one/kv/data/a")
    assert mounts_seen(proxy, caller, "one/kv/data/a", "two/kv/data/a") == ["one/kv/", "two/"]
    caller.sys.list_auth_methods()
    caller.sys.list_mounted_secrets_engines()
    assert mounts_seen(proxy, caller, "two/kv/data/a", login) == ["two/kv/", "auth/corp/approle/"]
    assert proxy.journal[-2].key == "a"
    caller.sys.enable_secrets_engine("kv", path="four/kv")
    caller.sys.disable_secrets_engine("three/kv")
    assert mounts_seen(proxy, caller, "four/kv/a", "three/kv/data/a", "sys/policies/acl/default") == [
        "four/kv/", "three/", "sys/",
    ]  # fmt: skip
    proxy.faults.add(match={"mount": "two/kv"}, answer="sealed")
    with pytest.raises(hvac.exceptions.VaultDown):
        caller.read("two/kv/data/a")
    caller.adapter.namespace = "elsewhere"
    caller.read("one/kv/data/a")
    assert (proxy.journal[-1].mount, proxy.journal[-1].namespace) == ("one/", "elsewhere/")


def test_no_token_is_shown(proxy: MockKMS, caller: hvac.Client) -> None:
    caller.secrets.kv.v2.create_or_update_secret("app", {"n": 1})
    shown = requests.get(f"{proxy.url}/_mockkms/journal?bodies=false", timeout=60).json()["entries"][0]
    assert "body" not in shown
    shown = requests.get(f"{proxy.url}/_mockkms/journal", timeout=60).json()["entries"][0]
    assert shown["headers"]["X-Vault-Token"] == "(redacted)"
    assert (shown["status"], shown["rule"]) == (200, "decided upstream")
    assert shown["body"] == '{"options": {}, "data": {"n": 1}}'


def test_the_smallest_policy(proxy: MockKMS, caller: hvac.Client) -> None:
    caller.sys.is_initialized()
    requests.post(f"{proxy.url}/v1/auth/approle/login", headers={"X-Vault-Token": proxy.token}, timeout=60)
    caller.secrets.kv.v2.create_or_update_secret("app", {"n": 1})
    caller.secrets.kv.v2.list_secrets("")
    caller.read("sys/audit")
    caller.token = "nobody"
    with pytest.raises(hvac.exceptions.Forbidden):
        caller.read("secret/data/other")
    proxy.faults.add("secret/data/lost", answer=503)
    caller.token = proxy.token
    with pytest.raises(hvac.exceptions.VaultDown):
        caller.read("secret/data/lost")
    needed = proxy.privileges()
    assert needed.unused == []
    assert {path: sorted(names) for path, names in needed.needed.items()} == {
        "secret/data/app": ["create", "update"],
        "secret/metadata/": ["list"],
        "sys/audit": ["read", "sudo"],
    }


def test_the_linter(proxy: MockKMS, real: MockKMS, caller: hvac.Client) -> None:
    made = caller.auth.token.create(policies=["default"], ttl="1h")["auth"]["client_token"]
    user = hvac.Client(url=proxy.url, token=made)
    user.lookup_token()
    with pytest.raises(hvac.exceptions.Forbidden):
        user.read("secret/data/a")
    assert proxy.lint() == [], "it was not allowed to, which is no expired token"
    user.auth.token.renew_self()
    user.auth.token.renew_self()
    real.clock.advance(3601)
    with pytest.raises(hvac.exceptions.Forbidden):
        user.lookup_token()
    requests.get(f"{proxy.url}/v1/secret/data/{made}", headers={"X-Vault-Token": proxy.token}, timeout=60)
    assert [found.rule for found in proxy.lint()] == [
        "renewal-without-back-off", "expired-token-used", "token-in-url",
    ]  # fmt: skip


def test_secrets_of_a_real_server_are_kept_out_of_the_journal_on_demand(proxy: MockKMS, caller: hvac.Client) -> None:
    caller.sys.enable_secrets_engine("kv", path="old", options={"version": "1"})
    caller.sys.enable_secrets_engine("transit")
    caller.secrets.transit.create_key("orders")
    proxy.journal.redact = True
    caller.secrets.kv.v2.create_or_update_secret("app", {"n": "s3cr3t"})
    caller.secrets.kv.v2.read_secret_version("app", raise_on_deleted_version=True)
    caller.secrets.kv.v1.create_or_update_secret("app", {"n": "s3cr3t"}, method="POST", mount_point="old")
    caller.secrets.kv.v1.read_secret("app", mount_point="old")
    caller.secrets.transit.encrypt_data("orders", "czNjcjN0")
    caller.auth.token.create(ttl="1h")
    proxy.faults.add("secret/*", drip=10000)
    caller.secrets.kv.v2.read_secret_version("app", raise_on_deleted_version=True)
    shown = [entry.body + entry.answer for entry in proxy.journal][3:]
    assert len(shown) == 7
    for text in shown:
        assert b"(redacted)" in text
        assert not any(secret in text for secret in (b"s3cr3t", b"czNjcjN0", b"hvs."))
    assert b'"ciphertext":"vault:v1:' in shown[4]
