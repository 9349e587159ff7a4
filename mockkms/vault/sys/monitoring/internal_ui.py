"""``sys/internal/ui``: endpoints for the web interface, before and after login."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Request, Response, unsupported_path
from mockkms.vault.golang.fmt import quote
from mockkms.vault.mounts.table import Mount
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine
from mockkms.vault.sys.mounts.shapes import mount_info, sanitized, shown_path

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context
    from mockkms.vault.tokens.token import Token

table = engine.path("internal/ui/mounts", help="Mounts that the caller may see.", login=True)
one = engine.path(
    "internal/ui/mounts/{path:some}",
    fields={"path": Field(Kind.STRING, help="Path of the mount, or below it.")},
    help="The mount that answers a path.",
    login=True,
)
namespaces = engine.path("internal/ui/namespaces", help="Namespaces that the caller may see.", login=True)
messages = engine.path(
    "internal/ui/{whom:one(authenticated-messages|unauthenticated-messages)}",
    fields={"whom": Field(Kind.STRING, help="Before or after the login.")},
    help="Messages of the interface for its users.",
    login=True,
    needs=Feature.ENTERPRISE_STUBS,
)


def _flagged(core: Context, _request: Request) -> None:
    """Raise 404 in products without these flags, which their interface asks for nevertheless."""
    if not core.product.has(Feature.ENTERPRISE_STUBS):
        raise unsupported_path()


flags = engine.path(
    "internal/ui/feature-flags",
    help="Switches of the interface.",
    login=Feature.ENTERPRISE_STUBS,
    requires=_flagged,
)


def _token(call: Call) -> Token:
    return call.core.tokens.authenticate(call.request)


@table.on(Operation.READ)
def list_mounts(_state: object, call: Call) -> dict[str, object]:
    """Without a token what is shown to everyone, with one all that its policies reach."""
    found: dict[str, dict[str, object]] = {"auth": {}, "secret": {}}
    for mount in visible(call):
        brief: dict[str, object] = {"description": mount.description, "options": mount.options, "type": mount.type}
        shown = _info(call.core, mount) if call.request.token else brief
        found["auth" if mount.is_auth else "secret"][shown_path(mount)] = shown
    return {**found}


def _info(core: Context, mount: Mount) -> dict[str, object]:
    """Return a mount as its table shows it, with the leases that are in force where the product shows those."""
    if not core.product.has(Feature.MOUNT_TTLS_RESOLVED):
        return mount_info(core, mount)
    return mount_info(core, mount, core.limits(mount))


def visible(call: Call) -> list[Mount]:
    """Return the mounts visible to the caller. Raises ErrorResponse 403 for an invalid token."""
    core, namespace = call.core, call.request.namespace
    token = _token(call) if call.request.token else None
    return [
        mount
        for mount in core.state.mounts.of(namespace)
        if mount.config.listing_visibility == "unauth"
        or (token is not None and core.policies.reaches(token, mount.path, namespace))
    ]


@one.on(Operation.READ)
def read_mount(_state: object, call: Call) -> dict[str, object]:
    """Return one mount if the token's policies reach it; otherwise the answer does not reveal whether it exists."""
    core, namespace = call.core, call.request.namespace
    path = sanitized(call["path"])
    token = _token(call)
    mount: Mount | None = core.state.mounts.match(namespace, path)
    # For a mount in a child namespace, the real server appends that namespace to the one of the request.
    inner = mount is not None and mount.namespace != namespace
    place = namespace + mount.namespace if mount is not None and inner else namespace
    if mount is None or not core.policies.reaches(token, mount.path, place):
        raise ErrorResponse(
            f"preflight capability check returned 403, please ensure client's policies grant access "
            f"to path {quote(path)}",
            status=403,
        )
    return {**_info(core, mount), "path": mount.namespace + mount.path if inner else shown_path(mount)}


@namespaces.on(Operation.READ)
def list_namespaces(_state: object, call: Call) -> dict[str, object]:
    """Return the namespaces directly within that of the request that the token's policies give access to."""
    core, parent = call.core, call.request.namespace
    if not call.request.token:
        raise BackendError("client token empty")
    token = _token(call)
    if not core.product.has(Feature.NAMESPACES):
        return {"keys": [""]}
    seen = [n.path for n in core.namespaces.children(parent) if core.policies.reaches(token, "", n.path)]
    return {"keys": [path[len(parent) :] for path in seen]} if seen else {}


@messages.on(Operation.READ)
def read_messages(_state: object, _call: Call) -> dict[str, object]:
    """Return no messages: the community edition does not have them."""
    return {}


@flags.on(Operation.READ)
def read_flags(_state: object, _call: Call) -> Response:
    """Return no flags."""
    return Response(document={"feature_flags": None})
