"""Reading the value of ``answer``: a status, a preset, a mapping, and what becomes of each as an HTTP answer."""

from __future__ import annotations

import base64
import binascii
import http
import re
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, TypeVar

from mockkms.faults.parsing import FaultError, mapping, normal, seconds, shown, text, whole
from mockkms.faults.presets import PRESETS, find_preset
from mockkms.faults.request_view import Reply, View, go_json

Read = TypeVar("Read")
Build = Callable[[View], Reply | None]
JSON_HEADERS = {"Cache-Control": "no-store", "Content-Type": "application/json"}
_WORDS = {
    "status": "HTTP status",
    "body": "text or bytes sent as they are; a mapping or list is sent as JSON",
    "json": "any value, sent as JSON",
    "base64": "body bytes in base64",
    "errors": "texts of a Vault error body",
    "data": "data of a Vault success envelope (lease_id '', not renewable)",
    "code": "code of a RustFS error body, with message and description",
    "message": "message of a RustFS error body",
    "description": "description of a RustFS error body",
    "headers": "further headers; null takes one away",
    "content_type": "the Content-Type",
    "preset": "start from this preset",
    "retry_after": "seconds, for the Retry-After header",
    "location": "base URL of the active node, for the presets that redirect",
}
_BODIES = ("body", "json", "base64", "errors", "data", "code")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def read_status(value: Any) -> int:
    """A final HTTP status, 200 to 599."""
    status = whole(value)
    if not 200 <= status <= 599:
        raise FaultError(f"expected a status from 200 to 599, got {status}")
    return status


def read_headers(value: Any) -> dict[str, str | None]:
    """Header names and texts as they may stand on the wire; None takes a header away."""
    if not isinstance(value, Mapping):
        raise FaultError(f"expected a mapping of headers, got {shown(value)}")
    headers: dict[str, str | None] = {}
    for name, item in value.items():
        if not isinstance(name, str) or not _TOKEN.fullmatch(name):
            raise FaultError(f"no header name: {shown(name)}")
        if isinstance(item, (int, float)) and not isinstance(item, bool):
            item = str(item)
        if item is not None and (not isinstance(item, str) or re.search(r"[\r\n\0]", item) or not item.isascii()):
            raise FaultError(f"expected a text of one ASCII line, got {shown(item)}", name)
        headers[name] = item
    return headers


def read_answer(value: Any) -> Build:
    """What builds the answer to a request; a build that gives None lets the core answer. Raises FaultError."""
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if value == "pass":
        return lambda view: None
    if isinstance(value, str):
        return find_preset(value).bound({})
    if isinstance(value, int) and not isinstance(value, bool):
        status = read_status(value)
        return lambda view: plain(status, view)
    if isinstance(value, Reply):
        return lambda view: Reply(value.status, value.body, dict(value.headers))
    if isinstance(value, Mapping):
        return _described(mapping(value, _WORDS))
    raise FaultError(
        f"expected a status, a preset ({', '.join(sorted(PRESETS)[:6])}, …), a mapping or pass, got {shown(value)}"
    )


def plain(status: int, view: View) -> Reply:
    """A bare status in the shape of the service: its own error body with the status's usual name as the text."""
    if status == 204:
        return Reply(204, b"", dict(JSON_HEADERS))
    if status < 300:
        return Reply(status, go_json({}), dict(JSON_HEADERS))
    reason = http.HTTPStatus(status).phrase if status in http.HTTPStatus._value2member_map_ else "Error"
    return error_reply(view, status, f"{status} {reason} (mockkms fault)")


def error_reply(view: View, status: int, message: str) -> Reply:
    """``message`` as an error body of the service that was asked."""
    if view.service == "rustfs":
        body: Any = {"code": "InternalError", "message": message, "description": "Internal KMS error occurred"}
    else:
        body = {"errors": [] if status == 404 else [message]}
    return Reply(status, go_json(body), dict(JSON_HEADERS))


