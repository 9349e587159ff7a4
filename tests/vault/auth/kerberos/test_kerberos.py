"""Kerberos logins. Rules: https://github.com/hashicorp/vault-plugin-auth-kerberos (``path_login.go``), and gokrb5."""

from __future__ import annotations

import base64
from typing import Any

import hvac
import pytest
import requests
from hvac.exceptions import InternalServerError, InvalidRequest

from mockkms import MockKMS
from tests.outside.directory_server import entry, running
from tests.vault.auth.cloud.clouds import NOW, root, round_trips
from tests.vault.auth.kerberos import kdc
from tests.vault.auth.kerberos.kdc import Ticket

_TUNED = {"passthrough_request_headers": ["Authorization"], "allowed_response_headers": ["www-authenticate"]}


def world(ticket: Ticket, flavor: Any = "vault", **section: Any) -> MockKMS:
    usual: dict[str, Any] = {
        "type": "kerberos",
        **_TUNED,
        "config": {"keytab": ticket.keytab(), "service_account": "HTTP/vault.example.org"},
        "ldap": {"groupdn": "dc=x", "token_policies": ["all"]},
        "groups": {"engineers": {"policies": ["dev"]}},
        "directory": {"grace": {"groups": ["engineers", "CN=Admins,dc=x"]}},
    }
    return MockKMS(seed={"clock": NOW, "vault": {"auth": {"kerberos/": {**usual, **section}}}}, flavor=flavor)


def login(kms: MockKMS, header: str) -> requests.Response:
    url = f"{kms.url}/v1/auth/kerberos/login"
    return requests.post(url, headers={"Authorization": header} if header else {}, timeout=60)


@pytest.mark.parametrize("flavor", ["vault", "openbao"])
@pytest.mark.parametrize("kind", [17, 18, 19, 20, 23])
def test_a_ticket_logs_in(kind: int, flavor: str) -> None:
    ticket = Ticket(kind=kind)
    with world(ticket, flavor) as kms:
        auth = login(kms, ticket.header()).json()["auth"]
        assert auth["metadata"] == {"user": "grace", "domain": "EXAMPLE.ORG"}
        assert (auth["token_policies"], auth["renewable"]) == (["all", "default", "dev"], False)
        entity = root(kms).secrets.identity.read_entity(auth["entity_id"])["data"]
        assert entity["aliases"][0]["name"] == "grace"


def test_tokens_of_kerberos_without_spnego() -> None:
    ticket = Ticket(raw=True)
    with world(ticket) as kms:
        assert login(kms, ticket.header()).status_code == 200


def test_a_request_logs_in_once() -> None:
    ticket = Ticket()
    header = ticket.header()
    with world(ticket) as kms:
        assert login(kms, header).status_code == 200
        again = login(kms, header)
        assert (again.status_code, again.json()["warnings"]) == (401, ["Unauthorised.\n\n"])
        assert "replay detected" in kms.journal.entries()[-1].hint
        ticket.sent += 1
        assert login(kms, ticket.header()).status_code == 200


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"end": kdc.NOW - 600}, "service ticket provided has expired"),
        ({"start": kdc.NOW + 600}, "service ticket provided is not yet valid"),
        ({"flags": 0x01000000}, "service ticket provided is not yet valid"),
        ({"sent": kdc.NOW - 400}, "clock skew with client too large"),
        ({"sender": ("mallory",)}, "CName in Authenticator does not match"),
        ({"addresses": (b"\x0a\0\0\1",)}, "client address not within the list"),
    ],
)
def test_tickets_that_are_refused(changes: dict[str, Any], hint: str) -> None:
    ticket = Ticket(**changes)
    with world(ticket) as kms:
        assert login(kms, ticket.header()).status_code == 401
        assert hint in kms.journal.entries()[-1].hint


def test_tickets_for_another_service_or_with_another_key() -> None:
    ticket = Ticket()
    for other in (Ticket(key=bytes(32)), Ticket(kind=17)):
        with world(ticket, config={"keytab": other.keytab(), "service_account": "HTTP/vault.example.org"}) as kms:
            assert login(kms, ticket.header()).status_code == 401
    with world(ticket, config={"keytab": ticket.keytab(), "service_account": "other"}) as kms:
        assert login(kms, ticket.header()).status_code == 401
        assert "matching key not found in keytab" in kms.journal.entries()[-1].hint


def test_addresses_of_a_ticket() -> None:
    ticket = Ticket(addresses=(b"\x7f\0\0\1",))
    with world(ticket) as kms:
        assert login(kms, ticket.header()).status_code == 200


def test_a_client_without_a_token_is_challenged() -> None:
    with world(Ticket()) as kms:
        for answer in (
            login(kms, ""),
            login(kms, "Basic x"),
            requests.get(f"{kms.url}/v1/auth/kerberos/login", timeout=9),
        ):
            assert (answer.status_code, answer.json()["errors"]) == (401, ["authentication required"])
            assert answer.headers["WWW-Authenticate"] == "Negotiate"


def test_texts_that_are_no_tokens() -> None:
    ticket = Ticket()
    whole = base64.b64decode(ticket.header()[10:])
    with world(ticket) as kms:
        for odd in (
            b"",
            b"x",
            b"\x60\x02\x06\x00",
            whole[:-1],
            whole[:40],
            b"\x60\x80" * 100,
            whole.replace(b"\xa0", b"\xa1"),
        ):
            assert login(kms, f"Negotiate {base64.b64encode(odd).decode()}").status_code == 401
        assert login(kms, "Negotiate %").status_code == 401


