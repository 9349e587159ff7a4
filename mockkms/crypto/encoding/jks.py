"""Writing Java keystores of type JKS: a key with its certificates, or trusted certificates.

The format is that of Java's ``sun.security.provider.JavaKeyStore``; the password is taken as bytes of UTF-8, each of
them as one character, as ``pavlo-v-chernykh/keystore-go`` does.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Sequence

from mockkms.crypto.encoding.der_write import null, octets, oid, sequence

_MAGIC, _VERSION = 0xFEEDFEED, 2
_KEY, _TRUSTED = 1, 2
_PROTECTION = "1.3.6.1.4.1.42.2.17.1.1"
_SALT_SIZE = 20
_WHITENER = b"Mighty Aphrodite"


def key_store(
    key: bytes, chain: Sequence[bytes], password: str, *, alias: str, now: float, random: Callable[[int], bytes]
) -> bytes:
    """Return a keystore with a private key (PKCS #8) and its certificates (DER), its own first.

    Args:
        key: The private key.
        chain: The certificates.
        password: Protects the file and the key; may be empty.
        alias: Name of the entry.
        now: Time of creation in seconds since the epoch.
        random: Returns so many random bytes.
    """
    protected = sequence(sequence(oid(_PROTECTION), null()), octets(_protected(key, password, random(_SALT_SIZE))))
    certificates = b"".join(map(_certificate, chain))
    entry = _head(_KEY, alias, now) + _block(protected) + struct.pack(">I", len(chain)) + certificates
    return _file([entry], password)


def trust_store(certificates: Sequence[bytes], password: str, *, now: float) -> bytes:
    """Return a keystore with certificates (DER) that Java trusts, named ``1``, ``2`` and so on."""
    entries = [_head(_TRUSTED, str(number), now) + _certificate(der) for number, der in enumerate(certificates, 1)]
    return _file(entries, password)


def _file(entries: list[bytes], password: str) -> bytes:
    content = struct.pack(">III", _MAGIC, _VERSION, len(entries)) + b"".join(entries)
    return content + _sha1(_characters(password), _WHITENER, content)


def _head(kind: int, alias: str, now: float) -> bytes:
    return struct.pack(">I", kind) + _text(alias) + struct.pack(">Q", int(now * 1000))


def _certificate(der: bytes) -> bytes:
    return _text("X.509") + _block(der)


def _text(value: str) -> bytes:
    encoded = value.encode()
    return struct.pack(">H", len(encoded)) + encoded


def _block(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


def _protected(key: bytes, password: str, salt: bytes) -> bytes:
    """Return salt, key and check sum: the key is combined with a chain of hashes."""
    characters = _characters(password)
    stream, digest = b"", salt
    while len(stream) < len(key):
        digest = _sha1(characters, digest)
        stream += digest
    combined = bytes(one ^ other for one, other in zip(key, stream, strict=False))
    return salt + combined + _sha1(characters, key)


def _characters(password: str) -> bytes:
    return b"".join(bytes((0, byte)) for byte in password.encode())


def _sha1(*parts: bytes) -> bytes:
    return hashlib.sha1(b"".join(parts), usedforsecurity=False).digest()
