"""What the entries of the audit log say, by the page "Audit log entry schema" of Vault's documentation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from multidict import CIMultiDict

from mockkms.vault.audit.device import devices, enable, hashed
from tests.vault.driving import World

_REQUEST = ("auth", "request", "time", "type")
_POLICY = 'path "secret/*" { capabilities = ["read", "update"] }'


class _Log:
    """A world with an audit device, and the entries that are written from now on."""

    def __init__(self, folder: Path, flavor: str = "vault") -> None:
        self.world = World(flavor)
        self._path = folder / "log"
        enable(self.world.core, "log/", "file", options={"file_path": str(self._path)})

    def said(self) -> list[dict[str, Any]]:
        """Return the entries since the last call."""
        lines = self._path.read_text().splitlines()
        self._path.write_text("")
        return [json.loads(line) for line in lines]

    def of(self, method: str, path: str, data: dict[str, Any] | None = None, **more: Any) -> list[dict[str, Any]]:
        """Send a request; return its entries."""
        self.said()
        self.world.ask(method, path, data, **more)
        return self.said()

    def hashed(self, text: str) -> str:
        """Return a text as the log shows it."""
        return hashed(devices(self.world.core)["log/"], text)


@pytest.fixture
def log(tmp_path: Path) -> _Log:
    return _Log(tmp_path)


def _user(world: World, **more: Any) -> str:
    """Return a token of the user ann, whose policy is ``app``."""
    world.write("sys/policies/acl/app", {"policy": _POLICY})
    world.write("sys/auth/userpass", {"type": "userpass"})
    world.write("auth/userpass/users/ann", {"password": "x", "token_policies": "app", **more})
    auth = world.write("auth/userpass/login/ann", {"password": "x"}, token="").auth
    assert auth is not None
    return auth.client_token


def test_a_read_is_logged_as_in_the_documentation(log: _Log) -> None:
    token = _user(log.world)
    asked, answered = log.of("read", "auth/token/lookup-self", token=token)
    assert set(asked) == {*_REQUEST}
    assert set(asked["auth"]) == {
        "accessor", "client_token", "display_name", "entity_id", "metadata", "policies", "policy_results",
        "token_policies", "token_issue_time", "token_ttl", "token_type",
    }  # fmt: skip
    assert asked["auth"]["policy_results"] == {
        "allowed": True, "granting_policies": [{"name": "default", "namespace_id": "root", "type": "acl"}],
    }  # fmt: skip
    mount = {"mount_class": "auth", "mount_point": "auth/token/", "mount_type": "token"}
    version = "v2.1.0+builtin.vault"
    assert {name: value for name, value in asked["request"].items() if name.startswith("mount")} == {
        **mount, "mount_running_version": version,
    }  # fmt: skip
    assert asked["request"]["client_id"] == asked["auth"]["entity_id"]
    # A read is routed after its entry is written, which is when the accessor of the mount is known.
    accessor = answered["request"].pop("mount_accessor")
    assert answered["request"] == asked["request"]
    assert answered["auth"] == asked["auth"]
    assert {name: value for name, value in answered["response"].items() if name != "data"} == {
        **mount, "mount_accessor": accessor, "mount_running_plugin_version": version,
    }  # fmt: skip


def test_a_signed_token_is_logged_with_and_without_its_signature(log: _Log) -> None:
    # The two differ in the documentation's example; ``LogRequest`` puts the inbound token into ``auth`` only.
    token = _user(log.world)
    entry, _answer = log.of("read", "auth/token/lookup-self", token=token)
    assert entry["auth"]["client_token"] == log.hashed(token)
    assert entry["request"]["client_token"] != log.hashed(token)
    entry, _answer = log.of("read", "sys/mounts")
    assert entry["auth"]["client_token"] == entry["request"]["client_token"]


def test_the_client_of_the_root_token_is_known(log: _Log) -> None:
    entry, _answer = log.of("read", "sys/mounts")
    assert entry["request"]["client_id"] == "0DHqvq2D77kL2/JTPSZkTMJbkFVmUu0TzMi0jiXcFy8="
    assert entry["auth"]["policy_results"] == {
        "allowed": True, "granting_policies": [{"name": "root", "namespace_id": "root", "type": "acl"}],
    }  # fmt: skip


def test_policies_of_the_entity_are_told_from_those_of_the_token(log: _Log) -> None:
    token = _user(log.world)
    log.world.write("sys/policies/acl/more", {"policy": 'path "secret/*" { capabilities = ["read"] }'})
    entity = log.world.self_of(token)["entity_id"]
    log.world.write(f"identity/entity/id/{entity}", {"policies": ["more"]})
    entry, _answer = log.of("read", "secret/data/a", token=token)
    auth = entry["auth"]
    assert (auth["token_policies"], auth["identity_policies"]) == (["app", "default"], ["more"])
    assert auth["policies"] == ["app", "default", "more"]
    assert [policy["name"] for policy in auth["policy_results"]["granting_policies"]] == ["app", "more"]


@pytest.mark.parametrize("uses", [3, 1])
def test_remaining_uses_are_those_before_the_request(log: _Log, uses: int) -> None:
    auth = log.world.write("auth/token/create", {"num_uses": uses, "policies": ["default"]}).auth
    assert auth is not None
    for entry in log.of("read", "auth/token/lookup-self", token=auth.client_token):
        assert entry["auth"]["remaining_uses"] == uses


def test_the_answer_of_a_login_shows_its_token(log: _Log) -> None:
    _user(log.world, token_num_uses=5)
    asked, answered = log.of("update", "auth/userpass/login/ann", {"password": "x"}, token="")
    assert asked["auth"] == {"policy_results": {"allowed": True}, "token_type": "default"}
    assert asked["request"]["mount_accessor"] == answered["request"]["mount_accessor"]
    issued = answered["response"]["auth"]
    assert issued.pop("num_uses") == 5
    assert answered["auth"] == issued
    assert set(issued) == {
        "accessor", "client_token", "display_name", "entity_id", "metadata", "policies", "token_policies",
        "token_ttl", "token_type",
    }  # fmt: skip
    assert "client_id" not in answered["request"]


def test_the_first_login_creates_an_entity(log: _Log) -> None:
    _user(log.world)
    said = [entry for entry in log.said() if entry["request"]["path"] == "auth/userpass/login/ann"]
    assert [entry["auth"].get("entity_created") for entry in said] == [None, True]
    said = log.of("update", "auth/userpass/login/ann", {"password": "x"}, token="")
    assert [entry["auth"].get("entity_created") for entry in said] == [None, None]


def test_a_wrapped_login_is_logged_with_its_token(log: _Log) -> None:
    _user(log.world)
    answered = log.of("update", "auth/userpass/login/ann", {"password": "x"}, token="", wrap_ttl=60)[1]
    assert answered["auth"]["display_name"] == "userpass-ann"
    assert "auth" not in answered["response"]
    assert answered["response"]["wrap_info"]["wrapped_accessor"] == answered["auth"]["accessor"]


_KIND = "1 error occurred:\n\t* {}\n\n"


@pytest.mark.parametrize(
    ("method", "path", "kind", "text"),
    [
        # An error response is data, and hidden as such; the error beside it names the kind.
        ("update", "sys/policies/acl/x", "invalid request", "'policy' parameter not supplied or empty"),
        ("read", "nowhere", "unsupported path", 'no handler for route "nowhere". route entry not found.'),
        ("read", "sys/nowhere", "unsupported path", ""),
        ("read", "secret/data/none", "", ""),
    ],
)
def test_errors_are_logged_by_kind(log: _Log, method: str, path: str, kind: str, text: str) -> None:
    asked, answered = log.of(method, path)
    assert "error" not in asked
    assert answered.get("error", "") == (_KIND.format(kind) if kind else "")
    assert answered["response"].get("data", {}).get("error", "") == (log.hashed(text) if text else "")


def test_a_refusal_is_logged_with_its_request(log: _Log) -> None:
    token = _user(log.world)
    asked, answered = log.of("read", "sys/mounts", token=token)
    denied = _KIND.format("permission denied")
    assert asked["auth"]["policy_results"] == answered["auth"]["policy_results"] == {"allowed": False}
    assert asked["error"] == answered["error"] == denied
    assert answered["response"]["data"] == {"error": log.hashed(denied)}
    assert "mount_accessor" not in answered["request"]
    asked, answered = log.of("read", "sys/mounts", token="unknown")
    assert asked["auth"] == answered["auth"] == {"token_type": "default"}


@pytest.mark.parametrize(
    ("method", "path"),
    [("update", "secret/data/"), ("read", "secret/../sys/mounts"), ("update", "sys/wrapping/unwrap")],
)
def test_what_is_refused_before_the_token_is_checked_is_not_logged(log: _Log, method: str, path: str) -> None:
    assert log.of(method, path, {"token": "none"} if "unwrap" in path else None) == []


@pytest.mark.parametrize("logged", [True, False])
def test_rate_limits_are_logged_if_that_is_set(log: _Log, logged: bool) -> None:
    # The documentation of sys/quotas/config: enable_rate_limit_audit_logging.
    log.world.write("sys/quotas/config", {"enable_rate_limit_audit_logging": logged})
    log.world.write("sys/quotas/rate-limit/slow", {"rate": 1, "path": "secret"})
    log.world.ask("read", "secret/data/a")
    said = log.of("read", "secret/data/a")
    assert [(entry["type"], entry["error"]) for entry in said] == (
        [("request", 'request path "secret/data/a": rate limit quota exceeded')] if logged else []
    )


def test_of_sealing_only_the_request_is_logged(log: _Log) -> None:
    # ``sealInitCommon`` in vault/core.go logs the request before it is decided, and nothing afterwards.
    token = _user(log.world)
    for sender, name in ((token, "userpass-ann"), ("root", "token")):
        [entry] = log.of("update", "sys/seal", token=sender)
        assert (entry["type"], entry["auth"]["display_name"], "error" in entry) == ("request", name, False)
        assert "policy_results" not in entry["auth"]


def test_policies_of_namespaces_are_named_with_them(tmp_path: Path) -> None:
    log = _Log(tmp_path, "openbao")
    log.world.write("sys/namespaces/team")
    log.world.write(
        "sys/policies/acl/app", {"policy": 'path "sys/mounts" { capabilities = ["read"] }'}, namespace="team"
    )
    made = log.world.write("auth/token/create", {"policies": ["app"]}, namespace="team").auth
    assert made is not None
    entry, _answer = log.of("read", "sys/mounts", token=made.client_token, namespace="team")
    namespace = entry["request"]["namespace"]
    assert namespace["path"] == "team/"
    assert entry["auth"]["policy_results"]["granting_policies"] == [
        {"name": "app", "namespace_id": namespace["id"], "namespace_path": "team/", "type": "acl"}
    ]
    assert entry["request"]["mount_running_version"].endswith("+builtin.bao")


@pytest.mark.parametrize(("flavor", "host"), [("vault", {}), ("vault-1.21", {}), ("openbao", {"host": ["a:1"]})])
def test_only_openbao_logs_the_host(tmp_path: Path, flavor: str, host: dict[str, list[str]]) -> None:
    """Go's net/http takes Host out of the headers; OpenBao's http/logical.go puts it back since 2.6, Vault's never."""
    log = _Log(tmp_path, flavor)
    for name in ("host", "x-other"):
        log.world.write(f"sys/config/auditing/request-headers/{name}", {"hmac": False})
    asked, _ = log.of("read", "sys/mounts", headers={"host": "a:1", "x-other": "b"})
    assert asked["request"]["headers"] == {**host, "x-other": ["b"]}


def test_all_values_of_a_header_are_logged(log: _Log) -> None:
    for name in ("x-plain", "x-secret"):
        log.world.write(f"sys/config/auditing/request-headers/{name}", {"hmac": name == "x-secret"})
    sent = CIMultiDict([("X-Plain", "b"), ("X-Secret", "a"), ("x-plain", ""), ("x-plain", "a")])
    asked, _ = log.of("read", "sys/mounts", headers=sent)
    assert asked["request"]["headers"] == {"x-plain": ["b", "", "a"], "x-secret": [log.hashed("a")]}
