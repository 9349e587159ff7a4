"""LDAP search filters: from text (RFC 4515) to the form on the wire."""

from __future__ import annotations

import re

from mockkms.outside import ber

_SETS = {"&": 0xA0, "|": 0xA1}
_COMPARED = {">=": 0xA5, "<=": 0xA6, "~=": 0xA8, "=": 0xA3}
_ITEM = re.compile(r"([^=<>~:()]*)((?::[^=()]*)?:=|>=|<=|~=|=)(.*)", re.DOTALL)


def escaped(text: str) -> str:
    """Return a value escaped for a filter."""
    special = set("\\*()\0")
    return "".join(
        letter if letter.isascii() and letter not in special else "".join(f"\\{byte:02x}" for byte in letter.encode())
        for letter in text
    )


def encoded(text: str) -> bytes:
    """Return the filter in BER. Raises ValueError for an invalid one."""
    data, place = _filter(text, 0)
    if place != len(text):
        raise ValueError("finished compiling filter with extra at end")
    return data


def _filter(text: str, place: int) -> tuple[bytes, int]:
    if text[place : place + 1] != "(":
        raise ValueError("filter does not start with an '('")
    place += 1
    kind = text[place : place + 1]
    if kind in ("&", "|", "!"):
        parts, place = [], place + 1
        while text[place : place + 1] == "(":
            part, place = _filter(text, place)
            parts.append(part)
        if kind == "!" and len(parts) != 1:
            raise ValueError("a negation holds one filter")
        data = ber.tlv(_SETS.get(kind, 0xA2), *parts)
    else:
        end = text.find(")", place)
        if end < 0:
            raise ValueError("unexpected end of filter")
        data, place = _item(text[place:end]), end
    if text[place : place + 1] != ")":
        raise ValueError("unexpected end of filter")
    return data, place + 1


def _item(text: str) -> bytes:
    found = _ITEM.fullmatch(text)
    if found is None:
        raise ValueError("error parsing filter")
    name, sign, value = found[1].strip(), found[2], found[3]
    if sign.endswith(":="):
        return _extensible(name, sign[:-2].strip(":"), value)
    if sign == "=" and value == "*":
        return ber.text(name, 0x87)
    if sign == "=" and "*" in value:
        first, *middle, last = value.split("*")
        parts = [ber.text(_plain(first), 0x80)] if first else []
        parts += [ber.text(_plain(part), 0x81) for part in middle if part]
        parts += [ber.text(_plain(last), 0x82)] if last else []
        return ber.tlv(0xA4, ber.text(name), ber.tlv(ber.SEQUENCE, *parts))
    return ber.tlv(_COMPARED[sign], ber.text(name), ber.text(_plain(value)))


def _extensible(name: str, rest: str, value: str) -> bytes:
    words = [word for word in rest.split(":") if word]
    by_dn = "dn" in words
    rule = next((word for word in words if word != "dn"), "")
    parts = [ber.text(rule, 0x81)] if rule else []
    parts += [ber.text(name, 0x82)] if name else []
    return ber.tlv(0xA9, *parts, ber.text(_plain(value), 0x83), *([ber.tlv(0x84, b"\xff")] if by_dn else []))


def _plain(value: str) -> bytes:
    return re.sub(rb"\\([0-9a-fA-F]{2})", lambda found: bytes.fromhex(found[1].decode()), value.encode())
