"""What a client sees of a handshake that fails: the alert, as from Go's server."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import pytest
import trustme

from mockkms import MockKMS
from mockkms.server.wire.tls import TlsFiles

REQUEST = b"GET /v1/sys/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture(scope="module")
def clients() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture(scope="module")
def servers() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture(scope="module")
def mutual(clients: trustme.CA, servers: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockKMS]:
    """A server that requires certificates of ``clients``."""
    folder = tmp_path_factory.mktemp("pem")
    own = servers.issue_cert("localhost")
    own.cert_chain_pems[0].write_to_path(folder / "server.pem")
    own.private_key_pem.write_to_path(folder / "server.key")
    clients.cert_pem.write_to_path(folder / "clients.pem")
    files = TlsFiles(folder / "server.pem", folder / "server.key", folder / "clients.pem", client_required=True)
    with MockKMS(tls=files) as kms:
        yield kms


def answer(kms: MockKMS, context: ssl.SSLContext) -> bytes:
    """Send a request as soon as the client's side of the handshake is done, and return the response."""
    port = int(kms.url.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), timeout=60) as made,
        context.wrap_socket(made, server_hostname="localhost", suppress_ragged_eofs=False) as wrapped,
    ):
        wrapped.sendall(REQUEST)
        return wrapped.recv(65536)


def trusting(servers: trustme.CA, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    servers.configure_trust(context)
    context.minimum_version = context.maximum_version = version
    return context


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_reads_why_it_is_refused(
    mutual: MockKMS, clients: trustme.CA, servers: trustme.CA, version: ssl.TLSVersion
) -> None:
    context = trusting(servers, version)
    alert = "HANDSHAKE_FAILURE" if version == ssl.TLSVersion.TLSv1_2 else "CERTIFICATE_REQUIRED"
    with pytest.raises(ssl.SSLError, match=f"ALERT_{alert}"):
        answer(mutual, context)
    trustme.CA().issue_cert("app").configure_cert(context)
    with pytest.raises(ssl.SSLError, match="ALERT_UNKNOWN_CA"):
        answer(mutual, context)
    allowed = trusting(servers, version)
    clients.issue_cert("app").configure_cert(allowed)
    assert answer(mutual, allowed).startswith(b"HTTP/1.1 200 OK")


def test_a_refused_client_that_waits_for_the_end_sees_it(mutual: MockKMS) -> None:
    port = int(mutual.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=60) as made:
        made.sendall(b"\x16\x03\x01\x00\x05nohow")
        answer = b"".join(iter(lambda: made.recv(100), b""))
        made.sendall(b"x")
    assert answer[:1] == b"\x15"  # A record with an alert, and nothing else.


def test_clients_that_were_refused_and_stay_do_not_delay_the_end(servers: trustme.CA, mutual: MockKMS) -> None:
    port = int(mutual.url.rpartition(":")[2])
    garbage = b"\x16\x03\x01\x00\x05nohow"
    with socket.create_connection(("127.0.0.1", port), timeout=60) as made:
        made.sendall(garbage)
        assert made.recv(100)[:1] == b"\x15"  # A record with an alert.
        mutual.stop()
        assert made.recv(100) == b""
    mutual.start()
