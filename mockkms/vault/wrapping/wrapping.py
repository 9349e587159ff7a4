"""Response wrapping: storing an answer behind a single-use token.

As on the real server, the cubbyhole of the wrapping token holds the answer's JSON text under ``response``, and the
creation time and path under ``wrapinfo``.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from mockkms.json_reading import read_json
from mockkms.lazy_dataclass import dataclass
from mockkms.vault.framework.message import (
    Auth,
    BackendError,
    ErrorResponse,
    Operation,
    Request,
    Response,
    WrapInfo,
    refusing,
)
from mockkms.vault.golang.json_text import encode, keep
from mockkms.vault.telemetry.events import count_token
from mockkms.vault.tokens.token import Token
from mockkms.vault.wrapping.envelope import envelope
from mockkms.world.clock import rfc3339

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Environment
    from mockkms.vault.tokens.tokens import TokenServices

_GUARDED = frozenset({"sys/wrapping/lookup", "sys/wrapping/unwrap", "sys/wrapping/rewrap"})


CONTENT_TYPE, BODY, STATUS = "http_content_type", "http_raw_body", "http_status_code"
"""The data keys that represent an answer outside the envelope."""
_HEADERS = {"Cache-Control": "http_raw_cache_control", "WWW-Authenticate": "http_www_authenticate"}


def serialised_as_data(core: Environment, request: Request, response: Response) -> Response:
    """Return an answer as data to wrap if its body is already serialised: outside the envelope, or with a status.

    Everything else, and a status without a body, is returned unchanged.
    """
    if response.document is not None:
        text = encode(response.document, ordered=True)
        return raw_as_data(Response(raw=text.encode("utf-8", "replace"), headers=response.headers))
    if response.raw is not None:
        return raw_as_data(response)
    if response.status in (0, 204):
        return response
    response.request_id = request.id
    text = envelope(core.product, response)
    raw = Response(raw=text.encode("utf-8", "replace"), status=response.status, headers=response.headers)
    return raw_as_data(raw)


def raw_as_data(response: Response) -> Response:
    """Return an answer outside the envelope as data: body in base64, status and content type (recorded)."""
    body = None if response.status == 204 else base64.b64encode(response.raw or b"").decode()
    data: dict[str, object] = {CONTENT_TYPE: response.content_type, BODY: body, STATUS: response.status or 200}
    data.update({key: response.headers[name] for name, key in _HEADERS.items() if name in response.headers})
    return Response(data=data, warnings=response.warnings)


def opened(text: str) -> Response:
    """Return the answer to unwrapping ``text``: the text itself, or the answer outside the envelope that its data
    describes.

    Only the data's keys decide: a wrapped secret with a key ``http_raw_body`` is treated the same (recorded).
    """
    whole = read_json(text)
    data = whole.get("data") if isinstance(whole, dict) else None
    known = {key: data[key] for key in (STATUS, CONTENT_TYPE, BODY) if data.get(key) is not None} if data else {}
    if not known:
        return Response(raw=text.encode("utf-8", "replace"), status=200)
    sent = known.pop(BODY, None)
    body = _unpacked(sent) if isinstance(sent, str) else None
    if STATUS in known:
        return _raw(known[STATUS], known.get(CONTENT_TYPE), body or b"")
    if body is not None:
        known[BODY] = base64.b64encode(body).decode()
    return Response(data=known)


def _unpacked(body: str) -> bytes:
    """Return the decoded body, or the text itself if it is not base64."""
    try:
        return base64.b64decode(body.replace("\r", "").replace("\n", ""), validate=True)
    except ValueError:
        return body.encode("utf-8", "replace")


def _raw(status: object, content_type: object, body: bytes) -> Response:
    """Return the answer outside the envelope; one with the status 500 and a header for invalid members."""
    if isinstance(status, bool) or not isinstance(status, (int, float)) or not 100 <= status <= 999:
        return _unsendable("cannot decode status code")
    if int(status) == 204:
        empty = Response(raw=b"", status=204)
        empty.content_type = content_type if isinstance(content_type, str) else empty.content_type
        return empty
    if content_type is None:
        return _unsendable("no content type given")
    if not isinstance(content_type, str) or "\r" in content_type or "\n" in content_type:
        return _unsendable("cannot decode content type")
    return Response(raw=body, status=int(status), content_type=content_type)


def _unsendable(why: str) -> Response:
    return Response(raw=b"", status=500, headers={"X-Vault-Raw-Error": why})


def check_request(core: TokenServices, request: Request) -> None:
    """Validate the wrapping token of ``sys/wrapping/{lookup,unwrap,rewrap}`` before authentication.

    It comes first because the token may itself be the request's token, and a JWT is replaced by the token it contains.
    Raises ErrorResponse 403 for a malformed token, 400 for one that wraps nothing.
    """
    if request.path not in _GUARDED:
        return
    with refusing("error validating wrapping token: ", status=403):
        token = _resolve(core, request)
    if token is None or not token.wrapping:
        raise invalid()


def invalid() -> ErrorResponse:
    """Return the error for a token that does not, or no longer, wrap an answer."""
    return ErrorResponse("wrapping token is not valid or does not exist")


def _resolve(core: TokenServices, request: Request) -> Token | None:
    given = request.data.get("token")
    if given is None:
        token_id = request.token
    elif not isinstance(given, str):
        raise ValueError("could not decode token in request body")
    elif not given:
        raise ValueError("empty token in request body")
    else:
        token_id = given
    if _is_jwt(token_id):
        from mockkms.vault.wrapping import jwt  # Imports elliptic curves, which few starts need.

        token_id = jwt.verify(core, token_id)
        if given is None:
            request.token = token_id
        else:
            request.data["token"] = token_id
    if not token_id:
        raise ValueError("token is empty")
    return core.tokens.checked(token_id)


def wrap_if_asked(core: TokenServices, request: Request, response: Response) -> Response:
    """Wrap the answer if the request or the handler asks for it; the shorter TTL applies. Raises ErrorResponse."""
    if not request.wrap_ttl and not response.wrap_ttl:
        return response
    asked = [seconds for seconds in (request.wrap_ttl, response.wrap_ttl) if seconds and seconds > 0]
    if not asked or response.wrap_info is not None:
        return response
    # An empty list is refused before wrapping, since a wrapped answer cannot have status 404.
    if request.operation is Operation.LIST and not response.data and not response.warnings:
        raise ErrorResponse("unsupported path", status=404)
    inner = "" if response.auth is None else response.auth.accessor
    mount = core.state.mounts.match(request.namespace, request.path)
    if not inner and mount is not None and mount.type == "approle" and response.data:
        inner = str(response.data.get("secret_id_accessor", ""))
    response.request_id, response.flat = request.id, False
    response.mount_type = request.trace.mount_type if request.client is not None else ""
    text = envelope(core.product, response)
    info = store(core, request, text, min(asked), request.path, request.wrap_format)
    info.wrapped_accessor = inner
    return Response(wrap_info=info)


def store(core: TokenServices, request: Request, text: str, seconds: float, path: str, form: str) -> WrapInfo:
    """Store ``text`` behind a new single-use token that expires after ``seconds``.

    Raises ErrorResponse, with status 500, for a request whose path cannot have a lease.
    """
    now = core.clock.now()
    namespace = "" if form == "jwt" else request.namespace
    token = Token(
        id="",
        accessor="",
        policies=["response-wrapping"],
        path=request.path,
        display_name="",
        num_uses=1,
        ttl=int(seconds),
        explicit_max_ttl=int(seconds),
        namespace=namespace,
    )
    with refusing(status=500, of=BackendError):
        core.tokens.put(token, Auth(policies=["response-wrapping"], renewable=False), seconds)
    count_token(core.events, token, core.state.mounts.match(request.namespace, request.path), "response_wrapping")
    cubbyhole = core.state.mounts.get(namespace, "cubbyhole/")
    if cubbyhole is not None:
        cubbyhole.state[token.id] = {
            "response": keep({"response": text}),
            "wrapinfo": keep({"creation_ttl": seconds, "creation_time": rfc3339(now), "creation_path": path}),
        }
    shown = token.id
    if form == "jwt":
        from mockkms.vault.wrapping import jwt

        shown = jwt.sign(core, token.id, now, seconds)
    return WrapInfo(shown, token.accessor, int(seconds), now, path)


@dataclass(frozen=True)
class Wrapped:
    """A wrapped answer."""

    text: str
    creation_ttl: float
    """Seconds."""
    creation_time: str
    """RFC 3339."""
    creation_path: str


def contents(core: Environment, token: Token, namespace: str | None = None) -> Wrapped:
    """Return the answer that ``token`` wraps. Raises ErrorResponse if its cubbyhole is empty.

    ``namespace`` replaces the token's own namespace for the look-up.
    """
    cubbyhole = core.state.mounts.get(token.namespace if namespace is None else namespace, "cubbyhole/")
    kept = cubbyhole.state.get(token.id, {}) if cubbyhole is not None else {}
    if "response" not in kept or "wrapinfo" not in kept:
        product = core.product.texts.product
        raise ErrorResponse(f"no information found; wrapping token may be from a previous {product} version")
    return Wrapped(kept["response"]["response"], **read_json(kept["wrapinfo"].text))


def _is_jwt(text: str) -> bool:
    """Return whether a token is a JWT, as opposed to a service token with a namespace suffix."""
    return len(text) > 3 and text.count(".") == 2 and text[1] != "." and text[3] != "."
