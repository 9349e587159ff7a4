"""``sys/plugins``: the built-in types as a catalog; nothing can be added to it."""

from __future__ import annotations

from typing import Any

from mockkms.vault.endpoint import Call, Field
from mockkms.vault.fields import Kind
from mockkms.vault.gotext import error_list, unhex
from mockkms.vault.message import BackendError, ErrorResponse, Operation, Response, unsupported_operation
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine
from mockkms.vault.sys.mount_shapes import SINGLETONS, builtin_version, semantic_version

_TYPES = ("auth", "database", "secret")
_FIELDS = {
    "name": Field(Kind.STRING, help="Name of the plugin."),
    "type": Field(Kind.STRING, help="`auth`, `database` or `secret`."),
    "sha256": Field(Kind.STRING, help="Hash of the program, hex."),
    "sha_256": Field(Kind.STRING, help="The same under its old name.", deprecated=True),
    "command": Field(Kind.STRING, help="The program to run, within the plugin directory."),
    "args": Field(Kind.STRING_SLICE, help="Its arguments."),
    "env": Field(Kind.STRING_SLICE, help="Its environment."),
    "version": Field(Kind.STRING, query=True, help="Its semantic version."),
    "oci": Field(Kind.BOOL, help="It comes in an image."),
}

every = engine.path("plugins/catalog[/]", help="All plugins.")
of_type = engine.path(
    "plugins/catalog/{type:re(auth|database|secret)}[/]",
    fields={"type": _FIELDS["type"]},
    help="Names of the plugins of one type.",
    sudo=True,
)
one = engine.path(
    "plugins/catalog[/{type:re(auth|database|secret)}]/{name:some}", fields=_FIELDS, help="One plugin.", sudo=True
)
reload = engine.path(
    "plugins/reload/backend",
    fields={
        "plugin": Field(Kind.STRING, help="Name of the plugin to reload."),
        "mounts": Field(Kind.COMMA_STRINGS, help="Mounts to reload instead."),
        "scope": Field(Kind.STRING, help="Empty, or `global`."),
    },
    help="Reload plugins.",
)


@every.on(Operation.READ)
def list_all(_state: Any, call: Call) -> dict[str, Any]:
    """All plugins, by type and in detail."""
    known = call.core.product.builtins
    detailed = [
        {
            "builtin": True,
            "deprecation_status": known.status(name),
            "name": name,
            "type": kind,
            "version": builtin_version(call.core, name),
        }
        for kind in _TYPES
        for name in known.names(kind)
    ]
    return {**{kind: list(known.names(kind)) for kind in _TYPES}, "detailed": detailed}


@of_type.on(Operation.LIST)
def list_type(_state: Any, call: Call) -> dict[str, Any]:
    """Names of the plugins of one type."""
    return {"keys": list(call.core.product.builtins.names(call["type"]))}


@one.on(Operation.READ)
def read_plugin(_state: Any, call: Call) -> dict[str, Any] | Response | None:
    """One plugin; a path without a known type is the old form and only warned about."""
    name, kind = call["name"], call["type"]
    if not kind:
        text = f'Deprecated API endpoint, cannot read plugin information from catalog for "{name}"'
        return Response(warnings=[text])
    wanted = semantic_version(call.core, call["version"], dashed=True) if call["version"] else ""
    product = call.core.product
    if name not in product.builtins.names(kind) or wanted not in ("", builtin_version(call.core, name)):
        return None
    found = {
        "args": None,
        "builtin": True,
        "command": "",
        "deprecation_status": product.builtins.status(name),
        "name": name,
        "sha256": "",
        "version": builtin_version(call.core, name),
    }
    return {**found, "declarative": False, "oci": False} if product.has(Feature.PLUGIN_ORIGINS) else found


