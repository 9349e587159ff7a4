"""Requests that bring their login along in headers."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import requests

from mockkms import MockKMS

WORLD: dict[str, Any] = {
    "flavor": "openbao",
    "clock": "2026-01-01T00:00:00Z",
    "vault": {
        "policies": {"app": 'path "secret/*" { capabilities = ["read"] } path "pki/*" { capabilities = ["update"] }'},
        "auth": {
            "userpass/": {
                "type": "userpass",
                "users": {
                    "anna": {"password": "pw", "token_policies": ["app"]},
                    "bob": {"password": "pw", "token_policies": ["app"], "token_type": "batch"},
                },
            }
        },
        "mounts": {"secret/": {"type": "kv", "version": 1, "secrets": {"a": {"k": "v"}}}},
    },
}


pytestmark = pytest.mark.server(seed=WORLD)


def parameter(**content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def ask(kms: MockKMS, path: str = "secret/a", user: str = "anna", **more: str) -> requests.Response:
    headers = {
        "X-Vault-Inline-Auth-Path": f"auth/userpass/login/{user}",
        "X-Vault-Inline-Auth-Parameter-1": parameter(key="password", value="pw"),
    }
    changed = {f"X-Vault-{word.replace('_', '-')}": value for word, value in more.items()}
    return requests.get(f"{kms.url}/v1/{path}", headers=headers | changed, timeout=60)


@pytest.mark.parametrize("user", ["anna", "bob"])
def test_a_request_logs_in_for_itself(kms: MockKMS, user: str) -> None:
    before = set(kms.world.core.state.tokens.by_id)
    answer = ask(kms, user=user)
    assert (answer.status_code, answer.json()["data"]) == (200, {"k": "v"})
    assert set(kms.world.core.state.tokens.by_id) == before
    assert ask(kms, "sys/mounts", user=user).status_code == 403
    assert set(kms.world.core.state.tokens.by_id) == before


def test_the_journal_keeps_no_login(kms: MockKMS) -> None:
    ask(kms, MFA="phone:123456")
    entry = [e for e in kms.journal.entries() if e.path == "secret/a"][-1]
    shown = {name.lower(): value for name, value in entry.data()["headers"].items()}
    assert shown["x-vault-inline-auth-parameter-1"] == shown["x-vault-mfa"] == "(redacted)"
    assert shown["x-vault-inline-auth-path"] == "auth/userpass/login/anna"


def test_the_token_cannot_be_looked_up(kms: MockKMS) -> None:
    """OpenBao does not store the token (recorded)."""
    refused = ask(kms, "auth/token/lookup-self")
    assert (refused.status_code, refused.json()) == (403, {"errors": ["bad token"]})
    assert kms.journal.entries()[-1].denied is False


def test_an_error_without_answer_is_not_marked(kms: MockKMS) -> None:
    refused = ask(kms, Inline_Auth_Path="sys/health")
    assert refused.json()["errors"] == ["failed to perform inline authentication: unsupported operation"]
    assert "X-Vault-Inline-Auth-Failed" not in refused.headers


def test_parameters_are_encoded_for_urls(kms: MockKMS) -> None:
    for value in ("eyJrZXkiOiAiPz8/In0+", parameter(key="password", value="pw") + "=="):
        refused = ask(kms, Inline_Auth_Parameter_1=value)
        assert refused.json()["errors"] == [
            "failed to perform inline authentication: failed raw url-safe base64 decoding header value"
        ]


def test_a_refused_login_is_marked(kms: MockKMS) -> None:
    refused = ask(kms, Inline_Auth_Parameter_1=parameter(key="password", value="wrong"))
    assert (refused.status_code, refused.json()) == (400, {"errors": ["invalid username or password"]})
    assert refused.headers["X-Vault-Inline-Auth-Failed"] == "true"
    other = ask(kms, Inline_Auth_Path="sys/seal-status", Inline_Auth_Operation="read")
    assert other.json()["sealed"] is False
    assert other.headers["X-Vault-Inline-Auth-Failed"] == "true"


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"Token": "root"}, "cannot layer inline authentication with token authentication"),
        ({"Inline_Auth_Operation": "delete"}, "expected a valid login operation in X-Vault-Inline-Auth-Operation"),
        ({"Inline_Auth_Parameter_1": "!"}, "failed raw url-safe base64 decoding header value"),
        ({"Inline_Auth_Parameter_1": "e30"}, "decoded header lacked `key` field"),
        ({"Inline_Auth_Parameter_1": parameter(key="a")}, "decoded header lacked `value` field"),
        ({"Inline_Auth_Parameter_1": parameter(key=1, value=1)}, "decoded header had incorrect type for `key` field"),
        (
            {"Inline_Auth_Parameter_1": parameter(key="a", value=1, more=1)},
            "unexpected field in decoded request parameter",
        ),
        ({"Inline_Auth_Parameter_1": "WzFd"}, "failed json decoding header value"),
    ],
)  # fmt: skip
def test_headers_that_are_not_a_login(kms: MockKMS, changed: dict[str, str], text: str) -> None:
    refused = ask(kms, **changed)
    assert refused.status_code == 500
    assert refused.json() == {"errors": [f"failed to perform inline authentication: {text}"]}


def test_leases_would_outlive_the_token(kms: MockKMS) -> None:
    root = {"X-Vault-Token": "root"}

    def write(path: str, body: dict[str, Any]) -> None:
        assert requests.post(f"{kms.url}/v1/{path}", json=body, headers=root, timeout=60).status_code < 300

    write("sys/mounts/pki", {"type": "pki"})
    write("pki/root/generate/internal", {"common_name": "a", "key_type": "ec"})
    write("pki/roles/r", {"allow_any_name": True, "key_type": "ec", "generate_lease": True})
    headers = {
        "X-Vault-Inline-Auth-Path": "auth/userpass/login/anna",
        "X-Vault-Inline-Auth-Parameter-1": parameter(key="password", value="pw"),
    }
    refused = requests.post(f"{kms.url}/v1/pki/issue/r", json={"common_name": "b"}, headers=headers, timeout=60)
    assert (refused.status_code, refused.json()) == (
        500,
        {"errors": ["requests with inline authentication cannot generate leases"]},
    )


def test_a_second_proof_comes_in_the_header_or_not_at_all(kms: MockKMS) -> None:
    root = {"X-Vault-Token": "root"}
    url = f"{kms.url}/v1/identity/mfa"
    method = requests.post(f"{url}/method/totp", json={"issuer": "a"}, headers=root, timeout=60).json()["data"][
        "method_id"
    ]
    body = {"mfa_method_ids": [method], "auth_method_types": ["userpass"]}
    requests.post(f"{url}/login-enforcement/x", json=body, headers=root, timeout=60).raise_for_status()
    refused = ask(kms)
    assert refused.status_code == 500
    assert "use the X-Vault-MFA header" in refused.json()["errors"][0]
    assert ask(kms, MFA=f"{method}:123456").status_code == 403


def test_the_other_product_knows_no_such_headers() -> None:
    with MockKMS(seed={**WORLD, "flavor": "vault"}) as kms:
        assert ask(kms).status_code == 403
