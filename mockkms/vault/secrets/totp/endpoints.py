"""Endpoints of TOTP: keys, codes, and the check of codes."""

from __future__ import annotations

import base64
import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from mockkms.crypto import totp
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response
from mockkms.vault.framework.pages import PAGE, page
from mockkms.vault.golang.duration import go_duration
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.totp.model import TOTP, Key, engine

_BASE32 = re.compile(r"[A-Z2-7]*")


_NAME = {"name": Field(Kind.STRING, help="Name of the key.")}
_FIELDS = {
    **_NAME,
    "generate": Field(Kind.BOOL, help="Make a key."),
    "exported": Field(Kind.BOOL, default=True, help="Show a key that is made, this once."),
    "key_size": Field(Kind.INT, default=20, help="Size of a key that is made, bytes."),
    "key": Field(Kind.STRING, help="The key in base32."),
    "issuer": Field(Kind.STRING, help="Who gives the account."),
    "account_name": Field(Kind.STRING, help="Name of the account."),
    "period": Field(Kind.SECONDS, default=30, help="How long a code lasts."),
    "algorithm": Field(Kind.STRING, default="SHA1", help="SHA1, SHA256 or SHA512."),
    "digits": Field(Kind.INT, default=6, help="6 or 8."),
    "skew": Field(Kind.INT, default=1, help="Periods by which a code may be early or late, 0 or 1."),
    "qr_size": Field(Kind.INT, default=200, help="Size of the QR code, pixels; 0 makes none."),
    "url": Field(Kind.STRING, help="An otpauth URL in place of the rest."),
}
listing = engine.path("keys[/]", PAGE, help="Names of the keys.")
one = engine.path("keys/{name:at}", _FIELDS, help="A key.")
codes = engine.path(
    "code/{name:at}",
    {
        **_NAME,
        "code": Field(Kind.STRING, help="A code to check."),
        "generated": Field(Kind.INT64, help="Returned by reads; ignored in writes.", needs=Feature.TOTP_DETAILS),
        "expire_time": Field(Kind.INT64, help="Returned by reads; ignored in writes.", needs=Feature.TOTP_DETAILS),
        "period": Field(Kind.STRING, help="Returned by reads; ignored in writes.", needs=Feature.TOTP_DETAILS),
    },
    help="A code, or the check of one.",
)


@listing.on(Operation.LIST)
def list_keys(state: TOTP, call: Call) -> dict[str, Any]:
    """The names, sorted."""
    return {"keys": page(sorted(state.keys), call["after"], call["limit"])}


@one.on(Operation.READ)
def read(state: TOTP, call: Call) -> dict[str, Any] | None:
    """The settings of a key, never the key."""
    key = state.keys.get(call["name"])
    return None if key is None else {"account_name": key.account_name, "issuer": key.issuer, **key.settings}


@one.on(Operation.DELETE)
def delete(state: TOTP, call: Call) -> None:
    """Delete; nothing happens where there is none."""
    state.keys.pop(call["name"], None)


@one.on(Operation.UPDATE)
def write(state: TOTP, call: Call) -> dict[str, Any] | None:
    """Make a key or take one. Raises ErrorResponse and BackendError."""
    if call["generate"]:
        for name, article in (("key", "a key"), ("url", "a url")):
            if call[name]:
                raise ErrorResponse(f"{article} should not be passed if generate is true")
    names = ("key", "issuer", "account_name", "period", "algorithm", "digits")
    given = {name: call[name] for name in names}
    if call["url"]:
        given |= _of_url(call["url"])
    key = Key(**given, skew=call["skew"])
    _check(call, key)
    shown = None
    if call["generate"]:
        shown = _generated(call, key)
    else:
        _take(key)
    state.keys[call["name"]] = key
    return shown


