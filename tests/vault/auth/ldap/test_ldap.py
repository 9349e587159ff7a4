"""LDAP logins: the people of a world's directory."""

from __future__ import annotations

from typing import Any

import hvac
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hvac.exceptions import Forbidden, InternalServerError, InvalidPath, InvalidRequest

from mockkms import MockKMS
from tests.vault.auth.outsiders import anybody, client_of, self_of, serving
from tests.worldfile.test_auth_dumps import CERTIFICATE

LDAP: dict[str, Any] = {
    "type": "ldap",
    "config": {"userdn": "ou=people,dc=acme", "groupdn": "ou=groups,dc=acme", "userattr": "uid"},
    "groups": {"dev": {"policies": ["code", "read"]}, "local": {"policies": ["here"]}},
    "users": {"anna": {"policies": ["own"], "groups": ["local"]}},
    "directory": {
        "anna": {"password": "secret", "groups": ["cn=dev,ou=groups,dc=acme", "unmapped"]},
        "ben": {"password": "hidden", "dn": "uid=other,dc=acme"},
        "Cleo": {"password": "open", "attributes": {"uid": "c-1"}},
    },
}


def is_vault(server: MockKMS) -> bool:
    return server.flavor.startswith("vault")


pytestmark = [
    pytest.mark.flavors("vault", "vault-1.21", "openbao"),
    pytest.mark.server(seed={"vault": {"auth": {"ldap/": LDAP}}}),
]


def login(server: MockKMS, name: str, password: str) -> dict[str, Any]:
    answer: dict[str, Any] = anybody(server).auth.ldap.login(name, password)
    return answer


def test_policies_come_from_groups_of_both_sides_and_from_the_user(kms: MockKMS) -> None:
    answer = login(kms, "Anna" if is_vault(kms) else " Anna ", "secret")
    auth = answer["auth"]
    assert auth["policies"] == ["code", "default", "here", "own", "read"]
    name = "Anna" if is_vault(kms) else "anna"
    assert auth["metadata"] == {"username": name}
    assert answer["warnings"] is None
    assert self_of(kms, auth["client_token"])["display_name"] == f"ldap-{name}"
    [alias] = client_of(kms).secrets.identity.read_entity(auth["entity_id"])["data"]["aliases"]
    if is_vault(kms):
        assert alias["name"] == "anna"
        assert alias["metadata"] == {"name": "Anna", "rawUsername": "Anna", "effectiveUsername": "anna"}
    else:
        assert alias["name"] == "uid=anna,ou=people,dc=acme"
        assert alias["metadata"] == {"name": "anna"}


@pytest.mark.parametrize(("name", "password"), [("anna", "wrong"), ("nobody", "secret"), ("ben", "hidden")])
def test_users_that_cannot_bind_are_refused(kms: MockKMS, name: str, password: str) -> None:
    text = "invalid credentials" if is_vault(kms) else "ldap operation failed: failed to bind as user"
    with pytest.raises(InvalidRequest, match=f"^{text}"):
        login(kms, name, password)


def test_a_search_finds_users_with_other_dns(kms: MockKMS) -> None:
    client_of(kms).auth.ldap.configure(discoverdn=True)
    answer = login(kms, "ben", "hidden")
    if is_vault(kms):
        assert answer["warnings"] is None
    else:
        [warning] = answer["warnings"]
        assert warning.startswith('no LDAP groups found in groupDN "ou=groups,dc=acme"; only policies')
    auth = login(kms, "cleo", "open")["auth"]
    entity = client_of(kms).secrets.identity.read_entity(auth["entity_id"])["data"]
    assert entity["aliases"][0]["name"] == "c-1"


def test_without_groupdn_groups_are_not_searched(kms: MockKMS) -> None:
    client = client_of(kms)
    client.auth.ldap.configure(groupdn="")
    assert login(kms, "anna", "secret")["auth"]["policies"] == ["default", "here", "own"]
    client.write("auth/ldap/config", use_token_groups=True, username_as_alias=True)
    auth = login(kms, "anna", "secret")["auth"]
    assert auth["policies"] == ["code", "default", "here", "own", "read"]
    entity = client.secrets.identity.read_entity(auth["entity_id"])["data"]
    assert entity["aliases"][0]["name"] == "anna"


def test_empty_passwords_are_refused_unless_allowed(kms: MockKMS) -> None:
    text = "password cannot be of zero length when passwordless binds"
    with pytest.raises((InvalidRequest, InternalServerError), match=text):
        login(kms, "anna", "")
    client_of(kms).auth.ldap.configure(deny_null_bind=False)
    if is_vault(kms):
        with pytest.raises(InternalServerError, match=text):
            login(kms, "anna", "")
    else:
        assert login(kms, "anna", "")["auth"]


