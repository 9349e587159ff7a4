"""Placeholders of secrets in recordings: ``(mockkms:token:1)`` for the first secret, a token.

A placeholder reveals only the form of the secret, which the recording describes once. Replays use a value of the same
form in its place, so that clients can process it. Base64 stays base64, and of the same length if that is the length
of a key; a UUID stays a UUID, a number a number of as many digits, a private key a (made-up) private key of its type.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from mockkms.recording import private_keys
from mockkms.vault.golang.number import Number
from mockkms.world.journal.hiding import Secret

PLACEHOLDER = re.compile(r"\(mockkms:[a-z0-9]{1,16}:[0-9]{1,9}\)")
FORMS = ("token", "jwt", "uuid", "base64", "hex", "pem", "base32", "time", "number", "digits", "text")
_VAULT_TOKEN = re.compile(r"(hv[sbr]\.|[sbr]\.)[A-Za-z0-9_-]{20,}(\.\w{1,16})?")
_JWT = re.compile(r"eyJ[\w-]{5,}\.[\w-]+\.[\w-]*")
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)")
"""An RFC 3339 time: often among the data of secrets."""
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEX = re.compile(r"(?:[0-9a-f]{2}){8,}")
_BASE32 = re.compile(r"[A-Z2-7]{16,}={0,6}")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_SHORTEST_BASE64 = 16
"""Characters from which on a text that may be base64 is taken for it under any name."""
_BASE64_NAMES = frozenset((
    "backup", "barcode", "input", "keys_base64", "plaintext", "random_bytes", "recovery_keys_base64",
))  # fmt: skip
_UNPADDED = frozenset(("encoded_root_token", "encoded_token"))
_KEY_NAMES = frozenset(("backup", "ciphertext", "hmac_key", "key", "keys", "private_key", "random_bytes"))
"""Fields whose values are keys, the length of which is kept whatever it is."""
_KEY_SIZES = frozenset((16, 24, 32, 33, 48, 64, 96, 128, 256, 512))
"""Bytes of key material: only such a length is kept."""
_LONGEST = 8192
_FAR = 4102444800
"""Expiry of made-up JWTs: the year 2100."""


@dataclass(frozen=True)
class Form:
    """The form of a secret, as far as recordings reveal it."""

    kind: str
    """One of ``FORMS``."""
    start: str = ""
    """Of a token its first characters, ``hvs.``; of a private key the label of the PEM block."""
    end: str = ""
    """Of a token the suffix that names its namespace; of a private key its type; of base64 ``unpadded``."""
    size: int = 0
    """Characters of a token or base32, digits of a number, bytes of key material in base64 or hex; 0: any."""

    def data(self) -> dict[str, object]:
        """Return its description in a recording."""
        return {name: value for name, value in vars(self).items() if value}


def form_of(secret: Secret, name: str) -> Form:
    """Return the form of a secret; ``name`` is that of its field."""
    if isinstance(secret, str) and name.lower().endswith("password"):
        return Form("text")
    if not isinstance(secret, str):
        digits = str(secret).lstrip("-")
        return Form("number", "" if digits.isdigit() else "float", size=min(len(digits.partition(".")[0]), 15))
    token = _VAULT_TOKEN.fullmatch(secret)
    if token is not None:
        return Form("token", token[1], token[2] or "", min(len(secret), _LONGEST))
    if _JWT.fullmatch(secret):
        return Form("jwt")
    if _UUID.fullmatch(secret):
        return Form("uuid")
    if TIME.fullmatch(secret):
        return Form("time")
    label = private_keys.label(secret)
    if label:
        return Form("pem", label, private_keys.kind(secret))
    if _BASE32.fullmatch(secret):
        return Form("base32", size=min(len(secret.rstrip("=")), 1024))
    if secret.isdecimal() and secret.isascii():
        return Form("digits", size=min(len(secret), 64))
    if _HEX.fullmatch(secret):
        return Form("hex", size=_size(len(secret) // 2, name))
    if name in _UNPADDED and _BASE64.fullmatch(secret + "=" * (-len(secret) % 4)):
        return Form("base64", end="unpadded", size=len(secret) * 3 // 4)
    if (len(secret) >= _SHORTEST_BASE64 or name in _BASE64_NAMES) and _BASE64.fullmatch(secret):
        return Form("base64", size=_size(_decoded_size(secret), name))
    return Form("text")


def _size(size: int, name: str) -> int:
    """Return a length in bytes if it is the usual one of a key, which reveals nothing; else 0."""
    return size if size in _KEY_SIZES or (name in _KEY_NAMES and size <= _LONGEST) else 0


def _decoded_size(text: str) -> int:
    try:
        return len(base64.b64decode(text, validate=True))
    except Base64Error:
        return 0


def placeholder(form: Form, number: int) -> str:
    """Return the placeholder of the secret of this number."""
    return f"(mockkms:{form.kind}:{number})"


def usable(form: Form, number: int) -> str | int | Number:
    """Return a value of the form of a secret, always the same for its number, that clients can use in its place."""
    if form.kind == "number":
        least = 10 ** max(form.size - 1, 0)
        whole = least + number % (9 * least)
        return Number(f"{whole}.5") if form.start == "float" else whole
    return _TEXTS.get(form.kind, _text)(form, number)


def _bytes(number: int, size: int) -> bytes:
    """Return reproducible bytes: key material for tests, or a readable text if the length does not matter."""
    if not size:
        return f"mockkms-redacted-{number}".encode()
    return hashlib.shake_256(b"mockkms placeholder %d" % number).digest(size)


def _token(form: Form, number: int) -> str:
    body = f"{form.start}mockkms-redacted-{number:06d}-"
    return body.ljust(form.size - len(form.end), "0") + form.end


def _jwt(_form: Form, number: int) -> str:
    parts = (
        {"alg": "RS256", "typ": "JWT"},
        {"sub": f"mockkms-redacted-{number}", "exp": _FAR, "iat": 0, "iss": "mockkms"},
    )
    raw = (*(json.dumps(part, separators=(",", ":")).encode() for part in parts), _bytes(number, 256))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in raw)


def _base64(form: Form, number: int) -> str:
    text = base64.b64encode(_bytes(number, form.size)).decode()
    return text.rstrip("=") if form.end else text


def _text(_form: Form, number: int) -> str:
    return f"mockkms-redacted-{number}"


_TEXTS: dict[str, Callable[[Form, int], str]] = {
    "token": _token,
    "jwt": _jwt,
    "uuid": lambda _form, number: str(UUID(bytes=_bytes(number, 16), version=4)),
    "base64": _base64,
    "time": lambda _form, number: f"2001-01-01T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z",
    "hex": lambda form, number: _bytes(number, form.size).hex(),
    "pem": lambda form, number: private_keys.made_up(form.start, form.end, _bytes(number, 32)),
    "base32": lambda form, number: base64.b32encode(_bytes(number, form.size)).decode()[: form.size],
    "digits": lambda form, number: str(number).zfill(form.size)[-form.size :] if form.size else str(number),
}


def read_form(data: Mapping[str, object]) -> Form:
    """Return the form that a recording describes. Raises ValueError."""
    kind, start, end, size = (data.get(name, "") for name in ("kind", "start", "end", "size"))
    whole = size if isinstance(size, int) and 0 <= size <= _LONGEST else 0
    if kind not in FORMS or not isinstance(start, str) or not isinstance(end, str):
        raise ValueError(f"kind is {kind!r}; expected one of {', '.join(FORMS)}")
    return Form(str(kind), start, end, whole)
