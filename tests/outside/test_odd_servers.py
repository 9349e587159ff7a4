"""Databases and directories on this machine that send what no server should, or never stop sending."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from mockkms import outside
from mockkms.crypto.x509.authority import issue
from mockkms.outside import ber, ldap, postgres
from mockkms.outside.ldap import LdapConnection, LdapError
from mockkms.outside.mysql import MysqlConnection
from mockkms.outside.postgres import ConnectFault, PostgresConnection
from mockkms.outside.turn import taking_turns
from mockkms.server.wire.tls import loaded
from tests.vault.secrets.standin import standing_in

LOGGED_IN = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"
OTHER_ANSWER = ber.tlv(ber.SEQUENCE, ber.integer(99), ber.tlv(0x61, b""))


@contextmanager
def sending(*answers: bytes, greeting: bytes = b"", forever: bytes = b"") -> Iterator[tuple[str, int]]:
    """The address of a server that sends an answer after each request, and then ``forever`` without end."""

    def serve(listener: socket.socket) -> None:
        peer, _ = listener.accept()
        with peer, suppress(OSError):
            peer.sendall(greeting)
            for answer in answers:
                peer.recv(65536)
                peer.sendall(answer)
            while forever:
                peer.sendall(forever * 1000)
            peer.recv(65536)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield listener.getsockname()
    thread.join()


def logged_in(address: tuple[str, int]) -> PostgresConnection:
    return PostgresConnection(address, {"user": "root"}, "secret", "nonce")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", "authentication message too short"),
        (b"\0\0", "authentication message too short"),
        (b"\0\0\0\x0br=nonce1,s=AAAA,i=0", "invalid SCRAM iteration count"),
        (b"\0\0\0\x0br=nonce1,s=AAAA,i=99999999999999999999", "invalid SCRAM iteration count"),
        (b"\0\0\0\x0br=nonce1,s=A,i=4096", "invalid SCRAM server-first-message"),
    ],
)
def test_odd_questions_of_a_database_are_connection_faults(body: bytes, fault: str) -> None:
    message = b"R" + struct.pack("!I", len(body) + 4) + body
    with sending(message) as address, pytest.raises(ConnectFault, match=fault):
        logged_in(address)


@pytest.mark.parametrize("body", [b"", b"\0\x09", b"\0\1\0\0"])
def test_a_row_that_is_cut_off_loses_the_connection(body: bytes) -> None:
    row = b"D" + struct.pack("!I", len(body) + 4) + body
    with sending(LOGGED_IN, row) as address, logged_in(address) as session:
        with pytest.raises(OSError, match="DataRow body is invalid"):
            session.query("SELECT 1")
        session.close()


def test_a_database_that_never_stops_sending_has_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "PATIENCE", 0.3)
    with sending(forever=b"S\0\0\0\x06a\0") as address, pytest.raises(ConnectFault, match="timed out"):
        logged_in(address)


def test_rows_have_a_bound_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_LARGEST", 1 << 16)
    with sending(LOGGED_IN, forever=b"D\0\0\0\x0c\0\1\0\0\0\2ab") as address, logged_in(address) as session:
        with pytest.raises(OSError, match="response too large"):
            session.query("SELECT 1")
        session.close()


@pytest.mark.parametrize("row", [b"D\0\0\0\x06\0\0", b"D\0\0\0\x0a\0\1\xff\xff\xff\xff"])
def test_rows_have_a_bound_in_number(row: bytes) -> None:
    """Objects of small rows are much larger than their bytes."""
    with sending(LOGGED_IN, forever=row) as address, logged_in(address) as session:
        with pytest.raises(OSError, match="response too large"):
            session.query("SELECT")
        session.close()


def packet(number: int, body: bytes) -> bytes:
    """A packet of the protocol of MySQL."""
    return struct.pack("<I", len(body))[:3] + bytes([number % 256]) + body


GREETING = packet(0, b"\x0a8.0.0\0" + bytes(4) + b"12345678\0\xff\xf7\x21\0\0\x0f\0\x15" + bytes(10) + b"123456789012\0"
                  b"mysql_native_password\0")  # fmt: skip
DONE = b"\0\0\0\0\0\0\0"
ONE_COLUMN = (
    packet(1, b"\1") + packet(2, b"\3def\0\0\0\1a\0\x0c\x21\0\xff\0\0\0\xfd\0\0\0\0\0") + packet(3, b"\xfe\0\0\0\0")
)
SMALL_ROWS = b"".join(packet(number, b"\1a") for number in range(4, 260))
LARGE_ROW = b"\xff\xff\xff\4" + b"x" * 100


@pytest.mark.parametrize("rows", [SMALL_ROWS, LARGE_ROW])
def test_an_answer_of_mysql_has_a_bound_in_bytes(rows: bytes) -> None:
    """Each statement has the bound by itself, and what follows the error is not read."""
    answers = packet(2, DONE), packet(1, DONE), packet(1, DONE), ONE_COLUMN
    with sending(*answers, greeting=GREETING, forever=rows) as address:
        session = MysqlConnection(address, "root", "", "")
        assert session.alive()
        with pytest.raises(OSError, match="response too large"):
            session.query("SELECT 1")
        session.close()


def test_a_login_of_mysql_has_a_bound_in_bytes() -> None:
    with sending(greeting=LARGE_ROW, forever=b"x") as address, pytest.raises(OSError, match="invalid connection"):
        MysqlConnection(address, "root", "", "")


def test_a_directory_that_never_answers_the_question_has_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ldap, "PATIENCE", 0.3)
    with sending(forever=OTHER_ANSWER) as address, LdapConnection(*address, request_seconds=0.3) as directory:
        with pytest.raises(LdapError, match="timed out"):
            directory.bind("cn=root", "secret")
        directory.close()


def test_entries_have_a_bound_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ldap, "_LARGEST", 1 << 20)
    entry = ber.tlv(ber.SEQUENCE, ber.integer(1), ber.tlv(0x64, ber.text("cn=x" * 20), ber.tlv(ber.SEQUENCE)))
    with sending(forever=entry) as address, LdapConnection(*address) as directory:
        with pytest.raises(LdapError, match="response too large"):
            directory.search("dc=x", "(a=b)", [])
        directory.close()


def test_others_are_answered_while_a_database_is_silent_about_tls() -> None:
    lock = threading.Lock()
    taken: list[bool] = []

    def serve() -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(65536)
            taken.append(lock.acquire(timeout=60))
            if taken[0]:
                lock.release()
            peer.sendall(b"N")

    context = ssl.create_default_context()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        with taking_turns(lock, lambda: True), pytest.raises(ConnectFault, match="server refused TLS connection"):
            PostgresConnection(listener.getsockname(), {}, "secret", "nonce", context, "localhost")
        thread.join()
    assert taken == [True]


@contextmanager
def resetting() -> Iterator[tuple[str, int]]:
    """The address of a server that resets the connection after the first request."""

    def serve() -> None:
        peer, _ = listener.accept()
        peer.recv(65536)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()
        thread.join()


def test_a_reset_connection_is_worded_as_by_go() -> None:
    with resetting() as (host, port), pytest.raises(OSError, match=r"^EOF$"):
        outside.get(f"http://{host}:{port}/", {})
    with resetting() as address, pytest.raises(ConnectFault, match="unexpected EOF"):
        logged_in(address)
    with resetting() as address, pytest.raises(ConnectFault, match="tls error: EOF"):
        PostgresConnection(address, {}, "secret", "nonce", ssl.create_default_context(), "localhost")
    closed = pytest.raises(LdapError, match=r"unable to read LDAP response packet: (read tcp .*: read: c|EOF)")
    with resetting() as address, LdapConnection(*address) as directory, closed:
        directory.bind("cn=root", "secret")


@pytest.mark.parametrize(("sent", "text"), [(b"", "EOF"), (b"HTTP/1.1 400 Bad Request", "unexpected EOF")])
def test_a_directory_that_ends_the_connection_is_worded_as_by_go(sent: bytes, text: str) -> None:
    def serve() -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(65536)
            peer.sendall(sent)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        with LdapConnection(*listener.getsockname()) as directory, pytest.raises(LdapError) as fault:
            directory.bind("cn=root", "secret")
        thread.join()
    assert str(fault.value) == f"unable to read LDAP response packet: {text}"


def test_a_directory_that_never_answers_is_worded_as_by_go() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        LdapConnection(*listener.getsockname(), request_seconds=0.1) as directory,
        pytest.raises(LdapError, match=r'^LDAP Result Code 200 "Network Error": ldap: connection timed out$'),
    ):
        directory.bind("cn=root", "secret")


def test_errors_of_tls_are_worded_as_by_go() -> None:
    issued = issue(("127.0.0.1",))
    with standing_in(loaded(issued.certificate + issued.key)) as server, pytest.raises(OSError, match="tls: ") as fault:
        outside.get(server.url, {})
    assert outside.no_answer("GET", server.url, fault.value) == (
        f'Get "{server.url}": tls: failed to verify certificate: x509: certificate signed by unknown authority'
    )
    with standing_in() as server:
        url = server.url.replace("http://", "https://")
        with pytest.raises(OSError, match="tls: ") as fault:
            outside.get(url, {})
    assert outside.no_answer("GET", url, fault.value) == f'Get "{url}": http: server gave HTTP response to HTTPS client'
