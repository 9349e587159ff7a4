"""The one source of randomness: the system's, or a stream that repeats from a seed.

Ids, tokens, nonces and key material all come from here, so one seed makes a whole run repeat. Never use this to guard
anything: a seeded stream is predictable by design.
"""

from __future__ import annotations

import builtins
import os
from hashlib import blake2b
from typing import TypeAlias

_PIECE, _PIECES = 32, 128
"""Bytes of a piece of the system's randomness, and the number of pieces that are fetched together."""
_BLOCK = 64
"""Bytes of a block of the stream."""
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

EntropyState: TypeAlias = tuple[int | str | None, int, bytes]
"""The state of a source: its seed, the number of blocks drawn, and bytes drawn but not used."""


_pieces: list[bytes] = []
"""Randomness of the system that no source has returned yet. A system call for each id, token and nonce would cost
more than the id itself."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pieces.clear)  # A parent and its child must not return the same pieces.


def _system_bytes(size: int) -> bytes:
    """Return ``size`` bytes of the system's randomness."""
    if size > _PIECE:
        return os.urandom(size)
    try:
        piece = _pieces.pop()  # One operation, so that two threads never get the same piece.
    except IndexError:
        fetched = os.urandom(_PIECE * _PIECES)
        _pieces.extend(fetched[at : at + _PIECE] for at in range(_PIECE, len(fetched), _PIECE))
        piece = fetched[:_PIECE]
    return piece[:size]


def _stream_key(seed: int | str | None) -> bytes:
    return blake2b(repr(seed).encode(), digest_size=32, person=b"mockkms").digest()


class Entropy:
    """A source of random bytes and identifiers."""

    fresh_keys = False
    """Whether RSA keys are generated each time (slow) rather than taken from the pool."""

    def __init__(self, seed: int | str | None = None) -> None:
        self.seed = seed
        self._key = _stream_key(seed)
        self._counter = 0
        self._buffer = b""

    @property
    def seeded(self) -> bool:
        """Whether the bytes derive from a seed, and so repeat."""
        return self.seed is not None

    def bytes(self, size: int) -> builtins.bytes:
        """Return ``size`` random bytes."""
        if self.seed is None:
            return _system_bytes(size)
        lacking = -(-(size - len(self._buffer)) // _BLOCK)
        if lacking > 0:
            # Joined once: bytes that grow block by block are copied for each of them.
            numbers = range(self._counter + 1, self._counter + lacking + 1)
            blocks = (blake2b(number.to_bytes(8, "big"), key=self._key, digest_size=_BLOCK) for number in numbers)
            self._buffer = b"".join((self._buffer, *(block.digest() for block in blocks)))
            self._counter += lacking
        out, self._buffer = self._buffer[:size], self._buffer[size:]
        return out

    def derived(self, label: str, size: int) -> builtins.bytes:
        """Return ``size`` bytes that depend only on the seed and ``label``, not on earlier calls; else random ones.

        Used for key material that a world file does not contain, so that ciphertexts of one run decrypt in the next.
        """
        if self.seed is None:
            return os.urandom(size)
        named = label.encode()
        blocks = (
            blake2b(start.to_bytes(8, "big") + named, key=self._key, digest_size=_BLOCK, person=b"derived").digest()
            for start in range(0, size, _BLOCK)
        )
        return b"".join(blocks)[:size]

    def drawn(self, size: int, label: str = "") -> builtins.bytes:
        """Return ``size`` bytes of key material: the next ones or, with a ``label``, those that belong to it."""
        return self.derived(label, size) if label else self.bytes(size)

    def hex(self, size: int) -> str:
        """Return ``size`` random bytes in lower-case hex."""
        return self.bytes(size).hex()

    def base62(self, length: int) -> str:
        """Return ``length`` random letters and digits."""
        raw = self.bytes(length * 2)
        return "".join(_BASE62[int.from_bytes(raw[i * 2 : i * 2 + 2], "big") % 62] for i in range(length))

    def uuid(self) -> str:
        """Return random bytes in the grouping of a UUID; like Vault's ids, they do not encode a UUID version."""
        raw = self.bytes(16).hex()
        return f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"

    def below(self, bound: int) -> int:
        """Return a random whole number from 0 to ``bound - 1``."""
        return int.from_bytes(self.bytes(8), "big") % bound

    def reseed(self, seed: int | str | None) -> None:
        """Restart with ``seed`` (None: the system's randomness)."""
        self.restore((seed, 0, b""))

    def state(self) -> EntropyState:
        """Return the state, for ``restore``."""
        return (self.seed, self._counter, self._buffer)

    def restore(self, state: EntropyState) -> None:
        """Restore what ``state`` returned."""
        seed, counter, buffer = state
        if seed != self.seed:
            self.seed = seed
            self._key = _stream_key(seed)
        self._counter, self._buffer = counter, buffer
