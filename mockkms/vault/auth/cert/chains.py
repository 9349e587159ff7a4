"""Chains from a certificate to a trusted one, as Go's verification builds them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from mockkms.crypto.bounded_cache import remembered
from mockkms.crypto.x509 import certificate_parser, read
from mockkms.crypto.x509.build import CERT_SIGN, EXTENDED_USAGES
from mockkms.crypto.x509.certificate_extensions import NAMES
from mockkms.vault.golang import name_constraints

_LONGEST = 8
"""Maximum number of certificates in a chain."""
CLIENT, SERVER = EXTENDED_USAGES["clientauth"], EXTENDED_USAGES["serverauth"]

_LONGEST_CACHED = 64 * 1024
"""Maximum length in characters of a text whose certificates are cached."""


@remembered(128, _LONGEST_CACHED)
def certificates(pem: str) -> tuple[x509.Certificate, ...]:
    """Return the certificates of a text; anything else in it is ignored."""
    return tuple(certificate_parser.certificates(pem, "CERTIFICATE", "TRUSTED CERTIFICATE"))


def is_authority(certificate: x509.Certificate) -> bool:
    """Return whether a certificate may sign others."""
    return read.parsed(certificate).ca


def chains(
    presented: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    now: datetime,
    usage: str = CLIENT,
) -> list[list[x509.Certificate]]:
    """Return every valid chain from the first certificate presented, by the others, to a root; ``now`` is in UTC.

    ``usage`` is that for which every certificate with extended key usages must be valid.
    Raises ValueError with Go's text if the first one is not valid now, or if no chain to a root is valid although
    there are some.
    """
    _check_time(presented[0], now)
    found, fault = [], None
    for chain in _paths([presented[0]], presented[1:], roots):
        try:
            _check(chain, now, {usage, EXTENDED_USAGES["any"]})
            found.append(chain)
        except ValueError as error:
            fault = error
    if fault is not None and not found:
        raise fault
    return found


def _paths(
    chain: list[x509.Certificate], others: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]
) -> Iterator[list[x509.Certificate]]:
    last = chain[-1]
    if last in roots:
        yield chain
        return
    for root in roots:
        if signed(last, root):
            yield [*chain, root]
    if len(chain) < _LONGEST:
        for other in others:
            if other not in chain and is_authority(other) and signed(last, other):
                yield from _paths([*chain, other], others, roots)


def signed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Return whether ``issuer`` may sign certificates, and signed this one."""
    usage = read.parsed(issuer).key_usage
    if usage and not usage & CERT_SIGN:  # Without the extension, the key may be used for everything.
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _check(chain: list[x509.Certificate], now: datetime, accepted: set[str]) -> None:
    for place, certificate in enumerate(chain):
        parsed = read.parsed(certificate)
        if name_constraints.unknown_critical(parsed, name_constraints.POLICIES):
            raise ValueError("x509: unhandled critical extension")
        _check_time(certificate, now)
        if place:
            _check_authority(certificate, chain[:place])
        if parsed.usages and accepted.isdisjoint(parsed.usages):
            raise ValueError("x509: certificate specifies an incompatible key usage")


def _check_authority(authority: x509.Certificate, below: Sequence[x509.Certificate]) -> None:
    parsed = read.parsed(authority)
    for certificate in map(read.parsed, below):
        if any(one.oid == NAMES for one in certificate.extensions):
            name_constraints.check_names(certificate, parsed)
    if not is_authority(authority):
        raise ValueError("x509: certificate is not authorized to sign other certificates")
    name_constraints.check_length(parsed, len(below) - 1)


def _check_time(certificate: x509.Certificate, now: datetime) -> None:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not begin <= now <= end:
        word, limit = ("before", begin) if now < begin else ("after", end)
        raise ValueError(
            f"x509: certificate has expired or is not yet valid: current time {_go(now)} is {word} {_go(limit)}"
        )


def _go(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
