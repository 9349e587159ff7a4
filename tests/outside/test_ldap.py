"""Logins against a directory on this machine: OpenBao asks it by itself, Vault through a client of its own."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hvac.exceptions import InternalServerError, InvalidRequest

from mockkms import MockKMS
from mockkms.crypto.x509.authority import issue
from mockkms.server.wire.tls import loaded
from tests.outside.directory_server import Directory, entry, running
from tests.vault.auth.outsiders import anybody, client_of

PEOPLE, GROUPS = "ou=people,dc=acme", "ou=groups,dc=acme"
ENTRIES = {
    **entry("cn=reader,dc=acme", userpassword="read"),
    **entry(f"uid=anna,{PEOPLE}", userpassword="secret", mail="anna@acme", userPrincipalName="x"),
    **entry(f"uid=ben,{PEOPLE}", userpassword="hidden", mail=["b@acme", "ben@acme"]),
    **entry(f"uid=twin1,{PEOPLE}", sn="twin", userpassword="x"),
    **entry(f"uid=twin2,{PEOPLE}", sn="twin", userpassword="x"),
    **entry(f"cn=Dev,{GROUPS}", member=f"uid=anna,{PEOPLE}"),
    **entry(f"cn=ops,{GROUPS}", memberuid=["anna", "ben"]),
}


@pytest.fixture
def directory() -> Iterator[Directory]:
    with running(ENTRIES) as made:
        yield made


def serving(directory: Directory, flavor: str) -> Iterator[MockKMS]:
    with MockKMS(flavor=flavor) as made:
        client = client_of(made)
        client.sys.enable_auth_method("ldap")
        client.auth.ldap.configure(url=directory.url, userdn=PEOPLE, groupdn=GROUPS, userattr="uid")
        client.auth.ldap.create_or_update_group("dev", policies=["code"])
        client.auth.ldap.create_or_update_group("ops", policies=["run"])
        yield made


@pytest.fixture
def openbao(directory: Directory) -> Iterator[MockKMS]:
    yield from serving(directory, "openbao")


@pytest.fixture
def vault(directory: Directory) -> Iterator[MockKMS]:
    yield from serving(directory, "vault")


def login(server: MockKMS, name: str, password: str) -> dict[str, Any]:
    answer: dict[str, Any] = anybody(server).auth.ldap.login(name, password)["auth"]
    return answer


def alias_of(server: MockKMS, auth: dict[str, Any]) -> str:
    entity = client_of(server).secrets.identity.read_entity(auth["entity_id"])["data"]
    return str(entity["aliases"][0]["name"])


def test_a_user_binds_and_has_the_directorys_groups(openbao: MockKMS, directory: Directory) -> None:
    auth = login(openbao, "anna", "secret")
    assert auth["policies"] == ["code", "default", "run"]
    assert alias_of(openbao, auth) == f"uid=anna,{PEOPLE}"
    assert directory.seen == [("bind", f"uid=anna,{PEOPLE}"), ("search", GROUPS)]
    assert login(openbao, "ben", "hidden")["policies"] == ["default", "run"]


def test_a_reader_looks_for_the_user_and_binds_again(openbao: MockKMS, directory: Directory) -> None:
    client_of(openbao).auth.ldap.configure(binddn="cn=reader,dc=acme", bindpass="read", anonymous_group_search=True)
    auth = login(openbao, "anna", "secret")
    assert auth["policies"] == ["code", "default", "run"]
    assert alias_of(openbao, auth) == "anna"
    binds = [dn for what, dn in directory.seen if what == "bind"]
    assert binds == ["cn=reader,dc=acme", f"uid=anna,{PEOPLE}", "cn=reader,dc=acme", "cn=reader,dc=acme"]


@pytest.mark.parametrize(("name", "password"), [("anna", "wrong"), ("nobody", "x"), ("an*", "secret")])
@pytest.mark.parametrize("search", [False, True])
def test_users_that_cannot_bind_are_refused(openbao: MockKMS, name: str, password: str, search: bool) -> None:
    client_of(openbao).auth.ldap.configure(discoverdn=search)
    with pytest.raises(InvalidRequest, match="ldap operation failed: failed to bind as user"):
        login(openbao, name, password)


def test_a_user_must_be_the_only_one_that_is_found(openbao: MockKMS) -> None:
    client_of(openbao).auth.ldap.configure(discoverdn=True, userattr="sn")
    with pytest.raises(InvalidRequest, match="failed to bind as user"):
        login(openbao, "twin", "x")


def test_an_alias_has_one_value(openbao: MockKMS) -> None:
    client = client_of(openbao)
    client.auth.ldap.configure(discoverdn=True, userattr="mail", userfilter="(uid={{.Username}})")
    assert alias_of(openbao, login(openbao, "anna", "secret")) == "anna@acme"
    with pytest.raises(InvalidRequest, match="LDAP entity alias attribute mail empty or not unique"):
        login(openbao, "ben", "hidden")


def test_a_bad_filter_and_a_missing_base_are_reported(openbao: MockKMS) -> None:
    client = client_of(openbao)
    client.auth.ldap.configure(groupfilter="memberUid={{.Username}}")
    with pytest.raises(InvalidRequest, match='LDAP Result Code 201 "Filter Compile Error"'):
        login(openbao, "anna", "secret")


def test_filters_are_whole_templates(openbao: MockKMS, vault: MockKMS) -> None:
    for server in (openbao, vault):
        client_of(server).auth.ldap.configure(
            binddn="cn=reader,dc=acme", bindpass="read",
            userfilter='{{ if eq .Username "anna" }}({{ .UserAttr | printf "%s" }}={{ .Username }}){{ end }}',
            groupfilter="({{ with .UserDN }}member={{ . }}{{ end }})",
        )  # fmt: skip
        assert login(server, "anna", "secret")["policies"] == ["code", "default"]


def test_a_filter_that_cannot_be_executed_is_reported(openbao: MockKMS, vault: MockKMS) -> None:
    for server in (openbao, vault):
        client_of(server).auth.ldap.configure(groupfilter="(member={{ .Email }})")
    # OpenBao searches by what precedes the error.
    with pytest.raises(InvalidRequest, match='"Filter Compile Error": ldap: unexpected end of filter'):
        login(openbao, "anna", "secret")
    fault = (
        "LDAP search failed due to template parsing error: template: queryTemplate:1:11: executing "
        '"queryTemplate" at <.Email>: can\'t evaluate field Email in type struct { UserDN string; Username string }'
    )
    with pytest.raises(InternalServerError, match=re.escape(fault)):
        login(vault, "anna", "secret")
    client_of(openbao).auth.ldap.configure(discoverdn=True, userfilter="({{ .Email }}=1)")
    with pytest.raises(InvalidRequest, match="ldap operation failed: failed to bind as user"):
        login(openbao, "anna", "secret")


def test_the_first_directory_that_answers_is_asked(openbao: MockKMS, directory: Directory) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        gone = f"ldap://127.0.0.1:{unheard.getsockname()[1]}"
        client = client_of(openbao)
        client.auth.ldap.configure(url=f"ldap://elsewhere.test,{gone},{directory.url}")
        assert login(openbao, "anna", "secret")
        client.auth.ldap.configure(url=f"ldap://elsewhere.test,{gone}")
        with pytest.raises(InvalidRequest, match="2 errors occurred"):
            login(openbao, "anna", "secret")


def test_a_principal_name_binds_and_is_looked_for_afterwards(vault: MockKMS, directory: Directory) -> None:
    account = f"cn=Anna Smith,{PEOPLE}"
    directory.entries = {
        **entry(account, samaccountname="anna"),
        **entry(f"cn=Dev,{GROUPS}", member=account),
    }
    directory.entries["anna@acme.test"] = {"userpassword": ["secret"]}
    client = client_of(vault)
    client.write("auth/ldap/config", upndomain="acme.test", enable_samaccountname_login=True, userattr="cn")
    auth = login(vault, "anna", "secret")
    assert auth["policies"] == ["code", "default"]
    assert alias_of(vault, auth) == "Anna Smith"
    assert ("bind", "anna@acme.test") in directory.seen


def test_tls_is_verified_unless_disabled(openbao: MockKMS) -> None:
    issued = issue(("127.0.0.1",))
    client = client_of(openbao)
    with running(ENTRIES, loaded(issued.certificate + issued.key)) as directory:
        client.auth.ldap.configure(url=directory.url)
        with pytest.raises(
            InvalidRequest, match="tls: failed to verify certificate: x509: certificate signed by unknown authority"
        ):
            login(openbao, "anna", "secret")
        client.auth.ldap.configure(insecure_tls=True)
        assert login(openbao, "anna", "secret")
        authority = issued.authority.decode()
        client.auth.ldap.configure(insecure_tls=False, certificate=authority, tls_max_version="tls13")
        assert login(openbao, "anna", "secret")


def test_a_directory_without_tls_cannot_begin_it(openbao: MockKMS, directory: Directory) -> None:
    client_of(openbao).auth.ldap.configure(starttls=True)
    with pytest.raises(InvalidRequest, match="error connecting to host"):
        login(openbao, "anna", "secret")


def test_vault_reads_the_users_entry_after_the_bind(vault: MockKMS, directory: Directory) -> None:
    auth = login(vault, "anna", "secret")
    assert auth["policies"] == ["code", "default", "run"]
    assert alias_of(vault, auth) == "anna"
    dn = f"uid=anna,{PEOPLE}"
    assert directory.seen == [("bind", dn), ("search", dn), ("search", GROUPS)]


def test_vault_searches_groups_anonymously_on_the_same_connection(vault: MockKMS, directory: Directory) -> None:
    client_of(vault).auth.ldap.configure(binddn="cn=reader,dc=acme", bindpass="read", anonymous_group_search=True)
    assert login(vault, "anna", "secret")["policies"] == ["code", "default", "run"]
    binds = [dn for what, dn in directory.seen if what == "bind"]
    assert binds == ["cn=reader,dc=acme", f"uid=anna,{PEOPLE}", "cn=reader,dc=acme", ""]


@pytest.mark.parametrize(("name", "password"), [("anna", "wrong"), ("nobody", "x"), ("an*", "secret")])
@pytest.mark.parametrize("search", [False, True])
def test_vault_does_not_tell_why_a_bind_failed(vault: MockKMS, name: str, password: str, search: bool) -> None:
    client_of(vault).auth.ldap.configure(discoverdn=search)
    with pytest.raises(InvalidRequest, match=r"^invalid credentials"):
        login(vault, name, password)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (
            {"groupfilter": "memberUid={{.Username}}"},
            "unable to get user groups: ldap.(Client).getGroups: ldap.(Client).filterGroupsSearch: LDAP search failed "
            f'(baseDN: "{GROUPS}" / filter: "memberUid=anna"): LDAP Result Code 201 "Filter Compile Error"',
        ),
        ({"userattr": "sn", "userfilter": "(uid={{.Username}})", "discoverdn": True}, "missing entity alias attribute"),
        ({"upndomain": "acme.test"}, "ldap.(Client).getUserDN: LDAP search for user 0 or not unique"),
        ({"dereference_aliases": "x"}, 'ldap.validateDerefAlias: invalid dereference_aliases "x": invalid parameter'),
    ],
)
def test_vault_says_which_of_its_searches_failed(
    vault: MockKMS, directory: Directory, written: dict[str, Any], text: str
) -> None:
    directory.entries["anna@acme.test"] = {"userpassword": ["secret"]}
    client_of(vault).write("auth/ldap/config", **written)
    with pytest.raises(InternalServerError) as refused:
        login(vault, "anna", "secret")
    assert text in str(refused.value)


def test_vault_takes_the_alias_out_of_the_dn_where_the_name_is_the_alias(vault: MockKMS) -> None:
    client = client_of(vault)
    client.auth.ldap.create_or_update_user("anna", policies=["own"])
    client.write("auth/ldap/config", discoverdn=True, userfilter="(mail={{.Username}})", username_as_alias=True)
    auth = login(vault, "anna@acme", "secret")
    assert "own" in auth["policies"]
    assert alias_of(vault, auth) == "anna"


def test_the_password_of_the_reader_changes_in_the_directory(vault: MockKMS, directory: Directory) -> None:
    client = client_of(vault)
    client.auth.ldap.configure(binddn="cn=reader,dc=acme", bindpass="read")
    assert client.write("auth/ldap/config/rotate-root").status_code == 204
    assert ("modify", "cn=reader,dc=acme") in directory.seen
    [password] = directory.entries["cn=reader,dc=acme"]["userpassword"]
    assert len(password) == 64
    assert login(vault, "anna", "secret")
    client.auth.ldap.configure(bindpass="read")
    with pytest.raises(InternalServerError, match='LDAP Result Code 49 "Invalid Credentials"'):
        client.write("auth/ldap/config/rotate-root")
    client.write("auth/ldap/config", rotation_url="ldap://elsewhere.test")
    with pytest.raises(InternalServerError, match=r'error connecting to host "ldap://elsewhere\.test"'):
        client.write("auth/ldap/config/rotate-root")
