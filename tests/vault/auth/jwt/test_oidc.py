"""OIDC logins with real providers: another server, and the server itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import hvac
import pytest
import requests
from hvac.exceptions import InvalidRequest

from mockkms import MockKMS

_BACK = "https://app.example.org/callback"


def client_of(server: MockKMS, token: str = "") -> hvac.Client:
    return hvac.Client(server.url, token=token or server.token)


@pytest.fixture(scope="module")
def provider() -> Iterator[MockKMS]:
    """A server with a person, a client, and itself as OIDC provider."""
    with MockKMS(flavor="openbao") as server:
        client = client_of(server)
        client.sys.enable_auth_method("userpass")
        client.write_data("auth/userpass/users/ann", data={"password": "x", "token_policies": ["oidc"]})
        rule = 'path "identity/oidc/provider/*" { capabilities = ["read", "update"] }'
        client.sys.create_or_update_policy("oidc", rule)
        client.write_data("identity/oidc/client/app", data={"redirect_uris": [_BACK], "assignments": ["allow_all"]})
        scope = '{"groups": ["dev", "ops"], "nick": {{identity.entity.name}}}'
        client.write_data("identity/oidc/scope/team", data={"template": scope})
        settings = {"allowed_client_ids": ["*"], "scopes_supported": ["team"], "issuer": server.url}
        client.write_data("identity/oidc/provider/acme", data=settings)
        yield server


@pytest.fixture
def relying(provider: MockKMS, kms: MockKMS) -> MockKMS:
    """A server whose users log in at the provider."""
    client = client_of(kms)
    client.sys.enable_auth_method("oidc")
    known = client_of(provider).read("identity/oidc/client/app")["data"]
    settings = {
        "oidc_discovery_url": f"{provider.url}/v1/identity/oidc/provider/acme",
        "oidc_client_id": known["client_id"],
        "oidc_client_secret": known["client_secret"],
        "default_role": "r",
    }
    client.write_data("auth/oidc/config", data=settings)
    add_role(kms)
    return kms


def add_role(server: MockKMS, **settings: Any) -> None:
    usual = {
        "user_claim": "sub", "allowed_redirect_uris": [_BACK], "oidc_scopes": ["team"], "token_policies": ["p"],
        "claim_mappings": {"nick": "nick"}, "groups_claim": "groups",
    }  # fmt: skip
    client_of(server).write_data("auth/oidc/role/r", data=usual | settings)


def address(server: MockKMS, **asked: Any) -> dict[str, Any]:
    body = {"redirect_uri": _BACK, **asked}
    found: dict[str, Any] = hvac.Client(server.url).write_data("auth/oidc/oidc/auth_url", data=body)["data"]
    return found


def signed_in(provider: MockKMS, auth_url: str) -> dict[str, str]:
    """What the browser comes back with after a login at the provider."""
    browser = hvac.Client(provider.url)
    token = browser.auth.userpass.login("ann", "x")["auth"]["client_token"]
    path = urlsplit(auth_url)
    url = f"{provider.url}/v1/identity/oidc/provider/acme/authorize?{path.query}"
    answer = requests.get(url, headers={"X-Vault-Token": token}, timeout=60).json()
    return {"code": answer["code"], "state": answer["state"]}


def finish_login(server: MockKMS, query: dict[str, str]) -> requests.Response:
    return requests.get(f"{server.url}/v1/auth/oidc/oidc/callback", params=query, timeout=60)


def test_a_browser_goes_to_the_provider_and_comes_back(relying: MockKMS, provider: MockKMS) -> None:
    url = address(relying, client_nonce="n")["auth_url"]
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert (asked["scope"], asked["response_type"], asked["redirect_uri"]) == ("openid team", "code", _BACK)
    back = signed_in(provider, url)
    auth = finish_login(relying, {**back, "client_nonce": "n"}).json()["auth"]
    assert auth["policies"] == ["default", "p"]
    assert auth["metadata"]["role"] == "r"
    assert auth["metadata"]["nick"].startswith("entity_")
    again = finish_login(relying, {**back, "client_nonce": "n"})
    assert again.json()["errors"] == ["Vault login failed. Expired or missing OAuth state."]


def test_a_client_must_show_its_nonce_again(relying: MockKMS, provider: MockKMS) -> None:
    back = signed_in(provider, address(relying, client_nonce="n")["auth_url"])
    assert finish_login(relying, {**back, "client_nonce": "m"}).json()["errors"] == ["invalid client_nonce"]


def test_a_code_is_accepted_once(relying: MockKMS, provider: MockKMS) -> None:
    state = parse_qs(urlsplit(address(relying)["auth_url"]).query)["state"][0]
    wrong = finish_login(relying, {"code": "wrong", "state": state})
    assert wrong.status_code == 400
    assert wrong.json()["errors"][0].startswith('Vault login failed. Error exchanging oidc code: "')


@pytest.mark.flavors("vault", "openbao")
def test_a_provider_may_refuse(relying: MockKMS) -> None:
    """Vault's callback has no parameter ``error`` (path_oidc.go of vault-plugin-auth-jwt)."""
    state = parse_qs(urlsplit(address(relying)["auth_url"]).query)["state"][0]
    refused = finish_login(relying, {"state": state, "error": "access_denied"})
    words = {
        "vault": "Vault login failed. No code or id_token received.",
        "openbao": "OpenBao login failed. access_denied",
    }
    assert refused.json()["errors"] == [words[relying.flavor]]


