"""The requirements of a role for a certificate, besides its chain."""

from __future__ import annotations

from collections.abc import Iterable

from cryptography import x509
from cryptography.x509.oid import NameOID

from mockkms.crypto import CryptoError
from mockkms.crypto.encoding.der import DerReader
from mockkms.crypto.x509 import read
from mockkms.crypto.x509.certificate_extensions import DNS, MAIL, URI
from mockkms.vault.auth.cert.model import CertRole
from mockkms.vault.policy.globs import matches

_STRINGS = frozenset((0x0C, 0x13, 0x14, 0x16, 0x12))
"""Tags that Go reads into a string."""


def common_name(certificate: x509.Certificate) -> str:
    """Return the subject's last common name."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[-1].value) if names else ""


def fits(certificate: x509.Certificate, role: CertRole, *, encoded: bool) -> bool:
    """Return whether the certificate matches the role's lists; an empty list matches any.

    ``encoded``: required extensions may be ``hex:<oid>:<pattern>``, for their whole value.
    """
    name = [common_name(certificate)]
    parsed = read.parsed(certificate)
    dns, mail, urls = parsed.named(DNS), parsed.named(MAIL), parsed.named(URI)
    units = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    organizations = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return (
        _any(role.allowed_names, [*name, *dns, *mail])
        and _any(role.allowed_common_names, name)
        and _any(role.allowed_dns_sans, dns)
        and _any(role.allowed_email_sans, mail)
        and _any(role.allowed_uri_sans, urls)
        and _any(role.allowed_organizational_units, [str(unit.value) for unit in units])
        and _any(role.allowed_organizations, [str(one.value) for one in organizations])
        and _extended(certificate, role, encoded=encoded)
    )


def extension_texts(certificate: x509.Certificate) -> dict[str, str]:
    """Return every extension by its OID: the text that it holds, empty where it holds something else."""
    return {item.oid: _text(item.value) for item in read.parsed(certificate).extensions}


def _any(patterns: list[str] | None, names: Iterable[str]) -> bool:
    return not patterns or any(matches(pattern, name) for name in names for pattern in patterns)


def _extended(certificate: x509.Certificate, role: CertRole, *, encoded: bool) -> bool:
    if not role.required_extensions:
        return True
    held = extension_texts(certificate)
    for required in role.required_extensions:
        oid, colon, pattern = required.partition(":")
        found = held.get(oid)
        if encoded and oid == "hex":
            oid, colon, pattern = pattern.partition(":")
            found, pattern = _values(certificate).get(oid), pattern.lower()
        if not colon or found is None or not matches(pattern, found):
            return False
    return True


def _values(certificate: x509.Certificate) -> dict[str, str]:
    """Return every extension by its OID: its value in hexadecimal."""
    return {item.oid: item.value.hex() for item in read.parsed(certificate).extensions}


def _text(content: bytes) -> str:
    try:
        return DerReader(content).read(content[0]).decode() if content and content[0] in _STRINGS else ""
    except (CryptoError, UnicodeDecodeError):
        return ""
