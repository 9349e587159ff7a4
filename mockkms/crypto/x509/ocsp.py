"""OCSP (RFC 6960): parsing requests, and writing responses as Go's ``x/crypto/ocsp`` does."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Final

from mockkms.crypto import CryptoError
from mockkms.crypto.encoding import der
from mockkms.crypto.encoding import der_write as w
from mockkms.crypto.encoding.der import DerReader
from mockkms.crypto.x509 import keys

MALFORMED: Final = bytes.fromhex("30030a0101")
INTERNAL_ERROR: Final = bytes.fromhex("30030a0102")
UNAUTHORIZED: Final = bytes.fromhex("30030a0106")
"""Answers that are errors; they carry no signature."""

_HASHES: Final = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
_BASIC: Final = "1.3.6.1.5.5.7.48.1.1"
_OPTIONAL: Final = (0xA0, 0xA1)
"""Tags of version and requestor name, which may precede the list of requests."""


@dataclass(frozen=True)
class Query:
    """The certificate of a request; only the first one counts."""

    hash_oid: str
    name_hash: bytes
    key_hash: bytes
    serial: int


@dataclass(frozen=True)
class Status:
    """The status of a certificate. Times are seconds since the epoch; ``next_update`` 0 is left out."""

    known: bool
    this_update: float
    next_update: float = 0
    revoked_at: float | None = None


def parse_request(data: bytes) -> Query:
    """Read a request in DER. Raises CryptoError for one that is malformed or uses an unknown hash."""
    outer = DerReader(data)
    whole = outer.enter()
    if outer.rest:
        raise CryptoError("trailing data in OCSP request")
    body = whole.enter()
    while body.rest and body.rest[0] in _OPTIONAL:
        body.skip()
    listed = body.enter()
    if not listed.rest:
        raise CryptoError("OCSP request contains no request body")
    certificate = listed.enter().enter()
    number = der.oid(certificate.enter().read(der.OID))
    name, key = certificate.read(der.OCTETS), certificate.read(der.OCTETS)
    serial = certificate.integer()
    if number not in _HASHES:
        raise CryptoError("OCSP request uses unknown hash function")
    return Query(number, name, key, serial)


def issuer_hashes(hash_oid: str, subject: bytes, public: bytes) -> tuple[bytes, bytes]:
    """Return the hashes of an issuer's name and key (DER), by which a request names it."""
    name, key = hashlib.new(_HASHES[hash_oid], subject), hashlib.new(_HASHES[hash_oid])
    info = DerReader(public).enter()
    info.skip()
    key.update(info.read(der.BITS)[1:])
    return name.digest(), key.digest()


def response(query: Query, status: Status, subject: bytes, private: bytes, signature: str) -> bytes:
    """Return the signed response about the serial number of ``query``, from the issuer with this subject and key.

    Raises ValueError for a key that is neither RSA nor ECDSA, and for a signature that the key cannot make.
    """
    kind, _ = keys.describe(keys.public_of(private))
    name = signature.removesuffix("PSS") or keys.signature_name(private)
    if kind == "ed25519":
        raise ValueError("x509: only RSA and ECDSA keys supported")
    if ("ECDSA" in name) != (kind == "ec") or name == "Ed25519":
        raise ValueError("x509: requested SignatureAlgorithm does not match private key type")
    name_hash, key_hash = issuer_hashes(query.hash_oid, subject, keys.public_of(private))
    algorithm = w.sequence(w.oid(query.hash_oid), w.null())
    certificate = w.sequence(algorithm, w.octets(name_hash), w.octets(key_hash), w.integer(query.serial))
    until = w.context(0, _time(status.next_update)) if status.next_update else b""
    # Go writes the list of extensions though it is empty.
    single = w.sequence(certificate, _state(status), _time(status.this_update), until, w.context(1, w.sequence()))
    produced = _time(status.this_update // 60 * 60)
    body = w.sequence(w.context(1, subject), produced, w.sequence(single))
    signed = w.sequence(body, keys.algorithm(name), w.bits(keys.sign(private, name, body)))
    return w.sequence(w.tlv(0x0A, b"\x00"), w.context(0, w.sequence(w.oid(_BASIC), w.octets(signed))))


def _state(status: Status) -> bytes:
    if not status.known:
        return w.context(2, b"", constructed=False)
    if status.revoked_at is None:
        return w.context(0, b"", constructed=False)
    return w.context(1, _time(status.revoked_at))


def _time(seconds: float) -> bytes:
    fields = time.gmtime(seconds)
    return w.tlv(0x18, f"{fields.tm_year:04}{time.strftime('%m%d%H%M%SZ', fields)}".encode())