@one.on(Operation.UPDATE)
def write_plugin(_state: Any, call: Call) -> None:
    """Refused: there is no plugin directory."""
    version = semantic_version(call.core, call["version"], dashed=True) if call["version"] else ""
    if "+builtin" in version:
        raise ErrorResponse(f"version \"{version}\" is not allowed because 'builtin' is a reserved metadata identifier")
    if not call["sha256"] and not call["sha_256"]:
        by_version = call.core.product.has(Feature.CATALOG_BY_VERSION)
        if not by_version:
            raise ErrorResponse("missing SHA-256 value")
        if not version:
            raise ErrorResponse(
                "must provide at least one of sha256 or version: use sha256 for binary registration (version optional)"
                " or version only for artifact registration"
            )
        raise BackendError("could not set plugin, plugin directory is not configured")
    if not call["command"]:
        raise ErrorResponse("missing command value")
    if " " in call["command"] and call["args"]:
        raise ErrorResponse("must not specify args in command and args field")
    try:
        unhex(call["sha256"] or call["sha_256"])
    except ValueError:
        raise ErrorResponse("Could not decode SHA-256 value from Hex") from None
    raise BackendError("could not set plugin, plugin directory is not configured")


@one.on(Operation.DELETE)
def delete_plugin(_state: Any, call: Call) -> Response | None:
    """Nothing to delete but built-in ones, which stay."""
    version = semantic_version(call.core, call["version"], dashed=True) if call["version"] else ""
    if "+builtin" in version:
        raise ErrorResponse(f'version "{version}" cannot be deleted')
    if call["type"]:
        return None
    text = f'Deprecated API endpoint, cannot deregister plugin from catalog for "{call["name"]}"'
    return Response(warnings=[text])


@one.on(Operation.LIST)
def list_unknown_type(_state: Any, _call: Call) -> None:
    """An unknown type is taken for a name, which cannot be listed."""
    raise unsupported_operation()


@reload.on(Operation.UPDATE)
def reload_plugin(_state: Any, call: Call) -> Response | dict[str, Any]:
    """Nothing runs outside this process, so reloading changes nothing."""
    plugin, mounts = call["plugin"], call["mounts"]
    if plugin and mounts:
        raise ErrorResponse("plugin and mounts cannot be set at the same time")
    if not plugin and not mounts:
        raise ErrorResponse("plugin or mounts must be provided")
    if plugin and call.core.product.has(Feature.CLEAN_RELOAD) and not _types_of(call, plugin):
        return Response(data={"reload_id": call.request.id}, warnings=["no plugins were reloaded"])
    if plugin:
        _check_reloadable(call, plugin)
    else:
        _check_mounts(call, mounts)
    return {"reload_id": call.request.id}


_ONCE = "singleton plugin cannot be reloaded"


def _types_of(call: Call, plugin: str) -> set[str]:
    """The types of the built-in plugins of a name; empty for a name that none has."""
    return {kind for kind in _TYPES if plugin in call.core.product.builtins.names(kind)}


def _check_reloadable(call: Call, plugin: str) -> None:
    if plugin in SINGLETONS:
        raise ErrorResponse(f'{_ONCE}: "{plugin}"')
    kinds = _types_of(call, plugin)
    if not kinds:
        raise ErrorResponse(f'plugin not found in the catalog: "{plugin}"')
    if kinds == {"database"}:
        raise ErrorResponse(
            f'plugin "{plugin}" cannot be reloaded, only plugins of type auth and secret can be reloaded'
        )


def _check_mounts(call: Call, mounts: list[str]) -> None:
    faults = []
    for given in mounts:
        path = given.removeprefix("sys/") if given.startswith("sys/auth/") else given
        path = path if path.endswith("/") else path + "/"
        mount = call.core.state.mounts.match(call.request.namespace, path)
        if mount is None:
            faults.append(f'cannot fetch mount entry on "{path}"')
        elif mount.namespace == call.request.namespace and mount.type in SINGLETONS:
            faults.append(f'cannot reload plugin on "{path}": {_ONCE}: "{mount.type}"')
    if faults:
        raise ErrorResponse(error_list(faults))
