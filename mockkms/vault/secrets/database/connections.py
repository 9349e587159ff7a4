"""``config/``: connections. They are checked as the plugins do, and verified where the database can be asked."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from mockkms.vault.framework import automated_rotation
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind, convert
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.database import servers, usernames
from mockkms.vault.secrets.database.engine import (
    CERTIFICATE,
    PASSWORD,
    RSA_KEY,
    Connection,
    Database,
    DatabaseFault,
    engine,
)
from mockkms.vault.secrets.database.passwords import new_password
from mockkms.vault.secrets.database.servers import opened

_FIELDS = {
    "name": Field(Kind.STRING, help="Name of this database connection."),
    "plugin_name": Field(Kind.STRING, help="The plugin, such as `postgresql-database-plugin`."),
    "plugin_version": Field(Kind.STRING, help="Its version; only the one that comes with the server is there."),
    "verify_connection": Field(Kind.BOOL, default=True, help="Connect at once."),
    "allowed_roles": Field(Kind.COMMA_STRINGS, help="Roles that may use it: names, globs, or `*`."),
    "root_rotation_statements": Field(Kind.STRING_SLICE, help="Statements that change the root user's password."),
    "password_policy": Field(Kind.STRING, help="Password policy of generated passwords."),
    **automated_rotation.fields(Feature.DATABASE_ROTATION),
}
_KEPT_APART = (*_FIELDS, "skip_static_role_import_rotation")
_UNDECLARED = frozenset(
    (
        "connection_url", "max_open_connections", "max_idle_connections", "max_connection_lifetime",
        "disable_escaping", "use_private_ip", "use_psc", "self_managed", "username", "password", "auth_type",
        "service_account_json",
    )
)  # fmt: skip
"""Parameters of SQL plugins that are no fields of the path, and that no warning is given about."""
_SQL = ("postgresql-database-plugin", "redshift-database-plugin", "hana-database-plugin", "mssql-database-plugin")
_AUTH_TYPES = ("", "cert", "gcp_iam")
_NEEDED = {
    "cassandra-database-plugin": ("hosts", "username", "password"),
    "influxdb-database-plugin": ("host", "username", "password"),
    "redis-database-plugin": ("host", "port", "username", "password"),
    "valkey-database-plugin": ("host", "port", "username", "password"),
    "couchbase-database-plugin": ("hosts", "username", "password"),
    "elasticsearch-database-plugin": ("url", "username", "password"),
    "mongodbatlas-database-plugin": ("private_key", "public_key", "project_id"),
    "redis-elasticache-database-plugin": ("url",),
}
_SUPPORTED = {
    "mongodb-database-plugin": [PASSWORD, CERTIFICATE],
    "snowflake-database-plugin": [PASSWORD, RSA_KEY],
}
"""Plugins that can more than passwords; they say so in their settings."""
_USER = re.compile(r"[\w\-.:~!$&'()*+,;=%@]*", re.ASCII)
_HIDDEN = ("password", "private_key")
_PASSWORD_IN_URL = (
    "Password found in connection_url, use a templated url to enable root rotation and prevent read access to password "
    "information."
)

listing = engine.path("config[/]", help="Names of the connections.")
one = engine.path("config/{name}", _FIELDS, arbitrary=Feature.DATABASE_ROTATION, help="A connection to a database.")
reset = engine.path("reset/{name}", {"name": _FIELDS["name"]}, help="Connect anew.")
reload = engine.path(
    "reload/{plugin_name}",
    {"plugin_name": _FIELDS["plugin_name"]},
    needs=Feature.DATABASE_ROTATION,
    help="Begin a plugin anew.",
)
rotate_root = engine.path("rotate-root/{name}", {"name": _FIELDS["name"]}, help="A new password for the root user.")


@listing.on(Operation.LIST)
def list_connections(state: Database, _call: Call) -> dict[str, Any]:
    """The names, sorted."""
    return {"keys": sorted(state.connections)}


@one.existence
def exists(state: Database, call: Call) -> bool:
    return call["name"] in state.connections


@one.on(Operation.READ)
def read(state: Database, call: Call) -> dict[str, Any] | None:
    """The settings without passwords."""
    found = state.connections.get(call["name"])
    if found is None:
        return None
    details = {name: value for name, value in found.connection_details.items() if name not in _HIDDEN}
    if "connection_url" in details:
        details["connection_url"] = _redacted(str(details["connection_url"]))
    shown: dict[str, Any] = {
        "plugin_name": found.plugin_name,
        "plugin_version": found.plugin_version,
        "connection_details": details,
        "allowed_roles": found.allowed_roles,
        "root_credentials_rotate_statements": found.root_credentials_rotate_statements,
        "password_policy": found.password_policy,
    }
    if call.core.product.has(Feature.DATABASE_ROTATION):
        shown |= {"verify_connection": found.verify_connection, "skip_static_role_import_rotation": False}
        shown |= found.shown_rotation(call.core.product)
    return shown


@one.on(Operation.DELETE)
def delete(state: Database, call: Call) -> None:
    """Forget a connection; its roles stay."""
    found = state.connections.pop(call["name"], None)
    if found is not None:
        found.end()


@one.on(Operation.CREATE, Operation.UPDATE)
def write(state: Database, call: Call) -> Response | None:
    """Keep a connection. Raises ErrorResponse where its plugin would refuse it."""
    old = state.connections.get(call["name"]) or Connection()
    plugin = call.get("plugin_name", old.plugin_name)
    if not plugin:
        raise ErrorResponse("empty plugin name")
    details = {name: value for name, value in call.raw.items() if name not in _KEPT_APART}
    keeps = call.core.product.has(Feature.DATABASE_ROTATION)
    new = Connection(
        plugin_name=plugin,
        connection_details={**old.connection_details, **details},
        allowed_roles=call.get("allowed_roles", old.allowed_roles),
        root_credentials_rotate_statements=call.get("root_rotation_statements", old.root_credentials_rotate_statements),
        password_policy=call.get("password_policy", old.password_policy),
        verify_connection=call.get("verify_connection", old.verify_connection) if keeps else call["verify_connection"],
        **{name: getattr(old, name) for name in automated_rotation.NAMES},
    )
    _check_version(call, plugin)
    try:
        new.parse_rotation(call)
        _check(state, call, new)
        new.register_rotation()
    except DatabaseFault as fault:
        raise _refused(str(fault)) from None
    except ValueError as error:
        raise ErrorResponse(str(error)) from None
    if plugin in _SUPPORTED:
        new.connection_details["supported_credential_types"] = list(_SUPPORTED[plugin])
    old.end()
    state.connections[call["name"]] = new
    if _password_of(str(new.connection_details.get("connection_url", ""))) is None:
        return None
    return Response(warnings=[_PASSWORD_IN_URL, *(_ignored(call) if keeps else [])])


def _ignored(call: Call) -> list[str]:
    names = sorted(name for name in call.raw if name not in _FIELDS and name not in _UNDECLARED)
    return [f"Endpoint ignored these unrecognized parameters: [{' '.join(names)}]"] if names else []


def _check_version(call: Call, plugin: str) -> None:
    from mockkms.vault.sys.mounts.shapes import builtin_version, semantic_version

    version = call["plugin_version"]
    if version and semantic_version(call.core, version) != builtin_version(call.core, plugin):
        raise _refused(_unknown_plugin(plugin, version))


def _unknown_plugin(plugin: str, version: str = "") -> str:
    named = f"{plugin}, version={version}" if version else plugin
    fault = f"\t* plugin not found in the catalog: {named}\n"
    return f"invalid database version: 2 errors occurred:\n{fault}{fault}\n"


def _check(state: Database, call: Call, new: Connection) -> None:
    """Begin the plugin. Raises DatabaseFault in its words."""
    if new.plugin_name not in call.core.product.builtins.database:
        raise DatabaseFault(_unknown_plugin(new.plugin_name))
    for name in _NEEDED.get(new.plugin_name, ("connection_url",)):
        if new.connection_details.get(name) in (None, "", 0):
            raise DatabaseFault(f"{name} cannot be empty")
    if new.plugin_name in _SQL:
        _check_sql(call, new.connection_details)
    if new.verify_connection:
        servers.of(state, call, new).verify()
    _check_template(call, new.connection_details.get("username_template") or "")
    form = new.connection_details.get("password_authentication") or ""
    if new.plugin_name == _SQL[0] and form not in ("", "password", "scram-sha-256"):
        raise DatabaseFault(f"'{form}' is not a valid password authentication type")


def _check_sql(call: Call, details: dict[str, Any]) -> None:
    names = [str(details.get(name) or "") for name in ("username", "password")]
    if any(template in name for name in names for template in ("{{username}}", "{{password}}")):
        raise DatabaseFault("username and/or password cannot contain the template variables")
    if call.core.product.has(Feature.DATABASE_ROTATION):
        templated = all(template in str(details["connection_url"]) for template in ("{{username}}", "{{password}}"))
        managed = bool(details.get("self_managed"))
        if templated and not managed and not any(names):
            raise DatabaseFault("must either provide username/password or set self-managed to 'true'")
        if managed and (any(names) or not templated):
            raise DatabaseFault("cannot use both self-managed and vault-managed workflows")
    lifetime = details.get("max_connection_lifetime")
    if lifetime is not None:
        try:
            convert(Kind.SECONDS, lifetime)
        except ValueError as error:
            raise DatabaseFault(f"invalid max_connection_lifetime: {error}") from None
    kind = str(details.get("auth_type") or "")
    if call.core.product.has(Feature.DATABASE_ROTATION) and kind not in _AUTH_TYPES:
        raise DatabaseFault(f"invalid auth_type: {kind}")


def _check_template(call: Call, template: object) -> None:
    if not template:
        return
    names = {"DisplayName": "", "RoleName": ""}
    try:
        usernames.render(str(template), names, call.core.entropy, call.now())
    except usernames.TemplateError as error:
        raise DatabaseFault(f"unable to initialize username template: unable to parse template: {error}") from None


def _refused(text: str) -> ErrorResponse:
    return ErrorResponse(f"error creating database object: {text}")


def _password_of(url: str) -> str | None:
    """The password in a URL; a template is none, as Go takes no braces there."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.password if _USER.fullmatch(parts.netloc.rpartition("@")[0]) else None


