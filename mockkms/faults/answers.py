"""Parse the value of ``answer`` (a status, a preset or a mapping) and build the HTTP response that it describes."""

from __future__ import annotations

import base64
import binascii
import http
import re
from collections.abc import Callable, Mapping
from hashlib import blake2b

from mockkms.faults.parsing import Errors, FaultError, known_words, seconds, shown, text, whole, within
from mockkms.faults.presets import PRESETS, PresetOptions, find_preset
from mockkms.faults.request_view import Reply, View, go_json
from mockkms.vault.framework.message import Response
from mockkms.vault.golang.json_text import keep

Build = Callable[[View], Reply | None]
JSON_HEADERS = {"Cache-Control": "no-store", "Content-Type": "application/json"}
_WORDS = {
    "status": "HTTP status",
    "body": "string or bytes, sent verbatim; a mapping or list is sent as JSON",
    "json": "any value, sent as JSON",
    "base64": "body bytes in base64",
    "errors": "messages of a Vault error body",
    "data": "data of a Vault success envelope (lease_id '', not renewable)",
    "code": "code of a RustFS error body, with message and description",
    "message": "message of a RustFS error body",
    "description": "description of a RustFS error body",
    "headers": "additional headers; null removes one",
    "content_type": "value of the Content-Type header",
    "preset": "name of the preset to start from",
    "retry_after": "seconds, for the Retry-After header",
    "location": "base URL of the active node, for the presets that redirect",
}
_BODIES = ("body", "json", "base64", "errors", "data", "code")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def read_status(value: object) -> int:
    """Return ``value`` as a final HTTP status, 200 to 599. Raises FaultError."""
    status = whole(value)
    if not 200 <= status <= 599:
        raise FaultError(f"expected a status from 200 to 599, got {status}")
    return status


def read_headers(value: object) -> dict[str, str | None]:
    """Return valid header names with their values; None removes a header. Raises FaultError."""
    if not isinstance(value, Mapping):
        raise FaultError(f"expected a mapping of headers, got {shown(value)}")
    headers: dict[str, str | None] = {}
    errors = Errors()
    for name, item in value.items():
        with errors.at():
            if not isinstance(name, str) or not _TOKEN.fullmatch(name):
                raise FaultError(f"invalid header name: {shown(name)}")
            with within(name):
                headers[name] = _header_value(item)
    errors.raise_all()
    return headers


def _header_value(item: object) -> str | None:
    if isinstance(item, (int, float)) and not isinstance(item, bool):
        item = str(item)
    if item is not None and (not isinstance(item, str) or re.search(r"[\r\n\0]", item) or not item.isascii()):
        raise FaultError(f"expected a single line of ASCII, got {shown(item)}")
    return item


def read_answer(value: object) -> Build:
    """Return a function that builds the response; it returns None to let the core answer. Raises FaultError."""
    if isinstance(value, str) and value.strip().isdecimal() and len(value) <= 18:
        value = int(value)
    if value == "pass":
        return lambda view: None
    if isinstance(value, str):
        return find_preset(value).bound(PresetOptions())
    if isinstance(value, int) and not isinstance(value, bool):
        status = read_status(value)
        return lambda view: plain(status, view)
    if isinstance(value, Reply):
        return lambda view: Reply(value.status, value.body, dict(value.headers))
    if isinstance(value, Mapping):
        errors = Errors()
        return _described(known_words(value, _WORDS, errors), errors)
    raise FaultError(
        f"expected a status, a preset ({', '.join(sorted(PRESETS)[:6])}, …), a mapping or pass, got {shown(value)}"
    )


def plain(status: int, view: View) -> Reply:
    """Build a response of ``status`` in the service's own format, with the reason phrase as the error message."""
    if status == 204:
        return Reply(204, b"", dict(JSON_HEADERS))
    if status < 300:
        return Reply(status, go_json({}), dict(JSON_HEADERS))
    reason = http.HTTPStatus(status).phrase if status in http.HTTPStatus._value2member_map_ else "Error"
    return error_reply(view, status, f"{status} {reason} (mockkms fault)")


def error_reply(view: View, status: int, message: str) -> Reply:
    """Build an error response with ``message`` in the format of the requested service."""
    if view.service == "rustfs":
        body: object = {"code": "InternalError", "message": message, "description": "Internal KMS error occurred"}
    else:
        body = {"errors": [] if status == 404 else [message]}
    return Reply(status, go_json(body), dict(JSON_HEADERS))


def _described(given: dict[str, object], errors: Errors) -> Build:
    """Build the response that a mapping describes. Raises FaultError, also for the ``errors`` found before."""
    bodies = [word for word in _BODIES if word in given]
    if len(bodies) > 1:
        errors.add(FaultError(f"only one of {', '.join(bodies)} can be the body"))
    status = errors.read("status", read_status, given["status"], 200) if "status" in given else None
    headers: dict[str, str | None] = {}
    with errors.at("headers"):
        headers |= read_headers(given.get("headers", {}))
    if "content_type" in given:
        with errors.at("content_type"):
            headers |= read_headers({"Content-Type": given["content_type"]})
    base = _base(given, status, bodies, errors)
    make: Callable[[View], bytes] | None = None
    if bodies:
        with errors.at(bodies[0]):
            make = _body(bodies[0], given)
    errors.raise_all()

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


def _base(given: dict[str, object], status: int | None, bodies: list[str], errors: Errors) -> Build:
    """Return the builder that the description starts from: a preset, or the bare status."""
    options = PresetOptions(
        errors.read("retry_after", seconds, given["retry_after"], 0.0) if "retry_after" in given else None,
        errors.read("location", text, given["location"], "") if "location" in given else "",
    )
    if "preset" in given:
        with errors.at("preset"):
            return find_preset(text(given["preset"])).bound(options)
    if status is None:
        if not bodies and not errors.found:
            errors.add(FaultError("expected at least one of status, preset, body, json, errors, data"))
        status = 400 if bodies and bodies[0] in ("errors", "code") else 200
    chosen = status

    def build(view: View) -> Reply:
        reply = plain(chosen, view)
        if options.retry_after is not None:
            reply.headers["Retry-After"] = f"{options.retry_after:g}"
        if options.location:
            reply.headers["Location"] = options.location
        return reply

    return build


def _body(word: str, given: dict[str, object]) -> Callable[[View], bytes]:
    """Return a function that makes the bytes of the body."""
    value = given[word]
    if word == "data":
        return lambda view: _success(value, view)
    if word == "errors":
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, (list, tuple)) or not all(isinstance(item, str) for item in texts):
            raise FaultError(f"expected a list of strings, got {shown(value)}")
        return _fixed(go_json({"errors": list(texts)}))
    if word == "code":
        parts = {name: text(given.get(name, "")) for name in ("code", "message", "description")}
        return _fixed(go_json(parts))
    if word == "base64":
        try:
            return _fixed(base64.b64decode(text(value), validate=True))
        except (binascii.Error, ValueError):
            raise FaultError("invalid base64") from None
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


def _success(data: object, view: View) -> bytes:
    """Return ``data`` in the server's envelope. The request id derives from the request, so that runs repeat."""
    from mockkms.vault.wrapping.envelope import envelope

    question = f"{view.method} {view.target}".encode("utf-8", "surrogatepass")
    digest = blake2b(question + view.body, digest_size=16).hexdigest()
    request_id = f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"
    response = Response(data=None if data is None else keep(data), request_id=request_id)
    response.mount_type = view.facts.mount_type
    return (envelope(view.server.product, response) + "\n").encode("utf-8", "surrogatepass")
