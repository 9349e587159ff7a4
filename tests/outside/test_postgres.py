"""Databases on this machine: connections that are verified, and users that are made there."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from typing import Any

import hvac
import pytest
from hvac.exceptions import InternalServerError, InvalidRequest

from mockkms import MockKMS
from tests.outside.postgres_server import Postgres, running

CREATE = "CREATE ROLE \"{{name}}\" PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'; GRANT app TO \"{{name}}\";"
FLAVORS = ("vault", "vault-1.21", "openbao")


@pytest.fixture
def database() -> Iterator[Postgres]:
    with running() as made:
        yield made


def prepare(kms: MockKMS) -> None:
    hvac.Client(kms.url, token=kms.token).sys.enable_secrets_engine("database")


pytestmark = [pytest.mark.flavors(*FLAVORS), pytest.mark.prepared(by=prepare)]


def connect(client: hvac.Client, address: str, mode: str = "disable", name: str = "pg", **more: Any) -> Any:
    settings = {"plugin_name": "postgresql-database-plugin", "allowed_roles": ["*"], "username": "root"}
    url = f"postgresql://{{{{username}}}}:{{{{password}}}}@{address}/app?sslmode={mode}"
    settings |= {"password": "first", "connection_url": url, **more}
    return client.write_data(f"database/config/{name}", data=settings)


def add_role(client: hvac.Client, **more: Any) -> None:
    settings = {"db_name": "pg", "creation_statements": [CREATE], "default_ttl": "1h", **more}
    client.write_data("database/roles/app", data=settings)


def closed_port() -> int:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        port: int = unheard.getsockname()[1]
        return port


@pytest.mark.parametrize("proof", ["clear", "md5", "scram"])
def test_a_connection_is_verified_by_logging_in(client: hvac.Client, proof: str) -> None:
    with running(proof) as database:
        assert connect(client, database.address).status_code == 204
        with pytest.raises(InvalidRequest, match="password authentication failed for user"):
            connect(client, database.address, password="wrong")
        assert connect(client, database.address, password="wrong", verify_connection=False).status_code == 204


def test_refusals_have_the_texts_of_the_driver(kms: MockKMS, client: hvac.Client, database: Postgres) -> None:
    address, fatal = database.address, 'FATAL: password authentication failed for user "root" (SQLSTATE 28P01)'
    words = {
        "vault": f"ping failed: failed to connect to `user=root database=app`: {address} (127.0.0.1): "
        f"failed SASL auth: {fatal}",
        "vault-1.21": "ping failed: failed to connect to `host=127.0.0.1 user=root database=app`: "
        f"failed SASL auth ({fatal})",
        "openbao": f"failed to connect to `user=root database=app`: {address} (127.0.0.1): failed SASL auth: {fatal}",
    }
    with pytest.raises(InvalidRequest) as refused:
        connect(client, address, password="x")
    whole = f"error creating database object: error verifying connection: {words[kms.flavor]}"
    assert refused.value.errors == [whole]
    assert client.read("database/config/pg") is None


def test_an_attempt_over_tls_comes_before_one_without(kms: MockKMS, client: hvac.Client, database: Postgres) -> None:
    assert connect(client, database.address, "prefer").status_code == 204
    with pytest.raises(InvalidRequest, match="server refused TLS connection"):
        connect(client, database.address, "require")
    with pytest.raises(InvalidRequest) as refused:
        connect(client, database.address, "prefer", password="wrong")
    lines = refused.value.errors[0].split("\n\t")
    assert len(lines) == (1 if kms.flavor == "vault-1.21" else 3)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (
            "postgresql://u:p@127.0.0.1/app?sslmode=nope",
            {
                "vault": "unable to parse connection url",
                "vault-1.21": "error verifying connection: ping failed: cannot parse `postgresql://u:xxxxx@127.0.0.1/"
                "app?sslmode=nope&timezone=UTC&application_name=vault`: failed to configure TLS (sslmode is invalid)",
                "openbao": "cannot parse connection url: sslmode is invalid",
            },
        ),
        (
            "postgresql://u:p@127.0.0.1:no/app",
            {
                **dict.fromkeys(FLAVORS, "unable to parse connection url"),
                "openbao": 'cannot parse connection url: invalid port ":no" after host',
            },
        ),
        (
            "postgresql://u:p%zz@127.0.0.1/app",
            {
                **dict.fromkeys(FLAVORS, "unable to parse connection url"),
                "openbao": 'cannot parse connection url: invalid URL escape "%zz"',
            },
        ),
    ],
)
def test_urls_that_cannot_be_read(kms: MockKMS, client: hvac.Client, url: str, words: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        connect(client, "", connection_url=url)
    assert refused.value.errors == [f"error creating database object: {words[kms.flavor]}"]


@pytest.mark.flavors("openbao")
@pytest.mark.parametrize(
    ("port", "text"),
    [("0", "outside range"), ("65536", 'strconv.ParseUint: parsing "65536": value out of range')],
)
def test_ports_are_read_as_by_go(client: hvac.Client, port: str, text: str) -> None:
    for url in (f"postgresql://u:p@127.0.0.1:{port}/app", f"host=127.0.0.1 port={port} user=u"):
        with pytest.raises(InvalidRequest) as refused:
            connect(client, "", connection_url=url)
        assert refused.value.errors == [f"error creating database object: cannot parse connection url: {text}"]


def test_statements_create_renew_and_delete_a_user(client: hvac.Client, database: Postgres) -> None:
    connect(client, database.address)
    add_role(client, renew_statements=["EXTEND {{name}}"], revocation_statements=["DROP {{username}}"])
    made = client.secrets.database.generate_credentials("app")
    name, password = made["data"]["username"], made["data"]["password"]
    begin, create, grant, commit = database.statements()
    assert (begin, grant, commit) == ("BEGIN", f'GRANT app TO "{name}"', "COMMIT")
    assert re.fullmatch(rf"CREATE ROLE \"{name}\" PASSWORD '{password}' VALID UNTIL '[-\d]+ [:\d]+\+0000'", create)
    client.sys.renew_lease(made["lease_id"])
    client.sys.revoke_lease(made["lease_id"])
    assert [f"EXTEND {name}", f"DROP {name}"] == [text for text in database.statements()[4:] if name in text]


def test_without_statements_a_user_is_deleted_with_its_grants(client: hvac.Client, database: Postgres) -> None:
    connect(client, database.address)
    add_role(client)
    made = client.secrets.database.generate_credentials("app")
    name = made["data"]["username"]
    database.answers = {"SELECT exists": [["t"]], "SELECT DISTINCT": [["sales"]], "SELECT current": [["app"]]}
    client.sys.revoke_lease(made["lease_id"])
    seen = database.statements()
    assert f'REVOKE USAGE ON SCHEMA "sales" FROM "{name}"' in seen
    assert f'REVOKE CONNECT ON DATABASE "app" FROM "{name}"' in seen
    assert seen[-1] == f'DROP ROLE IF EXISTS "{name}"'


def test_a_refused_statement_is_reported_and_creates_no_lease(client: hvac.Client, database: Postgres) -> None:
    connect(client, database.address)
    add_role(client, revocation_statements=["DROP IT"])
    made = client.secrets.database.generate_credentials("app")
    database.refused = {"GRANT": ("42704", 'role "app" does not exist'), "DROP": ("42601", "no")}
    fault = 'failed to execute query: ERROR: role "app" does not exist (SQLSTATE 42704)'
    with pytest.raises(InternalServerError) as refused:
        client.secrets.database.generate_credentials("app")
    assert refused.value.errors == [f"1 error occurred:\n\t* {fault}\n\n"]
    assert client.list("sys/leases/lookup/database/creds/app")["data"]["keys"] == [made["lease_id"].rpartition("/")[2]]
    with pytest.raises(InvalidRequest) as kept:
        client.sys.revoke_lease(made["lease_id"])
    why = "resp: (*logical.Response)(nil) err: ERROR: no (SQLSTATE 42601)"
    assert kept.value.errors == [f"failed to revoke entry: {why}"]


def test_roles_without_statements_make_no_users_in_a_database(client: hvac.Client, database: Postgres) -> None:
    connect(client, database.address)
    add_role(client, creation_statements=[])
    with pytest.raises(InternalServerError, match="empty creation statements"):
        client.secrets.database.generate_credentials("app")


def test_static_users_and_the_root_user_get_passwords_in_the_database(client: hvac.Client, database: Postgres) -> None:
    connect(client, database.address)
    client.write_data("database/static-roles/s", data={"db_name": "pg", "username": "sam", "rotation_period": "1h"})
    password = client.secrets.database.get_static_credentials("s")["data"]["password"]
    assert f"ALTER ROLE \"sam\" WITH PASSWORD '{password}'" in database.statements()
    client.secrets.database.rotate_root_credentials("pg")
    last = database.statements()[-2]
    match = re.fullmatch(r"ALTER ROLE \"root\" WITH PASSWORD '(.*)'", last)
    assert match
    with pytest.raises(InternalServerError, match="password authentication failed"):
        client.secrets.database.rotate_static_role_credentials("s")
    database.users["root"] = match[1]
    client.secrets.database.rotate_static_role_credentials("s")
    assert client.secrets.database.get_static_credentials("s")["data"]["password"] != password


def test_a_session_outlives_the_password_it_began_with(client: hvac.Client, database: Postgres) -> None:
    connect(client, database.address)
    client.write_data("database/static-roles/s", data={"db_name": "pg", "username": "root", "rotation_period": "1h"})
    database.users["root"] = client.secrets.database.get_static_credentials("s")["data"]["password"]
    client.secrets.database.rotate_static_role_credentials("s")
    add_role(client)
    database.refused = {"GRANT": ("42704", 'role "app" does not exist')}
    with pytest.raises(InternalServerError, match='role "app" does not exist'):
        client.secrets.database.generate_credentials("app")
    assert database.statements()[-1] == "ROLLBACK"
    database.refused = {}
    client.secrets.database.generate_credentials("app")
    database.users["root"] = "other"
    connect(client, database.address, verify_connection=False)
    with pytest.raises(InternalServerError, match="password authentication failed"):
        client.secrets.database.generate_credentials("app")


@pytest.mark.parametrize("more", [{"max_connection_lifetime": "10s"}, {}])
def test_a_session_ends_with_its_lifetime(
    kms: MockKMS, client: hvac.Client, database: Postgres, more: dict[str, str]
) -> None:
    connect(client, database.address, **more)
    add_role(client)
    client.secrets.database.generate_credentials("app")
    database.users["root"] = "second"
    kms.clock.advance(11)
    if not more:
        client.secrets.database.generate_credentials("app")
        return
    with pytest.raises(InternalServerError, match="password authentication failed"):
        client.secrets.database.generate_credentials("app")


def test_a_static_role_of_an_unreachable_database_is_not_kept(client: hvac.Client) -> None:
    connect(client, f"127.0.0.1:{closed_port()}", verify_connection=False)
    settings = {"db_name": "pg", "username": "sam", "rotation_period": "1h"}
    with pytest.raises(InternalServerError, match="error setting credentials: 1 error occurred") as refused:
        client.write_data("database/static-roles/s", data=settings)
    assert "user does not appear to exist: failed to connect" in refused.value.errors[0]
    assert "connect: connection refused" in refused.value.errors[0]


def test_passwords_can_be_sent_as_hashes(client: hvac.Client, database: Postgres) -> None:
    connect(client, database.address, password_authentication="scram-sha-256")
    add_role(client)
    made = client.secrets.database.generate_credentials("app")["data"]
    create = database.statements()[1]
    assert made["password"] not in create
    assert re.search(r"PASSWORD 'SCRAM-SHA-256\$4096:[^$]+\$[^:]+:[^']+'", create)
    with pytest.raises(InvalidRequest, match="'odd' is not a valid password authentication type"):
        connect(client, database.address, password_authentication="odd")


def test_a_server_that_does_not_know_the_password_is_reported() -> None:
    with running("impostor") as database, MockKMS() as server:
        client = hvac.Client(server.url, token=server.token)
        client.sys.enable_secrets_engine("database")
        with pytest.raises(InvalidRequest, match="invalid SCRAM ServerSignature received from server"):
            connect(client, database.address)


def test_a_reset_verifies_in_products_that_do(kms: MockKMS, client: hvac.Client) -> None:
    connect(client, f"127.0.0.1:{closed_port()}", verify_connection=False)
    if kms.flavor == "openbao":
        with pytest.raises(InternalServerError, match="error verifying connection: failed to connect"):
            client.secrets.database.reset_connection("pg")
    else:
        assert client.secrets.database.reset_connection("pg").status_code == 204
        client.write_data("database/config/pg", data={"verify_connection": False, "allowed_roles": "x"})
        done = client.write("database/reload/postgresql-database-plugin")["data"]
        assert done == {"connections": ["pg"], "count": 1}


def test_a_world_is_read_without_its_databases() -> None:
    url = f"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{closed_port()}/app"
    world = f"""
    mockkms: 1
    vault:
      mounts:
        database/:
          type: database
          config:
            pg:
              plugin_name: postgresql-database-plugin
              allowed_roles: ["*"]
              connection_details: {{connection_url: "{url}", username: root, password: first}}
          static_roles:
            s: {{db_name: pg, username: sam, rotation_period: 1h, password: known}}
    """
    with MockKMS(seed=world) as server:
        client = hvac.Client(server.url, token=server.token)
        assert client.secrets.database.get_static_credentials("s")["data"]["password"] == "known"
        assert client.read("database/config/pg")["data"]["verify_connection"] is True
        with pytest.raises(InternalServerError, match="connection refused"):
            client.secrets.database.rotate_static_role_credentials("s")
