"""Whether the authorities above a certificate may certify its names, checked as by Go's X.509 library."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import Final

from mockkms.crypto.encoding.der import DerReader
from mockkms.crypto.x509 import certificate_extensions as extensions
from mockkms.crypto.x509 import read
from mockkms.crypto.x509.build import Extension
from mockkms.error_context import error_context
from mockkms.go_urls import parse_fault, parse_url
from mockkms.vault.golang.fmt import quote

_CIDR = re.compile(r"[0-9a-fA-F.:]+/[0-9]{1,3}")
_NOT_AUTHORIZED = "x509: a root or intermediate certificate is not authorized to sign for this name: "
_KNOWN = frozenset(
    {*(f"2.5.29.{arc}" for arc in (14, 15, 17, 19, 30, 31, 32, 35, 37)), "1.3.6.1.5.5.7.1.1"}
)  # fmt: skip
"""Extensions that the library supports, and that may therefore be critical."""
POLICIES = frozenset(f"2.5.29.{arc}" for arc in (33, 36, 54))
"""Those that it supports since Go 1.24, but the copy of it that PKI of Vault verifies with does not."""
Matcher = Callable[[str, str], bool]
"""Whether a name fits a limit, both as texts."""


def network(text: str) -> str:
    """Return a network as Go formats it. Raises ValueError with Go's text."""
    with error_context(text=f"invalid CIDR address: {text}"):
        if not _CIDR.fullmatch(text):
            raise ValueError(text)
        return str(ipaddress.ip_network(text, strict=False))


def is_domain(text: str) -> bool:
    """Return whether Go's X.509 library reads a constraint of DNS names."""
    labels = text.removeprefix(".").split(".")
    return not text or (len(text) <= 253 and all(labels) and all("!" <= char <= "~" for char in text))


def verify(certificate: bytes, authorities: Sequence[bytes]) -> None:
    """Raise ValueError with Go's text if no chain of ``authorities`` allows ``certificate`` (all DER).

    As ``VerifyCertificate`` in Vault's certutil, which looks neither at times nor at extended key usages: the
    authorities that issued themselves end a chain, or all of them if none did.
    """
    loaded = read.load(certificate)
    unhandled = unknown_critical(loaded)
    if unhandled:
        raise ValueError(f"x509: unhandled critical extension ({unhandled})")
    known = [read.load(one) for one in authorities]
    roots = [one for one in known if one.subject == one.issuer] or known
    fault = _chain_fault([loaded], roots, [one for one in known if one not in roots])
    if fault:
        raise ValueError(fault)


def unknown_critical(certificate: read.Certificate, more: frozenset[str] = frozenset()) -> str:
    """Return the OID of the first critical extension that the library does not handle; empty without one.

    It handles ``more`` besides those of any version.
    """
    known = _KNOWN | more
    critical = (one for one in certificate.extensions if one.critical)
    return next((one.oid for one in critical if one.oid not in known or not _is_handled(one)), "")


def _is_handled(extension: Extension) -> bool:
    """Return whether Go looks at names of an extension, if at any one, and at every constraint."""
    value = DerReader(extension.value)
    if extension.oid == extensions.NAMES:
        return any(tag in _KINDS for tag, _ in extensions.alternative_names(value))
    if extension.oid == extensions.NAME_CONSTRAINTS:
        permitted, excluded = extensions.name_constraints(value)
        return all(tag in _KINDS for tag, _ in (*permitted, *excluded))
    return True


def _chain_fault(
    chain: list[read.Certificate],
    roots: list[read.Certificate],
    intermediates: list[read.Certificate],
) -> str:
    """Return what is wrong with every way from a chain to a root; empty if one is right."""
    fault = ""
    for authority in (*roots, *intermediates):
        last = chain[-1]
        if authority in chain or authority.subject != last.issuer or not last.signed_by(authority):
            continue
        fault = _authority_fault(chain, authority)
        if not fault and authority in intermediates:
            fault = _chain_fault([*chain, authority], roots, intermediates)
        if not fault:
            return ""
    return fault or "x509: certificate signed by unknown authority"


def _authority_fault(chain: list[read.Certificate], authority: read.Certificate) -> str:
    """Return why an authority may not be the next of a chain; empty if it may."""
    try:
        check_names(chain[0], authority)
        check_length(authority, len(chain) - 1)
    except ValueError as error:
        return str(error)
    return ""


