"""``config/``: connections. They are checked as the plugins do and kept; nothing is connected to."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from mockkms.vault.endpoint import Call, Field
from mockkms.vault.engines.database import usernames
from mockkms.vault.engines.database.engine import CERTIFICATE, PASSWORD, RSA_KEY, Connection, Database, engine
from mockkms.vault.engines.database.passwords import new_password
from mockkms.vault.fields import Kind
from mockkms.vault.message import BackendError, ErrorResponse, Operation, Response

_FIELDS = {
    "name": Field(Kind.STRING, help="Name of this database connection."),
    "plugin_name": Field(Kind.STRING, help="The plugin, such as `postgresql-database-plugin`."),
    "plugin_version": Field(Kind.STRING, help="Its version; only the one that comes with the server is there."),
    "verify_connection": Field(Kind.BOOL, default=True, help="Connect at once. Nothing is connected to here."),
    "allowed_roles": Field(Kind.COMMA_STRINGS, help="Roles that may use it: names, globs, or `*`."),
    "root_rotation_statements": Field(Kind.STRING_SLICE, help="Statements that change the root user's password."),
    "password_policy": Field(Kind.STRING, help="Password policy of generated passwords."),
}
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

listing = engine.path("config[/]", help="Names of the connections.")
one = engine.path("config/{name}", _FIELDS, help="A connection to a database.")
reset = engine.path("reset/{name}", {"name": _FIELDS["name"]}, help="Connect anew.")
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
    return {**vars(found), "connection_details": details}


@one.on(Operation.DELETE)
def delete(state: Database, call: Call) -> None:
    """Forget a connection; its roles stay."""
    state.connections.pop(call["name"], None)


@one.on(Operation.CREATE, Operation.UPDATE)
def write(state: Database, call: Call) -> Response | None:
    """Keep a connection. Raises ErrorResponse where its plugin would refuse it."""
    old = state.connections.get(call["name"]) or Connection()
    plugin = call.get("plugin_name", old.plugin_name)
    if not plugin:
        raise ErrorResponse("empty plugin name")
    details = {name: value for name, value in call.raw.items() if name not in _FIELDS}
    new = Connection(
        plugin_name=plugin,
        connection_details={**old.connection_details, **details},
        allowed_roles=call.get("allowed_roles", old.allowed_roles),
        root_credentials_rotate_statements=call.get("root_rotation_statements", old.root_credentials_rotate_statements),
        password_policy=call.get("password_policy", old.password_policy),
    )
    _check_version(call, plugin)
    _check(call, new)
    if plugin in _SUPPORTED:
        new.connection_details["supported_credential_types"] = list(_SUPPORTED[plugin])
    state.connections[call["name"]] = new
    if _password_of(str(new.connection_details.get("connection_url", ""))) is None:
        return None
    return Response(
        warnings=[
            "Password found in connection_url, use a templated url to enable root rotation and prevent read access to "
            "password information."
        ]
    )


def _check_version(call: Call, plugin: str) -> None:
    from mockkms.vault.sys.mount_shapes import builtin_version, semantic_version

    version = call["plugin_version"]
    if version and semantic_version(version) != builtin_version(call.core, plugin):
        raise _refused(_unknown_plugin(plugin, version))


def _unknown_plugin(plugin: str, version: str = "") -> str:
    named = f"{plugin}, version={version}" if version else plugin
    fault = f"\t* plugin not found in the catalog: {named}\n"
    return f"invalid database version: 2 errors occurred:\n{fault}{fault}\n"


def _check(call: Call, new: Connection) -> None:
    if new.plugin_name not in call.core.product.builtins.database:
        raise _refused(_unknown_plugin(new.plugin_name))
    for name in _NEEDED.get(new.plugin_name, ("connection_url",)):
        if new.connection_details.get(name) in (None, "", 0):
            raise _refused(f"{name} cannot be empty")
    template = new.connection_details.get("username_template") or ""
    if not template:
        return
    try:
        names = {"DisplayName": "", "RoleName": ""}
        usernames.render(str(template), names, call.core.entropy, call.now())
    except usernames.TemplateError as error:
        raise _refused(f"unable to initialize username template: unable to parse template: {error}") from None


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
    """Nothing is connected, so that only the name is checked. Raises BackendError."""
    state.connection(call["name"])


@rotate_root.on(Operation.UPDATE)
def change_root(state: Database, call: Call) -> None:
    """Change the password that is kept. Raises BackendError without user name or password."""
    found = state.connection(call["name"])
    for name in ("username", "password"):
        value = found.connection_details.get(name)
        if not isinstance(value, str) or not value:
            raise BackendError(f"unable to rotate root credentials: no {name} in configuration")
    found.connection_details["password"] = new_password(call, found.password_policy)
