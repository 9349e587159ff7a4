"""The target of a request below ``/v1/``: its path, cleaned as Go does, and the operation."""

from __future__ import annotations

import posixpath
import re
from typing import NamedTuple
from urllib.parse import quote, unquote, unquote_plus

from mockkms.go_urls import escaped_again, escaped_path
from mockkms.server.gateway.exchange import HttpReply, HttpRequest, RequestRefused, error_reply, redirect_reply
from mockkms.vault.framework.message import OPERATION_OF_METHOD, Operation
from mockkms.vault.kernel.core import Core
from mockkms.vault.mounts.matching import match, outside
from mockkms.vault.products.features import Feature

SNAPSHOT = "sys/storage/raft/snapshot"
"""Start of the paths that write or read the whole state."""
BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_TRUE = frozenset(("1", "t", "T", "TRUE", "true", "True"))
_FALSE = frozenset(("0", "f", "F", "FALSE", "false", "False"))
_TREES = frozenset(("sys", "sys/audit-hash", "sys/config/state", "sys/pprof"))
"""Paths that the real server's router redirects to the same path with a slash."""
_LONE_BYTES = re.compile("[\udc80-\udcff]")
_UNESCAPED = "/$&+,:;=@!*'()~"
"""Characters that Go does not escape in the path of a URL."""
READ_FIRST = ("sys/seal", "sys/step-down")
"""Paths outside the core whose handlers read the body before they look at the method."""


class RequestTarget(NamedTuple):
    """The properties of a request that follow from method and target alone."""

    path: str
    operation: Operation
    outside: bool
    """Whether it is answered outside the core, where invalid headers are ignored."""
    leaves_body: bool
    """Whether the body is not decoded: the endpoint reads it itself, or the operation is refused before."""
    escaped: bool
    """Whether a slash after one of the first two segments was sent as ``%2F`` (``Request.escaped``)."""


def read_target(core: Core, http: HttpRequest, values: dict[str, list[str]]) -> RequestTarget:
    """Return path and operation of a request; parameters that select the operation are removed from ``values``.

    Raises RequestRefused if the HTTP layer answers itself.
    """
    asks_help = bool(values.get("help", [""])[0]) or http.method == "HELP"
    path = _clean_target(core, http, asks_help=asks_help)
    if path in _TREES and not asks_help:
        query = "?" + http.query if http.query else ""
        raise RequestRefused(redirect_reply(http.method, f"{http.prefix}/v1/{path}/{query}"))
    operation = OPERATION_OF_METHOD.get(http.method, Operation.HELP if asks_help else None)
    scans = core.product.has(Feature.PAGINATION) or asks_help
    if operation is None or (operation is Operation.SCAN and not scans):
        raise RequestRefused(error_reply(405))
    if operation is Operation.READ and values:
        listing, scanning = _flag(values, "list"), _flag(values, "scan") and core.product.has(Feature.PAGINATION)
        if listing and scanning:
            raise RequestRefused(error_reply(400), unlimited=True)
        if listing:
            operation = Operation.LIST
            values.pop("list")
        elif scanning:
            operation = Operation.SCAN
            values.pop("scan")
    if asks_help:
        operation = Operation.HELP
    escaped = "%" in http.target and "%2f" in "/".join(http.target.split("/", 4)[:4]).lower()
    found = None if escaped else outside(core, path)
    before_core = found is not None
    if operation in (Operation.LIST, Operation.SCAN) and not path.endswith("/") and not before_core:
        path += "/"
    if found is not None and found.endpoint is not None:
        # Go's handler of such a path looks at the method before it reads the body, except for these two.
        unread = operation not in found.endpoint.operations and path not in READ_FIRST
        leaves_body = unread or found.endpoint.takes_bytes(core.product)
    else:
        leaves_body = operation is Operation.UPDATE and _takes_bytes(core, path)
    return RequestTarget(path, operation, before_core, leaves_body, escaped)


def undecodable(target: str, path: str) -> str:
    """Return ``path`` with surrogates for the bytes of ``target`` that are not UTF-8; empty if there are none."""
    sent = unquote(target, errors="surrogateescape")
    if not _LONE_BYTES.search(sent):
        return ""
    return sent if sent.endswith("/") or not path.endswith("/") else sent + "/"


def limited_path(http: HttpRequest) -> str:
    """Return the path as rate limits see it: as it was sent, for listings with a slash at its end."""
    path = unquote(http.target[4:])
    values = parse_query(http.query) if http.query else {}
    asked = [values.get(name, [""])[0] for name in ("list", "scan")] if http.method == "GET" else []
    if http.method in ("LIST", "SCAN") or not _TRUE.isdisjoint(asked):
        return path.removesuffix("/") + "/"
    return path


def _takes_bytes(core: Core, path: str) -> bool:
    """Return whether the endpoint reads a body of any type itself; in products with namespaces only snapshots do."""
    if core.product.has(Feature.NAMESPACES) and not path.startswith(SNAPSHOT):
        return False
    endpoint = match(core, "", path).endpoint
    return endpoint is not None and endpoint.takes_bytes(core.product)


def _clean_target(core: Core, http: HttpRequest, *, asks_help: bool) -> str:
    """Return the decoded path below ``/v1/``. Raises RequestRefused with Go's redirect for ``//`` and dot segments.

    Requests for help do not reach the router, which redirects, unless the product cleans paths before.
    """
    target = http.target
    if "%" in target:
        if BAD_ESCAPE.search(target):
            refusal = HttpReply(400, b"400 Bad Request", {"Content-Type": "text/plain; charset=utf-8"})
            raise RequestRefused(refusal, unlimited=True)
        if not unquote(target).isprintable():
            raise RequestRefused(HttpReply(400), unlimited=True)
    routed = not asks_help or core.product.has(Feature.CLEAN_PATHS)
    if routed and ("//" in target or "/." in target or "%" in target) and http.method != "CONNECT":
        redirect = unclean(core, http)
        if redirect is not None:
            raise RequestRefused(redirect, unlimited=core.product.has(Feature.CLEAN_PATHS))
    return unquote(target[4:]) if "%" in target else target[4:]


def unclean(core: Core, http: HttpRequest) -> HttpReply | None:
    """Return the redirect for a path with ``//`` or dot segments; None for a clean path."""
    target, early = http.target, core.product.has(Feature.CLEAN_PATHS)
    decoded = unquote(target) if early and "%" in target else target if early else escaped_path(target)
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
    if not early:
        cleaned = escaped_again(cleaned)
    elif decoded is not target:
        cleaned = quote(cleaned, safe=_UNESCAPED)
    if early and target.startswith("//"):
        cleaned = "/" + cleaned  # Recorded: this redirect keeps the double slash.
    reply = redirect_reply(http.method, http.prefix + cleaned + ("?" + http.query if http.query else ""))
    if early:
        del reply.headers["Strict-Transport-Security"]
    return reply


def parse_query(query: str) -> dict[str, list[str]]:
    """Return query parameters as Go's ``url.Query`` does; pairs with invalid escapes or ``;`` are dropped."""
    values: dict[str, list[str]] = {}
    for pair in query.split("&"):
        if not pair or ";" in pair:
            continue
        name, _, value = pair.partition("=")
        if "%" in pair and BAD_ESCAPE.search(pair):
            continue
        values.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    return values


def _flag(values: dict[str, list[str]], name: str) -> bool:
    text = values.get(name, [""])[0]
    if not text:
        return False
    if text not in _TRUE and text not in _FALSE:
        raise RequestRefused(error_reply(400), unlimited=True)
    return text in _TRUE
