"""Client certificates: which ones a TLS connection accepts, and which ones its client has sent."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_PARTIAL_CHAIN = ssl.VERIFY_X509_PARTIAL_CHAIN
"""A trusted certificate need not be an authority: cert roles name clients' own certificates too."""
_NO_CHECK_TIME = ssl.VerifyFlags(0x200000)
"""OpenSSL's flag without a name in Python: the login checks the expiry of a certificate, by the world's clock."""


_DER = 2
"""``_ssl.ENCODING_DER``."""


class ClientTrust:
    """TLS contexts that accept the currently trusted certificates.

    Go requests a certificate and accepts any; Python's OpenSSL accepts only those that lead to a trusted one. The
    certificates of cert mounts are therefore trusted here, and without any none is requested; when they change, the
    server closes open connections. ``authority`` is the path of a PEM file whose certificates are always trusted; with
    ``required`` a client must send one that leads there.
    """

    def __init__(
        self, again: Callable[[], ssl.SSLContext], authority: str | Path = "", *, required: bool = False
    ) -> None:
        self._again, self._authority, self._required = again, authority, required
        self._made: tuple[frozenset[str], ssl.SSLContext] | None = None

    def context(self, plain: ssl.SSLContext, trusted: frozenset[str]) -> ssl.SSLContext:
        """Return the context for a new connection; ``plain`` if no certificate is requested."""
        if not trusted and not self._required:
            return plain
        if self._made is None or self._made[0] != trusted:
            self._made = (trusted, self._fresh(trusted))
        return self._made[1]

    def _fresh(self, trusted: frozenset[str]) -> ssl.SSLContext:
        context = self._again()
        context.verify_mode = ssl.CERT_REQUIRED if self._required else ssl.CERT_OPTIONAL
        # Python 3.13 sets it by default; Go accepts certificates that differ from RFC 5280. It is cleared first, since
        # the complement of a flag also clears the flags that Python has no name for.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.verify_flags |= _PARTIAL_CHAIN if self._required else _PARTIAL_CHAIN | _NO_CHECK_TIME
        if self._authority:
            context.load_verify_locations(self._authority)
        for pem in () if self._required else trusted:
            # Certificates that OpenSSL cannot parse are ignored.
            with suppress(ssl.SSLError, ValueError):
                context.load_verify_locations(cadata=pem)
        return context


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
        return tuple(chain())
    # Before Python 3.13 the method exists below the public object only, and returns objects in place of bytes.
    below = getattr(getattr(connection, "_sslobj", None), "get_unverified_chain", None)
    sent = below() if below is not None else None
    return tuple(one.public_bytes(_DER) for one in sent) if sent else (own,)