def check_length(authority: read.Certificate, between: int) -> None:
    """Raise ValueError with Go's text if an authority may not have ``between`` others between itself and the leaf."""
    if authority.basic and authority.path_length is not None and between > authority.path_length:
        raise ValueError("x509: too many intermediates for path length constraint")


def check_names(certificate: read.Certificate, issuer: read.Certificate) -> None:
    """Raise ValueError with Go's text unless an issuer may certify the names of a certificate."""
    limits = _value(issuer, extensions.NAME_CONSTRAINTS)
    if limits is None:
        return
    names = _value(certificate, extensions.NAMES)
    if names is None:
        raise ValueError("x509: issuer has name constraints but leaf doesn't have a SAN extension")
    permitted, excluded = extensions.name_constraints(limits)
    for tag, content in extensions.alternative_names(names):
        if tag in _KINDS:
            label, matches = _KINDS[tag]
            name = _address(content) if tag == extensions.ADDRESS else content.decode()
            _check_name(label, name, matches, _of_kind(permitted, tag), _of_kind(excluded, tag))


def _value(certificate: read.Certificate, oid: str) -> DerReader | None:
    return next((DerReader(one.value) for one in certificate.extensions if one.oid == oid), None)


def _of_kind(subtrees: list[tuple[int, bytes]], tag: int) -> list[str]:
    found = [content for kind, content in subtrees if kind == tag]
    return [_network(one) if tag == extensions.ADDRESS else one.decode() for one in found]


def _address(content: bytes) -> str:
    return str(ipaddress.ip_address(content))


def _network(content: bytes) -> str:
    half = len(content) // 2
    return f"{_address(content[:half])}/{int.from_bytes(content[half:], 'big').bit_count()}"


def _address_matches(address: str, limit: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(limit, strict=False)


def _check_name(label: str, name: str, matches: Matcher, permitted: list[str], excluded: list[str]) -> None:
    with error_context(_NOT_AUTHORIZED):
        for limit in excluded:
            if matches(name, limit):
                raise ValueError(f"{label} {quote(name)} is excluded by constraint {quote(limit)}")
        if permitted and not any(matches(name, limit) for limit in permitted):
            raise ValueError(f"{label} {quote(name)} is not permitted by any constraint")


def _labels(domain: str) -> list[str] | None:
    """Return the labels from the last to the first; None for an invalid domain."""
    labels = domain.split(".")[::-1]
    proper = all(label and all("!" <= char <= "~" for char in label) for label in labels)
    return labels if proper else None


def _domain_matches(domain: str, limit: str) -> bool:
    if not limit:
        return True
    below_only = limit.startswith(".")
    own, wanted = _labels(domain), _labels(limit.removeprefix("."))
    if own is None:
        raise ValueError(f"x509: internal error: cannot parse domain {quote(domain)}")
    if wanted is None:
        raise ValueError(f"x509: internal error: cannot parse domain {quote(limit)}")
    if len(own) < len(wanted) or (below_only and len(own) == len(wanted)):
        return False
    return all(a.lower() == b.lower() for a, b in zip(own, wanted, strict=False))


def _mail_matches(mailbox: str, limit: str) -> bool:
    """Return whether a constraint names a mailbox or its domain."""
    local, _, domain = mailbox.rpartition("@")
    if "@" in limit:
        wanted, _, at = limit.rpartition("@")
        return local == wanted and domain.lower() == at.lower()
    return _domain_matches(domain, limit)


def _uri_matches(uri: str, limit: str) -> bool:
    host = "" if parse_fault(uri) else parse_url(uri).netloc.rpartition("@")[2]
    if not host:
        raise ValueError(f"URI with empty host ({quote(uri)}) cannot be matched against constraints")
    if not host.endswith("]"):
        host = host.partition(":")[0] if host.count(":") == 1 else host
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return _domain_matches(host, limit)
    raise ValueError(f"URI with IP ({quote(uri)}) cannot be matched against constraints")


_KINDS: Final[dict[int, tuple[str, Matcher]]] = {
    extensions.MAIL: ("email address", _mail_matches),
    extensions.DNS: ("DNS name", _domain_matches),
    extensions.URI: ("URI", _uri_matches),
    extensions.ADDRESS: ("IP address", _address_matches),
}
"""Names that constraints are about, by tag: Go's word, and how a name is compared."""
