"""The TOTP secrets engine: keys of second factors, their codes, and the check of codes (RFC 6238)."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import unquote

from mockkms.crypto import totp
from mockkms.go_urls import parse_url, path_in_go
from mockkms.vault.framework.agenda import drop_expired
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, refusing
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.golang.addresses import first_values
from mockkms.vault.golang.duration import go_duration
from mockkms.vault.golang.fmt import quote
from mockkms.vault.kernel.record_section import named, record_section
from mockkms.vault.products.features import Feature
from mockkms.world.stored import stored

_BASE32 = re.compile(r"[A-Z2-7]*")


@stored("totp.TotpKey")
@dataclass
class TotpKey(Record):
    """One key."""

    key: Annotated[str, param(Kind.STRING, help="Key in base32.", show=Show.NEVER)] = ""
    """As it was given, padded."""
    issuer: Annotated[str, param(Kind.STRING, help="Issuer of the account.")] = ""
    account_name: Annotated[str, param(Kind.STRING, help="Name of the account.")] = ""
    period: Annotated[int, param(Kind.SECONDS, help="Lifetime of a code in seconds.")] = 30
    algorithm: Annotated[str, param(Kind.STRING, help="SHA1, SHA256 or SHA512.")] = "SHA1"
    digits: Annotated[int, param(Kind.INT, help="Digits of a code: 6 or 8.")] = 6
    skew: Annotated[
        int, param(Kind.INT, help="Periods by which a code may be early or late: 0 or 1.", show=Show.NEVER)
    ] = 1

    @property
    def settings(self) -> totp.Settings:
        """The settings that determine a code."""
        return {"period": self.period, "digits": self.digits, "algorithm": self.algorithm}

    @property
    def secret(self) -> str:
        """The key in base32 without padding."""
        return self.key.upper().replace("\r", "").replace("\n", "").rstrip("=")


@stored("totp.TOTP")
@dataclass
class TOTP:
    """The state of a mount."""

    keys: dict[str, TotpKey] = field(default_factory=dict)
    used: dict[tuple[str, str], float] = field(default_factory=dict)
    """Codes that were checked, by key name and code, and until when (Unix seconds) they are refused."""


# The QR code of a new key takes up to seconds.
engine = Engine(
    "totp", kind="secret", new_state=TOTP, help="Keys of second factors, and their codes.", slow={"keys/": 1}
)
keys: Collection[TOTP, TotpKey] = Collection(
    engine,
    "keys/{name:at}",
    TotpKey,
    lambda state: state.keys,
    help="A key.",
    list_help="Names of the keys.",
    name=Field(Kind.STRING, help="Name of the key."),
    extra={
        "generate": Field(Kind.BOOL, help="Generate the key."),
        "exported": Field(Kind.BOOL, default=True, help="Return the generated key, this once."),
        "key_size": Field(Kind.INT, default=20, help="Size of a generated key in bytes."),
        "qr_size": Field(Kind.INT, default=200, help="Size of the QR code in pixels; 0: no QR code."),
        "url": Field(Kind.STRING, help="An otpauth URL in place of the other parameters."),
    },
    empty_list=True,
    existence=False,
)
codes = engine.path(
    "code/{name:at}",
    {
        "name": Field(Kind.STRING, help="Name of the key."),
        "code": Field(Kind.STRING, help="A code to check."),
        "generated": Field(Kind.INT64, help="Returned by reads; ignored in writes.", needs=Feature.TOTP_DETAILS),
        "expire_time": Field(Kind.INT64, help="Returned by reads; ignored in writes.", needs=Feature.TOTP_DETAILS),
        "period": Field(Kind.STRING, help="Returned by reads; ignored in writes.", needs=Feature.TOTP_DETAILS),
    },
    help="Make a code, or check one.",
)


@keys.one.on(Operation.UPDATE)
def write(
    state: TOTP,
    call: Call,
    *,
    name: str,
    generate: bool,
    exported: bool,
    key_size: int,
    qr_size: int,
    key: str,
    url: str,
) -> Reply:
    """Create or replace a key, generated or given. Raises ErrorResponse and BackendError."""
    if generate and key:
        raise ErrorResponse("a key should not be passed if generate is true")
    if generate and url:
        raise ErrorResponse("a url should not be passed if generate is true")
    made = TotpKey.from_call(call)
    if url:
        _read_url(made, url)
    _check(made, qr_size, key_size)
    shown = None
    if generate:
        for word in ("account_name", "issuer"):
            if not getattr(made, word):
                raise ErrorResponse(f"the {word} value is required for generated keys")
        made.key = totp.encoded(call.core.entropy.bytes(key_size))
        shown = _exported(made, qr_size) if exported else None
    else:
        _pad(made)
    state.keys[name] = made
    return shown


def _read_url(key: TotpKey, url: str) -> None:
    """Set the parameters of an otpauth URL. Raises ErrorResponse."""
    try:
        parts = parse_url(url)
    except ValueError:
        raise ErrorResponse("an error occurred while parsing url string") from None
    first = {name: value for name, value in first_values(parts.query).items() if value}
    issuer, colon, account = unquote(path_in_go(parts)).removeprefix("/").partition(":")
    key.account_name, key.key = account if colon else issuer, first.get("secret", "")
    if colon or "issuer" in first:
        key.issuer = first.get("issuer", issuer)
    for name in ("period", "digits"):
        if name in first:
            if re.fullmatch(r"[+-]?\d{1,18}", first[name], re.ASCII) is None:
                raise ErrorResponse(f"an error occurred while parsing {name} value in url")
            setattr(key, name, int(first[name]))
    key.algorithm = first.get("algorithm", key.algorithm)


def _check(key: TotpKey, qr_size: int, key_size: int) -> None:
    checks = (
        (key.digits not in (6, 8), "the digits value can only be 6 or 8"),
        (key.algorithm not in totp.ALGORITHMS, "the algorithm value is not valid"),
        (key.period <= 0, "the period value must be greater than zero"),
        (key.skew not in (0, 1), "the skew value must be 0 or 1"),
        (qr_size < 0, "the qr_size value must be greater than or equal to zero"),
        (key_size <= 0, "the key_size value must be greater than zero"),
        (key_size > totp.LARGEST_KEY, f"mockkms generates no keys of more than {totp.LARGEST_KEY} bytes"),
    )
    for wrong, text in checks:
        if wrong:
            raise ErrorResponse(text)


def _exported(key: TotpKey, qr_size: int) -> dict[str, object]:
    """Return a generated key as a URL and, unless ``qr_size`` (pixels) is 0, as a QR code. Raises BackendError."""
    url = totp.url(key.key, key.issuer, key.account_name, **key.settings)
    if not qr_size:
        return {"url": url}
    failed = "failed to generate QR code image: "
    too_long = f"{failed}No encoding found to encode {quote(url)}"
    with refusing(failed, BackendError), refusing(error=BackendError, of=OverflowError, text=too_long):
        picture = totp.picture(url, qr_size)
    return {"barcode": base64.b64encode(picture).decode(), "url": url}


def _pad(key: TotpKey) -> None:
    """Complete the padding of a key that was given. Raises ErrorResponse unless it is base32."""
    if not key.key:
        raise ErrorResponse("the key value is required")
    key.key += "=" * (-len(key.key.encode()) % 8)
    # Go ignores line breaks, and does not count them in the positions of errors.
    text = key.key.upper().replace("\r", "").replace("\n", "")
    bare = text.rstrip("=")
    read = _BASE32.match(bare)
    sound = read.end() if read else 0
    padding = len(text.encode()) - len(bare.encode())
    if sound < len(bare) or padding > 7 or len(bare) % 8 in (1, 3, 6) or len(text) % 8:
        raise ErrorResponse(f"invalid key value: illegal base32 data at input byte {sound}")


@codes.on(Operation.READ)
def make_code(state: TOTP, call: Call, *, name: str) -> Reply:
    """Return the current code. Raises ErrorResponse."""
    key = _key(state, name)
    now = int(call.now())
    code: dict[str, object] = {"code": totp.code(key.secret, now, **key.settings)}
    if not call.core.product.has(Feature.TOTP_DETAILS):
        return code
    end = (now // key.period + 1) * key.period
    return {**code, "expire_time": end, "generated": now, "period": go_duration(key.period)}


@codes.on(Operation.UPDATE)
def check_code(state: TOTP, call: Call, *, name: str, code: str) -> Reply:
    """Return whether a code is valid; each is accepted once. Raises ErrorResponse.

    OpenBao refuses codes with blanks around them or of another length; Vault strips blanks, and a code of another
    length is a wrong one.
    """
    strict = call.core.product.has(Feature.TOTP_DETAILS)
    if strict:
        _key(state, name)
    else:
        code = code.strip()
    if not code:
        raise ErrorResponse("the code value is required")
    key = _key(state, name)
    if strict and (code.strip() != code or len(code.encode()) != key.digits):
        raise ErrorResponse("invalid number of digits for the code")
    now = call.now()
    drop_expired(state.used, lambda until: until, now)
    if state.used.get((name, code), 0.0) > now:
        raise ErrorResponse("code already used; wait until the next time period")
    right = totp.valid(code, key.secret, now, skew=key.skew, **key.settings)
    state.used.pop((name, code), None)
    state.used[name, code] = now + key.period * (2 + key.skew)
    return {"valid": right}


def _key(state: TOTP, name: str) -> TotpKey:
    key = state.keys.get(name)
    if key is None:
        raise ErrorResponse(f"unknown key: {name}")
    return key


section = record_section(named("keys", "keys by name", keys, stand_in={"key": "JBSWY3DPEHPK3PXP"}))
