"""Users in real databases: made by the statements of roles, they log in until their leases end.

Rules and texts of MySQL: the plugin's source (plugins/database/mysql) and the texts of its driver.
"""

from __future__ import annotations

import socket
import threading
from typing import Any

import hvac
import pymysql
import pytest
from hvac.exceptions import InternalServerError, InvalidRequest, VaultError

from mockkms import MockKMS
from mockkms.outside import mysql as driver
from mockkms.outside.postgres import ConnectFault, PostgresConnection
from tests.real_databases import PASSWORD, USER, RealDatabase

pytestmark = [pytest.mark.flavors("vault", "openbao")]

PG_CREATE = (
    "CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';"
    'GRANT SELECT ON ALL TABLES IN SCHEMA public TO "{{name}}"'
)
MY_CREATE = "CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'; GRANT SELECT ON app.* TO '{{name}}'@'%'"


def pg_login(database: RealDatabase, user: str, password: str) -> bool:
    """Whether PostgreSQL lets a user in."""
    settings = {"user": user, "database": "postgres"}
    try:
        with PostgresConnection(("127.0.0.1", database.port), settings, password, "nonce") as session:
            return session.query("SELECT 1") == [["1"]]
    except ConnectFault:
        return False


def my_login(database: RealDatabase, user: str, password: str) -> bool:
    """Whether MariaDB lets a user in."""
    try:
        pymysql.connect(host="127.0.0.1", port=database.port, user=user, password=password, database="app").close()
    except pymysql.err.OperationalError as error:
        if error.args[0] not in (1044, 1045):
            raise
        return False
    return True


@pytest.fixture
def client(kms: MockKMS) -> hvac.Client:
    client = hvac.Client(kms.url, token=kms.token)
    client.sys.enable_secrets_engine("database")
    return client


def my_connect(client: hvac.Client, database: RealDatabase, **more: Any) -> None:
    settings = {
        "plugin_name": "mysql-database-plugin", "allowed_roles": "*", "username": USER, "password": PASSWORD,
        "connection_url": f"{{{{username}}}}:{{{{password}}}}@tcp(127.0.0.1:{database.port})/app", **more,
    }  # fmt: skip
    client.write_data("database/config/db", data=settings)


def pg_connect(client: hvac.Client, database: RealDatabase, **more: Any) -> None:
    settings = {
        "plugin_name": "postgresql-database-plugin", "allowed_roles": "*", "username": USER, "password": PASSWORD,
        "connection_url": f"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{database.port}/postgres", **more,
    }  # fmt: skip
    client.write_data("database/config/db", data=settings)


def test_a_user_of_postgresql_logs_in_until_its_lease_is_revoked(client: hvac.Client, postgres: RealDatabase) -> None:
    pg_connect(client, postgres)
    client.write_data("database/roles/app", data={"db_name": "db", "creation_statements": PG_CREATE})
    made = client.read("database/creds/app")
    user, password = made["data"]["username"], made["data"]["password"]
    assert pg_login(postgres, user, password)
    assert not pg_login(postgres, user, "other")
    client.sys.renew_lease(made["lease_id"], increment=60)
    client.sys.revoke_lease(made["lease_id"])
    assert not pg_login(postgres, user, password)


def test_a_user_of_mysql_logs_in_until_its_lease_is_revoked(client: hvac.Client, mariadb: RealDatabase) -> None:
    my_connect(client, mariadb)
    client.write_data("database/roles/app", data={"db_name": "db", "creation_statements": MY_CREATE})
    made = client.read("database/creds/app")
    user, password = made["data"]["username"], made["data"]["password"]
    assert my_login(mariadb, user, password)
    assert not my_login(mariadb, user, "other")
    client.sys.renew_lease(made["lease_id"], increment=60)
    client.sys.revoke_lease(made["lease_id"])
    assert not my_login(mariadb, user, password)


@pytest.mark.parametrize("statements", [None, "DROP USER '{{name}}'@'%'"])
def test_only_openbao_looks_whether_a_user_of_mysql_is_there(
    client: hvac.Client, mariadb: RealDatabase, flavor: str, statements: str | None
) -> None:
    """Vault's plugins/database/mysql/mysql.go runs its default statements without looking for the user."""
    my_connect(client, mariadb)
    role = {"db_name": "db", "creation_statements": MY_CREATE, "revocation_statements": statements}
    client.write_data("database/roles/app", data=role)
    made = client.read("database/creds/app")
    with pymysql.connect(host="127.0.0.1", port=mariadb.port, user=USER, password=PASSWORD) as session:
        session.cursor().execute(f"DROP USER '{made['data']['username']}'@'%'")
    settings = {"lease_id": made["lease_id"], "sync": True}
    if flavor == "openbao" and statements is None:
        client.write_data("sys/leases/revoke", data=settings)
        return
    with pytest.raises(InvalidRequest, match=r"failed to revoke .*Error \d+ \("):
        client.write_data("sys/leases/revoke", data=settings)


