"""TLS: a context from PEM files, or with a certificate of this process's own authority.

The own authority exists so that a test gets HTTPS without files of its own: clients trust it by ``ca_file``.
"""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path

_LOCAL = ("localhost", "127.0.0.1", "::1")
_EVERYWHERE = ("", "0.0.0.0", "::")


class TlsError(ValueError):
    """Files that are no certificate and key; the text is for people."""


def from_files(certificate: str | Path, key: str | Path) -> ssl.SSLContext:
    """The context of a server with this certificate (chain) and key, paths of PEM files. Raises TlsError."""
    for name in (certificate, key):
        try:
            with open(name, "rb"):
                pass
        except OSError as error:
            raise TlsError(f"{name}: {error.strerror or error}") from None
    context = _context()
    try:
        # The empty password keeps OpenSSL from asking for one on the terminal.
        context.load_cert_chain(str(certificate), str(key), password="")
    except OSError as error:
        if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
            raise TlsError(f"{key} is not the key of {certificate}") from None
        raise TlsError(f"{certificate} and {key} are no certificate and unencrypted key in PEM") from None
    return context


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    return context


class OwnTls:
    """A certificate for ``localhost``, ``127.0.0.1``, ``::1`` and ``host``, and the file by which to trust it."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        from mockkms.crypto.authority import issue

        known = host in _LOCAL or host in _EVERYWHERE
        issued = issue(_LOCAL if known else (*_LOCAL, host))
        self._authority = issued.authority
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self.context = _context()
        with tempfile.TemporaryDirectory(prefix="mockkms-") as folder:
            # Python loads certificates from files only.
            both = Path(folder, "server.pem")
            both.write_bytes(issued.certificate + issued.key)
            self.context.load_cert_chain(both)

    @property
    def ca_file(self) -> str:
        """Path of the authority's certificate (PEM) in a private directory; empty unless open."""
        return str(Path(self._folder.name, "ca.pem")) if self._folder is not None else ""

    def open(self) -> None:
        """Write the file."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="mockkms-")
            Path(self.ca_file).write_bytes(self._authority)

    def close(self) -> None:
        """Remove the file."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
