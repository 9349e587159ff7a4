"""Numbering the secrets of a recording while it is written.

Only a keyed hash of each secret is kept in memory, so that the same secret gets the same placeholder.
"""

from __future__ import annotations

import os
import re
from hashlib import blake2b

from mockkms.faults.addresses import is_secret_name, plain_name
from mockkms.recording import private_keys
from mockkms.recording.placeholders import PLACEHOLDER, TIME, Form, form_of, placeholder
from mockkms.world.journal.hiding import Secret

_SHORTEST_KNOWN = 16
"""Characters from which on a secret is recognized anywhere in later requests; shorter ones may be usual words."""
_LONGEST_KNOWN = 8192
_OTP_SECRET = re.compile(r"(?<=[?&]secret=)[A-Za-z2-7=]+")
_DISTINCT = re.compile(r"(?=.*[A-Za-z])(?=.*[0-9])[^\s/]+")
"""A text that is most likely no word or path."""
_IDENTIFIERS = ("accessor", "id")
"""Ends of names whose values are not secret outside of the data of a secret."""


class Secrets:
    """Assigns a placeholder to each secret."""

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._placeholders: dict[bytes, str] = {}
        self._distinct: set[bytes] = set()
        """Those that are recognized anywhere."""
        self._new: list[tuple[int, Form]] = []

    def __len__(self) -> int:
        return len(self._placeholders)

    def known(self, text: str) -> bool:
        """Return whether a text is a secret that has a placeholder, and is too long to be an ordinary word."""
        return _SHORTEST_KNOWN <= len(text) <= _LONGEST_KNOWN and self._hash(text) in self._distinct

    def show(self, secret: Secret, name: str) -> str:
        """Return the placeholder of a secret, or a PEM bundle with placeholders for the private keys in it."""
        if isinstance(secret, str):
            if PLACEHOLDER.fullmatch(secret):
                return secret
            bundle = private_keys.within(secret, lambda block: self._one(block, name))
            if bundle is not None:
                return bundle
            if secret.startswith("otpauth://") and _OTP_SECRET.search(secret):
                return _OTP_SECRET.sub(lambda found: self._one(found[0], name), secret)
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
        if isinstance(secret, str) and key not in self._distinct and _is_distinct(secret, name):
            self._distinct.add(key)
        return found

    def _hash(self, secret: Secret) -> bytes:
        # A number and the text of its digits are different secrets: their placeholders differ in form.
        kind = b"t" if isinstance(secret, str) else b"n"
        return blake2b(kind + str(secret).encode("utf-8", "surrogatepass"), key=self._key, digest_size=16).digest()


def _is_distinct(secret: str, name: str) -> bool:
    """Return whether a secret can be recognized anywhere: it is not a name, path or time among the data of a secret."""
    if is_secret_name(name):
        return True
    if plain_name(name).endswith(_IDENTIFIERS) or TIME.fullmatch(secret):
        return False
    return _DISTINCT.fullmatch(secret) is not None
