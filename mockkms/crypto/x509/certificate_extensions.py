"""The extensions of a certificate as the parser of Go's ``crypto/x509`` takes them, with its error texts."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Final

from mockkms.crypto import CryptoError
from mockkms.crypto.encoding.der import BITS, INTEGER, OCTETS, OID, DerReader, oid
from mockkms.error_context import error_context
from mockkms.go_urls import parse_fault, parse_url
from mockkms.quoting import quote

_BOOLEAN: Final = 0x01
MAIL, DNS, URI, ADDRESS = 0x81, 0x82, 0x86, 0x87
"""Tags of names."""
SUBJECT_KEY, KEY_USAGE, NAMES, BASIC = "2.5.29.14", "2.5.29.15", "2.5.29.17", "2.5.29.19"
NAME_CONSTRAINTS, POINTS, AUTHORITY_KEY, EXTENDED_USAGES = "2.5.29.30", "2.5.29.31", "2.5.29.35", "2.5.29.37"
INFORMATION = "1.3.6.1.5.5.7.1.1"
"""Extensions; ``NAMES`` are the subject alternative names, ``POINTS`` those of revocation lists."""
_FIRST, _SECOND, _LISTED_FIRST, _LISTED_SECOND = 0x80, 0x81, 0xA0, 0xA1
"""Tags ``[0]`` and ``[1]``, of a value and of a list."""
_MASK_BYTES: Final = frozenset((0x00, 0x80, 0xC0, 0xE0, 0xF0, 0xF8, 0xFC, 0xFE))
_QUOTED: Final = re.compile(
    r'"(?:[\x01-\x08\x0b\x0c\x0e-!#-\[\]-\x7f]|\\[\x01-\x09\x0b\x0c\x0e-\x7f])*"@(.*)', re.DOTALL
)
_PLAIN: Final = re.compile(r"((?:[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.]|\\.)+)@(.*)", re.DOTALL)


def check_extension(number: str, content: bytes, *, critical: bool) -> None:
    """Check the value of an extension; those that Go does not know are right. Raises CryptoError."""
    if critical and number in _NEVER_CRITICAL:
        raise CryptoError(f"x509: {_NEVER_CRITICAL[number]} incorrectly marked critical")
    check = _CHECKS.get(number)
    if check is not None:
        check(DerReader(content))


def _fails(text: str) -> error_context:
    """Return a context whose errors have this text."""
    return error_context("", CryptoError, text=f"x509: {text}")


def _is_next(reader: DerReader, tag: int) -> bool:
    return reader.rest[:1] == bytes([tag])


def _number(content: bytes) -> int:
    """Return the value of an INTEGER of 64 bits. Raises CryptoError."""
    value = DerReader(bytes((INTEGER, len(content))) + content).small() if len(content) <= 8 else None
    if value is None:
        raise CryptoError("")
    return value


def key_usage(value: DerReader) -> int:
    """Return the usages of a key: that with number n as ``1 << n``. Raises CryptoError."""
    with _fails("invalid key usage"):
        bits = value.read(BITS)
        unused, last = (bits[0], bits[-1]) if len(bits) > 1 else (bits[0] if bits else 8, 0xFF)
        if unused > 7 or (unused and last & ((1 << unused) - 1)):
            raise CryptoError("")
        return sum(1 << at for at in range(9) if int.from_bytes(bits[1:3].ljust(2, b"\0"), "big") & 0x8000 >> at)


def basic_constraints(value: DerReader) -> tuple[bool, int | None]:
    """Return whether it is an authority, and the length of paths below it. Raises CryptoError."""
    with _fails("invalid basic constraints"):
        body = value.enter()
        authority = body.read(_BOOLEAN) if _is_next(body, _BOOLEAN) else b"\0"
        length = _number(body.read(INTEGER)) if _is_next(body, INTEGER) else None
        if authority not in (b"\0", b"\xff") or (length or 0) < 0:
            raise CryptoError("")
        return authority == b"\xff", length


def alternative_names(value: DerReader) -> list[tuple[int, bytes]]:
    """Return tag and content of each subject alternative name. Raises CryptoError."""
    found = []
    with _fails("invalid subject alternative names"):
        names = value.enter()
    while names.more:
        with _fails("invalid subject alternative name"):
            tag = _any_tag(names)
            content = names.read(tag)
        _check_name(tag, content)
        found.append((tag, content))
    return found


def _any_tag(reader: DerReader) -> int:
    """Return the tag of the next element, which must have one of one byte. Raises CryptoError."""
    tag = reader.rest[0]
    if tag & 0x1F == 0x1F:
        raise CryptoError("")
    return tag


def _check_name(tag: int, content: bytes) -> None:
    kinds = {MAIL: "rfc822Name", DNS: "dNSName", URI: "uniformResourceIdentifier"}
    if tag in kinds and not content.isascii():
        raise CryptoError(f"x509: SAN {kinds[tag]} is malformed")
    if tag == ADDRESS and len(content) not in (4, 16):
        raise CryptoError(f"x509: cannot parse IP address of length {len(content)}")
    if tag == URI:
        uri = content.decode()
        fault = parse_fault(uri)
        if not fault and not _is_domain(parse_url(uri).netloc.rpartition("@")[2], constraint=False):
            fault = "invalid domain"
        if fault:
            raise CryptoError(f"x509: cannot parse URI {quote(uri)}: {fault}")


def _is_domain(text: str, *, constraint: bool) -> bool:
    labels = (text[1:] if constraint and text[:1] == "." else text).split(".")
    return not text or (all(labels) and all("!" <= letter <= "~" for letter in text))


def name_constraints(value: DerReader) -> tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]]:
    """Return tags and contents of the names that are permitted, and of those that are excluded. Raises CryptoError."""
    permitted: list[tuple[int, bytes]] = []
    excluded: list[tuple[int, bytes]] = []
    malformed = "invalid NameConstraints extension"
    with _fails(malformed):
        body = value.enter()
        subtrees = [body.read(tag) if _is_next(body, tag) else b"" for tag in (_LISTED_FIRST, _LISTED_SECOND)]
        if value.more or body.more:
            raise CryptoError("")
    if not any(subtrees):
        raise CryptoError("x509: empty name constraints extension")
    for found, listed in zip((permitted, excluded), map(DerReader, subtrees), strict=True):
        while listed.more:
            with _fails(malformed):
                subtree = listed.enter()
                tag = _any_tag(subtree) if subtree.more else 0
                content = subtree.read(tag)
            _check_constraint(tag, content)
            found.append((tag, content))
    return permitted, excluded


def _check_constraint(tag: int, content: bytes) -> None:
    if tag == ADDRESS:
        if len(content) not in (8, 32):
            raise CryptoError(f"x509: IP constraint contained value of length {len(content)}")
        mask = content[len(content) // 2 :]
        rest = mask.lstrip(b"\xff")
        if rest and (rest[0] not in _MASK_BYTES or any(rest[1:])):
            raise CryptoError(f"x509: IP constraint contained invalid mask {mask.hex()}")
    kind = {DNS: "dnsName", MAIL: "rfc822Name", URI: "URI"}.get(tag)
    if kind is None:
        return
    text = content.decode("utf-8", "replace")
    if not content.isascii():
        raise CryptoError(f"x509: invalid constraint value: x509: {quote(text)} cannot be encoded as an IA5String")
    fault = f"x509: failed to parse {kind} constraint {quote(text)}"
    if tag == URI and _is_address(text):
        raise CryptoError(f"{fault}: cannot be IP address")
    if not (_is_mailbox(text) if tag == MAIL and "@" in text else _is_domain(text, constraint=True)):
        raise CryptoError(fault)


def _is_address(text: str) -> bool:
    try:
        return "%" not in text and bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def _is_mailbox(text: str) -> bool:
    found = _QUOTED.fullmatch(text)
    if found is None:
        found = _PLAIN.fullmatch(text)
        local = re.sub(r"\\(.)", r"\1", found[1]) if found else "."
        if found is None or local.startswith(".") or local.endswith(".") or ".." in local:
            return False
    return _is_domain(found[found.re.groups], constraint=False)


def _points(value: DerReader) -> None:
    with _fails("invalid CRL distribution points"):
        points = value.enter()
    with _fails("invalid CRL distribution point"):
        while points.more:
            point = points.enter()
            if _is_next(point, _LISTED_FIRST):
                names = DerReader(DerReader(point.read(_LISTED_FIRST)).read(_LISTED_FIRST))
                while _is_next(names, URI):
                    names.read(URI)


def authority_key(value: DerReader) -> bytes:
    """Return the identifier of the issuer's key; empty without one. Raises CryptoError."""
    with _fails("invalid authority key identifier"):
        body = value.enter()
        return body.read(_FIRST) if _is_next(body, _FIRST) else b""


