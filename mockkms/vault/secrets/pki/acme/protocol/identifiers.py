"""The identifiers of an order: host names, wildcard names and IP addresses."""

from __future__ import annotations

from collections.abc import Mapping

from mockkms.vault.golang.addresses import is_ip
from mockkms.vault.golang.fmt import quote
from mockkms.vault.secrets.pki.acme.problems import (
    MALFORMED,
    REJECTED_IDENTIFIER,
    UNSUPPORTED_IDENTIFIER,
    after,
    before,
)
from mockkms.vault.secrets.pki.acme.protocol.directory import AcmeDirectory
from mockkms.vault.secrets.pki.acme.protocol.values import kind_of
from mockkms.vault.secrets.pki.acme.state import DNS, IP, AcmeIdentifier
from mockkms.vault.secrets.pki.certificates import names

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_PLACE = "value in 'identifiers'"


def read(data: Mapping[str, object]) -> list[AcmeIdentifier]:
    """Return the identifiers of a request for an order. Raises AcmeProblem."""
    if "identifiers" not in data:
        raise after(MALFORMED, "missing required identifiers argument")
    given = data["identifiers"]
    if not isinstance(given, list):
        raise after(MALFORMED, f"invalid type ({kind_of(given)}) for field 'identifiers'")
    return [_identifier(one) for one in given]


def check_role(found: AcmeDirectory, identifiers: list[AcmeIdentifier]) -> None:
    """Raise AcmeProblem for an identifier that the directory's role does not allow."""
    for one in identifiers:
        front = f"role ({found.role_name})"
        if one.kind == DNS and names.first_refused(found.role, found.call, [one.original]):
            raise before(REJECTED_IDENTIFIER, f"{front} will not issue certificate for name {one.original}")
        if one.kind == IP and not found.role.allow_ip_sans:
            fault = f"{front} does not allow IP sans, so cannot issue certificate for {one.original}"
            raise before(REJECTED_IDENTIFIER, fault)


def _identifier(given: object) -> AcmeIdentifier:
    """Return the identifier that a member of ``identifiers`` describes. Raises AcmeProblem."""
    kind, text = _type_and_value(given)
    if not text:
        raise after(MALFORMED, f"value argument for {_PLACE} can not be blank")
    if kind == DNS:
        return AcmeIdentifier(DNS, _checked_name(text), text)
    if kind != IP:
        raise after(UNSUPPORTED_IDENTIFIER, f"unsupported identifier type {kind}")
    if not is_ip(text):
        raise after(MALFORMED, f"value argument ({text}) failed validation: failed parsing as IP")
    return AcmeIdentifier(IP, text, text)


def _type_and_value(given: object) -> tuple[str, str]:
    if not isinstance(given, dict):
        raise after(MALFORMED, f"invalid type ({kind_of(given)}) for {_PLACE}")
    parts = []
    for name in ("type", "value"):
        if name not in given:
            raise after(MALFORMED, f"missing {name} argument for {_PLACE}")
        if not isinstance(given[name], str):
            raise after(MALFORMED, f"invalid type for {name} argument (string) for {_PLACE}")
        parts.append(given[name])
    return parts[0], parts[1]


def _checked_name(text: str) -> str:
    """Return a domain name, a wildcard name without its first label. Raises AcmeProblem."""
    reduced = text
    if "*" in text:
        fault, reduced = _reduced(text)
        if fault:
            raise after(MALFORMED, f"value argument ({text}) failed validation: invalid wildcard: {fault}")
    if is_ip(reduced):
        fault = f"refusing to accept argument ({text}) as DNS type identifier: parsed OK as IP address"
        raise after(MALFORMED, fault)
    fault = _name_fault(reduced)
    if fault:
        raise after(MALFORMED, f"value argument ({text}) failed validation: {fault}")
    if not reduced.isascii():
        raise after(MALFORMED, f"value argument ({text}) failed IDNA round-tripping to ASCII")
    return reduced


def _reduced(text: str) -> tuple[str, str]:
    """Return the fault of a wildcard name, and the name without its first label."""
    if text.count("*") > 1:
        return "expected only one wildcard identifier in the given domain name", ""
    label, dot, rest = text.partition(".")
    if "*" in rest:
        return "expected wildcard to only be present in left-most domain label", ""
    if label != "*":
        return "wildcard must be entire left-most label", ""
    if not dot or not rest:
        return "wildcard must not be entire domain name; need at least two domain labels", ""
    return "", rest


def _name_fault(name: str) -> str:
    """Return why a name cannot be registered (RFC 5891), with the text of Go's library; empty for a proper one."""
    try:
        names.to_ascii(name)
    except ValueError as error:
        return str(error)
    for label in name.split("."):
        if not label.isascii():
            continue
        odd = next((letter for letter in label if letter not in _PLAIN), "")
        if odd:
            return f"idna: disallowed rune U+{ord(odd):04X}"
        hyphened = label[2:4] == "--" and not label.startswith("xn--")
        if label[:1] == "-" or label[-1:] == "-" or hyphened or not label:
            return f"idna: invalid label {quote(label)}"
    return ""
