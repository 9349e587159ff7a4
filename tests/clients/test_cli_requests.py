"""The requests of Vault's command line, command by command: what it sends, and what it needs of the answers."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from mockkms import MockKMS

NO_LIMITS = {"default_lease_ttl": "0s", "max_lease_ttl": "0s", "force_no_cache": False, "options": None}


class Cli:
    """Sends as the command line does: its header on every request, PUT for writes, lists by GET."""

    def __init__(self, url: str, token: str = "", namespace: str = "") -> None:
        self._url = url
        self._headers = {"X-Vault-Request": "true"}
        if token:
            self._headers["X-Vault-Token"] = token
        if namespace:
            self._headers["X-Vault-Namespace"] = namespace

    def ask(self, method: str, path: str, body: Any = None, *, status: int = 200, **query: str) -> Any:
        """The decoded answer, which must have this status."""
        url = f"{self._url}/v1/{path}"
        answer = requests.request(method, url, json=body, params=query, headers=self._headers, timeout=60)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def list(self, path: str) -> Any:
        """``vault list``."""
        return self.ask("GET", path, list="true")["data"]["keys"]


@pytest.fixture
def cli(kms: MockKMS) -> Cli:
    """With the root token."""
    return Cli(kms.url, kms.token)


def test_kv_put_and_get(kms: MockKMS, cli: Cli) -> None:
    cli.ask("PUT", "sys/policies/acl/app", {"policy": 'path "secret/data/app" { capabilities = ["read", "update"] }'},
            status=204)  # fmt: skip
    made = cli.ask("POST", "auth/token/create", {"policies": ["app"], "renewable": True, "type": "service"})
    app = Cli(kms.url, made["auth"]["client_token"])
    mount = app.ask("GET", "sys/internal/ui/mounts/secret/app")["data"]
    assert (mount["path"], mount["options"]["version"], mount["type"]) == ("secret/", "2", "kv")
    cli.ask("PUT", "secret/data/app", {"data": {"a": "1"}, "options": {"cas": 0}})
    written = app.ask("PUT", "secret/data/app", {"data": {"a": "2"}, "options": {}})["data"]
    assert written["version"] == 2
    assert app.ask("GET", "secret/data/app", version="1")["data"]["data"] == {"a": "1"}
    metadata = cli.ask("GET", "secret/metadata/app")["data"]
    assert set(metadata["versions"]) == {"1", "2"}
    refused = app.ask("GET", "sys/internal/ui/mounts/kv/app", status=403)
    assert "preflight capability check returned 403" in refused["errors"][0]


def test_kv_of_the_first_version(cli: Cli) -> None:
    body = {"type": "kv", "description": "", "config": NO_LIMITS, "local": False, "seal_wrap": False,
            "external_entropy_access": False, "options": {"version": "1"}}  # fmt: skip
    cli.ask("POST", "sys/mounts/old", body, status=204)
    assert cli.ask("GET", "sys/internal/ui/mounts/old/a/b")["data"]["options"] == {"version": "1"}
    cli.ask("PUT", "old/a/b", {"x": "y"}, status=204)
    assert cli.list("old/a") == ["b"]
    cli.ask("POST", "sys/mounts/old/tune", {"default_lease_ttl": "", "max_lease_ttl": "", "force_no_cache": False,
            "options": {"version": "2"}})  # fmt: skip
    assert cli.ask("GET", "sys/mounts")["data"]["old/"]["options"] == {"version": "2"}


def test_secrets_and_auth_enable(kms: MockKMS, cli: Cli) -> None:
    body = {"type": "transit", "description": "keys", "config": NO_LIMITS, "local": False, "seal_wrap": False,
            "external_entropy_access": False, "options": None}  # fmt: skip
    cli.ask("POST", "sys/mounts/transit", body, status=204)
    assert cli.ask("GET", "sys/mounts")["data"]["transit/"]["description"] == "keys"
    cli.ask("PUT", "transit/keys/a", {}, status=200)
    cli.ask("PUT", "transit/keys/a/rotate", {}, status=200)
    moved = cli.ask("POST", "sys/remount", {"from": "transit", "to": "moved"})["data"]["migration_id"]
    assert cli.ask("GET", f"sys/remount/status/{moved}")["data"]["migration_info"]["source_mount"] == "transit/"
    cli.ask("POST", "sys/auth/userpass", {**body, "type": "userpass"}, status=204)
    assert cli.ask("GET", "sys/auth")["data"]["userpass/"]["type"] == "userpass"
    cli.ask("PUT", "auth/userpass/users/ann", {"password": "pass", "policies": "default"}, status=204)
    login = Cli(kms.url).ask("PUT", "auth/userpass/login/ann", {"password": "pass"})["auth"]
    own = Cli(kms.url, login["client_token"]).ask("GET", "auth/token/lookup-self")["data"]
    assert own["display_name"] == "userpass-ann"


def test_policies_tokens_and_leases(kms: MockKMS, cli: Cli) -> None:
    cli.ask("PUT", "sys/policies/acl/app", {"policy": 'path "a" { capabilities = ["read"] }'}, status=204)
    assert cli.ask("GET", "sys/policies/acl/app")["data"]["policy"].startswith('path "a"')
    assert cli.ask("GET", "sys/policies/acl", list="true")["data"]["keys"] == [
        "app",
        "default",
        "default-ceiling",
        "root",
    ]
    before = cli.list("sys/leases/lookup/auth/token/create")
    made = cli.ask("POST", "auth/token/create", {"policies": ["app"], "ttl": "1h", "display_name": "x"})["auth"]
    shown = cli.ask("POST", "auth/token/lookup", {"token": made["client_token"]})["data"]
    assert shown["creation_ttl"] == 3600
    assert cli.ask("POST", "sys/capabilities", {"token": made["client_token"], "path": "a"})["data"]["a"] == ["read"]
    renewed = cli.ask("PUT", "auth/token/renew", {"token": made["client_token"], "increment": 600})["auth"]
    assert renewed["lease_duration"] == 600
    [lease] = set(cli.list("sys/leases/lookup/auth/token/create")) - set(before)
    looked = cli.ask("PUT", "sys/leases/lookup", {"lease_id": f"auth/token/create/{lease}"})["data"]
    assert looked["ttl"] <= 600
    cli.ask("PUT", "sys/leases/revoke", {"lease_id": f"auth/token/create/{lease}", "sync": False}, status=202)
    gone = cli.ask("POST", "auth/token/lookup", {"token": made["client_token"]}, status=403)
    assert gone["errors"] == ["bad token"]


def test_wrapping_and_help(kms: MockKMS, cli: Cli) -> None:
    wrapped = requests.put(
        f"{kms.url}/v1/sys/wrapping/wrap", json={"a": "b"}, timeout=60,
        headers={"X-Vault-Token": kms.token, "X-Vault-Wrap-TTL": "60s", "X-Vault-Request": "true"},
    ).json()["wrap_info"]  # fmt: skip
    # The command line unwraps with the wrapping token as its own and nothing in the body.
    assert Cli(kms.url, wrapped["token"]).ask("PUT", "sys/wrapping/unwrap")["data"] == {"a": "b"}
    for path in ("sys/mounts", "secret", "auth/token/create", "secret/data/a"):
        assert cli.ask("GET", path, help="1")["help"]


@pytest.fixture
def fresh() -> Iterator[MockKMS]:
    """A server that waits for its initialization."""
    with MockKMS(state="uninitialized") as made:
        yield made


def test_operator_commands(fresh: MockKMS) -> None:
    cli = Cli(fresh.url)
    assert cli.ask("GET", "sys/seal-status")["initialized"] is False
    asked = {"secret_shares": 5, "secret_threshold": 3, "stored_shares": 0, "pgp_keys": None, "recovery_shares": 0,
             "recovery_threshold": 0, "recovery_pgp_keys": None, "root_token_pgp_key": ""}  # fmt: skip
    made = cli.ask("PUT", "sys/init", asked)
    assert (len(made["keys"]), len(made["keys_base64"])) == (5, 5)
    for number, key in enumerate(made["keys_base64"][:3], 1):
        status = cli.ask("PUT", "sys/unseal", {"key": key, "reset": False, "migrate": False})
        assert (status["sealed"], status["progress"]) == (number < 3, number % 3)
    root = Cli(fresh.url, made["root_token"])
    term = root.ask("GET", "sys/key-status")["data"]
    assert term["term"] == 1
    begun = root.ask("PUT", "sys/generate-root/attempt", {"otp": "", "pgp_key": ""})
    for key in made["keys"][:3]:
        state = root.ask("PUT", "sys/generate-root/update", {"key": key, "nonce": begun["nonce"]})
    sealed = base64.b64decode(state["encoded_token"] + "==")
    token = bytes(a ^ b for a, b in zip(sealed, begun["otp"].encode(), strict=True)).decode()
    rekey = {"secret_shares": 1, "secret_threshold": 1, "stored_shares": 0, "pgp_keys": None, "backup": False,
             "require_verification": False}  # fmt: skip
    nonce = root.ask("PUT", "sys/rekey/init", rekey)["nonce"]
    for key in made["keys_base64"][2:]:
        state = root.ask("PUT", "sys/rekey/update", {"key": key, "nonce": nonce})
    assert (state["complete"], len(state["keys_base64"])) == (True, 1)
    new = Cli(fresh.url, token)
    new.ask("PUT", "sys/rotate", status=204)
    new.ask("PUT", "sys/seal", status=204)
    assert cli.ask("PUT", "sys/unseal", {"key": state["keys_base64"][0]})["sealed"] is False
    assert new.ask("GET", "sys/key-status")["data"]["term"] == 2
    members = new.ask("GET", "sys/ha-status")["nodes"]
    assert [member["active_node"] for member in members] == [True]


def test_audit_and_plugins(cli: Cli) -> None:
    audit = {"type": "file", "description": "", "options": {"file_path": "discard"}, "local": False}
    cli.ask("PUT", "sys/audit/file", audit, status=204)
    assert cli.ask("GET", "sys/audit")["data"]["file/"]["options"] == {"file_path": "discard"}
    cli.ask("DELETE", "sys/audit/file", status=204)
    detailed = cli.ask("GET", "sys/plugins/catalog")["data"]["detailed"]
    assert {"name", "type", "version", "builtin"} <= set(detailed[0])
    assert cli.list("sys/version-history")


def test_namespaces_of_openbao() -> None:
    with MockKMS(root_token="root", flavor="openbao") as kms:
        cli = Cli(kms.url, kms.token)
        made = cli.ask("PUT", "sys/namespaces/team", {"custom_metadata": {"a": "b"}})["data"]
        assert made["path"] == "team/"
        inner = Cli(kms.url, kms.token, "team")
        inner.ask("POST", "sys/mounts/kv", {"type": "kv", "config": NO_LIMITS}, status=204)
        assert inner.ask("GET", "sys/internal/ui/mounts/kv/a")["data"]["path"] == "kv/"
        assert cli.list("sys/namespaces") == ["team/"]
        assert cli.ask("GET", "sys/namespaces/team")["data"]["id"] == made["id"]
