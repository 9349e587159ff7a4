"""``config/``, ``reset/``, ``reload/`` and ``rotate-root/``: connections, checked as their plugins check them."""

from __future__ import annotations

from mockkms.go_urls import parse_fault, parse_url, shown
from mockkms.vault.framework import automated_rotation
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.golang.fmt import error_list
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.database import checks, servers, settings
from mockkms.vault.secrets.database.engine import (
    CERTIFICATE,
    PASSWORD,
    RSA_KEY,
    Database,
    DatabaseConnection,
    DatabaseError,
    engine,
)
from mockkms.vault.secrets.database.generated import new_password
from mockkms.vault.secrets.database.servers import opened

_NAME = {"name": Field(Kind.STRING, help="Name of the connection.")}
_FIELDS = {**_NAME, **DatabaseConnection.fields(), **automated_rotation.fields(Feature.DATABASE_ROTATION)}
_SCHEDULE = frozenset(automated_rotation.fields(Feature.DATABASE_ROTATION))
_KEPT_APART = frozenset((*_FIELDS, "skip_static_role_import_rotation")) - _SCHEDULE
_UNDECLARED = frozenset(
    (
        "connection_url", "max_open_connections", "max_idle_connections", "max_connection_lifetime",
        "disable_escaping", "use_private_ip", "use_psc", "self_managed", "username", "password", "auth_type",
        "service_account_json",
    )
)  # fmt: skip
"""Parameters of SQL plugins that are not fields of the path, but for which the server gives no warning."""
_SUPPORTED = {
    "mongodb-database-plugin": [PASSWORD, CERTIFICATE],
    "snowflake-database-plugin": [PASSWORD, RSA_KEY],
}
"""The credential types that plugins add to their settings, for those that support more than passwords."""
_UNCREATED = "error creating database object: "
_HIDDEN = ("password", "private_key")
_PASSWORD_IN_URL = (
    "Password found in connection_url, use a templated url to enable root rotation and prevent read access to password "
    "information."
)

listing = engine.path("config[/]", help="Names of the connections.")
one = engine.path("config/{name}", _FIELDS, arbitrary=Feature.DATABASE_ROTATION, help="A connection to a database.")
reset = engine.path("reset/{name}", _NAME, help="Close a connection and open it again.", go_errors=True)
reload = engine.path(
    "reload/{plugin_name}",
    DatabaseConnection.fields("plugin_name"),
    needs=Feature.DATABASE_ROTATION,
    help="Restart a plugin.",
)
rotate_root = engine.path("rotate-root/{name}", _NAME, help="Rotate the root user's password.", go_errors=True)


@listing.on(Operation.LIST)
def list_connections(state: Database, _call: Call) -> Reply:
    """Return the names, sorted."""
    return {"keys": sorted(state.connections)}


@one.existence
def exists(state: Database, _call: Call, *, name: str) -> bool:
    """Return whether the connection exists."""
    return name in state.connections


@one.on(Operation.READ)
def read(state: Database, call: Call) -> Reply:
    """Return the settings without passwords."""
    found = state.connections.get(call["name"])
    if found is None:
        return None
    details = {name: value for name, value in found.connection_details.items() if name not in _HIDDEN}
    if "connection_url" in details:
        details["connection_url"] = _redacted(str(details["connection_url"]))
    shown: dict[str, object] = {
        "plugin_name": found.plugin_name,
        "plugin_version": found.plugin_version,
        "connection_details": details,
        "allowed_roles": found.allowed_roles,
        "root_credentials_rotate_statements": found.root_rotation_statements,
        "password_policy": found.password_policy,
    }
    if call.core.product.has(Feature.DATABASE_ROTATION):
        shown |= {"verify_connection": found.verify_connection, "skip_static_role_import_rotation": False}
        shown |= found.shown_rotation(call.core.product)
    return shown


@one.on(Operation.DELETE)
def delete(state: Database, _call: Call, *, name: str) -> None:
    """Delete a connection; its roles stay."""
    found = state.connections.pop(name, None)
    if found is not None:
        found.stop()