def test_several_hosts_of_mysql_are_tried_in_openbao(client: hvac.Client, mariadb: RealDatabase, flavor: str) -> None:
    login, end = "{{username}}:{{password}}@tcp(127.0.0.1:1, ", ")/app"
    if flavor != "openbao":
        my_connect(client, mariadb, connection_url=f"{login}[::1]:1{end}")  # Go looks up a host of that name.
        return
    my_connect(client, mariadb, connection_url=f"{login}127.0.0.1:{mariadb.port}{end}")
    client.write_data("database/roles/app", data={"db_name": "db", "creation_statements": MY_CREATE})
    made = client.read("database/creds/app")["data"]
    assert my_login(mariadb, made["username"], made["password"])
    with pytest.raises(InvalidRequest) as refused:
        my_connect(client, mariadb, connection_url=f"{login}[::1]:1{end}")
    assert (
        "error verifying - ping: 2 errors occurred:\n"
        "\t* failed to connect to 127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused\n"
        "\t* failed to connect to [::1]:1: dial tcp [::1]:1: connect: connection refused\n\n"
    ) in str(refused.value)


def test_a_lease_that_ends_by_the_clock_ends_the_user(kms: MockKMS, client: hvac.Client, mariadb: RealDatabase) -> None:
    my_connect(client, mariadb)
    role = {"db_name": "db", "creation_statements": MY_CREATE, "default_ttl": "1h"}
    client.write_data("database/roles/app", data=role)
    made = client.read("database/creds/app")["data"]
    kms.clock.advance("2h")
    client.sys.read_health_status()
    client.auth.token.lookup_self()
    assert not my_login(mariadb, made["username"], made["password"])


def test_statements_of_a_role_delete_its_users(client: hvac.Client, mariadb: RealDatabase) -> None:
    my_connect(client, mariadb)
    role = {
        "db_name": "db",
        "creation_statements": [MY_CREATE],
        "revocation_statements": ["ALTER USER '{{username}}'@'%' ACCOUNT LOCK"],
    }
    client.write_data("database/roles/app", data=role)
    made = client.read("database/creds/app")
    client.sys.revoke_lease(made["lease_id"])
    with pytest.raises(pymysql.err.OperationalError, match="locked"):
        pymysql.connect(
            host="127.0.0.1", port=mariadb.port, user=made["data"]["username"], password=made["data"]["password"]
        )


@pytest.mark.parametrize("database", ["postgres", "mariadb"])
def test_a_static_user_rotates(client: hvac.Client, database: str, request: pytest.FixtureRequest) -> None:
    found: RealDatabase = request.getfixturevalue(database)
    connect, login = (pg_connect, pg_login) if database == "postgres" else (my_connect, my_login)
    connect(client, found)
    user = f"static_{client.adapter.base_uri.rpartition(':')[2].strip('/')}"
    if database == "postgres":
        with PostgresConnection(
            ("127.0.0.1", found.port), {"user": USER, "database": "postgres"}, PASSWORD, "n"
        ) as one:
            one.query(f"CREATE ROLE {user} LOGIN")
    else:
        with pymysql.connect(host="127.0.0.1", port=found.port, user=USER, password=PASSWORD) as session:
            session.cursor().execute(f"CREATE USER {user}@'%'")
            session.cursor().execute(f"GRANT SELECT ON app.* TO {user}@'%'")
    client.write_data("database/static-roles/s", data={"db_name": "db", "username": user, "rotation_period": "1h"})
    first = client.read("database/static-creds/s")["data"]["password"]
    assert login(found, user, first)
    client.write_data("database/rotate-role/s")
    second = client.read("database/static-creds/s")["data"]["password"]
    assert login(found, user, second)
    assert not login(found, user, first)


def test_the_root_user_of_mysql_rotates(client: hvac.Client, mariadb: RealDatabase) -> None:
    own = f"root_{client.adapter.base_uri.rpartition(':')[2].strip('/')}"
    with pymysql.connect(host="127.0.0.1", port=mariadb.port, user=USER, password=PASSWORD) as session:
        session.cursor().execute(f"CREATE USER {own}@'%' IDENTIFIED BY 'first'")
        session.cursor().execute(f"GRANT ALL PRIVILEGES ON *.* TO {own}@'%' WITH GRANT OPTION")
    my_connect(client, mariadb, username=own, password="first")
    client.write_data("database/rotate-root/db")
    assert not my_login(mariadb, own, "first")
    client.write_data("database/roles/app", data={"db_name": "db", "creation_statements": MY_CREATE})
    made = client.read("database/creds/app")["data"]
    assert my_login(mariadb, made["username"], made["password"])


