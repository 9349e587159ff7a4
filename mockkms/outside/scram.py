"""SCRAM-SHA-256 (RFC 5802, RFC 7677) as PostgreSQL has it: the client's side, and the form of kept passwords."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode

from mockkms.error_context import error_context
from mockkms.outside.turn import waiting

MECHANISM = "SCRAM-SHA-256"
_HEADER = "n,,"
"""No channel binding."""
ITERATIONS = 4096
_MOST = 1_000_000
"""The largest number of iterations of a server: they take less than a second."""


class ScramClient:
    """One conversation: ``first``, ``final`` with the server's answer, ``check`` with its last message."""

    def __init__(self, password: str, nonce: str) -> None:
        self._password, self._nonce = password.encode(), nonce
        self._bare = f"n=,r={nonce}"
        self._expected = b""

    def first(self) -> bytes:
        """Return the client's first message."""
        return (_HEADER + self._bare).encode()

    def final(self, challenge: bytes) -> bytes:
        """Return the proof for the server's first message. Raises ValueError."""
        given = _attributes(challenge)
        invalid = "invalid SCRAM server-first-message received from server"
        with error_context(of=(KeyError, ValueError), text=invalid):
            nonce, salt, rounds = given["r"], b64decode(given["s"]), int(given["i"])
        if not 0 < rounds <= _MOST:
            raise ValueError("invalid SCRAM iteration count received from server")
        if not nonce.startswith(self._nonce):
            raise ValueError("invalid SCRAM nonce: did not start with client nonce")
        with waiting():
            salted = hashlib.pbkdf2_hmac("sha256", self._password, salt, rounds)
        without_proof = f"c={b64encode(_HEADER.encode()).decode()},r={nonce}"
        message = f"{self._bare},{challenge.decode()},{without_proof}".encode()
        client = _mac(salted, b"Client Key")
        signature = _mac(hashlib.sha256(client).digest(), message)
        proof = bytes(left ^ right for left, right in zip(client, signature, strict=True))
        self._expected = b64encode(_mac(_mac(salted, b"Server Key"), message))
        return f"{without_proof},p={b64encode(proof).decode()}".encode()

    def check(self, last: bytes) -> None:
        """Check that the server knows the password. Raises ValueError."""
        if not hmac.compare_digest(last, b"v=" + self._expected):
            raise ValueError("invalid SCRAM ServerSignature received from server")


def verifier(password: str, salt: bytes) -> str:
    """Return the verifier of a password, which PostgreSQL stores and accepts in place of the password."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    stored = hashlib.sha256(_mac(salted, b"Client Key")).digest()
    parts = (b64encode(part).decode() for part in (salt, stored, _mac(salted, b"Server Key")))
    kept, stored_key, server_key = parts
    return f"{MECHANISM}${ITERATIONS}:{kept}${stored_key}:{server_key}"


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _attributes(message: bytes) -> dict[str, str]:
    pairs = (part.partition("=") for part in message.decode("utf-8", "replace").split(","))
    return {name: value for name, _, value in pairs}