def _described(given: dict[str, Any]) -> Build:
    """An answer described word by word."""
    bodies = [word for word in _BODIES if word in given]
    if len(bodies) > 1:
        raise FaultError(f"only one of {', '.join(bodies)} can be the body")
    status = _under("status", read_status, given["status"]) if "status" in given else None
    headers = _under("headers", read_headers, given.get("headers", {}))
    if "content_type" in given:
        headers |= _under("content_type", read_headers, {"Content-Type": given["content_type"]})
    base = _base(given, status, bodies)
    make = _under(bodies[0], lambda _: _body(bodies[0], given), None) if bodies else None

    def build(view: View) -> Reply | None:
        reply = base(view)
        if reply is None:
            return None
        if status is not None:
            reply.status = status
        if make is not None:
            reply.body = make(view)
        changed = {name.lower() for name in headers}
        kept = {name: item for name, item in reply.headers.items() if name.lower() not in changed}
        reply.headers = kept | {name: item for name, item in headers.items() if item is not None}
        return reply

    return build


def _base(given: dict[str, Any], status: int | None, bodies: list[str]) -> Build:
    """What the described answer starts from: a preset, or the bare status."""
    options: dict[str, Any] = {word: given[word] for word in ("retry_after", "location") if word in given}
    if "retry_after" in options:
        options["retry_after"] = _under("retry_after", seconds, options["retry_after"])
    if "location" in options:
        options["location"] = _under("location", text, options["location"])
    if "preset" in given:
        return find_preset(text(given["preset"])).bound(options)
    if status is None:
        if not bodies:
            raise FaultError("expected at least one of status, preset, body, json, errors, data")
        status = 400 if bodies[0] in ("errors", "code") else 200
    chosen = status

    def build(view: View) -> Reply:
        reply = plain(chosen, view)
        if "retry_after" in options:
            reply.headers["Retry-After"] = f"{options['retry_after']:g}"
        if "location" in options:
            reply.headers["Location"] = options["location"]
        return reply

    return build


def _body(word: str, given: dict[str, Any]) -> Callable[[View], bytes]:
    """What makes the bytes of the body."""
    value = given[word]
    if word == "data":
        return lambda view: envelope(value, view)
    if word == "errors":
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, (list, tuple)) or not all(isinstance(item, str) for item in texts):
            raise FaultError(f"expected a list of texts, got {shown(value)}")
        return _fixed(go_json({"errors": list(texts)}))
    if word == "code":
        parts = {name: text(given.get(name, "")) for name in ("code", "message", "description")}
        return _fixed(go_json(parts))
    if word == "base64":
        try:
            return _fixed(base64.b64decode(text(value), validate=True))
        except (binascii.Error, ValueError):
            raise FaultError("no base64") from None
    if word == "body" and isinstance(value, (bytes, bytearray)):
        return _fixed(bytes(value))
    if word == "body" and isinstance(value, str):
        return _fixed(value.encode("utf-8", "surrogatepass"))
    try:
        return _fixed(go_json(value))
    except (TypeError, ValueError, RecursionError):
        raise FaultError(f"cannot be written as JSON: {shown(value)}") from None


def _fixed(body: bytes) -> Callable[[View], bytes]:
    return lambda view: body


def envelope(data: Any, view: View) -> bytes:
    """``data`` in a Vault success envelope. The request id depends on the request alone, so that runs repeat."""
    question = f"{view.method} {view.target}".encode("utf-8", "surrogatepass")
    digest = blake2b(question + view.body, digest_size=16).hexdigest()
    request_id = f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"
    document: dict[str, Any] = {"request_id": request_id, "lease_id": "", "renewable": False, "lease_duration": 0}
    return go_json(document | {"data": data, "wrap_info": None, "warnings": None, "auth": None})


def _under(word: str, read: Callable[[Any], Read], value: Any) -> Read:
    try:
        return read(value)
    except FaultError as error:
        raise error.under(normal(word)) from None
