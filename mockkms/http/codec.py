"""HTTP to message and back for the Vault door: what the real server's HTTP layer does around its core."""

from __future__ import annotations

import posixpath
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import unquote, unquote_plus

from multidict import MultiMapping

from mockkms.http import jsoncost
from mockkms.http.mediatype import parse_media_type
from mockkms.vault import gojson
from mockkms.vault.core import Core
from mockkms.vault.duration import parse_seconds
from mockkms.vault.envelope import envelope
from mockkms.vault.gotext import Texts
from mockkms.vault.message import OPERATION_OF_METHOD, Operation, Request, Response
from mockkms.vault.products.features import Feature

MAX_BODY = 32 * 1024 * 1024
"""Bytes; the real server's default ``max_request_size``."""
STRICT_TRANSPORT_SECURITY = "max-age=31536000; includeSubDomains"
_JSON = "application/json"
_MERGE_PATCH = "application/merge-patch+json"
_OCSP = "application/ocsp-request"
_PLAIN_TYPES = frozenset(("", _JSON))
_TRUE = frozenset(("1", "t", "T", "TRUE", "true", "True"))
_FALSE = frozenset(("0", "f", "F", "FALSE", "false", "False"))
_TREES = frozenset(("sys", "sys/audit-hash", "sys/config/state", "sys/pprof"))
"""What the real server's mux knows with a slash only: without one it redirects."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(slots=True)
class HttpRequest:
    """One HTTP request as the doors see it, free of aiohttp."""

    method: str
    target: str
    """Path as sent, percent-encoded, without the query."""
    query: str
    headers: Mapping[str, str]
    """Case-insensitive."""
    body: bytes = b""
    remote_address: str = ""
    remote_port: int = 0
    client_certificates: tuple[bytes, ...] | None = None
    """DER, the client's own first; None where the connection is not encrypted."""
    prefix: str = ""
    """What stood before ``target`` on the wire: the tenant, ``/t/<id>``, or nothing."""
    bare_mark: bool = False
    """There was a ``?`` with nothing behind it."""
    whole: bool = False
    """The answer is wanted in one piece, for rules may change it."""
    decoded: Request | Refused | None = None
    """The Vault request that this is, once somebody asked: see ``request_of``."""


class Rest(Protocol):
    """The body of an answer that is still coming."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Its pieces; raises RestLost where it ends too early."""

    def close(self) -> None:
        """Take no more of it."""


class RestLost(Exception):
    """A body ended before it was whole."""


@dataclass(slots=True)
class HttpReply:
    """One HTTP answer as the doors make it."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    request: Request | None = None
    """The Vault request that was answered, for the journal."""
    repeated: tuple[tuple[str, str], ...] = ()
    """Further lines of headers that came more than once; their names are spelt as in ``headers``."""
    rest: Rest | None = None
    """The body, where it is still coming; ``body`` is empty then."""


class Refused(Exception):
    """The HTTP layer answers itself, before the core."""

    def __init__(self, reply: HttpReply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def base_headers(content_type: str = _JSON) -> dict[str, str]:
    """The headers of every answer."""
    return {
        "Cache-Control": "no-store",
        "Content-Type": content_type,
        "Strict-Transport-Security": STRICT_TRANSPORT_SECURITY,
    }


def error_reply(status: int, *errors: str) -> HttpReply:
    """An error in the real server's form."""
    body = '{"errors":[' + ",".join(gojson.encode(error) for error in errors) + "]}\n"
    return HttpReply(status, body.encode("utf-8", "replace"), base_headers())


def redirect_reply(method: str, location: str) -> HttpReply:
    """A 307 as Go's ``http.Redirect`` writes it: a link for GET and HEAD, nothing for the rest."""
    if method not in ("GET", "HEAD"):
        headers = base_headers()
        del headers["Content-Type"]
        return HttpReply(307, b"", {**headers, "Location": location})
    body = f'<a href="{location}">Temporary Redirect</a>.\n\n'
    return HttpReply(307, body.encode(), {**base_headers("text/html; charset=utf-8"), "Location": location})


def parse_query(query: str) -> dict[str, list[str]]:
    """Query parameters as Go's ``url.Query`` reads them: bad escapes and ``;`` drop the pair."""
    values: dict[str, list[str]] = {}
    for pair in query.split("&"):
        if not pair or ";" in pair:
            continue
        name, _, value = pair.partition("=")
        if "%" in pair and _BAD_ESCAPE.search(pair):
            continue
        values.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    return values