def test_the_header_must_be_passed_to_the_mount() -> None:
    ticket = Ticket()
    with world(ticket, passthrough_request_headers=[], allowed_response_headers=[]) as kms:
        answer = login(kms, ticket.header())
        assert (answer.status_code, "WWW-Authenticate" in answer.headers) == (401, False)
        assert "passthrough_request_headers" in kms.journal.entries()[-1].hint


def test_instance_names_can_be_removed() -> None:
    ticket = Ticket(client=("grace", "host"))
    config = {"keytab": ticket.keytab(), "service_account": "HTTP", "remove_instance_name": True}
    with world(ticket, config=config) as kms:
        auth = login(kms, ticket.header()).json()["auth"]
        assert (auth["metadata"]["user"], "dev" in auth["token_policies"]) == ("grace/host", True)


def test_the_realm_must_be_that_of_the_directory() -> None:
    ticket = Ticket()
    with world(ticket, ldap={"upndomain": "OTHER.ORG"}) as kms:
        answer = login(kms, ticket.header())
        assert answer.status_code == 400
        assert answer.json()["warnings"] == [
            'identity domain of "EXAMPLE.ORG" doesn\'t match LDAP upndomain of "OTHER.ORG"'
        ]


def test_groups_become_aliases() -> None:
    ticket = Ticket()
    config = {"keytab": ticket.keytab(), "service_account": "HTTP/vault.example.org", "add_group_aliases": True}
    with world(ticket, config=config) as kms:
        client = root(kms)
        accessor = client.sys.list_auth_methods()["data"]["kerberos/"]["accessor"]
        made = client.write_data("identity/group", data={"name": "a", "type": "external", "policies": ["root2"]})[
            "data"
        ]
        client.write("identity/group-alias", name="Admins", mount_accessor=accessor, canonical_id=made["id"])
        assert login(kms, ticket.header()).json()["auth"]["identity_policies"] == ["root2"]


def test_a_directory_on_this_machine_is_searched() -> None:
    ticket = Ticket()
    grace = "cn=grace,ou=people,dc=x"
    entries = {
        **entry("cn=admin,dc=x", userpassword="secret", objectclass="*"),
        **entry(grace, objectclass="*"),
        **entry("cn=engineers,ou=groups,dc=x", member=grace),
    }
    with running(entries) as directory:
        ldap = {
            "url": directory.url,
            "binddn": "cn=admin,dc=x",
            "bindpass": "secret",
            "userdn": "ou=people,dc=x",
            "groupdn": "ou=groups,dc=x",
        }
        with world(ticket, directory={}, ldap=ldap) as kms:
            assert login(kms, ticket.header()).json()["auth"]["token_policies"] == ["default", "dev"]
            root(kms).write_data("auth/kerberos/config/ldap", data={"bindpass": "wrong"})
            ticket.sent += 1
            answer = login(kms, ticket.header())
            assert answer.status_code == 500
            assert answer.json()["errors"][0].startswith("LDAP bind failed: ")


def test_a_directory_that_cannot_be_reached() -> None:
    ticket = Ticket()
    with world(ticket, directory={}, ldap={"url": "ldap://127.0.0.1:1"}) as kms:
        answer = login(kms, ticket.header())
        assert answer.status_code == 500
        assert "could not connect to LDAP" in answer.json()["errors"][0]


def test_settings() -> None:
    with MockKMS() as kms:
        client = root(kms)
        client.sys.enable_auth_method("kerberos")
        with pytest.raises(InternalServerError, match="backend kerberos not configured"):
            hvac.Client(kms.url).write_data("auth/kerberos/login", data={})
        for sent, text in (
            ({}, "data does not contain service_account"),
            ({"service_account": "s"}, "data does not contain keytab"),
            ({"service_account": "s", "keytab": "%"}, "invalid keytab: "),
            (
                {"service_account": "s", "keytab": "AAAA"},
                "invalid keytab: invalid keytab data. First byte does not equal",
            ),
            ({"service_account": "s", "keytab": "BQIAAAAJ"}, "invalid keytab: .*'s length is less than 15"),
        ):
            with pytest.raises(InvalidRequest, match=text):
                client.write_data("auth/kerberos/config", data=sent)
        client.write_data("auth/kerberos/config", data={"service_account": "s", "keytab": Ticket().keytab()})
        shown = client.read("auth/kerberos/config")["data"]
        assert shown == {"service_account": "s", "add_group_aliases": False, "remove_instance_name": False}
        with pytest.raises(InternalServerError, match="ldap backend not configured"):
            hvac.Client(kms.url).write_data("auth/kerberos/login", data={})
        with pytest.raises(InvalidRequest, match="invalid 'tls_min_version'"):
            client.write_data("auth/kerberos/config/ldap", data={"tls_min_version": "x"})
        client.write_data("auth/kerberos/config/ldap", data={"bindpass": "hidden", "token_ttl": "1h"})
        shown = client.read("auth/kerberos/config/ldap")["data"]
        assert shown["token_ttl"] == 3600
        assert "hidden" not in str(shown)
        client.write_data("auth/kerberos/groups/g", data={"policies": "b,a"})
        assert client.read("auth/kerberos/groups/g")["data"] == {"policies": ["a", "b"]}
        assert client.list("auth/kerberos/groups")["data"]["keys"] == ["g"]
        round_trips(kms)
        client.delete("auth/kerberos/groups/g")
        assert client.read("auth/kerberos/groups/g") is None
