"""``sys/plugins/catalog``: the built-in types, and the external plugins that are registered."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, unsupported_operation
from mockkms.vault.golang.fmt import quote, unhex
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine
from mockkms.vault.sys.plugins import registered
from mockkms.vault.sys.plugins.versions import semantic_version

_NO_DIRECTORY = "could not set plugin, plugin directory is not configured"
_FIELDS = {
    "name": Field(Kind.STRING, help="Name of the plugin."),
    "type": Field(Kind.STRING, help="`auth`, `database` or `secret`."),
    "sha256": Field(Kind.STRING, help="Hash of the program, hex."),
    "sha_256": Field(Kind.STRING, help="Former name of sha256.", deprecated=True),
    "command": Field(Kind.STRING, help="The program to run, within the plugin directory."),
    "args": Field(Kind.STRING_SLICE, help="Its arguments."),
    "env": Field(Kind.STRING_SLICE, help="Its environment."),
    "version": Field(Kind.STRING, query=True, help="Its semantic version."),
    "oci": Field(Kind.BOOL, help="Whether it comes in an image.", needs=Feature.PLUGIN_ORIGINS),
    "oci_image": Field(Kind.STRING, help="The image it comes in.", needs=Feature.CATALOG_IMAGES),
    "runtime": Field(Kind.STRING, help="The plugin runtime that runs the image.", needs=Feature.CATALOG_IMAGES),
    "download": Field(Kind.BOOL, help="Download it from its publisher.", needs=Feature.CATALOG_BY_VERSION),
}

every = engine.path("plugins/catalog[/]", help="All plugins.")
of_type = engine.path(
    "plugins/catalog/{type:re(auth|database|secret)}[/]",
    fields={"type": _FIELDS["type"]},
    help="Names of the plugins of one type.",
    sudo=True,
)
one = engine.path(
    "plugins/catalog[/{type:re(auth|database|secret)}]/{name:some}",
    fields=_FIELDS,
    help="One plugin.",
    sudo=True,
    go_errors=True,
)


@every.on(Operation.READ)
def list_all(_state: object, call: Call) -> dict[str, object]:
    """Return all plugins, by type and in detail."""
    return {
        **{kind: _names(call, kind) for kind in registered.TYPES},
        "detailed": [entry for kind in registered.TYPES for entry in _detailed(call, kind)],
    }


def _names(call: Call, kind: str) -> list[str]:
    """Return the names of the plugins of a type; in some products those that have versions only are left out."""
    every_version = call.core.product.has(Feature.CATALOG_NAMES_VERSIONED)
    own = {one.name for one in registered.of_type(call.core, kind) if every_version or not one.version}
    return sorted(own.union(call.core.product.builtins.names(kind)))


def _detailed(call: Call, kind: str) -> list[dict[str, object]]:
    """Return the plugins of a type in all versions, by name."""
    core, known = call.core, call.core.product.builtins
    own = registered.of_type(core, kind)
    hiding = {one.name for one in own if not one.version}
    found: list[dict[str, object]] = [
        {
            "builtin": True,
            "deprecation_status": known.status(kind, name),
            "name": name,
            "type": kind,
            "version": core.product.builtin_version(name),
        }
        for name in known.names(kind)
        if name not in hiding
    ]
    if not own:
        return found
    shown: list[dict[str, object]] = [
        {"builtin": False, "name": one.name, "sha256": one.sha256, "type": kind, "version": one.version} for one in own
    ]
    return sorted(shown + found, key=lambda entry: str(entry["name"]))


@of_type.on(Operation.LIST)
def list_type(_state: object, call: Call) -> dict[str, object]:
    """Return the names of the plugins of one type."""
    return {"keys": _names(call, call["type"])}


@one.on(Operation.READ)
def read_plugin(_state: object, call: Call, *, version: str) -> dict[str, object] | Response | None:
    """Return one plugin; a path without a known type has the older form and gets a warning."""
    name, kind = call["name"], call["type"]
    if not kind:
        text = f"Deprecated API endpoint, cannot read plugin information from catalog for {quote(name)}"
        return Response(warnings=[text])
    wanted = semantic_version(call.core, version, dashed=True) if version else ""
    product = call.core.product
    own = registered.find(call.core, kind, name, wanted)
    if own is None and not registered.is_builtin(call.core, kind, name, wanted):
        return None
    found: dict[str, object] = {
        "args": None if own is None else own.args,
        "builtin": own is None,
        "command": "" if own is None else own.command,
        "name": name,
        "sha256": "" if own is None else own.sha256,
        "version": call.core.product.builtin_version(name) if own is None else own.version,
    }
    if own is None:
        found["deprecation_status"] = product.builtins.status(kind, name)
    return {**found, "declarative": False, "oci": False} if product.has(Feature.PLUGIN_ORIGINS) else found


@one.on(Operation.UPDATE)
def write_plugin(
    _state: object,
    call: Call,
    *,
    name: str,
    sha256: str,
    sha_256: str,
    oci_image: str,
    command: str,
    args: list[str],
    env: list[str],
) -> None:
    """Register a plugin, whose program must be in the plugin directory unless a built-in type answers for it."""
    version = semantic_version(call.core, call["version"], dashed=True) if call["version"] else ""
    if "+builtin" in version:
        raise ErrorResponse(
            f"version {quote(version)} is not allowed because 'builtin' is a reserved metadata identifier"
        )
    directory = call.core.server.plugin_directory
    if not sha256 and not sha_256:
        by_version = call.core.product.has(Feature.CATALOG_BY_VERSION)
        if not by_version:
            raise ErrorResponse("missing SHA-256 value")
        if not version:
            raise ErrorResponse(
                "must provide at least one of sha256 or version: use sha256 for binary registration (version optional)"
                " or version only for artifact registration"
            )
        if not directory:
            raise BackendError(_NO_DIRECTORY)
        registered.check_command(directory, name)
        raise BackendError("failed to unpack plugin artifact")
    image = oci_image if call.core.product.has(Feature.CATALOG_IMAGES) else ""
    if not command and not image:
        imaged = call.core.product.has(Feature.CATALOG_IMAGES)
        raise ErrorResponse("must provide at least one of command or oci_image" if imaged else "missing command value")
    program, *rest = command.split(" ")
    if rest and args:
        raise ErrorResponse("must not specify args in command and args field")
    try:
        unhex(sha256 or sha_256)
    except ValueError as error:
        text = "Could not decode SHA-256 value from Hex"
        if call.core.product.has(Feature.CATALOG_IMAGES):
            text = f"Could not decode SHA256 value from Hex {sha256 or sha_256}: {error}"
        raise ErrorResponse(text) from None
    plugin = registered.Plugin(call["type"], name, version, program, rest or args, env, (sha256 or sha_256).lower())
    if not registered.engine_of(call.core, plugin.type, name):
        if image or not directory:
            raise BackendError(_NO_DIRECTORY)
        _check_program(directory, plugin)
    registered.add(call.core, plugin)


def _check_program(directory: str, plugin: registered.Plugin) -> None:
    """Raise BackendError if the program is not in the plugin directory, or if it would have to run to tell its type."""
    if ".." in plugin.name or ".." in plugin.command:
        raise BackendError("path cannot contain parent references")
    registered.check_command(directory, plugin.command)
    if not plugin.type:
        fault = registered.failure(directory, plugin)
        database = "failed to load plugin as database"
        raise BackendError(
            f"{database} v5: {fault}", f"{database} v4: {fault}", f"failed to dispense v4 backend plugin: {fault}"
        )


@one.on(Operation.DELETE)
def delete_plugin(_state: object, call: Call, *, name: str) -> Response | None:
    """Delete a registered plugin, if there is one; the built-in ones stay."""
    version = semantic_version(call.core, call["version"], dashed=True) if call["version"] else ""
    if "+builtin" in version:
        raise ErrorResponse(f"version {quote(version)} cannot be deleted")
    if call["type"]:
        registered.remove(call.core, call["type"], name, version)
        return None
    text = f"Deprecated API endpoint, cannot deregister plugin from catalog for {quote(name)}"
    return Response(warnings=[text])


@one.on(Operation.LIST)
def list_unknown_type(_state: object, _call: Call) -> None:
    """Refuse: an unknown type is read as the name of a plugin, which cannot be listed."""
    raise unsupported_operation()
