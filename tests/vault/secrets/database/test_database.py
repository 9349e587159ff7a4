"""The database secrets engine, through hvac: connections, users on demand and their leases, static users."""

from __future__ import annotations

import re
from typing import Any

import hvac
import pytest
from hvac.exceptions import InternalServerError, InvalidPath, InvalidRequest

from mockkms import MockKMS

_URL = "postgresql://{{username}}:{{password}}@db.example.org:5432/app"
_ROTATION = {
    "disable_automated_rotation": False,
    "rotation_period": 0,
    "rotation_policy": "",
    "rotation_schedule": "",
    "rotation_window": 0,
    "skip_static_role_import_rotation": False,
    "verify_connection": True,
}
_CREATE = ["CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';"]


def prepare(kms: MockKMS) -> None:
    kms.clock.freeze()
    hvac.Client(kms.url, token=kms.token).sys.enable_secrets_engine("database")


pytestmark = [pytest.mark.flavors("vault", "openbao"), pytest.mark.server(rng=11), pytest.mark.prepared(by=prepare)]


def connect(client: hvac.Client, name: str = "pg", **more: Any) -> Any:
    settings = {"plugin_name": "postgresql-database-plugin", "connection_url": _URL, "allowed_roles": ["app*"]}
    settings |= {"username": "root", "password": "first", **more}
    return client.write_data(f"database/config/{name}", data=settings)


def add_role(client: hvac.Client, name: str = "app", **more: Any) -> Any:
    settings = {"db_name": "pg", "creation_statements": _CREATE, "default_ttl": "1h", "max_ttl": "24h", **more}
    return client.write_data(f"database/roles/{name}", data=settings)


def test_a_connection_is_kept_and_shown_without_its_password(kms: MockKMS, client: hvac.Client) -> None:
    connect(client, connection_url="postgresql://root:hidden@db/app", password_policy="strict")
    shown = client.secrets.database.read_connection("pg")["data"]
    assert shown == {
        "allowed_roles": ["app*"],
        "connection_details": {"connection_url": "postgresql://root:xxxxx@db/app", "username": "root"},
        "password_policy": "strict",
        "plugin_name": "postgresql-database-plugin",
        "plugin_version": "",
        "root_credentials_rotate_statements": [],
        **(_ROTATION if kms.flavor == "vault" else {}),
    }
    assert client.secrets.database.list_connections()["data"]["keys"] == ["pg"]
    client.secrets.database.delete_connection("pg")
    with pytest.raises(InvalidPath):
        client.secrets.database.read_connection("pg")


def test_a_password_in_the_url_is_warned_of(client: hvac.Client) -> None:
    assert connect(client).status_code == 204
    warned = connect(client, connection_url="postgresql://root:plain@db/app")["warnings"]
    assert any(text.startswith("Password found in connection_url") for text in warned)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"plugin_name": ""}, "empty plugin name"),
        (
            {"plugin_name": "none"},
            r"invalid database version: 2 errors occurred:\n\t\* plugin not found in the catalog",
        ),
        ({"connection_url": ""}, "error creating database object: connection_url cannot be empty"),
        ({"plugin_name": "redis-database-plugin", "connection_url": ""}, "host cannot be empty"),
        (
            {"username_template": "{{ nothing 5 }}"},
            "unable to initialize username template: unable to parse template: template: template:1: "
            'function "nothing" not defined',
        ),
        (
            {"username_template": "{{ .Other }}"},
            'invalid username template: unable to apply template: template: template:1:3: executing "template" at '
            "<.Other>: can't evaluate field Other in type dbplugin.UsernameMetadata",
        ),
        ({"plugin_version": "v9.9.9"}, "plugin not found in the catalog: postgresql-database-plugin, version=v9.9.9"),
    ],
)
def test_a_connection_that_a_plugin_would_refuse(client: hvac.Client, settings: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidRequest, match=text):
        connect(client, **settings)
    assert client.list("database/config") is None


def test_a_user_is_made_with_a_lease(client: hvac.Client) -> None:
    connect(client)
    add_role(client)
    first = client.secrets.database.generate_credentials("app")
    second = client.secrets.database.generate_credentials("app")
    assert re.fullmatch(r"v-token-app-[0-9A-Za-z]{20}-\d+", first["data"]["username"])
    assert re.fullmatch(r"[0-9A-Za-z-]{20}", first["data"]["password"])
    assert first["data"]["username"] != second["data"]["username"]
    assert (first["lease_duration"], first["renewable"]) == (3600, True)
    assert first["lease_id"].startswith("database/creds/app/")


