"""What Go's ``netip.ParseAddr`` says of texts that are not IP addresses."""

from __future__ import annotations

import re
from typing import Final

from mockkms.quoting import quote

_HEX: Final = re.compile(r"[0-9a-fA-F]*")
_GROUPS: Final = 8
"""Groups of an IPv6 address; an IPv4 address at its end takes two."""


class _AddressFault(Exception):
    def __init__(self, text: str, rest: str = "") -> None:
        """``rest`` is the part of the address that was not read."""
        super().__init__(f"{text} (at {quote(rest)})" if rest else text)


def address_fault(text: str) -> str:
    """Return the error of ``netip.ParseAddr`` for a text; empty for an IPv4 or IPv6 address, which may have a zone."""
    kind = re.search(r"[.:%]", text)
    try:
        if kind is None:
            raise _AddressFault("unable to parse IP")
        if kind[0] == "%":
            raise _AddressFault("missing IPv6 address")
        if kind[0] == ".":
            _check_ipv4(text)
        else:
            _check_ipv6(text)
    except _AddressFault as fault:
        return f"ParseAddr({quote(text)}): {fault}"
    return ""


def _check_ipv4(text: str) -> None:
    digits, dots = "", 0
    for at, letter in enumerate(text):
        if letter in "0123456789":
            if digits == "0":
                raise _AddressFault("IPv4 field has octet with leading zero")
            digits += letter
            if int(digits) > 255:
                raise _AddressFault("IPv4 field has value >255")
        elif letter != ".":
            raise _AddressFault("unexpected character", text[at:])
        elif not digits or at == len(text) - 1:
            raise _AddressFault("IPv4 field must have at least one digit", text[at:])
        elif dots == 3:
            raise _AddressFault("IPv4 address too long")
        else:
            digits, dots = "", dots + 1
    if dots < 3:
        raise _AddressFault("IPv4 address too short")


def _check_ipv6(text: str) -> None:
    rest, percent, zone = text.partition("%")
    if percent and not zone:
        raise _AddressFault("zone must be a non-empty string")
    shortened, groups = rest.startswith("::"), 0
    if shortened:
        rest = rest[2:]
        if not rest:
            return
    while groups < _GROUPS:
        digits = _HEX.match(rest)[0]  # type: ignore[index]  # It matches an empty text.
        if len(digits) > 4:
            raise _AddressFault("each group must have 4 or less digits", rest)
        if not digits:
            raise _AddressFault("each colon-separated field must have at least one digit", rest)
        if rest[len(digits) :].startswith("."):
            _check_embedded(rest, groups, shortened=shortened)
            rest, groups = "", groups + 2
            break
        groups += 1
        rest = _after_colon(rest[len(digits) :])
        if rest.startswith(":"):
            if shortened:
                raise _AddressFault("multiple :: in address", rest)
            shortened, rest = True, rest[1:]
        if not rest:
            break
    if rest:
        raise _AddressFault("trailing garbage after address", rest)
    if groups < _GROUPS and not shortened:
        raise _AddressFault("address string too short")
    if groups == _GROUPS and shortened:
        raise _AddressFault("the :: must expand to at least one field of zeros")


def _check_embedded(rest: str, groups: int, *, shortened: bool) -> None:
    """Check the IPv4 address that follows a number of groups."""
    if not shortened and groups != _GROUPS - 2:
        raise _AddressFault("embedded IPv4 address must replace the final 2 fields of the address", rest)
    if groups > _GROUPS - 2:
        raise _AddressFault("too many hex fields to fit an embedded IPv4 at the end of the address", rest)
    _check_ipv4(rest)


def _after_colon(rest: str) -> str:
    """Return what follows the colon behind a group; empty at the end of the address."""
    if not rest:
        return ""
    if rest[0] != ":":
        raise _AddressFault("unexpected character, want colon", rest)
    if len(rest) == 1:
        raise _AddressFault("colon must be followed by more characters", rest)
    return rest[1:]
