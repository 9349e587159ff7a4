"""Whether the authorities above a certificate may certify its names, checked as by Go's X.509 library."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence

from cryptography import x509

from mockkms.crypto.bounded_cache import remembered
from mockkms.crypto.x509 import read
from mockkms.error_context import error_context
from mockkms.vault.golang import url
from mockkms.vault.golang.fmt import quote

_CIDR = re.compile(r"[0-9a-fA-F.:]+/[0-9]{1,3}")
_NOT_AUTHORIZED = "x509: a root or intermediate certificate is not authorized to sign for this name: "
_KNOWN = frozenset(
    {*(f"2.5.29.{arc}" for arc in (14, 15, 17, 19, 30, 31, 32, 35, 37)), "1.3.6.1.5.5.7.1.1"}
)  # fmt: skip
"""Extensions that the library supports, and that may therefore be critical."""
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
    loaded = x509.load_der_x509_certificate(certificate)
    unhandled = unknown_critical(loaded)
    if unhandled:
        raise ValueError(f"x509: unhandled critical extension ({unhandled})")
    known = [read.load(one) for one in authorities]
    roots = [one for one in known if one.subject == one.issuer] or known
    fault = _chain_fault(loaded, [read.load(certificate)], roots, [one for one in known if one not in roots])
    if fault:
        raise ValueError(fault)


def unknown_critical(certificate: x509.Certificate) -> str:
    """Return the OID of the first critical extension that the library does not support; empty without one."""
    found = (item.oid.dotted_string for item in certificate.extensions if item.critical)
    return next((oid for oid in found if oid not in _KNOWN), "")


def _chain_fault(
    leaf: x509.Certificate,
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
        fault = _authority_fault(leaf, chain, authority)
        if not fault and authority in intermediates:
            fault = _chain_fault(leaf, [*chain, authority], roots, intermediates)
        if not fault:
            return ""
    return fault or "x509: certificate signed by unknown authority"


def _authority_fault(leaf: x509.Certificate, chain: list[read.Certificate], authority: read.Certificate) -> str:
    """Return why an authority may not be the next of a chain; empty if it may."""
    try:
        check_names(leaf, authority.der)
        check_length(authority, len(chain) - 1)
    except ValueError as error:
        return str(error)
    return ""


def check_length(authority: read.Certificate, between: int) -> None:
    """Raise ValueError with Go's text if an authority may not have ``between`` others between itself and the leaf."""
    if authority.basic and authority.path_length is not None and between > authority.path_length:
        raise ValueError("x509: too many intermediates for path length constraint")


def check_names(certificate: x509.Certificate, issuer: bytes) -> None:
    """Raise ValueError with Go's text unless an issuer (DER) may certify the names of a certificate."""
    limits = _limits(issuer)
    if limits is None:
        return
    permitted, excluded = list(limits.permitted_subtrees or ()), list(limits.excluded_subtrees or ())
    for label, name, kind, matches in _names(certificate):
        _check_name(label, name, matches, _of_kind(permitted, kind), _of_kind(excluded, kind))


@remembered(256, 16 * 1024)
def _limits(issuer: bytes) -> x509.NameConstraints | None:
    try:
        return x509.load_der_x509_certificate(issuer).extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return None


def _of_kind(subtrees: list[x509.GeneralName], kind: type[x509.GeneralName]) -> list[str]:
    return [str(one.value) for one in subtrees if isinstance(one, kind)]


def _names(certificate: x509.Certificate) -> Iterator[tuple[str, str, type[x509.GeneralName], Matcher]]:
    lacking = "x509: issuer has name constraints but leaf doesn't have a SAN extension"
    with error_context(of=x509.ExtensionNotFound, text=lacking):
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    for one in found:
        if isinstance(one, x509.RFC822Name):
            yield "email address", one.value, x509.RFC822Name, _mail_matches
        elif isinstance(one, x509.DNSName):
            yield "DNS name", one.value, x509.DNSName, _domain_matches
        elif isinstance(one, x509.UniformResourceIdentifier):
            yield "URI", one.value, x509.UniformResourceIdentifier, _uri_matches
        elif isinstance(one, x509.IPAddress):
            yield "IP address", str(one.value), x509.IPAddress, _address_matches


def _address_matches(address: str, limit: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(limit)


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
    parsed = url.split(uri)
    host = parsed[1].rpartition("@")[2] if parsed is not None else ""
    if not host:
        raise ValueError(f"URI with empty host ({quote(uri)}) cannot be matched against constraints")
    if not host.endswith("]"):
        host = host.partition(":")[0] if host.count(":") == 1 else host
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return _domain_matches(host, limit)
    raise ValueError(f"URI with IP ({quote(uri)}) cannot be matched against constraints")
