"""``sys/plugins``: the catalog of built-in types; plugins cannot be registered."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, unsupported_operation
from mockkms.vault.golang.fmt import quote, unhex
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine
from mockkms.vault.sys.mounts.shapes import builtin_version, semantic_version

_TYPES = ("auth", "database", "secret")
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
    known = call.core.product.builtins
    detailed = [
        {
            "builtin": True,
            "deprecation_status": known.status(kind, name),
            "name": name,
            "type": kind,
            "version": builtin_version(call.core, name),
        }
        for kind in _TYPES
        for name in known.names(kind)
    ]
    return {**{kind: list(known.names(kind)) for kind in _TYPES}, "detailed": detailed}


@of_type.on(Operation.LIST)
def list_type(_state: object, call: Call) -> dict[str, object]:
    """Return the names of the plugins of one type."""
    return {"keys": list(call.core.product.builtins.names(call["type"]))}


@one.on(Operation.READ)
def read_plugin(_state: object, call: Call, *, version: str) -> dict[str, object] | Response | None:
    """Return one plugin; a path without a known type has the older form and gets a warning."""
    name, kind = call["name"], call["type"]
    if not kind:
        text = f"Deprecated API endpoint, cannot read plugin information from catalog for {quote(name)}"
        return Response(warnings=[text])
    wanted = semantic_version(call.core, version, dashed=True) if version else ""
    product = call.core.product
    if not product.builtins.knows(kind, name) or wanted not in ("", builtin_version(call.core, name)):
        return None
    found = {
        "args": None,
        "builtin": True,
        "command": "",
        "deprecation_status": product.builtins.status(kind, name),
        "name": name,
        "sha256": "",
        "version": builtin_version(call.core, name),
    }
    return {**found, "declarative": False, "oci": False} if product.has(Feature.PLUGIN_ORIGINS) else found


@one.on(Operation.UPDATE)
def write_plugin(
    _state: object, call: Call, *, sha256: str, sha_256: str, oci_image: str, command: str, args: list[str]
) -> None:
    """Refuse to register a plugin, as no plugin directory is configured."""
    version = semantic_version(call.core, call["version"], dashed=True) if call["version"] else ""
    if "+builtin" in version:
        raise ErrorResponse(
            f"version {quote(version)} is not allowed because 'builtin' is a reserved metadata identifier"
        )
    if not sha256 and not sha_256:
        by_version = call.core.product.has(Feature.CATALOG_BY_VERSION)
        if not by_version:
            raise ErrorResponse("missing SHA-256 value")
        if not version:
            raise ErrorResponse(
                "must provide at least one of sha256 or version: use sha256 for binary registration (version optional)"
                " or version only for artifact registration"
            )
        raise BackendError("could not set plugin, plugin directory is not configured")
    image = oci_image if call.core.product.has(Feature.CATALOG_IMAGES) else ""
    if not command and not image:
        imaged = call.core.product.has(Feature.CATALOG_IMAGES)
        raise ErrorResponse("must provide at least one of command or oci_image" if imaged else "missing command value")
    if " " in command and args:
        raise ErrorResponse("must not specify args in command and args field")
    try:
        unhex(sha256 or sha_256)
    except ValueError as error:
        text = "Could not decode SHA-256 value from Hex"
        if call.core.product.has(Feature.CATALOG_IMAGES):
            text = f"Could not decode SHA256 value from Hex {sha256 or sha_256}: {error}"
        raise ErrorResponse(text) from None
    raise BackendError("could not set plugin, plugin directory is not configured")


@one.on(Operation.DELETE)
def delete_plugin(_state: object, call: Call, *, name: str) -> Response | None:
    """Delete nothing: the catalog has built-in plugins only, which stay."""
    version = semantic_version(call.core, call["version"], dashed=True) if call["version"] else ""
    if "+builtin" in version:
        raise ErrorResponse(f"version {quote(version)} cannot be deleted")
    if call["type"]:
        return None
    text = f"Deprecated API endpoint, cannot deregister plugin from catalog for {quote(name)}"
    return Response(warnings=[text])


@one.on(Operation.LIST)
def list_unknown_type(_state: object, _call: Call) -> None:
    """Refuse: an unknown type is read as the name of a plugin, which cannot be listed."""
    raise unsupported_operation()