def test_a_lease_is_renewed_revoked_and_ends(kms: MockKMS, client: hvac.Client) -> None:
    connect(client)
    add_role(client)
    lease = client.secrets.database.generate_credentials("app")["lease_id"]
    kms.clock.advance(1800)
    assert client.sys.renew_lease(lease, increment=7200)["lease_duration"] == 7200
    client.sys.revoke_lease(lease)
    with pytest.raises(InvalidRequest, match="invalid lease"):
        client.sys.read_lease(lease)
    other = client.secrets.database.generate_credentials("app")["lease_id"]
    kms.clock.advance(3601)
    with pytest.raises(InvalidRequest, match="invalid lease"):
        client.sys.read_lease(other)


def test_a_lease_outlives_neither_its_role_nor_its_connection(client: hvac.Client) -> None:
    connect(client)
    add_role(client)
    lease = client.secrets.database.generate_credentials("app")["lease_id"]
    client.secrets.database.delete_role("app")
    with pytest.raises(hvac.exceptions.VaultError, match='could not find role with name "app"'):
        client.sys.renew_lease(lease)
    client.secrets.database.delete_connection("pg")
    with pytest.raises(InvalidRequest, match='failed to find entry for connection with name: "pg"'):
        client.sys.revoke_lease(lease)


def test_requests_for_users_that_are_refused(client: hvac.Client) -> None:
    connect(client)
    add_role(client, "other")
    add_role(client, "app-lost", db_name="gone")
    add_role(client, "app-key", credential_type="rsa_private_key")
    database = client.secrets.database
    with pytest.raises(InvalidRequest, match="unknown role: none"):
        database.generate_credentials("none")
    with pytest.raises(InternalServerError, match='"other" is not an allowed role'):
        database.generate_credentials("other")
    with pytest.raises(InternalServerError, match='failed to find entry for connection with name: "gone"'):
        database.generate_credentials("app-lost")
    with pytest.raises(InvalidRequest, match='unsupported credential_type: "rsa_private_key"'):
        database.generate_credentials("app-key")


def test_a_role_is_shown_as_written_and_keeps_what_is_not_sent(client: hvac.Client) -> None:
    add_role(client, revocation_statements=["", "DROP ROLE x"], credential_config={"password_policy": "strict"})
    client.write_data("database/roles/app", data={"max_ttl": 90})
    assert client.secrets.database.read_role("app")["data"] == {
        "creation_statements": _CREATE,
        "credential_config": {"password_policy": "strict"},
        "credential_type": "password",
        "db_name": "pg",
        "default_ttl": 3600,
        "max_ttl": 90,
        "renew_statements": [],
        "revocation_statements": ["DROP ROLE x"],
        "rollback_statements": [],
    }


@pytest.mark.parametrize(
    ("path", "settings", "text"),
    [
        ("roles/x", {}, "database name is required"),
        ("roles/x", {"db_name": "pg", "credential_type": "odd"}, 'invalid credential_type "odd"'),
        ("roles/x", {"db_name": "pg", "credential_type": "rsa_private_key", "credential_config": {"key_bits": "7"}},
         "credential_config validation failed: invalid key_bits: 7"),
        ("static-roles/x", {}, "database name is a required field"),
        ("static-roles/x", {"db_name": "pg"}, "username is a required field to create a static account"),
        ("static-roles/x", {"db_name": "pg", "username": "u"}, "to create (a static account|static accounts)"),
        ("static-roles/x", {"db_name": "pg", "username": "u", "rotation_period": 4}, "must be 5 seconds or more"),
        ("static-roles/app", {"db_name": "pg"}, "Role and Static Role names must be unique"),
    ],
)  # fmt: skip
def test_roles_that_are_refused(client: hvac.Client, path: str, settings: dict[str, Any], text: str) -> None:
    add_role(client)
    with pytest.raises(InvalidRequest, match=text):
        client.write_data(f"database/{path}", data=settings)


def test_passwords_follow_a_policy(client: hvac.Client) -> None:
    policy = 'length = 12\nrule "charset" { charset = "xyz" }'
    client.write_data("sys/policies/password/letters", data={"policy": policy})
    connect(client, password_policy="letters")
    add_role(client)
    assert re.fullmatch("[xyz]{12}", client.secrets.database.generate_credentials("app")["data"]["password"])
    connect(client, password_policy="gone")
    with pytest.raises(InternalServerError, match="failed to generate password"):
        client.secrets.database.generate_credentials("app")


