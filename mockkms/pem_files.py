"""Certificates and keys in files that a user names, with errors that say which file is wrong and what is right.

OpenSSL's own texts name its source files, and it asks for the password of an encrypted key on the terminal.
"""

from __future__ import annotations

import re
import ssl
from contextlib import suppress
from pathlib import Path

from mockkms.error_context import file_context

Pem = str | Path
"""Path of a PEM file."""
_MOST = 1 << 20
"""Bytes in which keys and certificates are looked for."""
_CERTIFICATES = re.compile(
    rb"-----BEGIN (?:[A-Z0-9]+ )?CERTIFICATE-----.*?-----END (?:[A-Z0-9]+ )?CERTIFICATE-----", re.DOTALL
)


def load_pair(context: ssl.SSLContext, certificate: Pem, key: Pem) -> None:
    """Load a certificate (chain) and its key. Raises ValueError."""
    for name in (certificate, key):
        with file_context(f"{name}: "), open(name, "rb"):
            pass
    try:
        # With an empty password, OpenSSL does not ask for one.
        context.load_cert_chain(str(certificate), str(key), password="")
    except OSError as error:
        raise ValueError(_wrong_pair(certificate, key, getattr(error, "reason", None) or "")) from None


def trust(context: ssl.SSLContext, authority: Pem) -> None:
    """Trust the certificates in a file. Raises ValueError."""
    try:
        context.load_verify_locations(authority)
    except OSError as error:
        reason = "not a certificate in PEM" if isinstance(error, ssl.SSLError) else error.strerror
        raise ValueError(f"{authority}: {reason}") from None


def client_context(authority: Pem = "") -> ssl.SSLContext:
    """Return a client's context that trusts the certificates in a file, or the system's. Raises ValueError."""
    if not authority:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust(context, authority)
    return context


def certificates_alone(path: Pem) -> bytes:
    """Return the certificates of a file that has a private key too, in PEM; empty if it has none."""
    with open(path, "rb") as file:
        content = file.read(_MOST)
    return b"\n".join([*_CERTIFICATES.findall(content), b""]) if b"PRIVATE KEY-----" in content else b""


def _wrong_pair(certificate: Pem, key: Pem, reason: str) -> str:
    if reason == "KEY_VALUES_MISMATCH":
        return f"{key} is not the key of {certificate}"
    if reason.endswith(("_TOO_SMALL", "_TOO_WEAK")):
        return f"{certificate}: OpenSSL refuses it: {reason.lower().replace('_', ' ')}"
    with suppress(OSError), open(key, "rb") as file:
        content = file.read(_MOST)
        if b"ENCRYPTED" in content:
            return f"{key}: the key is encrypted, and mockkms does not ask for its password; use an unencrypted key"
    return f"{certificate} and {key} are not a certificate and an unencrypted key in PEM"
