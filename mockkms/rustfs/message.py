"""The messages between a gateway and the admin API: ``AdminRequest``, ``AdminReply``, and the formats of bodies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from urllib.parse import unquote

RUSTFS_PREFIX = "/rustfs/admin/v3"
"""Prefix of all paths of the admin API."""

MINIO_PREFIX = "/minio/admin/v3"
"""Prefix of the same API for clients of MinIO (``mc admin kms``)."""

ADMIN_PREFIXES = (RUSTFS_PREFIX, MINIO_PREFIX)
"""The prefixes of admin requests; all other requests are for the Vault."""

KMS_PREFIX = RUSTFS_PREFIX + "/kms"
"""Prefix of all paths of the KMS part, after ``canonical``."""

MAX_BODY = 1024 * 1024
"""Maximum size of a request's body in bytes."""

NOT_IMPLEMENTED = "A header you provided implies functionality that is not implemented."
"""The message for a method and path without a route."""


@dataclass(slots=True)
class AdminRequest:
    """One request, as it was received."""

    method: str
    path: str
    """Percent-encoded: routes match it byte by byte, and signatures cover it in this form."""
    query_string: str = ""
    """Without the ``?``, percent-encoded."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in any case."""
    body: bytes = b""
    prefix: str = ""
    """The part of the received path before ``path``; signatures cover it too."""

    def header(self, name: str) -> str | None:
        """Return the value of a header, regardless of the case of its name; None if it is missing."""
        wanted = name.lower()
        for key, value in self.headers.items():
            if key.lower() == wanted:
                return value
        return None


def canonical(path: str) -> str:
    """Return the path below RustFS's prefix for one below MinIO's; other paths unchanged."""
    below = path.removeprefix(MINIO_PREFIX + "/kms")
    return KMS_PREFIX + below if below != path and below[:1] in ("", "/") else path


@dataclass(slots=True)
class AdminReply:
    """One response. Without a ``Content-Type`` in ``headers``, none is sent."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def json_bytes(value: object) -> bytes:
    """Encode JSON as the server does: compact, members in the given order, UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def json_reply(status: int, value: object, *, typed: bool = True) -> AdminReply:
    """Return a response with a JSON body; with ``typed=False`` without a ``Content-Type``, as some routes send it."""
    headers = {"Content-Type": "application/json"} if typed else {}
    return AdminReply(status, headers, json_bytes(value))


def text_reply(status: int, text: str) -> AdminReply:
    """Return a response in plain text, which the server sends without a ``Content-Type``."""
    return AdminReply(status, {}, text.encode())


def xml_error(status: int, code: str, message: str) -> AdminReply:
    """Return an error in the S3 format: of authentication, routing and older routes."""
    document = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f"<Error><Code>{escape(code, quote=False)}</Code><Message>{escape(message, quote=False)}</Message></Error>"
    )
    return AdminReply(status, {"Content-Type": "application/xml"}, document.encode("utf-8", "replace"))


def not_implemented() -> AdminReply:
    """Return the error for a method and path without a route."""
    return xml_error(501, "NotImplemented", NOT_IMPLEMENTED)


def query_pairs(query_string: str) -> dict[str, str]:
    """Parse a query as the older routes do: ``+`` is kept, parts without ``=`` are ignored, the last value counts."""
    found: dict[str, str] = {}
    for part in query_string.split("&"):
        name, equals, value = part.partition("=")
        if equals:
            found[unquote(name)] = unquote(value)
    return found