def subject_key(value: DerReader) -> bytes:
    """Return the identifier of the key. Raises CryptoError."""
    with _fails("invalid subject key identifier"):
        return value.read(OCTETS)


def _policy_constraints(value: DerReader) -> None:
    with _fails("invalid policy constraints extension"):
        body = value.enter()
        for tag in (_FIRST, _SECOND):
            if _is_next(body, tag):
                _number(body.read(tag))


def extended_usages(value: DerReader) -> list[str]:
    """Return the extended usages of a key, by OID. Raises CryptoError."""
    found = []
    with _fails("invalid extended key usages"):
        body = value.enter()
        while body.more:
            found.append(oid(body.read(OID)))
    return found


def _policies(value: DerReader) -> None:
    seen = set()
    with _fails("invalid certificate policies"):
        body = value.enter()
        while body.more:
            policy = body.enter().read(OID)
            if policy in seen or not policy or policy[-1] & 0x80 or re.search(rb"(?<![\x80-\xff])\x80", policy):
                raise CryptoError("")
            seen.add(policy)


def _mappings(value: DerReader) -> None:
    with _fails("invalid policy mappings extension"):
        body = value.enter()
        while body.more:
            mapping = body.enter()
            mapping.read(OID), mapping.read(OID)


def _any_policy(value: DerReader) -> None:
    with _fails("invalid inhibit any policy extension"):
        _number(value.read(INTEGER))


def information(value: DerReader) -> list[tuple[str, str]]:
    """Return how the authority is asked (OID) and at which address; other places are left out. Raises CryptoError."""
    found = []
    with _fails("invalid authority info access"):
        body = value.enter()
        while body.more:
            access = body.enter()
            method = oid(access.read(OID))
            if _is_next(access, URI):
                found.append((method, access.read(URI).decode("utf-8", "replace")))
    return found


_CHECKS: Final[dict[str, Callable[[DerReader], object]]] = {
    SUBJECT_KEY: subject_key, KEY_USAGE: key_usage, NAMES: alternative_names, BASIC: basic_constraints,
    NAME_CONSTRAINTS: name_constraints, POINTS: _points, "2.5.29.32": _policies, "2.5.29.33": _mappings,
    AUTHORITY_KEY: authority_key, "2.5.29.36": _policy_constraints, EXTENDED_USAGES: extended_usages,
    "2.5.29.54": _any_policy, INFORMATION: information,
}  # fmt: skip
_NEVER_CRITICAL: Final = {
    SUBJECT_KEY: "subject key identifier", AUTHORITY_KEY: "authority key identifier",
    INFORMATION: "authority info access",
}  # fmt: skip
