"""The secrets of one recording while it is written: each has a number, and none is kept.

Only a keyed hash of each secret is in memory, so that the same secret gets the same placeholder.
"""

from __future__ import annotations

import os
from hashlib import blake2b

from mockkms.recording import private_keys
from mockkms.recording.placeholders import PLACEHOLDER, Form, form_of, placeholder
from mockkms.world.journal.hiding import Secret

_SHORTEST_KNOWN = 16
"""Characters from which on a secret is recognized anywhere in later requests; shorter ones may be usual words."""
_LONGEST_KNOWN = 8192


class Secrets:
    """Gives each secret a placeholder."""

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._placeholders: dict[bytes, str] = {}
        self._new: list[tuple[int, Form]] = []

    def __len__(self) -> int:
        return len(self._placeholders)

    def known(self, text: str) -> bool:
        """Return whether a text is a secret that went through before, and long enough not to be a usual word."""
        return _SHORTEST_KNOWN <= len(text) <= _LONGEST_KNOWN and self._hash(text) in self._placeholders

    def show(self, secret: Secret, name: str) -> str:
        """Return the placeholder of a secret, or a PEM bundle with placeholders for the private keys in it."""
        if isinstance(secret, str):
            if PLACEHOLDER.fullmatch(secret):
                return secret
            bundle = private_keys.within(secret, lambda block: self._one(block, name))
            if bundle is not None:
                return bundle
        return self._one(secret, name)

    def taken(self) -> list[tuple[int, Form]]:
        """Return number and form of the secrets that are new since the last call."""
        new, self._new = self._new, []
        return new

    def _one(self, secret: Secret, name: str) -> str:
        key = self._hash(secret)
        found = self._placeholders.get(key)
        if found is None:
            number = len(self._placeholders) + 1
            form = form_of(secret, name)
            found = self._placeholders[key] = placeholder(form, number)
            self._new.append((number, form))
        return found

    def _hash(self, secret: Secret) -> bytes:
        # A number is another secret than the text of its digits: its placeholder has another form.
        kind = b"t" if isinstance(secret, str) else b"n"
        return blake2b(kind + str(secret).encode("utf-8", "surrogatepass"), key=self._key, digest_size=16).digest()
