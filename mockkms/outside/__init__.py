"""Clients for servers on this machine, such as those that a test starts. No other host is contacted."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from threading import Event, Timer
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin

from mockkms.error_context import error_context
from mockkms.go_urls import parse_fault, parse_url, shown
from mockkms.outside.turn import waiting

if TYPE_CHECKING:
    from http.client import HTTPConnection, HTTPResponse
    from ssl import SSLContext

PATIENCE = 10.0
"""Seconds until a response must be complete."""
_LARGEST = 1 << 20
_PORTS = {"http": 80, "https": 443}
_LAST_PORT = 65535
_NO_TLS = "tls: first record does not look like a TLS handshake"
_PLAIN = "http: server gave HTTP response to HTTPS client"
_TLS_FAULTS = {"WRONG_VERSION_NUMBER": _NO_TLS, "UNEXPECTED_EOF_WHILE_READING": "EOF"}
_UNTRUSTED = "certificate signed by unknown authority"
_UNTRUSTED_CODES = (18, 19, 20, 21)
"""OpenSSL's codes of certificates that sign themselves, and of those whose issuer is not known."""
_ENDED = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError)
"""What Python raises when the server closes a connection early, depending on the moment."""
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_SAME_METHOD = frozenset((307, 308))
"""Redirects after which the same request is sent; after the others, a GET without a body."""
_MOST_REDIRECTS = 10
"""Requests for one response, from Go's net/http."""
_OF_ONE_HOST = frozenset(("authorization", "cookie", "cookie2", "www-authenticate"))
"""Headers that are not sent on to another host."""


def is_here(url: str) -> bool:
    """Return whether a URL points to this machine: no other one is requested. False for a malformed one."""
    try:
        parts = parse_url(url)
        host, _ = parts.hostname or "", parts.port
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def remaining(until: float) -> float:
    """Return the seconds until a moment of ``monotonic``. Raises TimeoutError when it has passed.

    The timeout of a socket is for one read: a server that never stops sending would not reach it.
    """
    seconds = until - monotonic()
    if seconds <= 0:
        raise TimeoutError("timed out")
    return seconds


