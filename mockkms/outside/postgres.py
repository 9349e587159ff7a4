"""A client for the PostgreSQL server that a test started on this machine: log in, and run statements one by one.

Protocol 3.0 (PostgreSQL's documentation, "Frontend/Backend Protocol"): passwords in clear, by MD5 and by SCRAM, plain
or over TLS, and simple queries, whose values come as texts.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
import struct
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Self

from mockkms.error_context import error_context
from mockkms.outside import PATIENCE, remaining, scram
from mockkms.outside.turn import waiting

_VERSION = 3 << 16
_SSL_REQUEST = 80877103
_OK, _CLEAR, _MD5, _SASL, _SASL_CONTINUE, _SASL_FINAL = 0, 3, 5, 10, 11, 12
_LARGEST = 1 << 26
_MOST_OF_ROWS = 1 << 22
"""Bytes of all rows of an answer; as Python's objects they take ten times as much."""
_MOST_ROWS = 100_000

Row = list[str | None]


class PostgresError(Exception):
    """An error response of the server."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.severity, self.code, self.text = fields.get("S", ""), fields.get("C", ""), fields.get("M", "")
        super().__init__(f"{self.severity}: {self.text} (SQLSTATE {self.code})")


class ConnectFault(Exception):
    """A failed connection: its stage and cause."""

    def __init__(self, stage: str, cause: object) -> None:
        super().__init__(f"{stage}: {cause}")
        self.stage, self.cause = stage, str(cause)
        self.code = cause.code if isinstance(cause, PostgresError) else ""


class PostgresConnection:
    """A session with a server."""

    def __init__(
        self,
        address: tuple[str, int],
        settings: Mapping[str, str],
        password: str,
        nonce: str,
        tls: ssl.SSLContext | None = None,
        server_name: str = "",
    ) -> None:
        """Log in. ``settings`` are those of the startup message: ``user``, ``database`` and parameters of the session.

        Raises OSError without a server, and ConnectFault.
        """
        self._until = monotonic() + PATIENCE
        with waiting():
            self._socket = socket.create_connection(address, timeout=PATIENCE)
        self._kept = b""
        self.closed = False
        try:
            if tls is not None:
                self._secure(tls, server_name)
            self._log_in(settings, password, nonce)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the session."""
        self.closed = True
        with suppress(OSError):
            self._socket.sendall(b"X\0\0\0\4")
        self._socket.close()

    def alive(self) -> bool:
        """Return whether the session still answers."""
        try:
            self.query("-- ping")
        except (OSError, PostgresError):
            return False
        return True

    def query(self, statement: str) -> list[Row]:
        """Run statements and return the rows. Raises PostgresError, and OSError if the connection is lost."""
        self._until = monotonic() + PATIENCE
        self._send(b"Q", statement.encode() + b"\0")
        rows: list[Row] = []
        size = 0
        fault: PostgresError | None = None
        while True:
            kind, body = self._receive()
            if kind == b"D":
                size += len(body)
                if size > _MOST_OF_ROWS or len(rows) == _MOST_ROWS:
                    raise OSError("response too large")
                rows.append(_row(body))
            elif kind == b"E":
                fault = fault or PostgresError(_fields(body))
            elif kind == b"Z":
                if fault is not None:
                    raise fault
                return rows

    def _secure(self, tls: ssl.SSLContext, server_name: str) -> None:
        try:
            self._socket.sendall(struct.pack("!II", 8, _SSL_REQUEST))
            with error_context(raised=OSError, of=ConnectionError, text="EOF"), waiting():
                answer = self._socket.recv(1)
            if not answer:
                raise OSError("EOF")
            if answer != b"S":
                raise ConnectFault("tls error", "server refused TLS connection")
            with waiting():
                self._socket = tls.wrap_socket(self._socket, server_hostname=server_name or None)
        except OSError as error:
            raise ConnectFault("tls error", getattr(error, "reason", None) or error) from None

    def _log_in(self, settings: Mapping[str, str], password: str, nonce: str) -> None:
        text = "".join(f"{name}\0{value}\0" for name, value in settings.items()).encode() + b"\0"
        self._socket.sendall(struct.pack("!II", len(text) + 8, _VERSION) + text)
        conversation: scram.ScramClient | None = None
        while True:
            with error_context(raised=partial(ConnectFault, "failed to receive message"), of=OSError):
                kind, body = self._receive()
            if kind == b"E":
                stage = "server error" if conversation is None else "failed SASL auth"
                raise ConnectFault(stage, PostgresError(_fields(body)))
            if kind == b"Z":
                return
            if kind == b"R":
                conversation = self._prove(body, settings.get("user", ""), password, nonce, conversation)

    def _prove(
        self, body: bytes, user: str, password: str, nonce: str, conversation: scram.ScramClient | None
    ) -> scram.ScramClient | None:
        """Answer an authentication request; return the SCRAM conversation until it is complete."""
        if len(body) < 4:
            raise ConnectFault("failed to receive message", "authentication message too short")
        question, rest = int.from_bytes(body[:4], "big"), body[4:]
        if question == _CLEAR:
            self._send(b"p", password.encode() + b"\0")
        elif question == _MD5:
            inner = hashlib.md5((password + user).encode(), usedforsecurity=False).hexdigest()
            outer = hashlib.md5(inner.encode() + rest[:4], usedforsecurity=False).hexdigest()
            self._send(b"p", f"md5{outer}\0".encode())
        elif question in (_SASL, _SASL_CONTINUE, _SASL_FINAL):
            with error_context(raised=partial(ConnectFault, "failed SASL auth")):
                return self._converse(question, rest, conversation or scram.ScramClient(password, nonce))
        elif question != _OK:
            raise ConnectFault("received unexpected message", f"authentication method {question}")
        return None

    def _converse(self, question: int, body: bytes, conversation: scram.ScramClient) -> scram.ScramClient | None:
        if question == _SASL:
            if scram.MECHANISM.encode() not in body.split(b"\0"):
                raise ConnectFault("failed SASL auth", f"server does not support {scram.MECHANISM}")
            first = conversation.first()
            self._send(b"p", scram.MECHANISM.encode() + b"\0" + struct.pack("!I", len(first)) + first)
            return conversation
        if question == _SASL_CONTINUE:
            self._send(b"p", conversation.final(body))
            return conversation
        conversation.check(body)
        return None

    def _send(self, kind: bytes, body: bytes) -> None:
        self._socket.sendall(kind + struct.pack("!I", len(body) + 4) + body)

    def _receive(self) -> tuple[bytes, bytes]:
        head = self._exactly(5)
        size = int.from_bytes(head[1:], "big") - 4
        if not 0 <= size <= _LARGEST:
            raise OSError("invalid message length")
        return head[:1], self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        while len(self._kept) < size:
            self._socket.settimeout(remaining(self._until))
            with error_context(raised=OSError, of=ConnectionError, text="unexpected EOF"), waiting():
                more = self._socket.recv(65536)
            if not more:
                raise OSError("unexpected EOF")
            self._kept += more
        taken, self._kept = self._kept[:size], self._kept[size:]
        return taken


def _fields(body: bytes) -> dict[str, str]:
    parts = (part.decode("utf-8", "replace") for part in body.split(b"\0") if part)
    return {part[0]: part[1:] for part in parts}


def _row(body: bytes) -> Row:
    values: Row = []
    place = 2
    with error_context(raised=OSError, of=struct.error, text="DataRow body is invalid"):
        (count,) = struct.unpack_from("!H", body)
        for _ in range(count):
            (size,) = struct.unpack_from("!i", body, place)
            place += 4
            values.append(None if size < 0 else body[place : place + size].decode("utf-8", "replace"))
            place += max(size, 0)
    return values


def literal(text: str) -> str:
    """Return a string literal for a statement."""
    return "'" + text.replace("'", "''") + "'"


def identifier(text: str) -> str:
    """Return a quoted identifier for a statement."""
    return '"' + text.partition("\0")[0].replace('"', '""') + '"'