def _of_url(text: str) -> dict[str, Any]:
    """What an otpauth URL says. Raises ErrorResponse."""
    try:
        parts = urlsplit(text)
        query = parse_qs(parts.query, keep_blank_values=True)
    except ValueError:
        raise ErrorResponse("an error occurred while parsing url string") from None
    issuer, colon, account = unquote(parts.path).removeprefix("/").partition(":")
    found: dict[str, Any] = {"account_name": account if colon else issuer, "key": query.get("secret", [""])[0]}
    if colon or query.get("issuer", [""])[0]:
        found["issuer"] = query.get("issuer", [""])[0] or issuer
    for name in ("period", "digits"):
        number = query.get(name, [""])[0]
        if number:
            if re.fullmatch(r"[+-]?\d{1,18}", number, re.ASCII) is None:
                raise ErrorResponse(f"an error occurred while parsing {name} value in url")
            found[name] = int(number)
    if query.get("algorithm", [""])[0]:
        found["algorithm"] = query["algorithm"][0]
    return found


def _check(call: Call, key: Key) -> None:
    checks = (
        (key.digits not in (6, 8), "the digits value can only be 6 or 8"),
        (key.algorithm not in totp.ALGORITHMS, "the algorithm value is not valid"),
        (key.period <= 0, "the period value must be greater than zero"),
        (key.skew not in (0, 1), "the skew value must be 0 or 1"),
        (call["qr_size"] < 0, "the qr_size value must be greater than or equal to zero"),
        (call["key_size"] <= 0, "the key_size value must be greater than zero"),
    )
    for wrong, text in checks:
        if wrong:
            raise ErrorResponse(text)


def _generated(call: Call, key: Key) -> dict[str, Any] | None:
    for name in ("account_name", "issuer"):
        if not getattr(key, name):
            raise ErrorResponse(f"the {name} value is required for generated keys")
    key.key = totp.encoded(call.core.entropy.bytes(call["key_size"]))
    if not call["exported"]:
        return None
    url = totp.url(key.key, key.issuer, key.account_name, **key.settings)
    if not call["qr_size"]:
        return {"url": url}
    try:
        picture = totp.picture(url, call["qr_size"])
    except ValueError as error:
        raise BackendError(f"failed to generate QR code image: {error}") from None
    return {"barcode": base64.b64encode(picture).decode(), "url": url}


def _take(key: Key) -> None:
    if not key.key:
        raise ErrorResponse("the key value is required")
    key.key += "=" * (-len(key.key) % 8)
    bare = key.key.upper().rstrip("=")
    read = _BASE32.match(bare)
    sound = read.end() if read else 0
    if sound < len(bare) or len(bare) % 8 in (1, 3, 6):
        raise ErrorResponse(f"invalid key value: illegal base32 data at input byte {sound}")


@codes.on(Operation.READ)
def make_code(state: TOTP, call: Call) -> dict[str, Any]:
    """The code of this moment. Raises ErrorResponse."""
    key = _key(state, call)
    now = int(call.now())
    code = {"code": totp.code(key.secret, now, **key.settings)}
    if not call.core.product.has(Feature.TOTP_DETAILS):
        return code
    end = (now // key.period + 1) * key.period
    return {**code, "expire_time": end, "generated": now, "period": go_duration(key.period)}


@codes.on(Operation.UPDATE)
def check_code(state: TOTP, call: Call) -> Response:
    """Whether a code is right; each is taken once. Raises ErrorResponse."""
    key, code = _asked_code(state, call)
    now = call.now()
    state.used = {place: until for place, until in state.used.items() if until > now}
    if (call["name"], code) in state.used:
        raise ErrorResponse("code already used; wait until the next time period")
    right = totp.valid(code, key.secret, now, skew=key.skew, **key.settings)
    state.used[call["name"], code] = now + key.period * (2 + key.skew)
    return Response(data={"valid": right})


def _asked_code(state: TOTP, call: Call) -> tuple[Key, str]:
    """Return the key and the code to check. Raises ErrorResponse.

    OpenBao refuses codes with blanks around them or of another length; Vault takes the blanks away, and such a code is
    a wrong one.
    """
    code: str = call["code"]
    if not call.core.product.has(Feature.TOTP_DETAILS):
        code = code.strip()
        if not code:
            raise ErrorResponse("the code value is required")
        return _key(state, call), code
    key = _key(state, call)
    if not code:
        raise ErrorResponse("the code value is required")
    if code.strip() != code or len(code.encode()) != key.digits:
        raise ErrorResponse("invalid number of digits for the code")
    return key, code


def _key(state: TOTP, call: Call) -> Key:
    key = state.keys.get(call["name"])
    if key is None:
        raise ErrorResponse(f"unknown key: {call['name']}")
    return key
