"""The bodies of requests: JSON and forms as parameters, with the limits and errors of the real server."""

from __future__ import annotations

from mockkms.error_context import error_context
from mockkms.server.gateway.exchange import JSON, HttpReply, HttpRequest, RequestRefused, bad_request, error_reply
from mockkms.server.gateway.media_type import parse_media_type
from mockkms.server.gateway.target import BAD_ESCAPE, parse_query
from mockkms.server.json_limits import cost, limits
from mockkms.vault.golang import json as go_json
from mockkms.vault.kernel.core import Core
from mockkms.vault.products.features import Feature

MAX_BODY = 32 * 1024 * 1024
"""Bytes; the real server's default ``max_request_size``."""
_LONG_JSON = 64 * 1024
"""Bytes of a JSON body that is checked for its complexity before it is decoded."""
TOO_LARGE = "http: request body too large"
_MERGE_PATCH = "application/merge-patch+json"
_OCSP = "application/ocsp-request"
_PLAIN_TYPES = frozenset(("", JSON))


def decode(core: Core, http: HttpRequest, *, outside: bool) -> dict[str, object]:
    """Return the parameters in the body of a write. Raises RequestRefused.

    ``outside``: the endpoint is answered outside the core, by a handler that reads JSON alone.
    """
    texts = core.product.texts
    if http.body_fault:
        prefix = texts.json_error_prefix if outside else texts.json_error
        raise RequestRefused(_unread_body(core, prefix, http.body_fault))
    if http.method == "PATCH":
        refuse_beyond_limits(core, http.body)
        with error_context(raised=bad_request):
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
            return _form(http.body, http.query)
        if media == _OCSP:
            return {}  # The endpoint reads the DER itself.
    return _json_object(core, http.body, texts.json_error_prefix if outside else texts.json_error, outside=outside)


def _media_type(text: str) -> str:
    """Return the media type of a ``Content-Type`` header; empty without one, or if Go cannot parse it."""
    if text in _PLAIN_TYPES:
        return text
    try:
        return parse_media_type(text)
    except ValueError:
        return ""


def _form(body: bytes, query: str) -> dict[str, object]:
    """Return the parameters of a form. Raises RequestRefused for a bad one; Go reads the query along with it."""
    text = body.decode("utf-8", "replace")
    if any(BAD_ESCAPE.search(pairs) or ";" in pairs for pairs in (text, query)):
        raise RequestRefused(error_reply(400, "error parsing form data"))
    return {name: values[0] if len(values) == 1 else ",".join(values) for name, values in parse_query(text).items()}


def _looks_like_json(body: bytes) -> bool:
    return body.lstrip(b" \t\r\n")[:1] in (b"{", b"[")


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
        refuse_beyond_limits(core, body)
    try:
        value = go_json.decode(body, any_number=limited)
    except go_json.GoJSONError as error:
        if not scanned:
            refuse_beyond_limits(core, body)
        raise bad_request(prefix + str(error)) from None
    if limited and not scanned and not limits.harmless(body, value, strict=product.has(Feature.STRICT_JSON)):
        refuse_beyond_limits(core, body)
    if outside and type(value) is not dict:
        return {}
    if type(value) is not dict:
        with error_context(prefix, bad_request, of=go_json.GoJSONError):
            value = go_json.as_object(value)
    if limit:
        _refuse_complexity(cost.fault(body, limit))
    return value or {}


def _refuse_complexity(fault: str | None) -> None:
    """Raise RequestRefused for a body of which the product's estimate finds a fault."""
    if fault:
        raise RequestRefused(error_reply(400, f"refused JSON input due to high complexity: {fault}"))


def refuse_beyond_limits(core: Core, body: bytes) -> None:
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


def _unread_body(core: Core, prefix: str, fault: str) -> HttpReply:
    """Return the response to an unreadable body: that of the first reader, which depends on the product."""
    if not core.product.has(Feature.JSON_LIMITS):
        return error_reply(400, prefix + fault)
    return error_reply(500, fault if core.product.has(Feature.STRICT_JSON) else f"error reading JSON token: {fault}")
