"""Bodies as a journal may show them to anybody: the same JSON, with a mark in the place of every secret."""

from __future__ import annotations

import json
import re
from typing import Any

from mockkms.world.journal.entry import REDACTED, Entry

PARSED = 1 << 20
"""Bytes of the longest body that is looked into; of longer ones nothing is kept."""
_NAMES = frozenset((
    "accesstoken", "apitoken", "backup", "barcode", "bindpass", "clientsecret", "clienttlskey", "clienttoken", "code",
    "credentials", "encodedroottoken", "encodedtoken", "hmackey", "idtoken", "input", "integrationkey", "jwt",
    "key", "keysbase64", "masterkey", "otp", "passcode", "password", "passwordhash", "pembundle", "plaintext",
    "plaintextkey", "privatekey", "randombytes", "recoverykeys", "recoverykeysbase64", "refreshtoken", "roottoken",
    "secret", "secretid", "secretids", "secretkey", "settingsfilebase64", "sharedsecret", "token",
    "tokenreviewerjwt", "unlockkey", "vaultapprolesecretid", "vaulttoken",
))  # fmt: skip
"""Fields whose values are secrets wherever they stand, in lower case without ``_`` and ``-``."""
_KEYS = frozenset(("export", "byok-export", "init", "rekey", "rekey-recovery-key", "rotate"))
"""First segments of endpoints whose ``keys`` are key material, not names."""
_ADMIN = frozenset(("code", "key"))
"""What the admin API calls its errors and names its keys by."""
_TOKEN = re.compile(r"(hv[sbr]|[sbr])\.[\w-]{20,}|otpauth:.*", re.DOTALL)


def redact(entry: Entry) -> None:
    """Take the secrets out of an entry's bodies: named ones (tokens, passwords, keys, plaintexts), what looks like a
    token or is the one that was sent, and whatever a KV or cubbyhole secret holds. What is no JSON goes as a whole, but
    for error pages.
    """
    hide = _Hide(entry)
    # Python's hash of bytes is another one in each process: nobody guesses a secret by it.
    entry.hidden = hash(entry.body)
    entry.body = _whole(entry.body, hide.request)
    if entry.status < 400 or entry.answer[:1] in (b"{", b"["):
        entry.answer = _whole(entry.answer, hide.answer)


def _whole(body: bytes, hide: Any) -> bytes:
    if not body:
        return body
    if len(body) <= PARSED:
        try:
            return json.dumps(hide(json.loads(body)), separators=(",", ":"), ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            pass
    return f"{REDACTED[:-1]}: {len(body)} bytes)".encode()


class _Hide:
    """What is to be hidden in the bodies of one request."""

    def __init__(self, entry: Entry) -> None:
        endpoint = entry.trace.endpoint
        first = endpoint.partition("/")[0]
        vault = entry.service == "vault"
        self._sent = entry.token
        self._names = {*_NAMES} if vault else {*_NAMES} - _ADMIN
        if first in _KEYS:
            self._names.add("keys")
        if entry.mount == "auth/token/":
            self._names.add("id")
        self._holds = vault and first in ("data", "{path:all}") and entry.operation not in ("list", "scan")
        """It reads or writes the data of a secret."""
        self._second = first == "data"
        self._anything = vault and (not endpoint or first == "wrapping" or (self._holds and not self._second))
        """What is sent or given may be anybody's secret, in any form."""

    def request(self, value: Any) -> Any:
        """The body that was sent."""
        if self._anything:
            return _all(value)
        if self._holds and isinstance(value, dict):
            return {name: _all(item) if name == "data" else self._named(name, item) for name, item in value.items()}
        return self._walk(value)

    def answer(self, value: Any) -> Any:
        """The body of the answer."""
        if not isinstance(value, dict) or not isinstance(value.get("data"), dict):
            return self._walk(value)
        rest = {name: self._named(name, item) for name, item in value.items()}
        if self._anything:
            rest["data"] = _all(value["data"])
        elif self._holds and "data" in value["data"]:
            rest["data"] = {**rest["data"], "data": _all(value["data"]["data"])}
        return rest

    def _walk(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._named(name, item) for name, item in value.items()}
        if isinstance(value, list):
            return [self._walk(item) for item in value]
        if isinstance(value, str) and value and (value == self._sent or _TOKEN.fullmatch(value)):
            return REDACTED
        return value

    def _named(self, name: str, value: Any) -> Any:
        plain = name.lower().replace("_", "").replace("-", "")
        # A mapping under another such name is one of its own, such as the form of a bad request.
        hidden = plain in self._names and (plain == "keys" or not isinstance(value, dict))
        return _all(value) if hidden else self._walk(value)


def _all(value: Any) -> Any:
    """The same shape, nothing in it."""
    if isinstance(value, dict):
        return {name: _all(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_all(item) for item in value]
    return REDACTED if value not in (None, "") and not isinstance(value, bool) else value
