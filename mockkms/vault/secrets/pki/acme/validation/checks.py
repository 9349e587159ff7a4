"""One attempt to validate a challenge: ``http-01``, ``dns-01`` (RFC 8555, section 8) or ``tls-alpn-01`` (RFC 8737).

The texts of failures are those of the real server. Nothing here accesses the world; every attempt ends within the
deadlines of ``outside``.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from urllib.parse import urljoin

from mockkms import outside
from mockkms.crypto import jws
from mockkms.outside.turn import waiting
from mockkms.urls import urlsplit
from mockkms.vault.secrets.pki.acme.problems import (
    CONNECTION,
    DNS_FAULT,
    INCORRECT_RESPONSE,
    MALFORMED,
    REJECTED_IDENTIFIER,
    TLS_FAULT,
    before,
)
from mockkms.vault.secrets.pki.acme.state import DNS_01, HTTP_01, TLS_ALPN_01
from mockkms.vault.secrets.pki.acme.validation import certificate, hosts
from mockkms.vault.secrets.pki.acme.validation.hosts import Reach, RefusedHost

_REDIRECTS, _LONGEST_URL, _LARGEST = 10, 2000, 512
_PROTOCOL = "acme-tls/1"


def check(reach: Reach, kind: str, name: str, token: str, thumbprint: str) -> None:
    """Validate a challenge for a name. Raises AcmeProblem."""
    if kind == HTTP_01:
        _http(reach, name, token, thumbprint)
    elif kind == DNS_01:
        _dns(reach, name, token, thumbprint)
    else:
        _tls(reach, name, token, thumbprint)


def _where(reach: Reach, name: str, front: str) -> str:
    try:
        return hosts.address(reach, name)
    except RefusedHost as refused:
        fault = f"{front}: address {refused} is not permitted by the ACME configuration"
        raise before(REJECTED_IDENTIFIER, fault) from None


def _dns(reach: Reach, name: str, token: str, thumbprint: str) -> None:
    host = f"_acme-challenge.{name}"
    try:
        found = hosts.texts(reach, host)
    except OSError as fault:
        front = f"dns-01: failed to lookup TXT records for domain ({host}) via resolver {reach.resolver}"
        raise before(DNS_FAULT, f"{front}: {fault}") from None
    expected = jws.encode(hashlib.sha256(f"{token}.{thumbprint}".encode()).digest())
    if expected not in found:
        raise before(DNS_FAULT, f"dns-01: challenge failed against {len(found)} records")


# -- http-01 -----------------------------------------------------------------------------------------------------------


def _http(reach: Reach, name: str, token: str, thumbprint: str) -> None:
    host = f"[{name}]" if ":" in name else name
    url = f"http://{host}/.well-known/acme-challenge/{token}"
    try:
        body = _fetched(reach, url)
    except (OSError, ValueError) as fault:
        raise before(CONNECTION, f'http-01: failed to fetch path {url}: Get "{url}": {fault}') from None
    least = len(token) + 1 + len(thumbprint)
    if len(body) > _LARGEST:
        raise before(MALFORMED, f"http-01: response too large: received {len(body)} > {_LARGEST} bytes")
    if len(body) < least:
        raise before(MALFORMED, f"http-01: response too small: received {len(body)} < {least} bytes")
    parts = body.decode("utf-8", "replace").strip().split(".")
    if len(parts) != 2:
        raise before(MALFORMED, f"invalid authorization: got {len(parts)} parts, expected 2")
    if parts != [token, thumbprint]:
        raise before(INCORRECT_RESPONSE, "key authorization was invalid")


def _fetched(reach: Reach, url: str) -> bytes:
    """Return the beginning of the response to a GET, whatever its status; redirects are followed.

    Raises OSError, ValueError and AcmeProblem.
    """
    until, asked = monotonic() + outside.PATIENCE, 1
    while True:
        parts = urlsplit(url)
        fault = outside.unsendable(url)
        if fault or not parts.hostname:
            raise OSError(fault)
        port = parts.port or reach.ports[HTTP_01 if parts.scheme == "http" else TLS_ALPN_01]
        where = _where(reach, parts.hostname, "http-01")
        seconds = until - monotonic()
        if seconds <= 0:
            raise TimeoutError("context deadline exceeded")
        with _as_go_says(where, port):
            location, body = outside.fetch(where, port, url, _LARGEST + 1, seconds)
        if not location:
            return body
        asked += 1
        if asked >= _REDIRECTS:
            raise OSError(f"http-01: too many redirects: {asked}")
        url = urljoin(url, location)
        if len(url) > _LONGEST_URL:
            raise OSError(f"http-01: redirect url length too long: {len(url)}")


@contextmanager
def _as_go_says(where: str, port: int) -> Iterator[None]:
    """Reword the usual failures of connections as Go's network library does."""
    try:
        yield
    except ConnectionRefusedError:
        raise OSError(outside.refusal(where, port)) from None
    except TimeoutError:
        raise OSError("net/http: timeout awaiting response headers") from None
    except ConnectionError:
        raise OSError("EOF") from None


# -- tls-alpn-01 -------------------------------------------------------------------------------------------------------


def _tls(reach: Reach, name: str, token: str, thumbprint: str) -> None:
    front = "tls-alpn-01: failed to dial host"
    try:
        where, port = _where(reach, name, "tls-alpn-01"), reach.ports[TLS_ALPN_01]
        with _as_go_says(where, port), waiting():
            channel = socket.create_connection((where, port), timeout=outside.PATIENCE)
    except OSError as fault:
        raise before(CONNECTION, f"{front}: {fault}") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([_PROTOCOL])
    front = "tls-alpn-01: failed to perform handshake"
    try:
        with channel, waiting(), context.wrap_socket(channel, server_hostname=name) as secured:
            protocol, data = secured.selected_alpn_protocol(), secured.getpeercert(binary_form=True) or b""
            count = certificate.sent(secured)
    except (OSError, ValueError) as fault:
        raise before(TLS_FAULT, f"{front}: {getattr(fault, 'reason', None) or fault}") from None
    try:
        if protocol != _PROTOCOL:
            raise ValueError(f"server under test negotiated unexpected ALPN protocol {protocol or ''}")
        if count > 1:
            raise ValueError(f"server under test returned multiple ({count}) certificates when we expected only one")
        certificate.check(data, name, hashlib.sha256(f"{token}.{thumbprint}".encode()).digest())
    except ValueError as fault:
        raise before(TLS_FAULT, f"{front}: {fault}") from None
