"""Signed data in PKCS#7: the content of a message that one of some certificates has signed.

BER is read too, as AWS writes its identity documents. Source: RFC 2315 and RFC 5652; the errors are those of Vault's
``pkcs7`` package.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa

from mockkms.crypto import CryptoError
from mockkms.crypto.encoding.der import INTEGER, OCTETS, OID, DerReader, oid
from mockkms.crypto.encoding.der_write import tlv
from mockkms.error_context import error_context

_SIGNED_DATA = "1.2.840.113549.1.7.2"
_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_SET, _CONTEXT = 0x31, 0xA0
_DIGESTS: dict[str, hashes.HashAlgorithm] = {
    "1.3.14.3.2.26": hashes.SHA1(),
    "2.16.840.1.101.3.4.2.1": hashes.SHA256(),
    "2.16.840.1.101.3.4.2.2": hashes.SHA384(),
    "2.16.840.1.101.3.4.2.3": hashes.SHA512(),
}
_DEEPEST = 16


def verified_content(message: bytes, certificates: Sequence[x509.Certificate]) -> bytes:
    """Return the content of a message whose every signature is by one of the certificates. Raises CryptoError."""
    with error_context("failed to parse the BER encoded PKCS#7 signature: ", CryptoError, of=CryptoError):
        content, signers = _parse(_definite(message, 0, 0)[0])
    with error_context("failed to verify the signature: ", CryptoError, of=CryptoError):
        if not signers:
            raise CryptoError("pkcs7: Message has no signers")
        for signer in signers:
            _verify(signer, content, certificates)
    return content


def _definite(data: bytes, at: int, depth: int) -> tuple[bytes, int]:
    """Return the BER element at an index in DER's lengths, and the index of the next one. Raises CryptoError."""
    if depth > _DEEPEST or len(data) < at + 2 or data[at] & 0x1F == 0x1F:
        raise CryptoError("ber2der: input ber is invalid")
    tag, length, start = data[at], data[at + 1], at + 2
    endless = length == 0x80
    if endless:
        end = len(data)
    else:
        if length & 0x80:
            count = length & 0x7F
            length, start = int.from_bytes(data[start : start + count], "big"), start + count
        end = start + length
    if end > len(data):
        raise CryptoError("ber2der: BER tag length is more than available data")
    if not tag & 0x20:
        return tlv(tag, data[start:end]), end
    parts, at = [], start
    while at < end and not (endless and data[at : at + 2] == b"\0\0"):
        part, at = _definite(data, at, depth + 1)
        parts.append(part)
    return _element(tag, b"".join(parts)), at + 2 if endless else at


def _element(tag: int, content: bytes) -> bytes:
    """Return a constructed element; the parts of a constructed OCTET STRING are joined."""
    if tag != OCTETS | 0x20:
        return tlv(tag, content)
    reader, parts = DerReader(content), []
    while reader.more:
        parts.append(reader.read(OCTETS))
    return tlv(OCTETS, b"".join(parts))


class _Signer:
    """One ``SignerInfo``."""

    def __init__(self, reader: DerReader) -> None:
        reader.integer()
        identifier = reader.enter()
        self.issuer = identifier.skip()
        self.serial = int.from_bytes(identifier.read(INTEGER), "big", signed=True)
        self.digest = oid(reader.enter().read(OID))
        self.attributes = reader.read(_CONTEXT) if reader.rest[:1] == bytes([_CONTEXT]) else b""
        reader.skip()
        self.signature = reader.read(OCTETS)


def _parse(message: bytes) -> tuple[bytes, list[_Signer]]:
    reader = DerReader(message).enter()
    if oid(reader.read(OID)) != _SIGNED_DATA:
        raise CryptoError("pkcs7: content data is not signed data")
    signed = DerReader(reader.read(_CONTEXT)).enter()
    signed.integer()
    signed.read(_SET)
    inner = signed.enter()
    inner.read(OID)
    wrapped = inner.read(_CONTEXT) if inner.more else b""
    content = DerReader(wrapped).read(OCTETS) if wrapped else b""
    while signed.more and signed.rest[0] != _SET:
        signed.skip()
    infos, signers = DerReader(signed.read(_SET)), []
    while infos.more:
        signers.append(_Signer(infos.enter()))
    return content, signers


def _verify(signer: _Signer, content: bytes, certificates: Sequence[x509.Certificate]) -> None:
    algorithm = _DIGESTS.get(signer.digest)
    if algorithm is None:
        raise CryptoError("pkcs7: unsupported algorithm")
    signed = content
    if signer.attributes:
        state = hashes.Hash(algorithm)
        state.update(content)
        if _digest_in(signer.attributes) != state.finalize():
            raise CryptoError("pkcs7: Message digest mismatch")
        signed = tlv(_SET, signer.attributes)
    certificate = next(
        (
            one
            for one in certificates
            if one.serial_number == signer.serial and one.issuer.public_bytes() == signer.issuer
        ),
        None,
    )
    if certificate is None:
        raise CryptoError("pkcs7: No certificate for signer")
    key = certificate.public_key()
    with error_context(raised=CryptoError, of=InvalidSignature, text="x509: signature is not valid"):
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signer.signature, signed, padding.PKCS1v15(), algorithm)
        elif isinstance(key, dsa.DSAPublicKey):
            key.verify(signer.signature, signed, algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signer.signature, signed, ec.ECDSA(algorithm))
        else:
            raise CryptoError("x509: cannot verify signature: algorithm unimplemented")


def _digest_in(attributes: bytes) -> bytes:
    """Return the value of the attribute ``messageDigest``. Raises CryptoError if it is missing."""
    reader = DerReader(attributes)
    while reader.more:
        attribute = reader.enter()
        if oid(attribute.read(OID)) == _MESSAGE_DIGEST:
            return DerReader(attribute.read(_SET)).read(OCTETS)
    raise CryptoError("pkcs7: attribute type not in attributes")