@pytest.mark.parametrize(
    ("plugin", "pattern"),
    [
        ("mysql-database-plugin", r"v-token-applicatio-[0-9A-Za-z]{13}"),
        ("mysql-rds-database-plugin", r"v-appl-[0-9A-Za-z]{9}"),
    ],
)
def test_user_names_are_those_of_the_plugin(client: hvac.Client, plugin: str, pattern: str) -> None:
    connect(client, plugin_name=plugin)
    add_role(client, "application-of-many")
    assert re.match(pattern, client.secrets.database.generate_credentials("application-of-many")["data"]["username"])


def test_templates_of_user_names_have_conditions_and_loops(client: hvac.Client) -> None:
    template = (
        '{{- $name := .RoleName | replace "-" "" -}} '
        "{{ if gt (len $name) 3 }}{{ slice $name 0 3 }}{{ else }}{{ $name }}{{ end }}"
        "{{ with .DisplayName }}.{{ . | truncate 3 }}{{ end }}{{ range $i := 3 }}{{ if $i }}-{{ $i }}{{ end }}{{ end }}"
    )
    connect(client, username_template=template)
    add_role(client, "app-role")
    assert client.secrets.database.generate_credentials("app-role")["data"]["username"] == "app.tok-1-2"


def test_user_names_follow_a_template(client: hvac.Client) -> None:
    template = '{{ .DisplayName | uppercase }}_{{ printf "%s.%d" (.RoleName | replace "-" "") 7 | truncate 20 }}'
    connect(client, username_template=template)
    add_role(client, "app-one")
    assert client.secrets.database.generate_credentials("app-one")["data"]["username"] == "TOKEN_appone.7"


def test_a_static_user_keeps_a_password_for_its_period(kms: MockKMS, client: hvac.Client) -> None:
    connect(client)
    settings = {"db_name": "pg", "username": "batch", "rotation_period": "1h"}
    client.write_data("database/static-roles/app-static", data=settings)
    read = client.secrets.database.get_static_credentials
    first = read("app-static")["data"]
    assert (first["username"], first["ttl"], first["rotation_period"]) == ("batch", 3600, 3600)
    kms.clock.advance(3000)
    later = read("app-static")["data"]
    assert (later["password"], later["ttl"]) == (first["password"], 600)
    kms.clock.advance(700)
    rotated = read("app-static")["data"]
    assert rotated["password"] != first["password"]
    assert rotated["ttl"] == 3500
    client.secrets.database.rotate_static_role_credentials("app-static")
    assert read("app-static")["data"]["password"] != rotated["password"]
    shown = client.secrets.database.read_static_role("app-static")["data"]
    assert "password" not in shown
    assert shown["last_vault_rotation"] == read("app-static")["data"]["last_vault_rotation"]
    with pytest.raises(InvalidRequest, match="cannot update static account username"):
        client.write_data("database/static-roles/app-static", data={"username": "else"})


def test_the_root_password_rotates(client: hvac.Client) -> None:
    connect(client)
    assert client.secrets.database.rotate_root_credentials("pg").status_code == 204
    connect(client, "bare", username="", password="", connection_url="postgresql://db.example.org/app")
    with pytest.raises(InternalServerError, match="no username in configuration"):
        client.secrets.database.rotate_root_credentials("bare")
    assert client.secrets.database.reset_connection("pg").status_code == 204
    with pytest.raises(InternalServerError, match="failed to find entry for connection"):
        client.secrets.database.reset_connection("none")


def test_a_world_brings_databases_and_a_dump_keeps_them() -> None:
    world = """
    mockkms: 1
    rng: 5
    vault:
      mounts:
        db/:
          type: database
          config:
            pg:
              plugin_name: postgresql-database-plugin
              allowed_roles: ["*"]
              connection_details:
                connection_url: postgresql://{{username}}:{{password}}@db/app
                username: root
                password: s3cr3t
          roles:
            app: {db_name: pg, default_ttl: 10m}
          static_roles:
            batch: {db_name: pg, username: batch, rotation_period: 1d, password: known}
    """
    with MockKMS(seed=world) as server:
        dump = server.dump()
        client = hvac.Client(server.url, token=server.token)
        made = client.read("db/creds/app")
    with MockKMS(seed=dump) as again:
        assert again.dump() == dump
        client = hvac.Client(again.url, token=again.token)
        assert client.read("db/static-creds/batch")["data"]["password"] == "known"
        assert client.read("db/creds/app")["lease_duration"] == made["lease_duration"] == 600


