"""Okta logins: the people whom a world's Okta knows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from typing import Any

import hvac
import pytest
from hvac.exceptions import Forbidden, InternalServerError, InvalidPath, InvalidRequest

from mockkms import MockKMS
from tests.vault.auth.outsiders import anybody, client_of, self_of, serving
from tests.waiting import eventually

OKTA: dict[str, Any] = {
    "type": "okta",
    "config": {"org_name": "acme", "api_token": "t", "token_ttl": "1h"},
    "users": {"anna": {"policies": ["own"], "groups": ["local"]}},
    "groups": {"Dev": {"policies": ["code"]}, "local": {"policies": ["here"]}},
    "directory": {
        "anna": {"password": "secret", "groups": ["DEV", "unmapped"]},
        "ben": {"password": "x"},
        "warned": {"password": "x", "groups": ["dev"], "status": "PASSWORD_WARN"},
        "locked": {"password": "x", "status": "LOCKED_OUT"},
        "expired": {"password": "x", "status": "PASSWORD_EXPIRED"},
        "new": {"password": "x", "status": "MFA_ENROLL"},
        "strict": {"password": "x", "status": "MFA_REQUIRED", "totp": "123456"},
        "none": {"password": "x", "status": "MFA_REQUIRED"},
        "both": {"password": "x", "status": "MFA_REQUIRED", "totp": "123456", "google_totp": "654321"},
        "google": {"password": "x", "status": "MFA_REQUIRED", "google_totp": "654321", "push": "approve"},
        "push": {"password": "x", "status": "MFA_REQUIRED", "push": "approve"},
        "denies": {"password": "x", "status": "MFA_REQUIRED", "push": "deny"},
        "sleeps": {"password": "x", "status": "MFA_REQUIRED", "push": "ignore"},
        "taps": {"password": "x", "status": "MFA_REQUIRED", "push": "approve", "number": 42},
    },
}


pytestmark = pytest.mark.server(seed={"vault": {"auth": {"okta/": OKTA}}})


def login(server: MockKMS, name: str, password: str = "x", **more: str) -> dict[str, Any]:
    answer: dict[str, Any] = anybody(server).write(f"auth/okta/login/{name}", password=password, **more)
    return answer


def test_policies_come_from_groups_of_both_sides_and_from_the_user(kms: MockKMS) -> None:
    auth = login(kms, "anna", "secret")["auth"]
    assert auth["policies"] == ["code", "default", "here", "own"]
    assert auth["metadata"] == {"username": "anna", "policies": "code,here,own"}
    assert self_of(kms, auth["client_token"])["display_name"] == "okta-anna"
    [warning] = login(kms, "ben")["warnings"]
    assert warning == "no Okta groups found; only policies from locally-defined groups available"


def test_without_an_api_token_no_groups_are_asked_for(kms: MockKMS) -> None:
    client_of(kms).write("auth/okta/config", api_token="")
    answer = login(kms, "anna", "secret")
    assert answer["auth"]["policies"] == ["default", "here", "own"]
    assert answer["warnings"] is None
    with pytest.raises(InvalidRequest, match="OKTA Error Code: E0000004"):
        login(kms, "anna", "wrong")


def test_wrong_passwords_are_refused(kms: MockKMS) -> None:
    with pytest.raises(InvalidRequest, match=r"Authentication failed \(code=E0000004\)"):
        login(kms, "anna", "wrong")
    with pytest.raises(InvalidRequest, match="provider SMS is not among the supported ones"):
        login(kms, "anna", "secret", provider="sms")


@pytest.mark.parametrize(
    ("name", "more", "text"),
    [
        ("locked", {}, "okta authentication failed"),
        ("expired", {}, "okta authentication failed"),
        ("new", {}, "you must complete MFA enrollment to continue"),
        ("strict", {}, "'totp' passcode parameter is required to perform MFA"),
        ("strict", {"totp": "000000"}, "Invalid Passcode/Answer"),
        ("none", {}, "Okta Verify Push or TOTP or Google TOTP factor is required in order to perform MFA"),
        ("strict", {"totp": "123456", "provider": "google"}, "TOTP factor is required in order to perform MFA"),
        ("both", {"totp": "654321"}, "Invalid Passcode/Answer"),
        ("both", {"totp": "123456", "provider": "GOOGLE"}, "Invalid Passcode/Answer"),
        ("google", {"totp": "000000"}, "Invalid Passcode/Answer"),
        ("google", {"provider": "GOOGLE"}, "'totp' passcode parameter is required to perform MFA"),
        ("push", {"provider": "GOOGLE"}, "TOTP factor is required in order to perform MFA"),
        ("denies", {}, "multi-factor authentication denied"),
        ("sleeps", {}, "failed to complete multi-factor authentication"),
        ("taps", {}, "nonce must be provided during login request when presented with number challenge"),
    ],
)
def test_an_account_may_stand_in_the_way(kms: MockKMS, name: str, more: dict[str, str], text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        login(kms, name, **more)
    assert text in str(refused.value)


def test_other_accounts_log_in(kms: MockKMS) -> None:
    assert login(kms, "strict", totp="123456")["auth"]
    assert login(kms, "warned")["warnings"] == ["Your Okta password is in warning state and needs to be changed soon."]
    answer = client_of(kms).write("auth/okta/config", bypass_okta_mfa=True)
    assert answer["warnings"][0].startswith("Okta MFA bypass is configured.")
    for name in ("new", "strict", "none", "denies"):
        assert login(kms, name)["auth"]


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("push", {}),
        ("push", {"totp": "000000"}),  # Not a code of this user: a push is sent.
        ("google", {}),
        ("google", {"totp": "654321"}),
        ("google", {"provider": "OKTA"}),
        ("both", {"totp": "123456"}),
        ("both", {"totp": "654321", "provider": "google"}),
    ],
)
def test_the_factor_follows_what_was_sent_and_the_provider(kms: MockKMS, name: str, more: dict[str, str]) -> None:
    """Vault, builtin/credential/okta/backend.go: "If a totp passcode is provided [it] will be the preferred method"."""
    assert login(kms, name, **more)["auth"]


def test_the_number_of_a_challenge_is_shown_until_the_user_taps_it(
    kms: MockKMS, monkeypatch: pytest.MonkeyPatch
) -> None:
    def number() -> dict[str, Any] | None:
        with suppress(InvalidPath):
            shown: dict[str, Any] = anybody(kms).adapter.get("/v1/auth/okta/verify/n-1")["data"]
            return shown
        return None

    tapped = Event()
    monkeypatch.setattr("mockkms.vault.auth.okta.login.sleep", lambda _seconds: tapped.wait(60))
    assert number() is None
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(login, kms, "taps", nonce="n-1")
        try:
            eventually(lambda: number() == {"correct_answer": 42})
        finally:
            tapped.set()
        assert answer.result()["auth"]
    assert number() is None


def test_a_renewal_sends_a_push_but_no_code(kms: MockKMS) -> None:
    """builtin/credential/okta/path_login.go: "No TOTP entry is possible on renew"."""
    client_of(kms).write("auth/okta/config", org_name="acme", api_token="t", token_ttl="1h")
    token = login(kms, "push")["auth"]["client_token"]
    assert client_of(kms).auth.token.renew(token)["auth"]
    token = login(kms, "both", totp="123456")["auth"]["client_token"]
    with pytest.raises(InvalidRequest, match="'totp' passcode parameter is required"):
        client_of(kms).auth.token.renew(token)


def test_the_configuration_is_kept_without_its_token() -> None:
    with MockKMS() as server:
        client = client_of(server)
        client.sys.enable_auth_method("okta")
        with pytest.raises(InvalidPath):
            client.auth.okta.read_config()
        with pytest.raises(InvalidRequest, match="Okta auth method not configured"):
            login(server, "anna")
        with pytest.raises(InvalidRequest, match="org_name is missing"):
            client.write("auth/okta/config", ttl="1h")
        client.write("auth/okta/config", organization="acme", token="t", ttl="1h", production=False)
        shown = client.auth.okta.read_config()["data"]
        assert (shown["org_name"], shown["organization"], shown["production"]) == ("acme", "acme", False)
        assert (shown["ttl"], shown["token_ttl"], shown["bypass_okta_mfa"]) == (3600, 3600, False)
        assert not {"token", "api_token", "base_url"} & set(shown)
        refused = 'Okta auth failed: Post "https://acme.oktapreview.com/api/v1/authn": dial tcp: lookup acme.okta'
        with pytest.raises(InvalidRequest) as raised:
            login(server, "anna")
        assert refused in str(raised.value)
        assert "directory" in server.journal[-1].hint
        client.write("auth/okta/config", base_url="okta-emea.com")
        shown = client.auth.okta.read_config()["data"]
        assert shown["base_url"] == "okta-emea.com"
        assert "production" not in shown


def test_groups_are_kept_in_lower_case_and_found_in_any(kms: MockKMS) -> None:
    okta = client_of(kms).auth.okta
    assert okta.list_groups()["data"]["keys"] == ["dev", "local"]
    okta.register_group("DEV", policies=["B", "a"])
    assert okta.read_group("Dev")["data"] == {"policies": ["a", "b"]}
    okta.delete_group("dEV")
    assert okta.list_groups()["data"]["keys"] == ["local"]
    client_of(kms).write("auth/okta/users/Cleo", policies="P,q", groups="One")
    assert okta.read_user("Cleo")["data"] == {"groups": ["One"], "policies": ["P", "q"]}
    okta.delete_user("Cleo")
    assert okta.list_users()["data"]["keys"] == ["anna"]


def test_a_login_is_renewed_until_its_policies_change(kms: MockKMS) -> None:
    mine = hvac.Client(kms.url, token=login(kms, "anna", "secret")["auth"]["client_token"])
    assert mine.auth.token.renew_self()["auth"]["lease_duration"] == 3600
    client_of(kms).auth.okta.register_group("dev", policies=["less"])
    with pytest.raises(InternalServerError, match="policies have changed, not renewing"):
        mine.auth.token.renew_self()


def test_addresses_bind_logins(kms: MockKMS) -> None:
    client_of(kms).write("auth/okta/config", token_bound_cidrs="10.0.0.1")
    with pytest.raises(Forbidden):
        login(kms, "anna", "secret")


def test_openbao_has_no_such_method() -> None:
    with MockKMS(flavor="openbao") as server, pytest.raises(InvalidRequest, match="plugin not found"):
        client_of(server).sys.enable_auth_method("okta")


def test_an_invalid_base_url_is_refused() -> None:
    with serving({"okta/": {"type": "okta", "config": {"org_name": "acme"}}}) as server:
        with pytest.raises(InvalidRequest) as refused:
            client_of(server).write("auth/okta/config", base_url="not a host")
        text = 'parse "https://acme,not a host": invalid character " " in host name'
        assert f"Error parsing given base_url: {text}" in str(refused.value)


def test_below_verify_no_token_is_needed() -> None:
    with serving({"okta/": {"type": "okta", "config": {"org_name": "acme"}}}) as server:
        answer = anybody(server).adapter.list("/v1/auth/okta/verify", raise_exception=False)
        assert (answer.status_code, answer.json()["errors"]) == (404, ["unsupported path"])
