"""TLS contexts, from PEM files or with a certificate issued by this process's own authority.

With the own authority, tests need no files for HTTPS: clients trust it by ``ca_file``.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mockkms.arguments import check_arguments
from mockkms.error_context import error_context
from mockkms.faults.kinds.connections import CLIENT_CERT, EXPIRED, UNTRUSTED, WRONG_HOST
from mockkms.lazy_dataclass import dataclass
from mockkms.pem_files import certificates_alone, load_pair, trust
from mockkms.pem_folders import PemFolder
from mockkms.server.wire.client_certificates import Requesting, verifying
from mockkms.server.wire.tls_alerts import alerting_context

_LOCAL = ("localhost", "127.0.0.1", "::1")
_EVERYWHERE = ("", "0.0.0.0", "::")
_AUTHORITY = "ca.pem"
"""The file in a private folder that clients trust."""


_FOREIGN = "only the server's own authority (tls=True, mockkms serve --tls) can sign such a certificate"


class ServerTls:
    """The TLS context of a server, and those of its TLS faults, made at first use."""

    def __init__(
        self,
        context: ssl.SSLContext,
        names: tuple[str, ...] = _LOCAL,
        *,
        again: Callable[[], ssl.SSLContext] | None = None,
        own: bool = False,
        client_authority: str | Path = "",
        client_required: bool = False,
        ask_clients: bool = True,
    ) -> None:
        self.context = context
        self._names = names
        self._again = again
        self._contexts: dict[str, ssl.SSLContext] = {"": context}
        self._clients: Requesting | None = None
        if again is not None and ask_clients:
            if client_required:
                self._contexts[""] = verifying(again(), client_authority)
            else:
                self._clients = Requesting(again)
        self.denied: dict[str, str] = {} if own else dict.fromkeys((EXPIRED, WRONG_HOST), _FOREIGN)
        """TLS faults that this server cannot produce, with the reason."""
        if again is None:
            self.denied[CLIENT_CERT] = "an SSLContext cannot be changed; give certificate and key as files"

    def presents(self, fault: str) -> bool:
        """Return whether the fault is a matter of certificates, so that its context alone carries it out."""
        return fault in (EXPIRED, WRONG_HOST, UNTRUSTED, CLIENT_CERT)

    def context_for(self, fault: str) -> ssl.SSLContext:
        """Return the context for a fault ("": none)."""
        if not fault and self._clients is not None:
            return self._clients.context()
        if fault not in self._contexts:
            self._contexts[fault] = self._made(fault)
        return self._contexts[fault]

    def _made(self, fault: str) -> ssl.SSLContext:
        from mockkms.crypto.x509.authority import Authority, own_authority

        if fault == CLIENT_CERT and self._again is not None:
            context = self._again()
            context.verify_mode = ssl.CERT_REQUIRED
            # No client has a certificate of a new authority.
            context.load_verify_locations(cadata=Authority().certificate.decode())
            return context
        trusted = fault in (EXPIRED, WRONG_HOST)
        authority = own_authority() if trusted else Authority("an untrusted authority")
        names = ("wrong.host.invalid",) if fault == WRONG_HOST else self._names
        issued = authority.issue(names, expired=fault == EXPIRED)
        return loaded(issued.certificate + issued.key)


def loaded(pem: bytes) -> ssl.SSLContext:
    """Return a context with a certificate and its key, both in ``pem``. Python loads them from files only."""
    context = _context()
    with PemFolder() as folder:
        both = folder / "server.pem"
        both.write_bytes(pem)
        context.load_cert_chain(both)
    return context


def from_files(certificate: str | Path, key: str | Path) -> ssl.SSLContext:
    """Return a server's context with this certificate (chain) and key, paths of PEM files. Raises ValueError."""
    context = _context()
    load_pair(context, certificate, key)
    return context