@pytest.mark.flavors("vault", "vault-1.21")
@pytest.mark.parametrize(
    ("times", "text"),
    [
        ({"rotation_schedule": "", "rotation_period": 60}, ""),
        ({"rotation_schedule": ""},
         "one of rotation_schedule or rotation_period must be provided to create a static account"),
        ({"rotation_schedule": "", "rotation_period": 60, "rotation_window": 3600},
         "rotation_window is invalid with use of rotation_period"),
    ],
)  # fmt: skip
def test_an_empty_schedule_is_none(client: hvac.Client, times: dict[str, Any], text: str) -> None:
    connect(client)
    static = {"db_name": "pg", "username": "app", **times}
    if not text:
        client.write_data("database/static-roles/app", data=static)
        assert client.read("database/static-roles/app")["data"]["rotation_period"] == 60
        return
    with pytest.raises(InvalidRequest) as refused:
        client.write_data("database/static-roles/app", data=static)
    assert refused.value.errors == [text]


_MYSQL = {
    "plugin_name": "mysql-rds-database-plugin",
    "connection_url": "{{username}}:{{password}}@tcp(db)/",
}
_MSSQL = {
    "plugin_name": "mssql-database-plugin",
    "connection_url": "sqlserver://{{username}}:{{password}}@db.example.org",
}
_MONGODB = {
    "plugin_name": "mongodb-database-plugin",
    "connection_url": "mongodb://{{username}}:{{password}}@db.example.org",
}
_NO_PAIR = "unable to load tls_certificate_key_data: tls: failed to find any PEM data in certificate input"
_NO_BOOL = {
    "openbao": "'tls_skip_verify' cannot parse value as 'bool': strconv.ParseBool: invalid syntax",
    "vault": "* cannot parse 'tls_skip_verify' as bool: strconv.ParseBool: parsing \"x\": invalid syntax",
}


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"max_connection_lifetime": "x", "tls_ca": "x"},
            'max_connection_lifetime: time: invalid duration "x"',
        ),
        ({"tls_ca": "x", "tls_certificate_key": "y"}, "failed to append CA to client options"),
        ({"tls_certificate_key": "y"}, _NO_PAIR),
        (
            {"tls_ca": "x", "username_template": "{{"},
            "unable to initialize username template: unable to parse template",
        ),
        ({"username_template": 5, "tls_ca": "x"}, "object: invalid value at username_template: is a json.Number"),
        ({"tls_skip_verify": "x"}, ""),
    ],
)
def test_mysql_checks_the_template_then_the_address_then_tls(
    kms: MockKMS, client: hvac.Client, settings: dict[str, Any], text: str
) -> None:
    with pytest.raises(InvalidRequest) as raised:
        connect(client, **_MYSQL, **settings)
    assert (text or _NO_BOOL[kms.flavor]) in str(raised.value)


@pytest.mark.flavors("vault", "vault-1.21")
@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"tls_ca": "x", "connection_url": ""}, "unable to add CA to cert pool"),
        ({"tls_certificate": "x", "connection_url": ""}, 'both "sslcert" and "sslkey" are required'),
        ({"private_key": "x"}, 'both "sslcert" and "sslkey" are required'),
        ({"private_key": 5}, "failed to retrieve private_key: invalid value at private_key: is a json.Number"),
        ({"tls_certificate": "x", "private_key": "y"},
         "unable to load cert: tls: failed to find any PEM data in certificate input"),
        ({"self_managed": True}, "cannot use both self-managed and vault-managed workflows"),
        ({"self_managed": True, "username": "", "password": "", "auth_type": "x"}, "invalid auth_type: x"),
        ({"self_managed": True, "username": "", "password": ""},
         "error initializing static account cache: self-managed static roles only available in Vault Enterprise"),
        ({**_MYSQL, "auth_type": "x", "tls_ca": "x"}, "failed to append CA to client options"),
        ({**_MYSQL, "auth_type": "x"}, "invalid auth_type: x"),
        ({**_MONGODB, "username_template": "{{", "write_concern": "x"}, "unable to initialize username template"),
        ({**_MONGODB, "socket_timeout": -1, "write_concern": "x"}, "socket_timeout must be >= 0"),
        ({**_MONGODB, "write_concern": "{", "tls_ca": "x"},
         "error unmarshalling write_concern: unexpected end of JSON input"),
        ({**_MONGODB, "write_concern": "IjEi"},
         "error unmarshalling write_concern: json: cannot unmarshal string into Go value of type mongodb.writeConcern"),
        ({**_MONGODB, "write_concern": '{"w": "majority"}'},
         "json: cannot unmarshal string into Go struct field writeConcern.W of type int"),
        ({**_MONGODB, "tls_ca": "x", "write_concern": "{}"}, "failed to append CA to client options"),
        ({**_MONGODB, "tls_certificate_key": "y"}, _NO_PAIR),
        ({**_MSSQL, "contained_db": "x", "username_template": "{{.A}}"},
         "invalid username template - did you reference a field that isn't available? : "),
        ({**_MSSQL, "contained_db": "x"},
         "invalid value for \"contained_db\": cannot parse '' as bool: strconv.ParseBool: parsing \"x\": invalid"),
    ],
)  # fmt: skip
def test_a_connection_that_a_plugin_of_vault_would_refuse(
    client: hvac.Client, settings: dict[str, Any], text: str
) -> None:
    with pytest.raises(InvalidRequest) as raised:
        connect(client, **settings)
    assert text in str(raised.value)


