"""``sys/capabilities*`` and ``sys/internal/ui/resultant-acl``: the capabilities of a token."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, PermissionDenied, Response, refusing
from mockkms.vault.policy.acl import Permissions
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine

_PATHS = {
    "path": Field(Kind.COMMA_STRINGS, help="Use paths.", deprecated=True),
    "paths": Field(Kind.COMMA_STRINGS, help="The paths to check."),
}
_TOKEN = Field(Kind.STRING, help="The token to check.")

by_accessor = engine.path(
    "capabilities-accessor",
    fields={**_PATHS, "accessor": Field(Kind.STRING, help="Accessor of the token to check.")},
    help="Capabilities of the token with an accessor.",
    go_errors=True,
)
by_token = engine.path(
    "capabilities", fields={**_PATHS, "token": _TOKEN}, help="Capabilities of a token.", go_errors=True
)
by_self = engine.path(
    "capabilities-self",
    fields={
        **_PATHS,
        "token": _TOKEN,
        "namespace": Field(Kind.STRING, help="Namespace of the paths.", needs=Feature.SOURCES_CHOSEN),
    },
    help="Capabilities of the request's token.",
)
resultant = engine.path("internal/ui/resultant-acl", help="All capabilities of the request's token.")


@by_accessor.on(Operation.UPDATE)
def of_accessor(_state: object, call: Call, *, accessor: str) -> Response:
    """Return the capabilities of the token that an accessor belongs to."""
    if not accessor:
        raise ErrorResponse("missing accessor")
    from mockkms.vault.auth.token.lookup import check_namespace  # Declares endpoints, in the order of its engine.

    check_namespace(call, accessor)
    token = call.core.tokens.by_accessor(accessor)
    if token is None:
        raise BackendError("invalid accessor", status=400)
    return _capabilities(call, token.id)


@by_token.on(Operation.UPDATE)
def of_token(_state: object, call: Call) -> Response:
    """Return the capabilities of the token given."""
    token_id = call.raw.get("token")
    return _capabilities(call, token_id if isinstance(token_id, str) else "")


@by_self.on(Operation.UPDATE)
def of_self(_state: object, call: Call) -> Response:
    """Return the capabilities of the request's token."""
    return _capabilities(call, call.request.token)


def _capabilities(call: Call, token_id: str) -> Response:
    if not token_id:
        raise BackendError("no token found")
    paths = call["paths"] or call["path"]
    if not paths:
        raise ErrorResponse("paths must be supplied")
    data: dict[str, object] = {}
    for path in paths:
        if not path:
            raise BackendError("missing path", status=400)
        with refusing("", BackendError):
            token = call.core.tokens.checked(token_id)
        if token is None:
            raise BackendError("invalid token", status=400)
        # Refused if the token's entity was deleted or disabled.
        with refusing("", BackendError, of=ErrorResponse, text="invalid token", status=400):
            data[path] = call.core.policies.capabilities(token, path, call.request.namespace)
    if len(paths) == 1:
        data["capabilities"] = data[paths[0]]
    return Response(data=data, flat=True)


@resultant.on(Operation.READ)
def resultant_acl(_state: object, call: Call) -> dict[str, object]:
    """Return the merged rules: exact paths and prefixes, and those with ``+`` segments where the product shows them."""
    token = call.core.tokens.lookup(call.request.token, tainted=True)
    if token is None:
        raise PermissionDenied
    acl = call.core.policies.acl(token)
    product = call.core.product
    confined = {"chroot_namespace": ""} if product.has(Feature.CHROOT_NAMESPACE) else {}
    if acl.root is not None:
        return {**confined, "root": True}
    globs = {**acl.prefixes, **(acl.wildcards if product.has(Feature.ACL_SHOWS_SEGMENTS) else {})}
    return {
        **confined,
        "root": False,
        "exact_paths": {path: _shown(permissions) for path, permissions in acl.exact.items()},
        "glob_paths": {path: _shown(permissions) for path, permissions in globs.items()},
    }


_ORDER = ("create", "delete", "list", "read", "sudo", "update", "patch", "scan", "subscribe", "recover")


def _shown(permissions: Permissions) -> dict[str, object]:
    granted = [name for name in _ORDER if name in permissions.capabilities]
    shown: dict[str, object] = {"capabilities": granted or ["deny"]}
    if permissions.min_wrapping_ttl:
        shown["min_wrapping_ttl"] = int(permissions.min_wrapping_ttl)
    if permissions.max_wrapping_ttl:
        shown["max_wrapping_ttl"] = int(permissions.max_wrapping_ttl)
    if permissions.allowed:
        shown["allowed_parameters"] = permissions.allowed
    if permissions.denied:
        shown["denied_parameters"] = permissions.denied
    if permissions.required:
        shown["required_parameters"] = permissions.required
    return shown
