"""What passes between a gateway and the admin API: ``AdminRequest``, ``AdminReply``, and the bodies of both styles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import unquote

RUSTFS_PREFIX = "/rustfs/admin/v3"
"""Every path of the admin API begins with this."""

MINIO_PREFIX = "/minio/admin/v3"
"""The same API again, where clients of MinIO (``mc admin kms``) look for it."""

ADMIN_PREFIXES = (RUSTFS_PREFIX, MINIO_PREFIX)
"""What tells a request of the admin API from one of the Vault."""

KMS_PREFIX = RUSTFS_PREFIX + "/kms"
"""Every path of the KMS part begins with this, once ``canonical`` has named it."""

NOT_IMPLEMENTED = "A header you provided implies functionality that is not implemented."
"""What the server says of a method and path it has no route for."""


@dataclass(slots=True)
class AdminRequest:
    """One request as it came over the wire."""

    method: str
    path: str
    """Still percent-encoded: routes match it byte by byte, and a signature covers it as it is."""
    query_string: str = ""
    """Without the ``?``, still percent-encoded."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in any case."""
    body: bytes = b""
    prefix: str = ""
    """What stood before ``path`` on the wire; signatures cover it too."""

    def header(self, name: str) -> str | None:
        """The value of a header, whatever the case of its name; None where it is absent."""
        wanted = name.lower()
        for key, value in self.headers.items():
            if key.lower() == wanted:
                return value
        return None


def canonical(path: str) -> str:
    """Return the path under the prefix of RustFS for one that MinIO's clients ask for; every other path as it is."""
    below = path.removeprefix(MINIO_PREFIX + "/kms")
    return KMS_PREFIX + below if below != path and below[:1] in ("", "/") else path


@dataclass(slots=True)
class AdminReply:
    """One answer, ready for the wire. No ``Content-Type`` in ``headers`` means that none is sent."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def json_bytes(value: Any) -> bytes:
    """``value`` as the server writes JSON: compact, members in the order given, UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def json_reply(status: int, value: Any, *, typed: bool = True) -> AdminReply:
    """An answer with a JSON body; ``typed=False`` leaves the ``Content-Type`` out, as some routes do."""
    headers = {"Content-Type": "application/json"} if typed else {}
    return AdminReply(status, headers, json_bytes(value))


def text_reply(status: int, text: str) -> AdminReply:
    """An answer in plain text, which the server sends without a ``Content-Type``."""
    return AdminReply(status, {}, text.encode())


def xml_error(status: int, code: str, message: str) -> AdminReply:
    """An error of the S3 layer: authentication, routing, and what the older routes raise."""
    document = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f"<Error><Code>{escape(code, quote=False)}</Code><Message>{escape(message, quote=False)}</Message></Error>"
    )
    return AdminReply(status, {"Content-Type": "application/xml"}, document.encode("utf-8", "replace"))


def not_implemented() -> AdminReply:
    """No such route."""
    return xml_error(501, "NotImplemented", NOT_IMPLEMENTED)


def query_pairs(query_string: str) -> dict[str, str]:
    """The older routes' reading of a query: percent-decoded, ``+`` stays, no ``=`` no parameter, the last one wins."""
    found: dict[str, str] = {}
    for part in query_string.split("&"):
        name, equals, value = part.partition("=")
        if equals:
            found[unquote(name)] = unquote(value)
    return found