def _flag(values: dict[str, list[str]], name: str) -> bool:
    text = values.get(name, [""])[0]
    if not text:
        return False
    if text not in _TRUE and text not in _FALSE:
        raise Refused(error_reply(400))
    return text in _TRUE


def _query_data(values: dict[str, list[str]]) -> dict[str, Any]:
    return {k: v[0] if len(v) == 1 else Texts(v) for k, v in values.items() if k != "help"}


def _media_type(headers: Mapping[str, str]) -> str:
    """The type of the body; empty where there is none or Go could not read it."""
    text = headers.get("Content-Type", "")
    if text in _PLAIN_TYPES:
        return text
    try:
        return parse_media_type(text)
    except ValueError:
        return ""


def _form(body: bytes) -> dict[str, Any]:
    text = body.decode("utf-8", "replace")
    if _BAD_ESCAPE.search(text) or ";" in text:
        raise Refused(error_reply(400, "error parsing form data"))
    return {name: values[0] if len(values) == 1 else ",".join(values) for name, values in parse_query(text).items()}


def _json_object(core: Core, body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        data = gojson.decode_object(body)
    except gojson.GoJSONError as error:
        raise Refused(error_reply(400, core.product.words.json_error(str(error)))) from None
    limit = core.product.json_string_limit
    fault = jsoncost.fault(body, limit) if limit else None
    if fault:
        raise Refused(error_reply(400, f"refused JSON input due to high complexity: {fault}"))
    return data or {}


def _body_data(core: Core, http: HttpRequest) -> dict[str, Any]:
    if http.method == "PATCH":
        try:
            media = parse_media_type(http.headers.get("Content-Type", ""))
        except ValueError as error:
            raise Refused(error_reply(400, str(error))) from None
        if media != _MERGE_PATCH:
            text = f"PATCH requires Content-Type of {_MERGE_PATCH}, provided {media}"
            raise Refused(error_reply(415, text))
    elif _media_type(http.headers) == "application/x-www-form-urlencoded" and not _looks_like_json(http.body):
        return _form(http.body)
    elif _media_type(http.headers) == _OCSP:
        return {}  # The endpoint reads the DER itself.
    return _json_object(core, http.body)


def _looks_like_json(body: bytes) -> bool:
    return body.lstrip(b" \t\r\n")[:1] in (b"{", b"[")


def token_of(headers: Mapping[str, str]) -> str:
    """The token of a request: ``X-Vault-Token``, else ``Authorization: Bearer`` (case matters)."""
    token = headers.get("X-Vault-Token", "")
    if token:
        return token
    authorization = headers.get("Authorization", "")
    return authorization[7:].strip() if authorization.startswith("Bearer ") else ""


def _wrap_ttl(headers: Mapping[str, str]) -> float:
    text = headers.get("X-Vault-Wrap-TTL", "")
    if not text:
        return 0
    try:
        ttl = parse_seconds(text)
    except ValueError as error:
        raise Refused(error_reply(400, f"error parsing X-Vault-Wrap-TTL header: {error}")) from None
    if ttl < 0:
        raise Refused(error_reply(400, "error parsing X-Vault-Wrap-TTL header: requested wrap ttl cannot be negative"))
    return ttl


def _second_proofs(headers: Mapping[str, str]) -> dict[str, list[str]]:
    """The lines of ``X-Vault-MFA`` by method: ``name`` alone or ``name:value``."""
    if "X-Vault-MFA" not in headers:
        return {}
    lines = headers.getall("X-Vault-MFA") if isinstance(headers, MultiMapping) else [headers["X-Vault-MFA"]]
    proofs: dict[str, list[str]] = {}
    for line in filter(None, lines):
        method, colon, value = line.partition(":")
        if colon and not (method and value):
            lacking = "value" if method else "name or ID"
            text = f'invalid data in header "X-Vault-MFA"; missing method {lacking}'
            raise Refused(error_reply(400, f"failed to parse X-Vault-MFA header: {text}"))
        proofs.setdefault(method, []).extend([value] if colon else [])
    return proofs


def clean_target(http: HttpRequest) -> str:
    """The path below ``/v1/``, decoded. Raises Refused with a redirect for ``//`` and dot segments, as Go does."""
    target = http.target
    if "%" in target:
        if _BAD_ESCAPE.search(target):
            raise Refused(HttpReply(400, b"400 Bad Request", {"Content-Type": "text/plain; charset=utf-8"}))
        if _CONTROL.search(unquote(target)):
            raise Refused(HttpReply(400))
    if "//" in target or "/." in target:
        cleaned = posixpath.normpath(target)
        if target.endswith("/") and cleaned != "/":
            cleaned += "/"
        if cleaned.startswith("//"):
            cleaned = cleaned[1:]
        if cleaned[4:] in _TREES:
            cleaned += "/"
        if cleaned != target:
            raise Refused(redirect_reply(http.method, http.prefix + cleaned + ("?" + http.query if http.query else "")))
    return unquote(target[4:]) if "%" in target else target[4:]


def request_of(core: Core, http: HttpRequest) -> Request:
    """Return the Vault request that an HTTP request below ``/v1/`` is, decoded when first asked for.

    Raises Refused where the HTTP layer answers itself.
    """
    if http.decoded is None:
        try:
            http.decoded = _decode(core, http)
        except Refused as refused:
            http.decoded = refused
    if isinstance(http.decoded, Refused):
        raise http.decoded
    return http.decoded


def _decode(core: Core, http: HttpRequest) -> Request:
    try:
        return _to_request(core, http)
    except Refused as refused:
        namespace = http.headers.get("X-Vault-Namespace", "")
        if namespace and "Cache-Control" in refused.reply.headers:
            refused.reply.headers["X-Vault-Namespace"] = namespace
        raise


def _to_request(core: Core, http: HttpRequest) -> Request:
    path = clean_target(http)
    values = parse_query(http.query) if http.query else {}
    asks_help = bool(values.get("help", [""])[0]) or http.method == "HELP"
    if path in _TREES and not asks_help:
        query = "?" + http.query if http.query else ""
        raise Refused(redirect_reply(http.method, f"{http.prefix}/v1/{path}/{query}"))
    operation = OPERATION_OF_METHOD.get(http.method)
    if operation is None or (operation is Operation.SCAN and not core.product.has(Feature.PAGINATION)):
        raise Refused(error_reply(405))
    data: dict[str, Any]
    if asks_help:
        operation, data = Operation.HELP, {}
    elif operation is Operation.UPDATE or operation is Operation.PATCH:
        data = _body_data(core, http)
    else:
        if operation is Operation.READ and values:
            listing, scanning = _flag(values, "list"), _flag(values, "scan") and core.product.has(Feature.PAGINATION)
            if listing and scanning:
                raise Refused(error_reply(400))
            if listing:
                operation = Operation.LIST
                values.pop("list")
            elif scanning:
                operation = Operation.SCAN
                values.pop("scan")
        data = _query_data(values) if operation is not Operation.INTERNAL else {}
    if operation in (Operation.LIST, Operation.SCAN) and not path.endswith("/"):
        path += "/"
    headers = http.headers
    return Request(
        operation=operation,
        path=path,
        data=data,
        token=token_of(headers),
        namespace=headers.get("X-Vault-Namespace", ""),
        wrap_ttl=_wrap_ttl(headers),
        wrap_format="jwt" if headers.get("X-Vault-Wrap-Format") == "jwt" else "",
        headers=headers,
        mfa=_second_proofs(headers),
        remote_address=http.remote_address,
        remote_port=http.remote_port,
        client_certificates=http.client_certificates,
        method=http.method,
        query={name: given[0] for name, given in values.items()},
        body=http.body,
    )


def to_reply(core: Core, request: Request, response: Response) -> HttpReply:
    """The HTTP answer of a message."""
    headers = {
        "Cache-Control": "no-store",
        "Content-Type": response.content_type,
        "Strict-Transport-Security": STRICT_TRANSPORT_SECURITY,
    }
    namespace = request.headers.get("X-Vault-Namespace", "")
    if namespace:
        headers["X-Vault-Namespace"] = namespace
    if response.headers:
        headers.update(response.headers)
    if response.redirect:
        reply = redirect_reply(request.method, response.redirect)
        reply.request = request
        return reply
    if response.raw is not None:
        return HttpReply(response.status or 200, response.raw, headers, request)
    if response.document is not None:
        document = gojson.encode(response.document, ordered=True)
        return HttpReply(response.status or 200, _line(document), headers, request)
    if response.errors is not None and response.data is None:
        listed = ",".join(gojson.encode(text) for text in response.errors)
        return HttpReply(response.status, _line('{"errors":[' + listed + "]}"), headers, request)
    if response.status == 204:
        return HttpReply(204, b"", headers, request)
    return HttpReply(response.status or 200, _line(envelope(core.product, response)), headers, request)


def _line(text: str) -> bytes:
    return (text + "\n").encode("utf-8", "replace")
