"""Decodes HTTP requests to Vault requests and encodes responses, as the real server's HTTP layer does."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote, unquote_plus

from multidict import MultiMapping

from mockkms.error_context import error_context
from mockkms.server.gateway.exchange import (
    JSON,
    STRICT_TRANSPORT_SECURITY,
    HttpReply,
    HttpRequest,
    RequestRefused,
    error_reply,
    redirect_reply,
)
from mockkms.server.gateway.following import Following
from mockkms.server.gateway.media_type import parse_media_type
from mockkms.server.json_limits import cost, limits
from mockkms.vault.framework.cache_bounds import LONGEST_CACHED, MOST_CACHED
from mockkms.vault.framework.message import OPERATION_OF_METHOD, WRITES, Operation, Request, Response
from mockkms.vault.golang import json as go_json
from mockkms.vault.golang.duration import parse_seconds
from mockkms.vault.golang.fmt import RepeatedParameter
from mockkms.vault.kernel.core import Core
from mockkms.vault.kernel.matching import match, outside
from mockkms.vault.products.features import Feature
from mockkms.vault.wrapping.envelope import envelope

MAX_BODY = 32 * 1024 * 1024
"""Bytes; the real server's default ``max_request_size``."""
_LONG_JSON = 64 * 1024
"""Bytes of a JSON body that is checked for its complexity before it is decoded."""
TOO_LARGE = "http: request body too large"
_MERGE_PATCH = "application/merge-patch+json"
_OCSP = "application/ocsp-request"
SNAPSHOT = "sys/storage/raft/snapshot"
"""Start of the paths that write or read the whole state."""
_PLAIN_TYPES = frozenset(("", JSON))
_TRUE = frozenset(("1", "t", "T", "TRUE", "true", "True"))
_FALSE = frozenset(("0", "f", "F", "FALSE", "false", "False"))
_TREES = frozenset(("sys", "sys/audit-hash", "sys/config/state", "sys/pprof"))
"""Paths that the real server's router redirects to the same path with a slash."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_UNESCAPED = "/$&+,:;=@!*'()~"
"""Characters that Go does not escape in the path of a URL."""
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def parse_query(query: str) -> dict[str, list[str]]:
    """Return query parameters as Go's ``url.Query`` does; pairs with invalid escapes or ``;`` are dropped."""
    values: dict[str, list[str]] = {}
    for pair in query.split("&"):
        if not pair or ";" in pair:
            continue
        name, _, value = pair.partition("=")
        if "%" in pair and _BAD_ESCAPE.search(pair):
            continue
        values.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    return values


def _bad_request(text: str) -> RequestRefused:
    return RequestRefused(error_reply(400, text))


def _flag(values: dict[str, list[str]], name: str) -> bool:
    text = values.get(name, [""])[0]
    if not text:
        return False
    if text not in _TRUE and text not in _FALSE:
        raise RequestRefused(error_reply(400))
    return text in _TRUE


def _query_data(values: dict[str, list[str]]) -> dict[str, object]:
    return {k: v[0] if len(v) == 1 else RepeatedParameter(v) for k, v in values.items() if k != "help"}


def _media_type(text: str) -> str:
    """Return the media type of a ``Content-Type`` header; empty without one, or if Go cannot parse it."""
    if text in _PLAIN_TYPES:
        return text
    try:
        return parse_media_type(text)
    except ValueError:
        return ""


def _form(body: bytes) -> dict[str, object]:
    text = body.decode("utf-8", "replace")
    if _BAD_ESCAPE.search(text) or ";" in text:
        raise RequestRefused(error_reply(400, "error parsing form data"))
    return {name: values[0] if len(values) == 1 else ",".join(values) for name, values in parse_query(text).items()}