@pytest.mark.flavors("vault", "openbao")
def test_refusals_of_claims(relying: MockKMS, provider: MockKMS) -> None:
    """Vault has neither a prefix nor, for a wrong subject, a response of its own (pathCallback in path_oidc.go)."""
    prefix = "OpenBao login failed. " * (relying.flavor == "openbao")
    add_role(relying, bound_claims={"nick": "nobody"})
    wrong = finish_login(relying, signed_in(provider, address(relying)["auth_url"]))
    text = 'error validating claims: claim "nick" does not match any associated bound claim values'
    assert (wrong.status_code, wrong.json()["errors"]) == (400, [prefix + text])
    add_role(relying, bound_subject="nobody")
    wrong = finish_login(relying, signed_in(provider, address(relying)["auth_url"]))
    status = 400 if prefix else 500
    assert (wrong.status_code, wrong.json()["errors"]) == (status, [prefix + "sub claim does not match bound subject"])


@pytest.mark.flavors("vault", "openbao")
def test_the_address_or_the_role_is_missed_first(relying: MockKMS) -> None:
    """Vault looks at the address before the role (authURL in path_oidc.go); OpenBao has modes without an address."""
    wanted = "missing redirect_uri" if relying.flavor == "vault" else 'role "nope" could not be found'
    with pytest.raises(InvalidRequest, match=wanted):
        hvac.Client(relying.url).write_data("auth/oidc/oidc/auth_url", data={"role": "nope"})


@pytest.mark.flavors("vault", "openbao")
def test_how_redirect_addresses_are_compared(relying: MockKMS) -> None:
    """Vault ignores case, and takes every loopback address as one (validRedirect, isLocalAddr in path_oidc.go)."""
    folded = relying.flavor == "vault"
    for asked, allowed in ((_BACK.upper(), _BACK), ("http://127.0.0.2:9/cb", "http://127.0.0.2/cb")):
        add_role(relying, allowed_redirect_uris=[allowed])
        assert bool(address(relying, redirect_uri=asked)["auth_url"]) is folded


def test_a_login_under_way_ends_by_the_clock(relying: MockKMS, provider: MockKMS) -> None:
    back = signed_in(provider, address(relying)["auth_url"])
    relying.clock.advance(601)
    assert finish_login(relying, back).json()["errors"] == ["Vault login failed. Expired or missing OAuth state."]


@pytest.mark.flavors("openbao")
def test_another_device_asks_until_the_login_is_done(relying: MockKMS, provider: MockKMS) -> None:
    add_role(relying, callback_mode="direct")
    with pytest.raises(InvalidRequest, match="missing client_nonce"):
        address(relying)
    begun = address(relying, client_nonce="n")
    assert begun["poll_interval"] == "5"
    waiting = hvac.Client(relying.url)
    with pytest.raises(InvalidRequest, match="authorization_pending"):
        waiting.write_data("auth/oidc/oidc/poll", data={"state": begun["state"], "client_nonce": "n"})
    back = signed_in(provider, begun["auth_url"])
    asked = finish_login(relying, back)
    assert "wants to log in as r" in asked.text
    done = finish_login(relying, {**back, "confirmation": "1"})
    assert (done.status_code, done.headers["Content-Type"]) == (200, "text/html")
    auth = waiting.write_data("auth/oidc/oidc/poll", data={"state": begun["state"], "client_nonce": "n"})["auth"]
    assert client_of(relying, auth["client_token"]).is_authenticated()


@pytest.mark.parametrize(
    ("asked", "allowed", "goes"),
    [
        ("http://127.0.0.1:9/cb", "http://127.0.0.1/cb", True),
        ("http://127.0.0.1:9/cb", "http://localhost/cb", False),
        ("https://app.example.org:1/callback", _BACK, False),
    ],
)
def test_where_a_browser_may_come_back_to(relying: MockKMS, asked: str, allowed: str, goes: bool) -> None:
    add_role(relying, allowed_redirect_uris=[allowed])
    assert bool(address(relying, redirect_uri=asked)["auth_url"]) is goes


def test_a_server_takes_its_own_identity_tokens() -> None:
    with MockKMS() as server:
        client = client_of(server)
        client.sys.enable_auth_method("jwt")
        client.write_data("identity/oidc/config", data={"issuer": server.url})
        config = {"oidc_discovery_url": f"{server.url}/v1/identity/oidc"}
        client.write_data("auth/jwt/config", data=config)
        client.sys.enable_auth_method("userpass")
        client.sys.create_or_update_policy("t", 'path "identity/oidc/token/*" { capabilities = ["read"] }')
        client.write_data("auth/userpass/users/ann", data={"password": "x", "token_policies": ["t"]})
        client.write_data("identity/oidc/key/k", data={"allowed_client_ids": ["*"]})
        client.write_data("identity/oidc/role/web", data={"key": "k", "client_id": "web"})
        client.write_data("auth/jwt/role/r", data={"role_type": "jwt", "user_claim": "sub", "bound_audiences": ["web"]})
        ann = hvac.Client(server.url)
        ann.auth.userpass.login("ann", "x")
        token = ann.read("identity/oidc/token/web")["data"]["token"]
        assert hvac.Client(server.url).auth.jwt.jwt_login("r", token)["auth"]["metadata"] == {"role": "r"}


@pytest.mark.parametrize("name", ["oidc_discovery_url", "jwks_url"])
def test_other_machines_are_not_contacted(name: str) -> None:
    with MockKMS() as server:
        client = client_of(server)
        client.sys.enable_auth_method("jwt")
        with pytest.raises(InvalidRequest, match=r"error checking (oidc discovery|jwks) URL"):
            client.write_data("auth/jwt/config", data={name: "https://accounts.example.org"})
        assert "no such host" in server.journal.entries()[-1].hint
