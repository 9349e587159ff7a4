"""A small PostgreSQL on a real socket: checks who logs in, keeps what it is asked, refuses as it is told."""

from __future__ import annotations

import hashlib
import hmac
import socketserver
import struct
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager

SALT = b"salt-of-the-tests"
ROUNDS = 16


class Postgres(socketserver.ThreadingTCPServer):
    """``users``: passwords by name. ``proof``: how they prove it. ``seen``: every statement but pings, by user."""

    daemon_threads = True

    def __init__(self, users: dict[str, str], proof: str) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.users, self.proof = users, proof
        self.seen: list[tuple[str, str]] = []
        self.answers: dict[str, list[list[str | None]]] = {}
        """Rows by the beginning of a statement."""
        self.refused: dict[str, tuple[str, str]] = {}
        """Code and text by the beginning of a statement."""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def statements(self) -> list[str]:
        return [statement for _, statement in self.seen]


class _Refused(Exception):
    """The log-in fails, with a code and a text."""


class _Session(socketserver.StreamRequestHandler):
    server: Postgres

    def handle(self) -> None:
        size, version = struct.unpack("!II", self.rfile.read(8))
        if version == 80877103:
            self.wfile.write(b"N")
            return
        words = self.rfile.read(size - 8).split(b"\0")
        settings = {name.decode(): value.decode() for name, value in zip(words[::2], words[1::2], strict=False)}
        user = settings["user"]
        try:
            self.check(user)
            if settings.get("database") == "none":
                raise _Refused("3D000", 'database "none" does not exist')
        except _Refused as refusal:
            self.refuse("FATAL", *refusal.args)
            return
        self.send(b"R", struct.pack("!I", 0))
        self.send(b"S", b"TimeZone\0UTC\0")
        self.send(b"Z", b"I")
        while (kind := self.rfile.read(1)) == b"Q":
            self.answer(user, self.body()[:-1].decode())
        assert kind in (b"X", b"")

    def check(self, user: str) -> None:
        password = self.server.users.get(user, "")
        wrong = _Refused("28P01", f'password authentication failed for user "{user}"')
        if self.server.proof == "clear":
            self.send(b"R", struct.pack("!I", 3))
            if self.password() != password:
                raise wrong
        elif self.server.proof == "md5":
            self.send(b"R", struct.pack("!I", 5) + SALT[:4])
            inner = hashlib.md5((password + user).encode()).hexdigest().encode()
            if self.password() != "md5" + hashlib.md5(inner + SALT[:4]).hexdigest():
                raise wrong
        else:
            self.converse(password, wrong)

    def converse(self, password: str, wrong: _Refused) -> None:
        self.send(b"R", struct.pack("!I", 10) + b"SCRAM-SHA-256\0\0")
        assert self.rfile.read(1) == b"p"
        bare = self.body().rpartition(b"n,,")[2]
        nonce = bare.rpartition(b"r=")[2] + b"-more"
        first = b"r=%s,s=%s,i=%d" % (nonce, b64encode(SALT), ROUNDS)
        self.send(b"R", struct.pack("!I", 11) + first)
        assert self.rfile.read(1) == b"p"
        final, _, proof = self.body().rpartition(b",p=")
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), SALT, ROUNDS)
        message = b",".join((bare, first, final))
        client = hmac.digest(salted, b"Client Key", "sha256")
        signature = hmac.digest(hashlib.sha256(client).digest(), message, "sha256")
        if bytes(left ^ right for left, right in zip(b64decode(proof), signature, strict=True)) != client:
            raise wrong
        server = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), message, "sha256")
        if self.server.proof == "impostor":
            server = bytes(32)
        self.send(b"R", struct.pack("!I", 12) + b"v=" + b64encode(server))

    def password(self) -> str:
        assert self.rfile.read(1) == b"p"
        return self.body()[:-1].decode()

    def answer(self, user: str, statement: str) -> None:
        if statement != "-- ping":
            self.server.seen.append((user, statement))
        fault = next((why for start, why in self.server.refused.items() if statement.startswith(start)), None)
        if fault is not None:
            self.refuse("ERROR", *fault)
        for row in next((rows for start, rows in self.server.answers.items() if statement.startswith(start)), []):
            cells = (b"\xff" * 4 if cell is None else struct.pack("!I", len(cell)) + cell.encode() for cell in row)
            self.send(b"D", struct.pack("!H", len(row)) + b"".join(cells))
        self.send(b"Z", b"I")

    def refuse(self, severity: str, code: str, text: str) -> None:
        fields = (f"S{severity}", f"C{code}", f"M{text}")
        self.send(b"E", b"".join(field.encode() + b"\0" for field in fields) + b"\0")

    def body(self) -> bytes:
        (size,) = struct.unpack("!I", self.rfile.read(4))
        return self.rfile.read(size - 4)

    def send(self, kind: bytes, body: bytes) -> None:
        self.wfile.write(kind + struct.pack("!I", len(body) + 4) + body)


@contextmanager
def running(proof: str = "scram") -> Iterator[Postgres]:
    """A server that answers until the end of the block, and knows ``root`` with the password ``first``."""
    with Postgres({"root": "first"}, proof) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