_CASSANDRA = {"plugin_name": "cassandra-database-plugin", "hosts": "db.example.org"}
_BLOCK = "-----BEGIN {0}-----\nAAAA\n-----END {0}-----\n"


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"connect_timeout": "x", "hosts": ""}, 'invalid connect_timeout: time: invalid duration "x"'),
        ({"socket_keep_alive": "x", "hosts": ""}, 'invalid socket_keep_alive: time: invalid duration "x"'),
        ({"hosts": "", "pem_json": "{", "pem_bundle": "x"}, "hosts cannot be empty"),
        ({"pem_json": "{", "pem_bundle": "x", "tls_min_version": "x"}, "cannot specify both pem_json and pem_bundle"),
        ({"pem_json": "{", "tls_min_version": "x"}, "unrecognized TLS version [x]"),
        ({"pem_json": "{"}, "failed to parse pem_json: failed to parse JSON: unexpected end of JSON input"),
        ({"pem_json": '{"issuing_ca": "x", "ca_chain": ["y"]}'},
         "failed to parse pem_json: issuing_ca and ca_chain cannot both be specified"),
        ({"pem_json": '{"certificate": "x", "private_key": "y"}'},
         "failed to parse certificate and private key pair: tls: failed to find any PEM data in certificate input"),
        ({"pem_json": '{"certificate": "x"}'},
         "found certificate for client-side TLS authentication but no private key"),
        ({"pem_json": '{"issuing_ca": "x"}'},
         "failed to add CA certificate to certificate pool: it may be malformed or empty"),
        ({"pem_bundle": "x"}, "failed to parse pem_bundle: no data found in PEM block"),
        ({"pem_bundle": _BLOCK.format("CERTIFICATE")}, "failed to parse certificate: x509: malformed certificate"),
        ({"pem_bundle": _BLOCK.format("X")}, "unsupported PEM block type [X]"),
        ({"pem_bundle": _BLOCK.format("PRIVATE KEY")},
         "found private key for client-side TLS authentication but no certificate"),
        ({"pem_bundle": 2 * _BLOCK.format("PRIVATE KEY")}, "multiple private keys not supported"),
    ],
)  # fmt: skip
def test_cassandra_checks_times_then_hosts_then_tls(client: hvac.Client, settings: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        connect(client, **_CASSANDRA | settings)
    assert "error creating database object: failed to initialize: " in str(raised.value)
    assert text in str(raised.value)


@pytest.mark.flavors("openbao")
@pytest.mark.parametrize("plugin", ["valkey-database-plugin", "redis-database-plugin"])
def test_valkey_by_its_url(client: hvac.Client, plugin: str) -> None:
    settings = {"plugin_name": plugin, "connection_url": "valkeys://u:p@db.example.org:6379", "username": ""}
    with pytest.raises(InvalidRequest, match="cannot specify both connection_url and individual connection parameters"):
        connect(client, **settings)
    with pytest.raises(InvalidRequest, match="ca_cert cannot be empty"):
        connect(client, **settings, password="")
    warned = connect(client, **settings | {"connection_url": "valkey://u:p@db"}, password="")["warnings"]
    assert warned[0].startswith("Password found in connection_url")