def _json_object(core: Core, body: bytes, prefix: str, *, outside: bool = False) -> dict[str, object]:
    """Return the parameters in a JSON body. Raises RequestRefused, with ``prefix`` before the parser's message.

    ``outside``: what is not an object is left to the endpoint, whose error names the struct that it decodes.
    """
    if not body:
        return {}
    product = core.product
    limit = product.json_string_limit
    if limit and len(body) > _LONG_JSON:
        _refuse_complexity(cost.fault_before_decoding(body, limit))
    limited = product.has(Feature.JSON_LIMITS)
    scanned = limited and len(body) > limits.MAX_TOKENS
    if scanned:
        # First: other threads wait while a body is decoded, and run while it is scanned.
        _refuse_beyond_limits(core, body)
    try:
        value = go_json.decode(body, any_number=limited)
    except go_json.GoJSONError as error:
        if not scanned:
            _refuse_beyond_limits(core, body)
        raise _bad_request(prefix + str(error)) from None
    if limited and not scanned and not limits.harmless(body, value, strict=product.has(Feature.STRICT_JSON)):
        _refuse_beyond_limits(core, body)
    if outside and type(value) is not dict:
        return {}
    if type(value) is not dict:
        with error_context(prefix, _bad_request, of=go_json.GoJSONError):
            value = go_json.as_object(value)
    if limit:
        _refuse_complexity(cost.fault(body, limit))
    return value or {}


def _refuse_complexity(fault: str | None) -> None:
    """Raise RequestRefused for a body of which the product's estimate finds a fault."""
    if fault:
        raise RequestRefused(error_reply(400, f"refused JSON input due to high complexity: {fault}"))


def _refuse_beyond_limits(core: Core, body: bytes) -> None:
    """Raise RequestRefused for a body that exceeds the product's limits on JSON."""
    reply = beyond_limits(core, body)
    if reply is not None:
        raise RequestRefused(reply)


def beyond_limits(core: Core, body: bytes, *, cut: bool = False) -> HttpReply | None:
    """Return the refusal of a body that exceeds the product's limits on JSON; None for a valid one.

    ``cut``: ``body`` is only the beginning of a body that is too large.
    """
    product = core.product
    if not product.has(Feature.JSON_LIMITS):
        return None
    strict = product.has(Feature.STRICT_JSON)
    text = limits.fault(body, strict=strict, cut=cut)
    if not text:
        return None
    reply = error_reply(413 if text.endswith(TOO_LARGE) else 500, text)
    if not strict:
        # Vault 1 checks the limits before it sets the common headers.
        del reply.headers["Cache-Control"], reply.headers["Strict-Transport-Security"]
    return reply


def _body_data(core: Core, http: HttpRequest, *, outside: bool) -> dict[str, object]:
    texts = core.product.texts
    if http.body_fault:
        prefix = texts.json_error_prefix if outside else texts.json_error
        raise RequestRefused(_unread_body(core, prefix, http.body_fault))
    if http.method == "PATCH":
        _refuse_beyond_limits(core, http.body)
        with error_context(raised=_bad_request):
            media = parse_media_type(http.headers.get("Content-Type", ""))
        if media != _MERGE_PATCH:
            text = f"PATCH requires Content-Type of {_MERGE_PATCH}, provided {media}"
            raise RequestRefused(error_reply(415, text))
        try:
            return _json_object(core, http.body, texts.json_error)
        except RequestRefused:
            if core.product.has(Feature.JSON_LIMITS):
                raise RequestRefused(error_reply(400, "error parsing JSON")) from None
            raise
    media = _media_type(http.header_facts.content_type)
    if media not in _PLAIN_TYPES and not outside:
        if media == "application/x-www-form-urlencoded" and not _looks_like_json(http.body):
            return _form(http.body)
        if media == _OCSP:
            return {}  # The endpoint reads the DER itself.
    return _json_object(core, http.body, texts.json_error_prefix if outside else texts.json_error, outside=outside)


def _unread_body(core: Core, prefix: str, fault: str) -> HttpReply:
    """Return the response to an unreadable body: that of the first reader, which depends on the product."""
    if not core.product.has(Feature.JSON_LIMITS):
        return error_reply(400, prefix + fault)
    return error_reply(500, fault if core.product.has(Feature.STRICT_JSON) else f"error reading JSON token: {fault}")


def _looks_like_json(body: bytes) -> bool:
    return body.lstrip(b" \t\r\n")[:1] in (b"{", b"[")


def _wrap_ttl(headers: Mapping[str, str]) -> float | None:
    text = headers.get("X-Vault-Wrap-TTL", "")
    if not text:
        return None
    with error_context("error parsing X-Vault-Wrap-TTL header: ", _bad_request):
        ttl = parse_seconds(text)
    if ttl < 0:
        raise RequestRefused(
            error_reply(400, "error parsing X-Vault-Wrap-TTL header: requested wrap ttl cannot be negative")
        )
    return ttl