def test_names_are_case_sensitive_only_if_configured(kms: MockKMS) -> None:
    client = client_of(kms)
    client.auth.ldap.create_or_update_user("DORA", policies=["P"], groups=["X", "x"])
    assert client.read("auth/ldap/users/Dora")["data"] == {"groups": "x", "policies": ["p"]}
    client.auth.ldap.configure(case_sensitive_names=True)
    client.auth.ldap.create_or_update_user("DORA", groups=["X", "x"])
    assert client.read("auth/ldap/users/DORA")["data"] == {"groups": "X,x", "policies": []}
    assert client.auth.ldap.list_users()["data"]["keys"] == ["DORA", "anna", "dora"]


def test_users_and_groups_come_and_go(kms: MockKMS) -> None:
    ldap = client_of(kms).auth.ldap
    assert ldap.list_groups()["data"]["keys"] == ["dev", "local"]
    assert ldap.read_group("DEV")["data"] == {"policies": ["code", "read"]}
    ldap.delete_group("DEV")
    if is_vault(kms):
        with pytest.raises(InvalidPath):
            ldap.read_group("dev")
    else:
        assert ldap.read_group("dev")
    for name in ("dev", "local"):
        ldap.delete_group(name)
    with pytest.raises(InvalidPath):
        ldap.list_groups()
    ldap.delete_user("anna")
    with pytest.raises(InvalidPath):
        ldap.read_user("anna")


def test_the_configuration_is_there_from_the_start() -> None:
    with MockKMS() as server:
        client = client_of(server)
        client.sys.enable_auth_method("ldap")
        shown = client.auth.ldap.read_configuration()["data"]
        assert (shown["url"], shown["request_timeout"], shown["deny_null_bind"]) == ("ldap://127.0.0.1", 90, True)
        assert shown["enable_samaccountname_login"] is False
        assert not {"bindpass", "client_tls_cert", "client_tls_key"} & set(shown)
        client.write("auth/ldap/config", url="LDAP://Dir.Test", userattr="UID", request_timeout="2m")
        shown = client.auth.ldap.read_configuration()["data"]
        assert (shown["url"], shown["userattr"], shown["request_timeout"]) == ("ldap://dir.test", "uid", 120)
        answer = client.write("auth/ldap/config", userfilter="(mail={{.Username}})")
        assert answer["warnings"][0].startswith("userfilter configured does not consider userattr")


OTHER_KEY = ec.generate_private_key(ec.SECP256R1()).private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
).decode()  # fmt: skip


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ({"tls_min_version": "cats"}, "invalid 'tls_min_version'"),
        ({"tls_min_version": "tls13"}, "'tls_max_version' must be greater than or equal to 'tls_min_version'"),
        ({"client_tls_key": "x"}, "both client_tls_cert and client_tls_key must be set"),
        ({"client_tls_cert": "x", "client_tls_key": "y"}, "tls: failed to find any PEM data in certificate input"),
        ({"client_tls_cert": CERTIFICATE, "client_tls_key": OTHER_KEY}, "tls: private key does not match public key"),
        ({"certificate": "x"}, "failed to parse server tls cert: failed to decode PEM block in the certificate"),
        ({"userfilter": "({{.UserAttr"}, "invalid userfilter: template: queryTemplate:1: unclosed action"),
        ({"groupfilter": "({{name}})"}, 'invalid groupfilter: template: queryTemplate:1: function "name" not defined'),
        ({"token_type": "cats"}, "invalid 'token_type' value"),
    ],
)
def test_bad_settings_change_nothing(kms: MockKMS, written: dict[str, str], text: str) -> None:
    client = client_of(kms)
    before = client.auth.ldap.read_configuration()["data"]
    with pytest.raises(InvalidRequest) as refused:
        client.write("auth/ldap/config", url="ldap://new", **written)
    assert text in str(refused.value)
    assert client.auth.ldap.read_configuration()["data"] == before


@pytest.mark.parametrize(
    ("written", "status", "text"),
    [
        ({"rotation_period": "1h"}, 400, "rotation manager capabilities not supported in Vault community edition"),
        ({"rotation_schedule": "0 0 * * *", "rotation_window": 60}, 400, "error registering rotation job: "),
        ({"rotation_schedule": "0 0 * * *", "rotation_period": 60}, 500, "mutually exclusive fields rotation_schedule"),
        ({"rotation_schedule": "0 0 *"}, 500, "failed to parse provided rotation_schedule: expected exactly 5 fields"),
        ({"rotation_window": 60, "rotation_period": 60}, 500, "rotation_window does not apply to period"),
        ({"rotation_window": 60}, 500, "cannot use rotation_window without rotation_schedule"),
    ],
)
def test_only_other_editions_rotate(written: dict[str, Any], status: int, text: str) -> None:
    with serving({"ldap/": LDAP}) as server:
        client = client_of(server)
        with pytest.raises(InvalidRequest if status == 400 else InternalServerError) as refused:
            client.write("auth/ldap/config", **written)
        assert text in str(refused.value)
        client.write("auth/ldap/config", rotation_period=0, rotation_schedule="", disable_automated_rotation=True)
        shown = client.auth.ldap.read_configuration()["data"]
        assert (shown["rotation_period"], shown["rotation_schedule"], shown["rotation_window"]) == (0, "", 0)
        assert shown["disable_automated_rotation"] is True


