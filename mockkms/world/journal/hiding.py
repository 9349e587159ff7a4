"""Which parts of a request and its response are secrets, and what is shown in place of each.

A secret is recognized by the name of its field, parameter or header, by the endpoint (what KV and cubbyhole hold), by
its form (tokens, JWTs, private keys, passwords in URLs), and because it is a token that the caller knows or a value
that another part of the same request names as a secret.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable

from mockkms.faults import addresses
from mockkms.faults.addresses import REDACTED, TOKEN_FORM, is_secret_name, plain_name
from mockkms.vault.golang.number import Number
from mockkms.world.journal.entry import Entry, secret_header

PARSED = 1 << 20
"""Bytes of the longest body that is parsed; longer ones are removed."""
_NAMES = frozenset((
    "authorizationcode", "backup", "barcode", "cfapimutualtlskey", "clientkey", "clientnonce", "clienttlskey",
    "code", "connectionurl", "env", "hmackey", "iamrequestbody", "iamrequestheaders", "identityrequestheaders",
    "identityrequesturl", "input", "integrationkey", "key", "keysbase64", "keyshares", "keytab", "masterkey",
    "mfapayload", "passwordhash", "pembundle", "pemkeys", "pkcs7", "plaintext", "plaintextkey", "privatekeydata",
    "randombytes", "recoverykeys", "recoverykeysbase64", "requestheaders", "settingsfilebase64",
    "tlscertificatekey", "tokenreviewerjwt",
))  # fmt: skip
"""Fields whose values are secrets although their names do not end as those of ``SECRET_NAME`` do."""
_KEYS = frozenset(("export", "byok-export", "init", "rekey", "rekey-recovery-key", "rotate"))
"""First segments of endpoints whose ``keys`` are key material, not names."""
_IN_LOGINS = frozenset(("authorization", "iamrequesturl", "identity", "nonce", "signature"))
"""Fields that are secrets in logins: with what they hold, a client can log in again."""
_WHOLE = frozenset(
    ("credentials", "iamrequestheaders", "identityrequestheaders", "keys", "mfapayload", "requestheaders")
)
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
_ENVELOPE = frozenset(("auth", "data", "errors", "wrap_info"))
"""Members of which every answer in the server's own format has one."""
_WRAPPED = frozenset(("wrapping/rewrap", "wrapping/unwrap", "wrapping/wrap"))
"""Endpoints whose requests or responses hold what was wrapped."""
_WORD = re.compile(r"[\w.-]{8,}")
"""What may be a token within a text."""
_SHORTEST_SWEPT = 8
"""Characters from which on a secret is searched for in the rest of its request."""
_LONGEST_SWEPT = 4096
_MOST_SWEPT = 64

Known = Callable[[str], bool]
"""Whether a text is a token."""
Secret = str | int | float | Number
Show = Callable[[Secret, str], str]
"""Returns what is shown in place of a secret. The second argument is the name of its field; empty if it has none."""


def mark(_secret: Secret, _name: str) -> str:
    """Show the same mark for all secrets."""
    return REDACTED


