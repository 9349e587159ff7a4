"""A certificate authority for one process, and the server certificate it signs, on elliptic curves for speed."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_BEGIN, _LONG_AGO, _END = (datetime(year, 1, 1, tzinfo=UTC) for year in (2000, 2001, 2099))
"""Wide, because tests set the clock of a process to any year, while OpenSSL uses the system's clock."""


@dataclass(frozen=True)
class Issued:
    """A server's certificate and key, and the authority to trust, all in PEM."""

    authority: bytes
    certificate: bytes
    key: bytes


class Authority:
    """An authority. Its key never leaves this object and is not derived from a seed, so it cannot be impersonated."""

    def __init__(self, name: str = "mockkms test authority") -> None:
        self._key, self._name = ec.generate_private_key(ec.SECP256R1()), _name(name)
        self._id = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        root = (
            _builder(self._name, self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .add_extension(self._id, critical=False)
        )
        self.certificate = root.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)
        """In PEM."""

    def issue(self, names: tuple[str, ...], *, expired: bool = False) -> Issued:
        """Return a server's certificate for these names and addresses; an ``expired`` one ended long ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = (
            _builder(_name("mockkms"), self._name, key, _LONG_AGO if expired else _END)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self._id), critical=False)
        )
        return Issued(
            authority=self.certificate,
            certificate=leaf.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM),
            key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        )


@cache
def own_authority() -> Authority:
    """Return the authority that clients are told to trust; there is one for the whole process."""
    return Authority()


@cache
def issue(names: tuple[str, ...]) -> Issued:
    """Return a valid certificate of ``own_authority``; one for the whole process."""
    return own_authority().issue(names)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, end: datetime = _END
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BEGIN)
        .not_valid_after(end)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=authority, crl_sign=authority, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