def _second_proofs(headers: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the values of ``X-Vault-MFA`` by method; a line is ``name`` or ``name:value``."""
    if "X-Vault-MFA" not in headers:
        return {}
    lines = headers.getall("X-Vault-MFA") if isinstance(headers, MultiMapping) else [headers["X-Vault-MFA"]]
    proofs: dict[str, list[str]] = {}
    for line in filter(None, lines):
        method, colon, value = line.partition(":")
        if colon and not (method and value):
            lacking = "value" if method else "name or ID"
            text = f'invalid data in header "X-Vault-MFA"; missing method {lacking}'
            raise RequestRefused(error_reply(400, f"failed to parse X-Vault-MFA header: {text}"))
        proofs.setdefault(method, []).extend([value] if colon else [])
    return proofs


def clean_target(core: Core, http: HttpRequest) -> str:
    """Return the decoded path below ``/v1/``. Raises RequestRefused with Go's redirect for ``//`` and dot segments."""
    target = http.target
    if "%" in target:
        if _BAD_ESCAPE.search(target):
            raise RequestRefused(HttpReply(400, b"400 Bad Request", {"Content-Type": "text/plain; charset=utf-8"}))
        if _CONTROL.search(unquote(target)):
            raise RequestRefused(HttpReply(400))
    if ("//" in target or "/." in target or "%" in target) and http.method != "CONNECT":
        redirect = unclean(core, http)
        if redirect is not None:
            raise RequestRefused(redirect)
    return unquote(target[4:]) if "%" in target else target[4:]


def unclean(core: Core, http: HttpRequest) -> HttpReply | None:
    """Return the redirect for a path with ``//`` or dot segments; None for a clean path."""
    target, early = http.target, core.product.has(Feature.CLEAN_PATHS)
    decoded = unquote(target) if early and "%" in target else target
    if "//" not in decoded and "/." not in decoded:
        return None
    cleaned = posixpath.normpath(decoded)
    if decoded.endswith("/") and cleaned != "/":
        cleaned += "/"
    if cleaned.startswith("//"):
        cleaned = cleaned[1:]
    if cleaned == "/v1" or (not early and cleaned[4:] in _TREES):
        cleaned += "/"
    if cleaned == decoded:
        return None
    if decoded is not target:
        cleaned = quote(cleaned, safe=_UNESCAPED)
    if early and target.startswith("//"):
        cleaned = "/" + cleaned  # Recorded: this redirect keeps the double slash.
    reply = redirect_reply(http.method, http.prefix + cleaned + ("?" + http.query if http.query else ""))
    if early:
        del reply.headers["Strict-Transport-Security"]
    return reply


def request_of(core: Core, http: HttpRequest) -> Request:
    """Return the Vault request of an HTTP request below ``/v1/``, decoded once.

    Raises RequestRefused if the HTTP layer answers itself.
    """
    if http.decoded is None:
        try:
            http.decoded = _to_request(core, http)
        except RequestRefused as refused:
            namespace = http.headers.get("X-Vault-Namespace", "")
            if namespace and "Cache-Control" in refused.reply.headers:
                refused.reply.headers["X-Vault-Namespace"] = namespace
            http.decoded = refused
    if isinstance(http.decoded, RequestRefused):
        raise http.decoded
    return http.decoded


_READ_FIRST = ("sys/seal", "sys/step-down")
"""Endpoints outside the core whose body is read as one for the core."""


class _Target(NamedTuple):
    """The properties of a request that follow from method and target alone."""

    path: str
    operation: Operation
    outside: bool
    """Whether it is answered outside the core, where invalid headers are ignored."""
    leaves_body: bool
    """Whether the body is not decoded: the endpoint reads it itself, or the operation is refused before."""
    escaped: bool


def _to_request(core: Core, http: HttpRequest) -> Request:
    if http.body_fault and not core.product.has(Feature.JSON_LIMITS) and not http.target.startswith(f"/v1/{SNAPSHOT}"):
        # The body is read before anything else of the request is looked at.
        raise RequestRefused(error_reply(500, http.body_fault))
    mounts = core.state.mounts
    key = (http.method, http.target, core.product.name)
    target: _Target | None = None if http.query else mounts.targets.get(key)
    values: dict[str, list[str]] = {}
    if target is None:
        values = parse_query(http.query) if http.query else values
        target = _target(core, http, values)
        if not http.query and len(http.target) <= LONGEST_CACHED:
            if len(mounts.targets) >= MOST_CACHED:
                mounts.targets.clear()
            mounts.targets[key] = target
    path, operation, outside, leaves_body, escaped = target
    headers, facts = http.headers, http.header_facts
    request = Request(
        operation=operation,
        path=path,
        escaped=escaped,
        token=facts.token,
        namespace=facts.namespace,
        headers=headers,
        remote_address=http.remote_address,
        remote_port=http.remote_port,
        client_certificates=http.client_certificates,
        method=http.method,
        query={name: given[0] for name, given in values.items()} if values else {},
        body=http.body,
    )
    if leaves_body and operation in WRITES:
        request.data = {}
        if outside and http.body:
            _refuse_beyond_limits(core, http.body)
    elif operation is Operation.UPDATE or operation is Operation.PATCH:
        request.data = _body_data(core, http, outside=outside and path not in _READ_FIRST)
    else:
        if http.body:
            _refuse_beyond_limits(core, http.body)
        if values and operation is not Operation.INTERNAL and operation is not Operation.HELP:
            request.data = _query_data(values)
    if facts.asks_more and not outside:
        request.wrap_ttl = _wrap_ttl(headers)
        request.wrap_format = "jwt" if headers.get("X-Vault-Wrap-Format") == "jwt" else ""
        request.mfa = _second_proofs(headers)
    return request


def _target(core: Core, http: HttpRequest, values: dict[str, list[str]]) -> _Target:
    """Return path and operation of a request; parameters that select the operation are removed from ``values``.

    Raises RequestRefused if the HTTP layer answers itself.
    """
    path = clean_target(core, http)
    asks_help = bool(values.get("help", [""])[0]) or http.method == "HELP"
    if path in _TREES and not asks_help:
        query = "?" + http.query if http.query else ""
        raise RequestRefused(redirect_reply(http.method, f"{http.prefix}/v1/{path}/{query}"))
    operation = OPERATION_OF_METHOD.get(http.method)
    if operation is None or (operation is Operation.SCAN and not core.product.has(Feature.PAGINATION)):
        raise RequestRefused(error_reply(405))
    if asks_help:
        operation = Operation.HELP
    elif operation is Operation.READ and values:
        listing, scanning = _flag(values, "list"), _flag(values, "scan") and core.product.has(Feature.PAGINATION)
        if listing and scanning:
            raise RequestRefused(error_reply(400))
        if listing:
            operation = Operation.LIST
            values.pop("list")
        elif scanning:
            operation = Operation.SCAN
            values.pop("scan")
    escaped = "%" in http.target and "%2f" in "/".join(http.target.split("/", 4)[:4]).lower()
    found = None if escaped else outside(core, path)
    before_core = found is not None
    if operation in (Operation.LIST, Operation.SCAN) and not path.endswith("/") and not before_core:
        path += "/"
    if found is not None and found.endpoint is not None:
        # Go's handler of such a path looks at the method before it reads the body, except for these two.
        leaves_body = operation not in found.endpoint.operations and path not in _READ_FIRST
    else:
        leaves_body = operation is Operation.UPDATE and _takes_bytes(core, path)
    return _Target(path, operation, before_core, leaves_body, escaped)


def _takes_bytes(core: Core, path: str) -> bool:
    """Return whether the endpoint reads a body of any type itself; in products with namespaces only snapshots do."""
    if core.product.has(Feature.NAMESPACES) and not path.startswith(SNAPSHOT):
        return False
    endpoint = match(core, "", path).endpoint
    return endpoint is not None and endpoint.takes_bytes(core.product)


def to_reply(core: Core, request: Request, response: Response) -> HttpReply:
    """Return the HTTP response for a response of the core."""
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
    if response.stream is not None:
        return HttpReply(200, b"", headers, request, rest=Following(response.stream))
    if response.raw is not None:
        if not response.content_type:
            del headers["Content-Type"]
        return HttpReply(response.status or 200, response.raw, headers, request, response.repeated)
    if response.document is not None:
        document = go_json.encode(response.document, ordered=True)
        return HttpReply(response.status or 200, _line(document), headers, request)
    if response.errors is not None and response.data is None:
        listed = ",".join(go_json.encode(text) for text in response.errors)
        return HttpReply(response.status, _line('{"errors":[' + listed + "]}"), headers, request)
    if response.status == 204:
        return HttpReply(204, b"", headers, request)
    return HttpReply(response.status or 200, _line(envelope(core.product, response)), headers, request)


def _line(text: str) -> bytes:
    return (text + "\n").encode("utf-8", "replace")
