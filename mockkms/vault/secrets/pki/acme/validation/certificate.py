"""The certificate of ``tls-alpn-01``: self-signed, for one name, with the digest in an extension (RFC 8737)."""

from __future__ import annotations

import hmac
import ssl
from collections.abc import Callable

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mockkms.crypto.encoding.der import OCTETS, DerReader
from mockkms.crypto.x509 import keys
from mockkms.error_context import error_context

_DIGEST = "1.3.6.1.5.5.7.1.31"
_KNOWN = (
    x509.BasicConstraints, x509.KeyUsage, x509.ExtendedKeyUsage, x509.SubjectAlternativeName, x509.NameConstraints,
    x509.AuthorityKeyIdentifier, x509.SubjectKeyIdentifier, x509.CertificatePolicies, x509.CRLDistributionPoints,
)  # fmt: skip
_SERVER = "server under test returned a"


def sent(connection: ssl.SSLSocket) -> int:
    """Return the number of certificates that the server sent; 1 where Python cannot tell (before 3.13)."""
    chain: Callable[[], list[bytes]] | None = getattr(connection, "get_unverified_chain", None)
    return 1 if chain is None else len(chain())


def check(data: bytes, name: str, digest: bytes) -> None:
    """Check a certificate (DER) for a name. Raises ValueError with the text of the real server."""
    with error_context(of=(ValueError, UnsupportedAlgorithm), text="x509: malformed certificate"):
        certificate = x509.load_der_x509_certificate(data)
        public = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        extensions = list(certificate.extensions)
    if not keys.verifies(public, data):
        raise ValueError(f"{_SERVER} non-self-signed certificate: x509: ECDSA verification failure")
    if certificate.subject.public_bytes() != certificate.issuer.public_bytes():
        parts = f"({certificate.subject.rfc4514_string()}) <-> issuer ({certificate.issuer.rfc4514_string()})"
        raise ValueError(f"{_SERVER} non-self-signed certificate: invalid subject {parts} match")
    found = [names for one in extensions if isinstance(one.value, x509.SubjectAlternativeName) for names in one.value]
    if len(found) != 1 or not isinstance(found[0], x509.DNSName):
        raise ValueError(f"{_SERVER} certificate with incorrect SANs")
    if found[0].value.lower() != name.lower():
        raise ValueError(f"{_SERVER} certificate with unexpected identifier: {found[0].value}")
    _check_digest([one for one in extensions if one.oid.dotted_string == _DIGEST], digest)
    odd = [
        one.oid.dotted_string
        for one in extensions
        if one.critical and one.oid.dotted_string != _DIGEST and not isinstance(one.value, _KNOWN)
    ]
    if odd:
        raise ValueError(f"{_SERVER} certificate with additional unknown critical extensions ([{' '.join(odd)}])")


def _check_digest(given: list[x509.Extension[x509.ExtensionType]], digest: bytes) -> None:
    if not given:
        raise ValueError(f"{_SERVER} certificate without the required acmeIdentifier extension")
    if len(given) > 1:
        raise ValueError(f"{_SERVER} certificate with multiple acmeIdentifier extensions")
    if not given[0].critical:
        raise ValueError(f"{_SERVER} certificate with an acmeIdentifier extension marked non-Critical")
    with error_context(f"{_SERVER} certificate with invalid acmeIdentifier extension value: "):
        reader = DerReader(given[0].value.public_bytes())
        found = reader.read(OCTETS)
    if reader.rest:
        fault = "certificate with invalid acmeIdentifier extension value with additional trailing data"
        raise ValueError(f"{_SERVER} {fault}")
    if not hmac.compare_digest(found, digest):
        fault = "certificate with an invalid key authorization (sha256 key authorization was invalid)"
        raise ValueError(f"{_SERVER} {fault}")