def test_errors_of_mysql_are_those_of_gos_driver(client: hvac.Client, mariadb: RealDatabase) -> None:
    with pytest.raises(InvalidRequest) as refused:
        my_connect(client, mariadb, password="wrong")
    text = f"Error 1045 (28000): Access denied for user '{USER}'@'127.0.0.1' (using password: YES)"
    assert text.replace("127.0.0.1", "localhost") in str(refused.value).replace("127.0.0.1", "localhost")
    assert "error verifying - ping: " in str(refused.value)
    my_connect(client, mariadb)
    client.write_data("database/roles/bad", data={"db_name": "db", "creation_statements": "CREATE USR x"})
    with pytest.raises(InternalServerError, match=r"Error 1064 \(42000\): You have an error in your SQL syntax"):
        client.read("database/creds/bad")
    client.write_data("database/roles/twice", data={
        "db_name": "db", "creation_statements": f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{{{{password}}}}'",
    })  # fmt: skip
    with pytest.raises(InternalServerError, match=r"Error 1396 \(HY000\): Operation CREATE USER failed"):
        client.read("database/creds/twice")
    client.write_data("database/roles/app", data={"db_name": "db", "creation_statements": MY_CREATE})
    assert client.read("database/creds/app")["data"]["username"]


def test_invalid_connection_strings_of_mysql(client: hvac.Client) -> None:
    settings = {"plugin_name": "mysql-database-plugin", "username": "u", "password": "secret"}
    for url, text in (
        ("{{username}}:{{password}}@tcp(127.0.0.1)", "missing the slash separating the database name"),
        ("{{username}}:{{password}}@tcp(127.0.0.1/app", "network address not terminated (missing closing brace)"),
    ):
        with pytest.raises(InvalidRequest) as refused:
            client.write_data("database/config/db", data={**settings, "connection_url": url})
        assert f"error verifying - connection: unable to parse connectionURL: invalid DSN: {text}" in str(refused.value)


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0", b"\xff" * 64, b""])
def test_a_server_that_is_not_a_database(client: hvac.Client, greeting: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(greeting)

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(InvalidRequest, match="error verifying - ping: "):
            my_connect(client, RealDatabase(server.getsockname()[1], None))  # type: ignore[arg-type]


def test_a_request_that_waits_for_mysql_holds_up_no_other(
    kms: MockKMS, client: hvac.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "PATIENCE", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        failed: list[str] = []

        def connect() -> None:
            try:
                my_connect(hvac.Client(kms.url, token=kms.token), RealDatabase(silent.getsockname()[1], None))  # type: ignore[arg-type]
            except VaultError as error:
                failed.append(str(error))

        waiting = threading.Thread(target=connect)
        waiting.start()
        peer, _ = silent.accept()
        with peer:
            assert client.auth.token.lookup_self()["data"]["id"] == kms.token
            waiting.join(60)
    assert failed
    assert "error verifying - ping: " in failed[0]


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (("postgresql-database-plugin", "postgresql://u:p@db.example.org/app"), "the database is not on this machine"),
        (("mysql-database-plugin", "u:p@tcp(db.example.org:3306)/app"), "the database is not on this machine"),
        (("mssql-database-plugin", "sqlserver://u:p@127.0.0.1:1433"), "databases of mssql-database-plugin are not"),
    ],
)
def test_the_journal_says_that_credentials_are_made_up(
    kms: MockKMS, client: hvac.Client, settings: tuple[str, str], why: str
) -> None:
    plugin, url = settings
    if plugin not in kms.world.core.product.builtins.database:
        pytest.skip(f"this product has no {plugin}")
    client.write_data("database/config/db", data={"plugin_name": plugin, "connection_url": url, "allowed_roles": "*"})
    client.write_data("database/roles/app", data={"db_name": "db", "creation_statements": "CREATE"})
    client.read("database/creds/app")
    assert why in kms.journal[-1].hint
    assert kms.journal[-1].hint.endswith("nothing was changed in the database")


def test_without_the_driver_credentials_are_made_up(
    kms: MockKMS, client: hvac.Client, mariadb: RealDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mockkms.vault.secrets.database.servers.driver", lambda: None)
    my_connect(client, mariadb)
    client.write_data("database/roles/app", data={"db_name": "db", "creation_statements": MY_CREATE})
    made = client.read("database/creds/app")["data"]
    assert not my_login(mariadb, made["username"], made["password"])
    assert "pip install 'mockkms[databases]'" in kms.journal[-1].hint
