"""The address of an upstream server, its TLS context, and the texts of connection errors."""

from __future__ import annotations

import errno
import os
import ssl

from mockkms.error_context import error_context
from mockkms.pem_files import Pem, client_context, load_pair
from mockkms.urls import urlsplit


def address(url: str) -> tuple[str, str, int]:
    """Return the address without a trailing slash, its host and its port. Raises ValueError."""
    with error_context(f"{url!r} is not a valid address: "):
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"{url!r} is not a valid address: expected http://… or https://…")
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError(f"{url!r} is not a valid server address: it must not contain a query, fragment or user")
    return url.rstrip("/"), host, port or {"http": 80, "https": 443}[parts.scheme]


def context(ca_file: Pem, cert: tuple[Pem, Pem] | None, *, insecure: bool) -> ssl.SSLContext:
    """Return the TLS context that verifies the server. Raises ValueError."""
    made = client_context(ca_file)
    if cert is not None:
        load_pair(made, *cert)
    if insecure:
        made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made


def reason(error: OSError) -> str:
    """Return the system's message; asyncio's own message repeats the address."""
    number = error.errno or 0
    return os.strerror(number) if number in errno.errorcode else error.strerror or str(error)


def tls_reason(error: BaseException) -> str:
    """Return the error of the certificate or the handshake."""
    inner = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    return str(getattr(inner, "verify_message", "") or getattr(inner, "reason", "") or inner)
