"""Client certificates: which ones a TLS connection accepts, and which ones its client has sent.

Go requests a certificate and accepts any whose key the client has; the login verifies it. OpenSSL does so if a callback
says that it need not be verified, which Python cannot set: it verifies each certificate against the trusted ones, and
ends the handshake otherwise. Python does report each message of a handshake, before OpenSSL processes it. The
certificate in the message is added to the trusted ones then, with a statement that it may be used by clients.
"""

from __future__ import annotations

import asyncio
import ssl
from base64 import encodebytes
from collections.abc import Callable, Iterator
from pathlib import Path

from mockkms.pem_folders import PemFolder

_PARTIAL_CHAIN = ssl.VERIFY_X509_PARTIAL_CHAIN
"""A trusted certificate need not be an authority."""
_IGNORE_CRITICAL = ssl.VerifyFlags(0x10)
"""OpenSSL's flag without a name in Python: the login checks critical extensions."""
_NO_CHECK_TIME = ssl.VerifyFlags(0x200000)
"""Likewise: the login checks the expiry of a certificate, by the world's clock."""
_HANDSHAKE, _CERTIFICATE = 22, 11
"""Numbers in TLS of the type of a record, and of the type of a message in it."""
_TLS_1_3 = 0x0304
_FOR_CLIENTS = bytes.fromhex("300c300a06082b06010505070302")
"""What OpenSSL appends to a trusted certificate (``X509_CERT_AUX``, DER): trusted for the purpose of ``clientAuth``."""
_MOST_TRUSTED = 1024 * 1024
"""Bytes of certificates that a context may trust before a new one replaces it."""
_DER = 2
"""``_ssl.ENCODING_DER``."""


def verifying(context: ssl.SSLContext, authority: str | Path) -> ssl.SSLContext:
    """Return the context, set to require certificates that lead to one in the PEM file ``authority``."""
    _prepare(context, ssl.CERT_REQUIRED, _PARTIAL_CHAIN)
    context.load_verify_locations(authority)
    return context


class _Known(set[bytes]):
    """The certificates (DER) that a context trusts; OpenSSL removes none. ``size`` is that of all in bytes."""

    size = 0


class Requesting:
    """TLS contexts that request a certificate of the client and accept any, or none.

    ``again`` returns a new context of the server.
    """

    def __init__(self, again: Callable[[], ssl.SSLContext]) -> None:
        self._again = again
        self._known = _Known()
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """Return the context for a new connection."""
        if self._context is None or self._known.size >= _MOST_TRUSTED:
            self._known = _Known()
            self._context = self._made(self._known)
        return self._context

    def _made(self, known: _Known) -> ssl.SSLContext:
        context = self._again()
        _prepare(context, ssl.CERT_OPTIONAL, _PARTIAL_CHAIN | _IGNORE_CRITICAL | _NO_CHECK_TIME)
        # Level 2, Python's default, refuses RSA keys of 1024 bits, which Go accepts. The list of ciphers stays.
        ciphers = [cipher["name"] for cipher in context.get_ciphers() if cipher["protocol"] != "TLSv1.3"]
        context.set_ciphers(":".join([*ciphers, "@SECLEVEL=1"]))

        def seen(_connection: object, way: str, version: int, record: int, message: int, content: bytes) -> None:
            if record == _HANDSHAKE and message == _CERTIFICATE and way == "read":
                _trust(context, list(_sent(content, version)), known)

        # Python's own setter calls back with enumerations, made for each record that is ever sent.
        vars(ssl.SSLContext.__base__)["_msg_callback"].__set__(context, seen)
        return context


def _prepare(context: ssl.SSLContext, mode: ssl.VerifyMode, flags: ssl.VerifyFlags) -> None:
    context.verify_mode = mode
    # Python 3.13 sets it by default; Go accepts certificates that differ from RFC 5280. It is cleared first, since
    # the complement of a flag also clears the flags that Python has no name for.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= flags
    # A resumed session of OpenSSL has the client's own certificate only, without the others that it sent.
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0


def _trust(context: ssl.SSLContext, sent: list[bytes], known: _Known) -> None:
    """Trust the first of these certificates, unless one cannot be parsed: Go ends such a handshake too."""
    if not sent or sent[0] in known:
        return
    if not all(map(_can_be_parsed, sent)):
        return
    text = encodebytes(sent[0] + _FOR_CLIENTS).decode()
    with PemFolder() as folder:
        file = folder / "client.pem"
        file.write_text(f"-----BEGIN TRUSTED CERTIFICATE-----\n{text}-----END TRUSTED CERTIFICATE-----\n")
        context.load_verify_locations(file)
    known.add(sent[0])
    known.size += len(sent[0])


def _can_be_parsed(certificate: bytes) -> bool:
    from mockkms.crypto.x509.certificate_parser import parse_certificate

    try:
        parse_certificate(certificate)
    except ValueError:
        return False
    return True


def _sent(message: bytes, version: int) -> Iterator[bytes]:
    """Yield the certificates (DER) of a message ``Certificate`` (RFC 8446, 4.4.2; RFC 5246, 7.4.2), with its head."""
    # The context of a request in TLS 1.3 comes first.
    at = 4 + (1 + int.from_bytes(message[4:5]) if version >= _TLS_1_3 else 0) + 3
    while at < len(message):
        end = at + 3 + int.from_bytes(message[at : at + 3])
        yield message[at + 3 : end]
        # TLS 1.3 has extensions behind each certificate.
        at = end + (2 + int.from_bytes(message[end : end + 2]) if version >= _TLS_1_3 else 0)


def shown(transport: asyncio.BaseTransport | None) -> tuple[bytes, ...] | None:
    """Return the certificates (DER) that the client has sent, its own first; None without TLS."""
    connection = transport.get_extra_info("ssl_object") if transport is not None else None
    if connection is None:
        return None
    own = connection.getpeercert(binary_form=True)
    if own is None:
        return ()
    chain = getattr(connection, "get_unverified_chain", None)
    if chain is not None:
        return tuple(chain()) or (own,)
    # Before Python 3.13 the method exists below the public object only, and returns objects in place of bytes.
    below = getattr(getattr(connection, "_sslobj", None), "get_unverified_chain", None)
    sent = below() if below is not None else None
    return tuple(one.public_bytes(_DER) for one in sent) if sent else (own,)
