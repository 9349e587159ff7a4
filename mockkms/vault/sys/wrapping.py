"""``sys/wrapping``: wrapping data, and looking up, unwrapping and rewrapping a wrapping token."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine
from mockkms.vault.tokens.token import Token
from mockkms.vault.wrapping import wrapping

_TOKEN = {"token": Field(Kind.STRING, help="The wrapping token; without it, the token of the request.")}

wrap = engine.path("wrapping/wrap", arbitrary=True, help="Wrap the request body unchanged.")
unwrap = engine.path(
    "wrapping/unwrap", _TOKEN, help="Return a wrapped response; revokes the wrapping token.", go_errors=True
)
lookup = engine.path(
    "wrapping/lookup", _TOKEN, login=True, help="Creation time, creation path and lifetime of a wrapping token."
)
rewrap = engine.path("wrapping/rewrap", _TOKEN, help="Wrap a wrapped response again, with a new token and lifetime.")


@wrap.on(Operation.UPDATE)
def wrap_data(_state: object, call: Call) -> Response:
    """Return the body, which is wrapped. Raises ErrorResponse without the header that asks for that."""
    if not call.request.wrap_ttl:
        raise ErrorResponse("endpoint requires response wrapping to be used")
    if call.core.product.has(Feature.WRAP_WITHOUT_JWT):
        call.request.wrap_format = "uuid"
    return Response(data=dict(call.raw))


def _token(call: Call) -> Token:
    token = call.core.tokens.lookup(call["token"] or call.request.token, tainted=True)
    if token is None:
        raise wrapping.invalid()
    if not token.wrapping:
        raise BackendError("token is not a valid unwrap token")
    return token


def _check_use(call: Call, token: Token) -> None:
    """Raise BackendError for a token in the body whose only use was spent on this request."""
    if call["token"] and token.num_uses < 0:
        raise BackendError(
            "error decrementing wrapping token's use-count: invalid token entry provided for use count decrementing"
        )


def _spend(call: Call, token: Token) -> None:
    """Use up a wrapping token sent in the body; the core counts a use only for the request's own token."""
    if call["token"]:
        call.core.tokens.revoke_orphan(token)


@unwrap.on(Operation.UPDATE)
def unwrap_response(_state: object, call: Call) -> Response:
    """Return the response that a wrapping token holds, and revoke the token. Raises ErrorResponse."""
    token = _token(call)
    _check_use(call, token)
    wrapped = wrapping.contents(call.core, token)
    _spend(call, token)
    return wrapping.opened(wrapped.text)


@lookup.on(Operation.READ, Operation.UPDATE)
def lookup_wrapping(_state: object, call: Call) -> dict[str, object]:
    """Return path, time and lifetime of a wrapping token. Raises ErrorResponse."""
    wrapped = wrapping.contents(call.core, _token(call))
    seconds = wrapped.creation_ttl
    return {
        "creation_path": wrapped.creation_path,
        "creation_time": wrapped.creation_time,
        "creation_ttl": int(seconds) if seconds == int(seconds) else seconds,
    }


@rewrap.on(Operation.UPDATE)
def rewrap_response(_state: object, call: Call) -> Response:
    """Return a new wrapping token for the response that another one holds, and revoke that. Raises ErrorResponse."""
    token = _token(call)
    _check_use(call, token)
    request = call.request
    try:
        # Unlike the other endpoints, this one reads the cubbyhole of the request's namespace.
        wrapped = wrapping.contents(call.core, token, request.namespace)
    finally:
        _spend(call, token)
    seconds = min(wrapped.creation_ttl, request.wrap_ttl or wrapped.creation_ttl)
    info = wrapping.store(call.core, request, wrapped.text, seconds, wrapped.creation_path, request.wrap_format)
    return Response(wrap_info=info)
