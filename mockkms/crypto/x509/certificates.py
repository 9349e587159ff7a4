"""X.509 requests and chains of certificates as transit handles them, with the error texts of Go's ``crypto/x509``."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from mockkms.crypto import CryptoError
from mockkms.crypto.asymmetric import load_private, public_der
from mockkms.crypto.encoding import pem
from mockkms.crypto.encoding.der import DerReader
from mockkms.crypto.x509.certificate_parser import parse_certificate
from mockkms.error_context import error_context

_FAULTS = (ValueError, UnsupportedAlgorithm)
_REQUEST_FAULTS = (*_FAULTS, x509.InvalidVersion)
_LABELS = ("CERTIFICATE", "X509 CERTIFICATE")


@dataclass(frozen=True, slots=True)
class ChainCertificate:
    """A certificate of a chain."""

    der: bytes
    algorithm: str
    """Of its public key, as Go names it: ``RSA``, ``ECDSA``, ``Ed25519``."""
    public: bytes
    """The public key as ``asymmetric`` keeps it."""
    authority: bool
    """It may sign certificates."""


def load_request(text: str) -> x509.CertificateSigningRequest | None:
    """Return the request in a PEM text, None for an empty text. Raises CryptoError."""
    if not text:
        return None
    block = pem.decode(text)
    if block is None:
        raise CryptoError("could not decode PEM CSR")
    outer = DerReader(block.der)
    outer.enter("certificateRequest").enter("tbsCertificateRequest").integer()
    if outer.rest:
        raise CryptoError("asn1: syntax error: trailing data")
    with error_context(raised=CryptoError, of=_REQUEST_FAULTS, text="x509: malformed certificate request"):
        return x509.load_der_x509_csr(block.der)


def sign_request(private: bytes, template: x509.CertificateSigningRequest | None) -> str:
    """Return a request in PEM, signed by ``private``, with the subject and the extensions of ``template``."""
    seed = private[:32] if len(private) == 64 else b""
    key = ed25519.Ed25519PrivateKey.from_private_bytes(seed) if seed else load_private(private)
    builder = x509.CertificateSigningRequestBuilder().subject_name(template.subject if template else x509.Name([]))
    for extension in _extensions(template):
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(key, _hash_for(key)).public_bytes(Encoding.PEM).decode("ascii")


def _extensions(template: x509.CertificateSigningRequest | None) -> list[x509.Extension[x509.ExtensionType]]:
    try:
        return list(template.extensions) if template else []
    except ValueError:
        return []


def _hash_for(key: object) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None:
    """Return the hash that Go chooses for a key."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return None
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.key_size > 256:
        return hashes.SHA384() if key.key_size == 384 else hashes.SHA512()
    return hashes.SHA256()


def load_chain(text: str) -> list[ChainCertificate]:
    """Return the certificates in a PEM text, at least one; other blocks are ignored. Raises CryptoError."""
    found = []
    text, end = text.strip(), 0
    while end < len(text):
        block = pem.decode(text, end)
        if block is None:
            raise CryptoError("could not decode a PEM block in the certificate chain")
        if block.label in _LABELS:
            found.append(block.der)
        end = block.end
    if not found:
        raise CryptoError("provided certificate chain did not contain any valid PEM encoded certificate")
    return [_certificate(der) for der in found]


def _certificate(der: bytes) -> ChainCertificate:
    with error_context("could not parse a certificate in the certificate chain: ", CryptoError, of=_FAULTS):
        loaded = parse_certificate(der)
        algorithm, public = _public(loaded.public_key())
        return ChainCertificate(der, algorithm, public, _is_authority(loaded))


def _public(key: object) -> tuple[str, bytes]:
    if isinstance(key, rsa.RSAPublicKey):
        return "RSA", public_der(key)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "ECDSA", public_der(key)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "Ed25519", key.public_bytes_raw()
    return ("DSA" if isinstance(key, dsa.DSAPublicKey) else "0"), b""


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