def get(url: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
    """Return status and body of the response to a GET. Raises OSError without a server, or for another machine's URL.

    The call blocks for at most ``PATIENCE`` seconds.
    """
    return ask("GET", url, headers)


def ask(
    method: str, url: str, headers: Mapping[str, str], body: bytes = b"", ca_pem: str = "", own_pem: str = "",
    *, seconds: float | None = None, follows: bool = True,
) -> tuple[int, bytes]:  # fmt: skip
    """Send a request as ``get`` does, and follow redirects as Go's client does, unless ``follows`` is False.

    ``ca_pem`` replaces the certificates that this machine trusts. ``own_pem`` is the client's certificate with its key.
    The call blocks for at most ``seconds``, by default ``PATIENCE``. It raises OSError for the eleventh redirect, too.
    """
    until = monotonic() + (PATIENCE if seconds is None else seconds)
    for _ in range(_MOST_REDIRECTS):
        status, location, content = _answer(method, url, headers, body, ca_pem, own_pem, remaining(until))
        if not location or not follows:
            return status, content
        fault = parse_fault(location)
        if fault:
            raise OSError(f'failed to parse Location header "{location}": {fault}')
        target = _joined(url, location)
        fault = unsendable(target)
        if fault:
            raise OSError(fault)
        if parse_url(target).hostname != parse_url(url).hostname:
            headers = {name: text for name, text in headers.items() if name.lower() not in _OF_ONE_HOST}
        if status not in _SAME_METHOD and method not in ("GET", "HEAD"):
            method, body = "GET", b""
        url = target
    raise OSError(f"stopped after {_MOST_REDIRECTS} redirects")


def _joined(url: str, location: str) -> str:
    """Return the target of a redirect from a URL. Both are valid."""
    try:
        return urljoin(url, location)
    except ValueError:
        # The standard library refuses some hosts that Go takes. With a host, the location needs nothing of the URL.
        return location


def _answer(
    method: str, url: str, headers: Mapping[str, str], body: bytes, ca_pem: str, own_pem: str, seconds: float
) -> tuple[int, str, bytes]:
    """Return status, target of a redirect (empty for another response) and body of the response to one request."""
    from http.client import HTTPConnection, HTTPException

    parts = parse_url(url)
    if not is_here(url) or not parts.hostname:
        raise OSError(f"{url} is not on this machine")
    if parts.scheme == "https":
        connection = _over_tls(parts.hostname, parts.port, client_context(ca_pem, own_pem))
        connection.timeout = seconds
    else:
        connection = HTTPConnection(parts.hostname, parts.port, timeout=seconds)
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~")
    target = path + (f"?{parts.query}" if parts.query else "")
    with (
        _within(seconds, connection),
        error_context(raised=OSError, of=(HTTPException, ValueError)),
        error_context(raised=ConnectionResetError, of=_ENDED, text="EOF"),
        _tls_worded(),
        waiting(),
    ):
        connection.request(method, target, body=body or None, headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, _location(answer), answer.read(_LARGEST)


def _location(answer: HTTPResponse) -> str:
    """Return the target of a redirect, which may be relative; empty for another response."""
    return answer.headers.get("Location", "") if answer.status in _REDIRECTS else ""


def fetch(address: str, port: int, url: str, most: int, seconds: float = PATIENCE) -> tuple[str, bytes]:
    """Send a GET for ``url`` to an address of this machine, whatever host the URL names; certificates are not verified.

    Return the target of a redirect (empty for another response) and at most ``most`` bytes of the body. Raises OSError,
    after ``seconds`` at the latest.
    """
    from http.client import HTTPConnection, HTTPException, RemoteDisconnected

    parts = parse_url(url)
    if not ip_address(address).is_loopback:
        raise OSError(f"{address} is not on this machine")
    if parts.scheme == "https":
        from ssl import CERT_NONE

        context = client_context()
        context.check_hostname, context.verify_mode = False, CERT_NONE
        connection = _over_tls(address, port, context)
        connection.timeout = seconds
    else:
        connection = HTTPConnection(address, port, timeout=seconds)
    target = (quote(parts.path, safe="/%:@!$&'()*+,;=~") or "/") + (f"?{parts.query}" if parts.query else "")
    with (
        _within(seconds, connection),
        error_context(raised=OSError, of=(HTTPException, ValueError)),
        error_context(raised=ConnectionResetError, of=RemoteDisconnected, text="EOF"),
        waiting(),
    ):
        connection.request("GET", target, headers={"Host": parts.netloc.rpartition("@")[2], "Connection": "close"})
        answer = connection.getresponse()
        return _location(answer), answer.read(most)


@contextmanager
def _within(seconds: float, connection: HTTPConnection) -> Iterator[None]:
    """Close a connection after the body, or when the time is over. Raises OSError then.

    The timeout of a socket is for one read: a server that sends a byte now and then would block without end.
    """
    overdue = Event()
    timer = Timer(seconds, _cut, (connection, overdue))
    timer.daemon = True
    timer.start()
    try:
        yield
    except OSError as error:
        # A connection that is cut ends like one that the server closes; the socket's own timeout may come first.
        if not isinstance(error, TimeoutError) and not overdue.is_set():
            raise
        overdue.set()
    finally:
        timer.cancel()
        connection.close()
    if overdue.is_set():  # A body that is cut reads like a shorter one.
        raise TimeoutError("context deadline exceeded")


def _cut(connection: HTTPConnection, overdue: Event) -> None:
    """Close a connection that another thread reads from, because it took too long."""
    overdue.set()
    sock: socket.socket | None = getattr(connection, "sock", None)
    with suppress(OSError):
        if sock is not None:
            sock.shutdown(socket.SHUT_RDWR)


def client_context(ca_pem: str = "", own_pem: str = "") -> SSLContext:
    """Return a context for connections to servers; the parameters are those of ``ask``. Raises OSError."""
    import ssl

    from mockkms.pem_folders import PemFolder

    with error_context("no certificates: ", OSError, of=(ssl.SSLError, ValueError)):
        context = ssl.create_default_context(cadata=ca_pem or None)
        if own_pem:
            with PemFolder() as folder:  # Python loads them from files only.
                path = folder / "client.pem"
                path.write_text(own_pem, encoding="utf-8")
                context.load_cert_chain(path, password="")  # Else OpenSSL asks for one on the terminal.
    return context


def _over_tls(host: str, port: int | None, context: SSLContext) -> HTTPConnection:
    from http.client import HTTPSConnection

    return HTTPSConnection(host, port, timeout=PATIENCE, context=context)


def tls_fault(error: Exception) -> str:
    """Return Go's error text for a TLS handshake that failed; of another error, its own."""
    import ssl

    if not isinstance(error, ssl.SSLError):
        return str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        fault = _UNTRUSTED if error.verify_code in _UNTRUSTED_CODES else error.verify_message
        return f"tls: failed to verify certificate: x509: {fault}"
    return _TLS_FAULTS.get(error.reason or "", error.reason or str(error))


@contextmanager
def _tls_worded() -> Iterator[None]:
    """Raise an error of TLS as an OSError with Go's text."""
    try:
        yield
    except OSError as error:
        fault = tls_fault(error)
        if fault == str(error):
            raise
        raise OSError(fault) from None


def no_answer(method: str, url: str, error: Exception) -> str:
    """Return the error of Go's HTTP client for a request that failed with ``error``: for a malformed URL, its fault."""
    fault = parse_fault(url)
    if fault:
        return fault
    if not is_here(url) or isinstance(error, ConnectionRefusedError):
        fault = unanswered(url)
    else:
        fault = str(error)
        fault = _PLAIN if fault == _NO_TLS else fault
    return f'{method.capitalize()} "{_shown(url)}": {fault}'


def unanswered(url: str) -> str:
    """Return Go's error text for a valid URL that no server answers."""
    fault = unsendable(url)
    if fault:
        return fault
    parts = parse_url(url)
    return refusal(parts.hostname or "", port_of(url) or _PORTS[parts.scheme])


def unsendable(url: str) -> str:
    """Return the error text of Go's client for a valid URL to which it sends nothing; empty for another one."""
    parts = parse_url(url)
    if parts.scheme not in _PORTS:
        return f'unsupported protocol scheme "{parts.scheme}"'
    if not parts.hostname:
        return "http: no Host in request URL"
    return port_fault(port_of(url) or 0)


def port_of(url: str) -> str:
    """Return the port of a valid URL, which may be too large; empty without one."""
    host = parse_url(url).netloc.rpartition("@")[2].rpartition("]")[2]
    return host.rpartition(":")[2] if ":" in host else ""


def port_fault(port: int | str) -> str:
    """Return Go's error text for a port that is too large; empty for another one."""
    return f"dial tcp: address {port}: invalid port" if int(port) > _LAST_PORT else ""


def _shown(url: str) -> str:
    """Return a valid URL as Go's errors show it: without its password, and escaped."""
    parts = parse_url(url)
    user, at, host = parts.netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    return shown(url.replace(parts.netloc, f"{name}:***@{host}", 1) if at and colon else url)


def refusal(host: str, port: int | str) -> str:
    """Return Go's error text for an address without a server: names are not found, IP addresses refuse."""
    fault = port_fault(port)
    if fault:
        return fault
    try:
        here = host in ("", "localhost") or bool(ip_address(host))
    except ValueError:
        here = False
    if not here:
        return f"dial tcp: lookup {host}: no such host"
    address = "127.0.0.1" if host == "localhost" else host
    return f"dial tcp {f'[{address}]' if ':' in address else address}:{port}: connect: connection refused"
