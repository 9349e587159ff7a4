"""The cubbyhole: secrets of a token, which no other token can read and which end with it.

The state holds secrets by token id and path. Wrapped responses are the secret ``response`` of a one-time token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.folders import children
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Request, Response
from mockkms.vault.framework.storage_keys import refuse_bytes
from mockkms.vault.golang.json_text import Encoded, is_long, keep
from mockkms.vault.products.features import Feature

Cubbyholes = dict[str, dict[str, Encoded]]


def _takes_long(state: Cubbyholes, request: Request, captures: Mapping[str, str], _now: Callable[[], float]) -> bool:
    """Return whether a request is about a large secret of its token."""
    return is_long(state.get(request.token, {}).get(captures.get("path", "")))


engine = Engine(
    "cubbyhole",
    kind="secret",
    new_state=dict,
    help="Secrets that only the token which wrote them can read, and that end with it.",
    takes_long=_takes_long,
)

secret = engine.path(
    "{path:all}",
    arbitrary=Feature.KV1_ARBITRARY,
    help="A secret of the token.",
    description="Every token has its own cubbyhole, which is emptied when the token ends.",
    go_errors=True,
)

DEPRECATED = (
    "Reading from 'cubbyhole/response' is deprecated. Please use sys/wrapping/unwrap to unwrap responses, as it "
    "provides additional security checks and other benefits."
)


def _own(state: Cubbyholes, call: Call) -> dict[str, Encoded]:
    client = call.request.client
    if client is None or client.type == "batch":
        kinds = call.core.product.texts.cubbyhole_tokens
        raise ErrorResponse(f"cubbyhole operations are only supported by {kinds} type tokens")
    return state.get(client.id, {})


def _path(call: Call) -> str:
    path: str = call["path"]
    if not path:
        raise BackendError("missing path")
    return path


@secret.existence
def exists(state: Cubbyholes, call: Call, *, path: str) -> bool:
    """Return whether the token's cubbyhole has the secret."""
    return path in _own(state, call)


@secret.on(Operation.READ)
def read(state: Cubbyholes, call: Call, *, path: str) -> Response | None:
    """Return a secret of the token's cubbyhole, or None; with a warning if that is a wrapped response."""
    kept = _own(state, call).get(_path(call))
    if kept is None:
        return None
    client = call.request.client
    wrapped = client is not None and client.wrapping and path == "response"
    return Response(data=kept.value(), later_warnings=[DEPRECATED] if wrapped else [])


@secret.on(Operation.CREATE, Operation.UPDATE)
def write(state: Cubbyholes, call: Call) -> None:
    """Replace a secret by the body. Raises BackendError without a body."""
    _own(state, call)
    if not call.request.data:
        raise BackendError("missing data fields")
    path = _path(call)
    refuse_bytes(call.request, "failed to write: key contains invalid UTF-8 characters")
    client = call.request.client
    assert client is not None
    state.setdefault(client.id, {})[path] = keep(call.request.data)


@secret.on(Operation.DELETE)
def delete(state: Cubbyholes, call: Call, *, path: str) -> None:
    """Delete a secret; succeed if it does not exist."""
    own = _own(state, call)
    refuse_bytes(call.request)
    own.pop(path, None)


@secret.on(Operation.LIST)
def list_keys(state: Cubbyholes, call: Call) -> dict[str, object]:
    """Return the names directly below a folder."""
    path: str = call["path"]
    if path and not path.endswith("/"):
        path += "/"
    keys = children(_own(state, call), path)
    return {"keys": keys} if keys else {}
