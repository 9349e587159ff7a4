"""The LDAP engine: settings, static and dynamic accounts.

Source of the rules: ``vault-plugin-secrets-openldap``, OpenBao's ``builtin/logical/openldap``, and their API pages.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import hvac
import pytest

from mockkms import MockKMS
from mockkms.vault.framework.message import Response
from tests.outside.directory_server import Directory
from tests.vault.driving import START, World
from tests.vault.secrets.directories.conftest import ADMIN, CONFIG, ELSEWHERE, PEOPLE
from tests.vault.secrets.standin import data_of, lease_of, mounted, round_trip

pytestmark = pytest.mark.flavors("vault", "openbao")
Write = Callable[..., Response]
_CREATE = """dn: cn={{.Username}},ou=people,dc=acme
objectClass: person
userPassword: {{.Password}}
"""
_DELETE = "dn: cn={{.Username}},ou=people,dc=acme\nchangetype: delete\n"


def is_vault(world: World) -> bool:
    return world.core.product.texts.product == "Vault"


def go_error(answer: Response) -> str:
    assert answer.status == 500, answer
    return (answer.errors or [""])[0].removeprefix("1 error occurred:\n\t* ").removesuffix("\n\n")


def test_settings_have_the_defaults_of_the_plugin(world: World) -> None:
    write = mounted(world, "openldap")
    assert world.ask("read", "e/config").status == 404
    write("config", **ELSEWHERE, schema="ad")
    shown = data_of(world.ask("read", "e/config"))
    assert {"bindpass", "password_policy", "length", "ttl"}.isdisjoint(shown)
    assert {name: shown[name] for name in ("binddn", "userattr", "schema", "url", "request_timeout")} == {
        "binddn": ADMIN, "userattr": "userPrincipalName", "schema": "ad", "url": "ldaps://ldap.example.com",
        "request_timeout": 90,
    }  # fmt: skip
    assert shown["skip_static_role_import_rotation"] is False
    assert shown.get("credential_type") == ("password" if is_vault(world) else None)
    assert ("rotation_period" in shown) is is_vault(world)
    write("config", length=20)
    assert data_of(world.ask("read", "e/config"))["length"] == 20
    world.ask("delete", "e/config")
    assert world.ask("read", "e/config").status == 404


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"schema": "odd"}, "the configured schema odd is not valid. Supported schemas: [openldap racf ad]"),
        ({"length": 8, "password_policy": "p"}, "cannot set both 'password_policy' and 'length'"),
        ({"tls_min_version": "x"}, "invalid 'tls_min_version'"),
    ],
)
def test_settings_are_checked(world: World, settings: dict[str, Any], text: str) -> None:
    assert go_error(mounted(world, "ldap")("config", **ELSEWHERE, **settings)) == text


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("127.0.0.1", 'invalid LDAP scheme in url ":"'),
        ("ldap://[::1", """error parsing url "ldap://[::1": parse "ldap://[::1": missing ']' in host"""),
        (
            "ldap://127.0.0.1:99999",
            'error connecting to host "ldap://127.0.0.1:99999": LDAP Result Code 200 "Network Error": '
            "dial tcp: address 99999: invalid port",
        ),
        (
            "ldaps://127.0.0.1:1",
            'error connecting to host "ldaps://127.0.0.1:1": LDAP Result Code 200 "Network Error": '
            "dial tcp 127.0.0.1:1: connect: connection refused",
        ),
    ],
)
def test_a_directory_that_cannot_be_asked_is_an_error(world: World, url: str, text: str) -> None:
    # Answers of OpenBao 2.6.2.
    write = mounted(world, "ldap")
    write("config", url=url, binddn="cn=a", bindpass="b")
    assert go_error(write("rotate-root")) == text
    assert go_error(write("static-role/s", username="u", dn="cn=u", rotation_period="1h")) == text
    write("role/d", creation_ldif=_CREATE, deletion_ldif=_DELETE)
    answer = go_error(world.ask("read", "e/creds/d"))
    assert answer.startswith("failed to create user: failed to execute statements: ")
    assert text in answer


def test_accounts_are_found_by_known_attributes(world: World) -> None:
    # client.go of the plugin; OpenBao answers the same.
    write = mounted(world, "ldap")
    for attribute, text in (("A B", 'unsupported userattr "A B"'), ("CN", 'unsupported userattr "CN"')):
        write("config", **ELSEWHERE, userattr=attribute)
        assert go_error(write("rotate-root")) == text
    for attribute in ("", "uid"):
        write("config", **ELSEWHERE, userattr=attribute)
        assert write("rotate-root").errors is None


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "username is a required field to manage a static account"),
        ({"username": ""}, "username must not be empty"),
        ({"username": "ann"}, "rotation_period is required to create static accounts"),
        ({"username": "ann", "rotation_period": 4}, "rotation_period must be 5 seconds or more"),
    ],
)
def test_static_roles_are_checked(elsewhere: Write, settings: dict[str, Any], text: str) -> None:
    answer = elsewhere("static-role/r", **settings)
    assert (answer.status, answer.errors) == (400, [text])


def test_a_static_role_rotates_by_the_clock(world: World, elsewhere: Write) -> None:
    elsewhere("static-role/R", username="ann", rotation_period="1m")
    assert data_of(world.ask("read", "e/static-role/r")) == {
        "dn": "", "last_vault_rotation": "2027-01-15T08:00:00Z", "rotation_period": 60, "username": "ann",
    }  # fmt: skip
    first = data_of(world.ask("read", "e/static-cred/r"))
    assert (first["last_password"], first["ttl"], len(first["password"])) == ("", 60, 64)
    world.later(30)
    assert data_of(world.ask("read", "e/static-cred/r")) == {**first, "ttl": 30}
    world.later(40)
    second = data_of(world.ask("read", "e/static-cred/r"))
    assert (second["last_password"], second["ttl"]) == (first["password"], 50)
    assert second["last_vault_rotation"] == "2027-01-15T08:01:00Z"
    elsewhere("rotate-role/r")
    assert data_of(world.ask("read", "e/static-cred/r"))["last_password"] == second["password"]


def test_a_static_role_keeps_its_account(world: World, elsewhere: Write) -> None:
    elsewhere("static-role/R", username="ann", rotation_period=60, dn="cn=ann")
    assert elsewhere("rotate-role/R").errors == ["role doesn't exist: R"]  # Only here the name is not lowered.
    assert elsewhere("static-role/r", username="ben").errors == ["cannot update static account username"]
    changed = elsewhere("static-role/r", username="ann", dn="cn=x")
    assert changed.errors == ["cannot update static account distinguished name (dn)"]
    twice = elsewhere("static-role/other", username="ann", rotation_period=60)
    assert twice.errors == ['"ann" is already managed by the secrets engine']
    late = elsewhere("static-role/r", skip_import_rotation=True)
    assert late.errors == ["skip_import_rotation has no effect on updates"]
    world.ask("delete", "e/static-role/r")
    assert elsewhere("static-role/other", username="ann", rotation_period=60).errors is None
    assert world.ask("read", "e/static-cred/r").errors == ["unknown role: r"]
    assert elsewhere("rotate-role/r").errors == ["role doesn't exist: r"]


def test_a_kept_password_is_unknown_until_it_rotates(world: World, elsewhere: Write) -> None:
    elsewhere("static-role/r", username="ann", rotation_period=60, skip_import_rotation=True)
    shown = data_of(world.ask("read", "e/static-cred/r"))
    assert (shown["password"], shown["last_vault_rotation"]) == ("", "0001-01-01T00:00:00Z")
    assert shown["ttl"] == (60 if is_vault(world) else 0)
    world.later(61)
    assert len(data_of(world.ask("read", "e/static-cred/r"))["password"]) == 64


def test_without_settings(world: World) -> None:
    write = mounted(world, "ldap")
    answer = write("static-role/r", username="ann", rotation_period=60)
    if is_vault(world):
        assert (answer.status, answer.errors) == (400, ["missing LDAP configuration"])
    else:
        assert go_error(answer) == "couldn't find configuration for this create operation's endpoint"
    assert go_error(write("rotate-root")) == "the config is currently unset"


def test_names_have_folders_in_vault(world: World, elsewhere: Write) -> None:
    made = elsewhere("static-role/team/a", username="ann", rotation_period=60)
    if not is_vault(world):
        assert made.status == 404
        return
    elsewhere("static-role/b", username="ben", rotation_period=60)
    assert data_of(world.ask("list", "e/static-role/")) == {"keys": ["b", "team/"]}
    assert data_of(world.ask("list", "e/static-role/team/")) == {"keys": ["a"]}
    assert data_of(world.ask("read", "e/static-cred/team/a"))["username"] == "ann"


def test_passwords_change_in_a_directory_on_this_machine(world: World, here: Write, directory: Directory) -> None:
    here("static-role/r", username="ann", rotation_period=60)
    password = data_of(world.ask("read", "e/static-cred/r"))["password"]
    assert directory.entries[f"cn=ann,{PEOPLE}"]["userpassword"] == [password]
    here("static-role/d", username="b", dn=f"cn=ben,{PEOPLE}", rotation_period=60)
    assert directory.entries[f"cn=ben,{PEOPLE}"]["userpassword"] != ["old"]
    assert go_error(here("static-role/n", username="nobody", rotation_period=60)) == (
        "expected one matching entry, but received 0"
    )
    assert world.ask("read", "e/static-role/n").status == 404


def test_the_bind_password_rotates(world: World, here: Write, directory: Directory) -> None:
    assert here("rotate-root").errors is None
    rotated = directory.entries[ADMIN]["userpassword"]
    assert rotated != ["first"]
    assert data_of(world.ask("read", "e/config"))["last_bind_password_rotation"] == "2027-01-15T08:00:00Z"
    # The directory still expects the previous password, which is tried for ten minutes.
    directory.entries[ADMIN]["userpassword"] = ["first"]
    assert here("static-role/r", username="ann", rotation_period=60).errors is None
    world.later(601)
    assert "failed to bind with current password" in go_error(here("rotate-role/r"))


def test_a_directory_that_does_not_respond(world: World) -> None:
    write = mounted(world, "ldap")
    write("config", **CONFIG, url="ldap://127.0.0.1:1")
    assert 'error connecting to host "ldap://127.0.0.1:1": LDAP Result Code 200 "Network Error"' in go_error(
        write("static-role/r", username="ann", rotation_period=60)
    )


def test_a_failed_rotation_is_tried_again_after_ten_seconds(world: World, here: Write, directory: Directory) -> None:
    """``setCredentialsWithLock`` and the queue of ``rotation.go``, whose failed items wait for ten seconds."""
    here("static-role/r", username="ann", rotation_period=60)
    first = data_of(world.ask("read", "e/static-cred/r"))["password"]
    account = directory.entries.pop(f"cn=ann,{PEOPLE}")
    world.later(61)
    assert data_of(world.ask("read", "e/static-cred/r"))["password"] == first
    directory.entries[f"cn=ann,{PEOPLE}"] = account
    world.later(9)
    assert data_of(world.ask("read", "e/static-cred/r"))["password"] == first
    world.later(1)
    assert data_of(world.ask("read", "e/static-cred/r"))["last_password"] == first


def test_a_due_role_is_rotated_once_by_requests_at_once(
    kms: MockKMS, client: hvac.Client, directory: Directory
) -> None:
    client.sys.enable_secrets_engine("ldap")
    client.write("ldap/config", **CONFIG, url=directory.url)
    client.write("ldap/static-role/r", username="ann", rotation_period=60)
    first = client.read("ldap/static-cred/r")["data"]["password"]
    kms.clock.advance(61)
    with ThreadPoolExecutor(8) as pool:
        found = [one["data"] for one in pool.map(lambda _: client.read("ldap/static-cred/r"), range(8))]
    assert {(one["password"] == first) or (one["last_password"] == first) for one in found} == {True}
    assert client.read("ldap/static-cred/r")["data"]["last_password"] == first


def test_urls_and_lengths_that_make_no_sense(world: World) -> None:
    write = mounted(world, "ldap")
    write("config", **CONFIG, url="http://127.0.0.1:389")
    said = go_error(write("static-role/r", username="ann", rotation_period=60))
    assert 'invalid LDAP scheme in url "127.0.0.1:389"' in said
    write("config", **ELSEWHERE, length=-5)
    said = go_error(write("static-role/r", username="ann", rotation_period=60))
    assert said == "unable to generate password: no password can have -5 letters and digits"


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "missing creation_ldif"),
        ({"creation_ldif": _CREATE}, "missing deletion_ldif"),
        (
            {"creation_ldif": "{{", "deletion_ldif": _DELETE},
            "invalid creation_ldif: invalid template: failed to parse template: unable to parse template: template: "
            "template:1: unclosed action",
        ),
        (
            {"creation_ldif": _CREATE, "deletion_ldif": "x"},
            "invalid deletion_ldif: LDIF is invalid: Error in line 2: missing 'dn:'",
        ),
        (
            {"creation_ldif": _CREATE, "deletion_ldif": _DELETE, "rollback_ldif": "# nothing"},
            "invalid rollback_ldif: must specify at least one LDIF entry",
        ),
    ],
)
def test_dynamic_roles_are_checked(elsewhere: Write, settings: dict[str, str], text: str) -> None:
    assert go_error(elsewhere("role/r", **settings)) == text


def test_dynamic_accounts_of_a_directory_elsewhere(world: World, elsewhere: Write) -> None:
    encoded = base64.b64encode(_CREATE.encode()).decode()
    elsewhere("role/r", creation_ldif=encoded, deletion_ldif=_DELETE, default_ttl="1m", max_ttl="2m")
    assert data_of(world.ask("read", "e/role/r")) == {
        "creation_ldif": _CREATE, "default_ttl": 60, "deletion_ldif": _DELETE, "max_ttl": 120, "rollback_ldif": "",
        "username_template": "",
    }  # fmt: skip
    made = world.ask("read", "e/creds/r")
    data = data_of(made)
    assert data["username"].startswith("v_token_r_")
    assert data["username"].endswith(f"_{int(START)}")
    assert data["distinguished_names"] == [f"cn={data['username']},{PEOPLE}"]
    lease = lease_of(made)
    world.later(50)
    assert lease_of(world.write("sys/leases/renew", {"lease_id": lease.lease_id})).ttl == 60
    world.ask("delete", "e/role/r")
    gone = world.write("sys/leases/renew", {"lease_id": lease.lease_id})
    assert "unable to renew: role does not exist" in str(gone.errors)
    assert world.ask("read", "e/creds/r").status == 404


def test_dynamic_accounts_are_made_and_deleted(world: World, here: Write, directory: Directory) -> None:
    here("role/r", creation_ldif=_CREATE, deletion_ldif=_DELETE, username_template="made")
    made = world.ask("read", "e/creds/r")
    assert directory.entries[f"cn=made,{PEOPLE}"]["userpassword"] == [data_of(made)["password"]]
    assert go_error(world.ask("read", "e/creds/r")) == (
        "failed to create user: failed to execute statements: failed to run AddRequest: "
        'LDAP Result Code 68 "Entry Already Exists": said so'
    )
    world.write("sys/leases/revoke", {"lease_id": lease_of(made).lease_id})
    assert f"cn=made,{PEOPLE}" not in directory.entries


def test_a_failed_creation_is_undone(world: World, here: Write, directory: Directory) -> None:
    twice = f"{_CREATE}\n{_CREATE}"
    here("role/r", creation_ldif=twice, deletion_ldif=_DELETE, rollback_ldif=_DELETE, username_template="made")
    assert "Entry Already Exists" in go_error(world.ask("read", "e/creds/r"))
    assert f"cn=made,{PEOPLE}" not in directory.entries


def test_hvac_and_the_journal(kms: MockKMS, client: hvac.Client) -> None:
    client.sys.enable_secrets_engine("ldap")
    ldap = client.secrets.ldap
    ldap.configure(binddn=ADMIN, bindpass="p", url="ldaps://ldap.example.com", userdn=PEOPLE)
    assert ldap.read_config()["data"]["binddn"] == ADMIN
    ldap.create_or_update_static_role("r", username="ann", rotation_period="1h")
    assert kms.journal.entries()[-1].hint == (
        "the directory is not on this machine: it is assumed to accept the change"
    )
    assert ldap.list_static_roles()["data"]["keys"] == ["r"]
    before = ldap.generate_static_credentials("r")["data"]["password"]
    ldap.rotate_static_credentials("r")
    assert ldap.generate_static_credentials("r")["data"]["last_password"] == before
    ldap.rotate_root()
    ldap.delete_static_role("r")


def test_worlds_and_dumps_keep_it(flavor: str) -> None:
    """No directory is asked while a world is loaded: none listens at the address."""
    mount = {
        "type": "ldap",
        "config": {**CONFIG, "url": "ldap://127.0.0.1:1", "userattr": "cn"},
        "static_roles": {
            "r": {"username": "ann", "rotation_period": 60, "password": "p", "skip_import_rotation": True},
        },
        "dynamic_roles": {"d": {"creation_ldif": _CREATE, "deletion_ldif": _DELETE, "default_ttl": 60}},
        "library": {
            "s": {
                "service_account_names": ["a", "b"], "ttl": 60,
                "accounts": {"a": {"password": "pa", "borrower_entity_id": "e"}, "b": {"password": "pb"}},
            },
        },
    }  # fmt: skip
    assert round_trip(mount, flavor=flavor) == mount
