"""Removing secrets from journal entries: target, headers and JSON are kept, with a mark in place of every secret.

A secret is recognized by the name of its field, parameter or header, by the endpoint (what KV and cubbyhole hold), by
its form (tokens, JWTs, private keys, passwords in URLs), and because it is a token that this world knows or a value
that another part of the same request names as a secret.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace

from mockkms.faults import addresses
from mockkms.faults.addresses import REDACTED, TOKEN_FORM, is_secret_name, plain_name
from mockkms.world.journal.bounds import PART_LIMIT
from mockkms.world.journal.entry import Entry, secret_header

PARSED = 1 << 20
"""Bytes of the longest body that is parsed; longer ones are removed."""
_NAMES = frozenset((
    "authorizationcode", "backup", "barcode", "clientnonce", "clienttlskey", "code", "connectionurl", "env", "hmackey",
    "iamrequestbody", "iamrequestheaders", "input", "integrationkey", "key", "keysbase64", "keyshares", "masterkey",
    "mfapayload", "passwordhash", "pembundle", "pemkeys", "pkcs7", "plaintext", "plaintextkey", "randombytes",
    "recoverykeys", "recoverykeysbase64", "settingsfilebase64", "tlscertificatekey", "tokenreviewerjwt",
))  # fmt: skip
"""Fields whose values are secrets although their names do not end as those of ``SECRET_NAME`` do."""
_KEYS = frozenset(("export", "byok-export", "init", "rekey", "rekey-recovery-key", "rotate"))
"""First segments of endpoints whose ``keys`` are key material, not names."""
_WHOLE = frozenset(("credentials", "keys", "mfapayload"))
"""Such fields, of those above, that are hidden even if they hold a mapping."""
_ADMIN = frozenset(("code", "key"))
"""What the admin API calls its errors and names its keys by."""
_HARMLESS_HEADERS = re.compile(
    r"accept.*|access-control-.*|baggage|cache-control|connection|content-.*|date|dnt|expect|host|if-.*|keep-alive"
    r"|origin|pragma|priority|range|referer|sec-.*|te|traceparent|tracestate|trailer|transfer-encoding|upgrade"
    r"|upgrade-insecure-requests|user-agent|via|x-amz-content-sha256|x-amz-date|x-correlation-id|x-forwarded-.*"
    r"|x-mockkms-fault|x-request-id|x-vault-(?:forward|inconsistent|index|namespace|no-request-forwarding"
    r"|policy-override|request|wrap-format|wrap-ttl)"
)
"""Names of headers whose values are kept; others are kept without value."""
_FORMS = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}(?:PRIVATE KEY|PGP MESSAGE)[A-Z ]{0,40}-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)"
    r"|otpauth://\S+"
    r"|(?<=://)[^/\s:@]{0,256}:[^@\s]{1,512}(?=@)"
    r"|((?i:password|passwd|pwd|passphrase|secret|secret_?key|api_?key|token)=)[^\s;&,\"'}]+",
    re.DOTALL,
)
"""Secrets within a text: private keys, TOTP URLs, user and password in URLs, passwords in connection strings."""
_WORD = re.compile(r"[\w.-]{8,}")
"""What may be a token within a text."""
_SHORTEST_SWEPT = 8
"""Characters from which on a secret is searched for in the rest of its request."""
_LONGEST_SWEPT = 4096
_MOST_SWEPT = 64

Known = Callable[[str], bool]


def redact(entry: Entry, known: Known = lambda token: False) -> None:
    """Remove the secrets from an entry's target, headers, bodies and remarks.

    ``known`` says whether a text is a token. A body that is not JSON is removed as a whole, except for error pages.
    """
    hide = _Hide(entry, known)
    # Python's hash of texts differs from process to process: a secret cannot be guessed from it.
    entry.hidden = hash((entry.target, entry.body))
    headers = {name: hide.header(name.lower(), text) for name, text in entry.headers.items()}
    asked, given = _marked(entry.body, hide.request), _marked(entry.answer, hide.answer)
    # Only now are all secrets of the request known.
    entry.headers = {name: hide.sweep(text) for name, text in headers.items()}
    entry.body = _written(entry.body, asked, hide)
    page = entry.status >= 400 and entry.answer[:1] not in (b"{", b"[")
    entry.answer = hide.page(entry.answer) if page else _written(entry.answer, given, hide)
    target = addresses.hide(addresses.cut(entry.target, PART_LIMIT), known, strict=True)
    entry.shortened = ("target",) if len(entry.target) > PART_LIMIT else ()
    entry.target = entry.shown_target = hide.sweep(target)
    entry.unexpected = hide.text(entry.unexpected)
    hint, rule = hide.text(entry.trace.hint), hide.text(entry.trace.rule)
    if (hint, rule) != (entry.trace.hint, entry.trace.rule):
        entry.trace = replace(entry.trace, hint=hint, rule=rule)


_UNREADABLE = object()


def _marked(body: bytes, mark: Callable[[object], object]) -> object:
    """Return the JSON of a body with the secrets that ``mark`` sees replaced; ``_UNREADABLE`` for what is not JSON."""
    if not body or len(body) > PARSED:
        return _UNREADABLE
    try:
        return mark(json.loads(body))
    except (ValueError, RecursionError):
        return _UNREADABLE


def _written(body: bytes, marked: object, hide: _Hide) -> bytes:
    if not body:
        return body
    if marked is not _UNREADABLE:
        try:
            text = json.dumps(hide.texts(marked), separators=(",", ":"), ensure_ascii=False)
            return text.encode("utf-8", "replace")
        except RecursionError:
            pass
    return f"{REDACTED[:-1]}: {len(body)} bytes)".encode()


class _Hide:
    """Hides the secrets of one request."""

    def __init__(self, entry: Entry, known: Known) -> None:
        endpoint = entry.trace.endpoint
        first = endpoint.partition("/")[0].partition("[")[0]
        vault = entry.service == "vault"
        self._known = known
        self._sent = entry.token
        self._secrets: dict[str, None] = {}
        """Values hidden so far, which may occur elsewhere in the request too."""
        self._remember(entry.token)
        self._names = {*_NAMES} if vault else {*_NAMES} - _ADMIN
        if first in _KEYS:
            self._names.add("keys")
        if entry.mount.endswith("auth/token/"):
            self._names.add("id")
        if first == "raw":
            self._names.add("value")
        self._holds = vault and first in ("data", "{path:all}") and entry.operation not in ("list", "scan")
        """It reads or writes the data of a secret."""
        self._second = first == "data"
        self._anything = vault and (not endpoint or first == "wrapping" or (self._holds and not self._second))
        """Request and response may have secrets of any form."""

    # -- what names and endpoints say ----------------------------------------------------------------------------

    def header(self, name: str, text: str) -> str:
        """Return the value of a header, its name in lower case."""
        if secret_header(name):
            self._remember(text)
            scheme, _, credentials = text.partition(" ")
            self._remember(credentials)
            if scheme.lower() == "basic":
                self._remember(_password(credentials))
        elif _HARMLESS_HEADERS.fullmatch(name):
            return addresses.hide(text, self._known, strict=True) if name == "referer" else text
        return REDACTED if text else text

    def request(self, value: object) -> object:
        """Return the JSON that was sent."""
        if self._anything:
            return self._all(value)
        if self._holds and isinstance(value, dict):
            return {
                name: self._all(item) if name == "data" else self._named(name, item) for name, item in value.items()
            }
        return self._walk(value)

    def answer(self, value: object) -> object:
        """Return the JSON of the answer."""
        if not isinstance(value, dict) or not isinstance(value.get("data"), dict):
            return self._walk(value)
        rest = {name: self._named(name, item) for name, item in value.items()}
        data = rest["data"]
        if self._anything:
            rest["data"] = self._all(value["data"])
        elif self._holds and isinstance(data, dict) and "data" in value["data"]:
            rest["data"] = {**data, "data": self._all(value["data"]["data"])}
        return rest

    def _walk(self, value: object) -> object:
        if isinstance(value, dict):
            return {name: self._named(name, item) for name, item in value.items()}
        return [self._walk(item) for item in value] if isinstance(value, list) else value

    def _named(self, name: str, value: object) -> object:
        plain = plain_name(name)
        hidden = plain in self._names or is_secret_name(plain)
        # A mapping under another such name is one of its own, such as the form of a bad request.
        if hidden and (plain in _WHOLE or not isinstance(value, dict)):
            return self._all(value, remember=True)
        return self._walk(value)

    def _all(self, value: object, *, remember: bool = False) -> object:
        """Return the same shape without any value in it."""
        if isinstance(value, dict):
            return {name: self._all(item, remember=remember or is_secret_name(name)) for name, item in value.items()}
        if isinstance(value, list):
            return [self._all(item, remember=remember) for item in value]
        if remember and isinstance(value, str):
            self._remember(value)
        return REDACTED if value not in (None, "") and not isinstance(value, bool) else value

    def _remember(self, secret: str) -> None:
        if _SHORTEST_SWEPT <= len(secret) <= _LONGEST_SWEPT and len(self._secrets) < _MOST_SWEPT:
            self._secrets[secret] = None

    # -- what the values themselves say --------------------------------------------------------------------------

    def texts(self, value: object) -> object:
        """Return JSON with the secrets within its texts replaced."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {name: self.texts(item) for name, item in value.items()}
        return [self.texts(item) for item in value] if isinstance(value, list) else value

    def text(self, text: str) -> str:
        """Return a text with the secrets in it replaced."""
        if text and (text == self._sent or self._known(text)):
            return REDACTED
        text = _WORD.sub(lambda found: REDACTED if self._known(found[0]) else found[0], text)
        text = TOKEN_FORM.sub(REDACTED, _FORMS.sub(lambda found: (found[1] or "") + REDACTED, text))
        return self.sweep(text)

    def sweep(self, text: str) -> str:
        """Return a text without the secrets that other parts of the request hold."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, REDACTED)
        return text

    def page(self, body: bytes) -> bytes:
        """Return an error page with the secrets in it replaced."""
        text = body[:PARSED].decode("utf-8", "surrogateescape")
        return self.text(text).encode("utf-8", "surrogateescape")


def _password(credentials: str) -> str:
    """Return the password of basic credentials; empty if they are not such."""
    try:
        return b64decode(credentials).decode().partition(":")[2]
    except ValueError:
        return ""
