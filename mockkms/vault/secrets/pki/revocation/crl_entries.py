"""Parsing entries and extensions of a revocation list for ``sign-revocation-list``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mockkms.crypto.encoding import b64, der_write
from mockkms.crypto.x509.build import Extension, Listed
from mockkms.error_context import error_context
from mockkms.vault.framework.fields import Kind, convert
from mockkms.vault.golang.duration import parse_moment
from mockkms.vault.golang.fmt import quote, shown, unhex

T = TypeVar("T")

_RESERVED = {
    "2.5.29.35": "authority key object identifier",
    "2.5.29.20": "crl number object identifier",
    "2.5.29.27": "delta crl object identifier",
}
_ZERO_TIME = -62135596800.0
"""Go's zero time, the start of the year 1, in seconds since the epoch."""


def entries(given: list[object]) -> list[Listed]:
    """Return the revoked certificates; only objects count. Raises ValueError with the server's text."""
    found = []
    for at, item in enumerate(given):
        if not isinstance(item, dict):
            continue
        found.append(
            Listed(
                _part(item, at, "serial_number", _serial),
                _part(item, at, "revocation_time", _time),
                _part(item, at, "extensions", _extensions),
            )
        )
    return found


def _part(item: dict[str, object], at: int, name: str, read: Callable[[dict[str, object]], T]) -> T:
    with error_context(f"failed parsing {name} from entry {at}: "):
        return read(item)


def extensions(given: list[object]) -> list[Extension]:
    """Return extensions of the list or of an entry. Raises ValueError with the server's text."""
    found: dict[str, Extension] = {}
    for at, item in enumerate(given):
        if not isinstance(item, dict):
            raise ValueError(f"extension entry {at} not a map")
        with error_context(f"failed parsing extension entry {at}: "):
            extension = _extension(item)
        if extension.oid in found:
            raise ValueError(f"duplicate extension id: {extension.oid}")
        found[extension.oid] = extension
    return list(found.values())


def _text(item: dict[str, object], name: str) -> str:
    with error_context(f"'{name}' field value was not a string: "):
        return str(convert(Kind.STRING, item[name])[1])


def _serial(item: dict[str, object]) -> int:
    if "serial_number" not in item:
        raise ValueError("missing 'serial_number' field")
    text = _text(item, "serial_number")
    for separator in ":.- ":
        text = text.replace(separator, "")
    with error_context("'serial_number' failed converting to bytes: "):
        return int.from_bytes(unhex(text), "big")


def _time(item: dict[str, object]) -> float:
    if "revocation_time" not in item:
        raise ValueError("missing 'revocation_time' field")
    value = item["revocation_time"]
    if value is None:
        return _ZERO_TIME
    with error_context(f"failed parsing time {shown(value)}: "):
        return parse_moment(value)


def _extensions(item: dict[str, object]) -> list[Extension]:
    given = item.get("extensions")
    if given is None or given == "":
        return []
    if not isinstance(given, list):
        raise ValueError("'extensions' field did not contain a slice")
    return extensions(given)


def _extension(item: dict[str, object]) -> Extension:
    number = _oid(item)
    if number in _RESERVED:
        raise ValueError(f"{_RESERVED[number]} ({number}) is reserved")
    critical = False
    if item.get("critical") not in (None, ""):
        with error_context("critical field value failed to be parsed: "):
            critical = bool(convert(Kind.BOOL, item["critical"])[1])
    if "value" not in item:
        raise ValueError("missing 'value' field")
    text = _text(item, "value")
    with error_context("failed base64 decoding 'value' field: "):
        value = b64.decode(text)
    return Extension(number, value, critical)


def _oid(item: dict[str, object]) -> str:
    if "id" not in item:
        raise ValueError("missing id field")
    text = _text(item, "id")
    if not text:
        raise ValueError("zero length object identifier")
    arcs: list[int] = []
    for at, part in enumerate(text.split(".")):
        with error_context(f"failed parsing asn1 index element {at} value {part}: "):
            arcs += der_write.parse_oid(part, quote)
    return ".".join(map(str, arcs))