def test_the_root_password_changes_where_there_is_one() -> None:
    with serving({"ldap/": LDAP}) as server:
        client = client_of(server)
        with pytest.raises(InvalidRequest, match="auth is not using authenticated search, no root to rotate"):
            client.write("auth/ldap/config/rotate-root")
        client.write("auth/ldap/config", binddn="cn=root", bindpass="first")
        assert client.write("auth/ldap/config/rotate-root").status_code == 204
        client.write("auth/ldap/config", password_policy="none")
        with pytest.raises(InternalServerError, match="no password policy found"):
            client.write("auth/ldap/config/rotate-root")


def test_the_schema_is_kept_in_lower_case() -> None:
    with serving({"ldap/": LDAP}) as server:
        client = client_of(server)
        client.write("auth/ldap/config", schema=" AD ", rotation_policy="mine")
        shown = client.auth.ldap.read_configuration()["data"]
        assert (shown["schema"], shown["rotation_policy"]) == ("ad", "mine")


def test_below_the_login_no_token_is_needed(kms: MockKMS) -> None:
    answer = anybody(kms).adapter.list("/v1/auth/ldap/login/", raise_exception=False)
    refusal = (404, "unsupported path")
    if is_vault(kms):
        refusal = (500, "failed to determine alias name from login request")
    assert (answer.status_code, answer.json()["errors"][0]) == refusal


def test_openbao_has_no_rotation() -> None:
    with serving({"ldap/": LDAP}, "openbao") as server:
        assert client_of(server).write("auth/ldap/config", rotation_period="1h").status_code == 204
        shown = client_of(server).auth.ldap.read_configuration()["data"]
        assert not {"rotation_period", "enable_samaccountname_login", "disable_automated_rotation"} & set(shown)


def test_five_failures_lock_a_user_out_however_the_name_is_written(kms: MockKMS) -> None:
    for name in ("anna", "ANNA", "aNNa", "Anna", "annA"):
        with pytest.raises(InvalidRequest):
            login(kms, name, "wrong")
    with pytest.raises(Forbidden):
        login(kms, "anna", "secret")
    kms.clock.advance(900)
    assert login(kms, "anna", "secret")["auth"]


def test_a_login_is_renewed_as_long_as_the_directory_says_the_same(kms: MockKMS) -> None:
    mine = hvac.Client(kms.url, token=login(kms, "anna", "secret")["auth"]["client_token"])
    assert mine.auth.token.renew_self()["auth"]["policies"] == ["code", "default", "here", "own", "read"]
    client_of(kms).auth.ldap.create_or_update_group("dev", policies=["less"])
    with pytest.raises(InternalServerError, match="policies have changed, not renewing"):
        mine.auth.token.renew_self()


def test_without_users_no_directory_answers_and_the_journal_has_a_hint() -> None:
    with serving(
        {"ldap/": {"type": "ldap", "config": {"url": "ldap://dir.test,ldaps://10.0.0.1,http://x,ldap://h:no"}}}
    ) as server:
        with pytest.raises(InternalServerError) as refused:
            login(server, "anna", "secret")
        text = str(refused.value)
        assert text.startswith("ldap.(Client).Authenticate: failed to connect: 4 errors occurred:")
        network = 'LDAP Result Code 200 "Network Error"'
        assert f'"ldap://dir.test": {network}: dial tcp: lookup dir.test: no such host' in text
        assert f'"ldaps://10.0.0.1": {network}: dial tcp 10.0.0.1:636: connect: connection refused' in text
        assert 'invalid LDAP scheme in url "http://x": invalid parameter' in text
        assert 'error parsing url "ldap://h:no": parse "ldap://h:no": invalid port ":no" after host' in text
        assert "directory" in server.journal[-1].hint


def test_the_token_follows_the_configuration(kms: MockKMS) -> None:
    client = client_of(kms)
    client.auth.ldap.configure(token_policies=["all"], token_ttl="5m", token_type="batch")
    auth = login(kms, "anna", "secret")["auth"]
    assert (auth["token_type"], auth["lease_duration"]) == ("batch", 300)
    assert "all" in auth["policies"]
    client.auth.ldap.configure(token_bound_cidrs=["10.0.0.1"])
    with pytest.raises(Forbidden):
        login(kms, "anna", "secret")