def _redacted(url: str) -> str:
    """A URL with its password struck out, as Go shows it."""
    password = _password_of(url)
    if password is None:
        return url
    head, _, rest = url.partition("@")
    return f"{head[: len(head) - len(password)]}xxxxx@{rest}"


@reset.on(Operation.UPDATE)
def connect_anew(state: Database, call: Call) -> None:
    """End the plugin and begin it again. Raises BackendError."""
    state.connection(call["name"]).end()
    opened(state, call, call["name"])


@reload.on(Operation.UPDATE)
def begin_anew(state: Database, call: Call) -> dict[str, Any]:
    """End a plugin everywhere and begin it again; the connections that could be opened."""
    done = []
    for name, found in sorted(state.connections.items()):
        if found.plugin_name == call["plugin_name"]:
            found.end()
            try:
                opened(state, call, name)
            except BackendError:
                continue
            done.append(name)
    return {"connections": done, "count": len(done)}


@rotate_root.on(Operation.UPDATE)
def change_root(state: Database, call: Call) -> None:
    """Change the root user's password in the database and here. Raises BackendError."""
    found = state.connection(call["name"])
    username, password = (found.connection_details.get(name) for name in ("username", "password"))
    refusal = "unable to rotate root credentials: "
    newer = call.core.product.has(Feature.DATABASE_ROTATION)
    if not isinstance(username, str) or not username:
        raise BackendError(f"{refusal}no username in configuration")
    if newer:
        opened(state, call, call["name"])
    if not isinstance(password, str) or not password:
        if newer and not found.connection_details.get("private_key"):
            raise BackendError(f"{refusal}both private_key and password fields are missing from the configuration")
        raise BackendError(f"{refusal}{'no valid credential type found' if newer else 'no password in configuration'}")
    if newer and found.connection_details.get("private_key"):
        raise BackendError(f"{refusal}both private_key and password fields are set in the configuration")
    opened(state, call, call["name"])
    made = new_password(call, found.password_policy)
    try:
        servers.of(state, call, found).change_password(username, made, found.root_credentials_rotate_statements)
    except DatabaseFault as fault:
        raise BackendError(f"failed to update user: {fault}") from None
    finally:
        found.end()
    found.connection_details["password"] = made