class Hide:
    """Hides the secrets of one request and its response; ``show`` returns what replaces each."""

    def __init__(self, entry: Entry, known: Known, show: Show = mark, *, shortest: int = 0) -> None:
        """``shortest`` is the number of characters of a request's token from which on it is hidden in other fields."""
        endpoint = entry.trace.endpoint
        first = endpoint.partition("/")[0].partition("[")[0]
        vault = entry.service == "vault"
        self._known, self._show = known, show
        self._sent = entry.token if len(entry.token) >= shortest else ""
        self._secrets: dict[str, None] = {}
        """Values hidden so far, which may occur elsewhere in the request too."""
        self._remember(entry.token)
        self._names = {*_NAMES} if vault else {*_NAMES} - _ADMIN
        if first in _KEYS:
            self._names.add("keys")
        if entry.mount.endswith("auth/token/"):
            self._names.add("id")
        if first == "login":
            self._names |= _IN_LOGINS
        if "/import" in endpoint:
            # A key under a key that the server can unwrap.
            self._names.add("ciphertext")
        if first == "raw":
            self._names.add("value")
        self._holds = vault and first in ("data", "{path:all}") and entry.operation not in ("list", "scan")
        """It reads or writes the data of a secret."""
        self._second = first == "data"
        self.anything = vault and (not endpoint or endpoint in _WRAPPED or (self._holds and not self._second))
        """Request and response may have secrets of any form."""

    # -- secrets by name and endpoint ----------------------------------------------------------------------------

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
        if self.anything or not isinstance(value, dict):
            return self.every(value)
        if self._holds:
            # Fields of a secret that someone forgot to put into ``data`` are secrets, too.
            return {
                name: self._named(name, item) if name == "options" else self.every(item, "" if name == "data" else name)
                for name, item in value.items()
            }
        return self._walk(value)

    def answer(self, value: object) -> object:
        """Return the JSON of the answer."""
        if self.anything and not (isinstance(value, dict) and _ENVELOPE & value.keys()):
            return self.every(value)
        if not isinstance(value, dict) or not isinstance(value.get("data"), dict):
            return self._walk(value)
        rest = {name: self._named(name, item) for name, item in value.items()}
        data = rest["data"]
        if self.anything:
            rest["data"] = self.every(value["data"])
        elif self._holds and isinstance(data, dict) and "data" in value["data"]:
            rest["data"] = {**data, "data": self.every(value["data"]["data"])}
        return rest

    def _walk(self, value: object) -> object:
        if isinstance(value, dict):
            return {name: self._named(name, item) for name, item in value.items()}
        return [self._walk(item) for item in value] if isinstance(value, list) else value

    def _named(self, name: str, value: object) -> object:
        plain = plain_name(name)
        hidden = plain in self._names or is_secret_name(plain)
        # A mapping under such a name is not itself a secret, except for these names, but its members may be.
        if hidden and (plain in _WHOLE or not isinstance(value, dict)):
            return self.every(value, name, remember=True)
        return self._walk(value)

    def every(self, value: object, name: str = "", *, remember: bool = False) -> object:
        """Return the same shape without any value in it; ``name`` is that of its field."""
        if isinstance(value, dict):
            return {
                key: self.every(item, name if key.isdigit() else key, remember=remember or is_secret_name(key))
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.every(item, name, remember=remember) for item in value]
        if remember and isinstance(value, str):
            self._remember(value)
        if isinstance(value, bool) or value in ("", 0) or not isinstance(value, Secret):
            return value
        return self._show(value, name)

    def _remember(self, secret: str) -> None:
        if _SHORTEST_SWEPT <= len(secret) <= _LONGEST_SWEPT and len(self._secrets) < _MOST_SWEPT:
            self._secrets[secret] = None

    # -- secrets by form --------------------------------------------------------------------------

    def texts(self, value: object) -> object:
        """Return JSON with the secrets within its texts replaced."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {TOKEN_FORM.sub(self._token, name): self.texts(item) for name, item in value.items()}
        return [self.texts(item) for item in value] if isinstance(value, list) else value

    def text(self, text: str) -> str:
        """Return a text with the secrets in it replaced."""
        if text and (text == self._sent or self._known(text)):
            return self._show(text, "")
        text = _WORD.sub(lambda found: self._show(found[0], "") if self._known(found[0]) else found[0], text)
        text = _FORMS.sub(self._form, text)
        return self.sweep(TOKEN_FORM.sub(self._token, text))

    def _token(self, found: re.Match[str]) -> str:
        return self._show(found[0], "")

    def _form(self, found: re.Match[str]) -> str:
        name = found[1] or ""
        return name + self._show(found[0][len(name) :], name[:-1])

    def sweep(self, text: str) -> str:
        """Return a text without the secrets that other parts of the request hold."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, self._show(secret, ""))
        return text

    def page(self, body: bytes) -> bytes:
        """Return an error page with the secrets in it replaced."""
        text = body[:PARSED].decode(errors="surrogateescape")
        return self.text(text).encode(errors="surrogateescape")


def _password(credentials: str) -> str:
    """Return the password of basic credentials; empty if they are not such."""
    try:
        return b64decode(credentials).decode().partition(":")[2]
    except ValueError:
        return ""