@one.on(Operation.CREATE, Operation.UPDATE)
def write(state: Database, call: Call, *, verify_connection: bool) -> Response | None:
    """Create or update a connection. Raises ErrorResponse if its plugin refuses it."""
    old = state.connections.get(call["name"])
    new = old.copy() if old is not None else DatabaseConnection()
    new.update_from(call, "plugin_name", "allowed_roles", "root_rotation_statements", "password_policy")
    plugin = new.plugin_name
    if not plugin:
        raise ErrorResponse("empty plugin name")
    keeps = call.core.product.has(Feature.DATABASE_ROTATION)
    apart = _KEPT_APART | _SCHEDULE if keeps else _KEPT_APART
    new.connection_details |= {name: value for name, value in call.raw.items() if name not in apart}
    if keeps:
        new.update_from(call, "verify_connection")
    else:
        new.verify_connection = verify_connection
    new.opened = True
    new.answers = _answering(call, plugin)
    with refusing():
        new.parse_rotation(call)
    if new.implementation not in call.core.product.builtins.database:
        raise ErrorResponse(_UNCREATED + _unknown_plugin(plugin))
    try:
        checks.check(state, call, new)
    except DatabaseError as error:
        raise ErrorResponse(_UNCREATED + _sanitized(str(error), new)) from None
    with refusing():
        new.register_rotation()
    if new.implementation in _SUPPORTED:
        new.connection_details["supported_credential_types"] = list(_SUPPORTED[new.implementation])
    if old is not None:
        old.stop()
    state.connections[call["name"]] = new
    if _password_of(str(new.connection_details.get("connection_url", ""))) is None:
        return None
    return Response(warnings=[_PASSWORD_IN_URL, *(_ignored(call) if keeps else [])])


def _ignored(call: Call) -> list[str]:
    names = sorted(name for name in call.raw if name not in _FIELDS and name not in _UNDECLARED)
    return [f"Endpoint ignored these unrecognized parameters: [{' '.join(names)}]"] if names else []


def _answering(call: Call, name: str) -> str:
    """Return the built-in plugin that answers for an external one; empty for one that is built in, or unknown.

    Raises ErrorResponse for a version that the catalog does not have, and for a program that would have to run.
    """
    # Imported on use: ``sys`` comes with every endpoint of the system backend.
    from mockkms.vault.sys.plugins import registered
    from mockkms.vault.sys.plugins.versions import semantic_version

    sent = call["plugin_version"]
    version = semantic_version(call.core, sent) if sent else registered.selected(call.core, "database", name)
    own = registered.find(call.core, "database", name, version)
    if own is None:
        if version not in ("", call.core.product.builtin_version(name)):
            raise ErrorResponse(_UNCREATED + _unknown_plugin(name, version))
        return ""
    answers = registered.engine_of(call.core, "database", name)
    if not answers:
        raise ErrorResponse(_UNCREATED + registered.refusal(call, own, "database"))
    return answers


def _unknown_plugin(plugin: str, version: str = "") -> str:
    named = f"{plugin}, version={version}" if version else plugin
    return f"invalid database version: {error_list([f'plugin not found in the catalog: {named}'] * 2)}"


def _password_of(url: str) -> str | None:
    """Return the password in a URL, as it is written there; None without one, or if Go cannot parse the URL."""
    try:
        parts = parse_url(url)
    except ValueError:
        return None
    _, colon, password = parts.netloc.rpartition("@")[0].partition(":")
    return password if colon else None


def _sanitized(text: str, connection: DatabaseConnection) -> str:
    """Return an error of a plugin with marks in place of its secrets, wherever they occur."""
    for name in ("password", "username") if connection.plugin_name in settings.WITH_CA else ("password",):
        secret = connection.connection_details.get(name)
        if isinstance(secret, str) and secret:
            mark = f"[{name}]"  # Errors of connections have marks already: a password may be a part of one.
            text = mark.join(part.replace(secret, mark) for part in text.split(mark))
    return text


def _redacted(url: str) -> str:
    """Return a URL as Go prints it, with its password replaced; unchanged if Go cannot parse it."""
    if parse_fault(url):
        return url
    password = _password_of(url)
    if password is None:
        return shown(url)
    head, _, rest = url.partition("//")
    user, _, host = rest.partition(f":{password}@")
    return shown(f"{head}//{user}:xxxxx@{host}")


@reset.on(Operation.UPDATE)
def reset_connection(state: Database, call: Call, *, name: str) -> None:
    """Restart the plugin of a connection. Raises BackendError."""
    state.connection(call.core.product, name).stop()
    opened(state, call, name)


@reload.on(Operation.UPDATE)
def reload_plugin(state: Database, call: Call, *, plugin_name: str) -> Reply:
    """Restart a plugin for all its connections and return those that could be opened."""
    done = []
    for name, found in sorted(state.connections.items()):
        if found.plugin_name == plugin_name:
            found.stop()
            try:
                opened(state, call, name)
            except BackendError:
                continue
            done.append(name)
    return {"connections": done, "count": len(done)}


@rotate_root.on(Operation.UPDATE)
def rotate_root_password(state: Database, call: Call) -> None:
    """Rotate the root user's password in the database and in the settings. Raises BackendError."""
    found = state.connection(call.core.product, call["name"])
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
        with refusing("failed to update user: ", BackendError, of=DatabaseError):
            servers.server_of(state, call, found).change_password(username, made, found.root_rotation_statements)
    finally:
        found.stop()
    found.connection_details["password"] = made
