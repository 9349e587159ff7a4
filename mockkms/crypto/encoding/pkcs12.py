"""Writing PKCS #12 files (RFC 7292, RFC 9579): a key with its certificates, or a trust store of Java.

Keys and certificates are encrypted with AES-256-CBC under PBKDF2 with HMAC-SHA-256, in the two forms that
``software.sslmate.com/src/go-pkcs12`` calls ``Modern2023`` and ``Modern2026``; they differ in the MAC.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence

from cryptography import x509
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from mockkms.crypto.encoding.der_write import context, integer, null, octets, oid, sequence, set_of, tlv

MODERN_2023, MODERN_2026 = "modern2023", "modern2026"
_ITERATIONS = 2048
_SALT_SIZE = 16
_BLOCK = 64
"""Size of a block of SHA-256 in bytes."""
_DATA, _ENCRYPTED = "1.2.840.113549.1.7.1", "1.2.840.113549.1.7.6"
_SHROUDED_KEY, _CERTIFICATE_BAG = "1.2.840.113549.1.12.10.1.2", "1.2.840.113549.1.12.10.1.3"
_X509_CERTIFICATE = "1.2.840.113549.1.9.22.1"
_FRIENDLY_NAME, _LOCAL_KEY_ID = "1.2.840.113549.1.9.20", "1.2.840.113549.1.9.21"
_JAVA_TRUST, _ANY_USAGE = "2.16.840.1.113894.746875.1.1", "2.5.29.37.0"
_PBES2, _PBKDF2, _PBMAC1 = "1.2.840.113549.1.5.13", "1.2.840.113549.1.5.12", "1.2.840.113549.1.5.14"
_AES_256_CBC, _SHA256 = "2.16.840.1.101.3.4.1.42", "2.16.840.1.101.3.4.2.1"
_HMAC_SHA256 = sequence(oid("1.2.840.113549.2.9"), null())

RandomBytes = Callable[[int], bytes]
"""Returns so many random bytes."""


def key_store(key: bytes, chain: Sequence[bytes], password: str, form: str, random: RandomBytes) -> bytes:
    """Return a file with a private key (PKCS #8) and its certificates (DER), its own first.

    Args:
        key: The private key.
        chain: The certificates.
        password: Protects the file; may be empty.
        form: ``modern2023`` or ``modern2026``.
        random: Source of salts and initialization vectors.
    """
    key_id = _attribute(_LOCAL_KEY_ID, octets(hashlib.sha1(chain[0], usedforsecurity=False).digest()))
    certificates = [_certificate(der, [] if number else [key_id]) for number, der in enumerate(chain)]
    shrouded = sequence(*_encrypted(key, password, random, octets))
    bags = [
        _encrypted_content(certificates, password, random),
        sequence(oid(_DATA), context(0, octets(sequence(_bag(_SHROUDED_KEY, shrouded, [key_id]))))),
    ]
    return _file(bags, password, form, random)


def trust_store(certificates: Sequence[bytes], password: str, form: str, random: RandomBytes) -> bytes:
    """Return a file with certificates (DER) that Java trusts, each under the name of its subject."""
    trusted = _attribute(_JAVA_TRUST, oid(_ANY_USAGE))
    bags = []
    for der in certificates:
        name = x509.load_der_x509_certificate(der).subject.rfc4514_string()
        bags.append(_certificate(der, [trusted, _attribute(_FRIENDLY_NAME, tlv(0x1E, name.encode("utf-16-be")))]))
    return _file([_encrypted_content(bags, password, random)], password, form, random)


def _attribute(kind: str, value: bytes) -> bytes:
    return sequence(oid(kind), set_of([value]))


def _bag(kind: str, value: bytes, attributes: list[bytes]) -> bytes:
    return sequence(oid(kind), context(0, value), *([set_of(attributes)] if attributes else []))


def _certificate(der: bytes, attributes: list[bytes]) -> bytes:
    return _bag(_CERTIFICATE_BAG, sequence(oid(_X509_CERTIFICATE), context(0, octets(der))), attributes)


def _encrypted_content(bags: list[bytes], password: str, random: RandomBytes) -> bytes:
    algorithm, content = _encrypted(sequence(*bags), password, random, lambda data: context(0, data, constructed=False))
    return sequence(oid(_ENCRYPTED), context(0, sequence(integer(0), sequence(oid(_DATA), algorithm, content))))


def _encrypted(data: bytes, password: str, random: RandomBytes, wrap: Callable[[bytes], bytes]) -> tuple[bytes, bytes]:
    """Return the algorithm, PBES2 with its parameters, and the wrapped encrypted data."""
    salt, vector = random(_SALT_SIZE), random(16)
    derived = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    padder = PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(derived), modes.CBC(vector)).encryptor()
    encrypted = encryptor.update(padder.update(data) + padder.finalize()) + encryptor.finalize()
    derivation = sequence(oid(_PBKDF2), sequence(octets(salt), integer(_ITERATIONS), _HMAC_SHA256))
    cipher = sequence(oid(_AES_256_CBC), octets(vector))
    return sequence(oid(_PBES2), sequence(derivation, cipher)), wrap(encrypted)


def _file(contents: list[bytes], password: str, form: str, random: RandomBytes) -> bytes:
    safe = sequence(*contents)
    salt = random(_SALT_SIZE)
    extra: tuple[bytes, ...]
    if form == MODERN_2023:
        digest = hmac.digest(_mac_key(password, salt), safe, "sha256")
        algorithm, extra = sequence(oid(_SHA256), null()), (octets(salt), integer(_ITERATIONS))
    else:
        digest = hmac.digest(hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS, 32), safe, "sha256")
        derivation = sequence(oid(_PBKDF2), sequence(octets(salt), integer(_ITERATIONS), integer(32), _HMAC_SHA256))
        # The algorithm has the salt and the iterations; the salt of the older form is required, and ignored.
        algorithm, extra = sequence(oid(_PBMAC1), sequence(derivation, _HMAC_SHA256)), (octets(salt),)
    mac = sequence(sequence(algorithm, octets(digest)), *extra)
    return sequence(integer(3), sequence(oid(_DATA), context(0, octets(safe))), mac)


def _mac_key(password: str, salt: bytes) -> bytes:
    """Return the 32 bytes that RFC 7292, appendix B, derives for a MAC with SHA-256."""
    repeated = b"".join(_repeated(part) for part in (salt, password.encode("utf-16-be") + b"\0\0"))
    derived = bytes([3]) * _BLOCK + repeated
    for _ in range(_ITERATIONS):
        derived = hashlib.sha256(derived).digest()
    return derived


def _repeated(part: bytes) -> bytes:
    size = -(-len(part) // _BLOCK) * _BLOCK
    return (part * (size // len(part) + 1))[:size]