@dataclass(frozen=True)
class TlsFiles:
    """Paths of PEM files: a server's certificate (chain) and key, and the authority of its clients' certificates."""

    certificate: str | Path
    key: str | Path
    client_authority: str | Path = ""
    client_required: bool = False
    """Whether clients must present a certificate of that authority."""
    ask_clients: bool = True

    def server(self) -> ServerTls:
        """Return the server's TLS. Raises ValueError."""
        with error_context("tls: "):
            check_arguments(vars(self))

        def again() -> ssl.SSLContext:
            return from_files(self.certificate, self.key)

        context = again()
        if self.client_authority:
            trust(again(), self.client_authority)
        elif self.client_required:
            raise ValueError("client certificates are required, but client_authority is not set")
        return ServerTls(
            context, again=again, client_authority=self.client_authority, client_required=self.client_required,
            ask_clients=self.ask_clients,
        )  # fmt: skip


def _context() -> ssl.SSLContext:
    context = alerting_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


class OwnTls(ServerTls):
    """A certificate for ``localhost``, ``127.0.0.1``, ``::1`` and ``host``, issued by an authority of this process."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        from mockkms.crypto.x509.authority import issue

        known = host in _LOCAL or host in _EVERYWHERE
        names = _LOCAL if known else (*_LOCAL, host)
        issued = issue(names)

        def again() -> ssl.SSLContext:
            return loaded(issued.certificate + issued.key)

        super().__init__(again(), names, again=again, own=True)
        self.authority = issued.authority
        """The certificate that clients trust, in PEM."""


class TrustedFile:
    """A file with the certificates that clients must trust: one of the user, or one in a private folder.

    Args:
        tls: The argument ``tls`` of ``MockKMS``.
        server: What was made of it.
    """

    def __init__(self, tls: Tls | None, server: ServerTls | None) -> None:
        self.chosen = ""
        """The path of a file that takes the place of all others."""
        self._folder: PemFolder | None = None
        self._content, self._given = b"", ""
        if isinstance(server, OwnTls):
            self._content = server.authority
        elif isinstance(tls, (TlsFiles, tuple, list)):
            certificate = tls.certificate if isinstance(tls, TlsFiles) else tls[0]
            # Clients must not read a private key.
            self._content = certificates_alone(certificate)
            self._given = "" if self._content else str(certificate)

    @property
    def path(self) -> str:
        """The path of the file (PEM); empty if it is not known, or if it is in a private folder that is not open."""
        return self.chosen or (str(self._folder.path / _AUTHORITY) if self._folder is not None else self._given)

    def open(self) -> None:
        """Write the file, unless it is one of the user."""
        if self._folder is None and self._content:
            self._folder = PemFolder()
            (self._folder.path / _AUTHORITY).write_bytes(self._content)

    def close(self) -> None:
        """Remove the file, unless it is one of the user."""
        if self._folder is not None:
            self._folder.close()
            self._folder = None


def _check(context: ssl.SSLContext) -> None:
    """Raise ValueError for a context that no client can connect to, by a handshake in memory."""
    if context.protocol == ssl.PROTOCOL_TLS_CLIENT:
        raise ValueError("tls: the SSLContext is for clients; use ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)")
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asking.check_hostname, asking.verify_mode = False, ssl.CERT_NONE
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        asking.wrap_bio(back, there).do_handshake()
    try:
        context.wrap_bio(there, back, server_side=True).do_handshake()
    except ssl.SSLError as error:
        if error.reason == "NO_SHARED_CIPHER":
            raise ValueError("tls: the SSLContext has no certificate; call its load_cert_chain(cert, key)") from None


Tls = bool | ssl.SSLContext | tuple[str | Path, str | Path] | TlsFiles
"""Values of the argument ``tls`` of ``MockKMS``."""


def server_tls(tls: Tls | None) -> ServerTls | None:
    """Return the TLS for the argument ``tls`` of ``MockKMS``, except True; None without TLS. Raises ValueError."""
    if tls is None or tls is False:
        return None
    if isinstance(tls, ssl.SSLContext):
        _check(tls)
        return ServerTls(tls)
    if isinstance(tls, TlsFiles):
        return tls.server()
    if not isinstance(tls, (tuple, list)) or len(tls) != 2:
        raise ValueError(f"tls={tls!r}: expected True, an SSLContext, or the paths of a certificate and a key")
    return TlsFiles(*tls).server()
