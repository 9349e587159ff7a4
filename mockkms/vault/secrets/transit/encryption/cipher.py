"""Encryption and decryption with a named key: what ``encrypt``, ``decrypt``, ``rewrap`` and ``datakey`` share."""

from __future__ import annotations

import hmac
from binascii import b2a_base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO

from cryptography.exceptions import InvalidTag

from mockkms.crypto import CryptoError, aead
from mockkms.crypto.encoding import b64
from mockkms.crypto.rsa import rsa
from mockkms.vault.framework.message import BackendError, ErrorResponse, VaultError, refusing
from mockkms.vault.secrets.transit.model import CONVERGENT_VERSION, PREFIX, TransitKey

PADDINGS = ("oaep", "pkcs1v15")
Random = Callable[[int], bytes]
"""``random(size)``: bytes for nonces."""


def encrypt(
    key: TransitKey, asked: int, context: bytes, plaintext: bytes, associated: str, random: Random, padding: str = ""
) -> tuple[str, int]:
    """Encrypt with version ``asked`` (0: the latest); returns the ciphertext and the version used.

    ``associated`` is base64, empty for none; ``padding`` is that of RSA keys. Raises ErrorResponse and BackendError.
    """
    if key.soft_deleted:
        key.check_alive()
    kind = key.kind
    if not kind.encrypts:
        raise ErrorResponse(f"message encryption not supported for key type {key.type}")
    number = key.version_to_use(asked, "encryption")
    if kind.aead:
        sealed = _seal(key, number, context, plaintext, associated, random)
    else:
        sealed = _encrypt_rsa(key, number, plaintext, padding)
    return f"{PREFIX}{number}:{b64.encode(sealed)}", number


@dataclass(frozen=True, slots=True)
class Sealing:
    """Encryption of many plaintexts with the latest version of a key that derives nothing: its cipher is made once.

    It does not refer to the key, which other requests may change meanwhile.
    """

    version: int
    nonce_size: int
    """Bytes of the nonce of each plaintext."""
    seal: aead.Seal


def encrypt_all(sealing: Sealing, plaintexts: Sequence[bytes], nonces: bytes) -> list[str]:
    """Return the ciphertexts of many plaintexts; ``nonces`` holds their nonces one after the other."""
    seal, size, prefix, texts, at = sealing.seal, sealing.nonce_size, f"{PREFIX}{sealing.version}:", [], 0
    for plaintext in plaintexts:
        nonce = nonces[at : at + size]
        at += size
        texts.append(prefix + b2a_base64(nonce + seal(nonce, plaintext, None), newline=False).decode())
    return texts


def sealing(key: TransitKey) -> Sealing | None:
    """Return what encrypts many plaintexts; None: each has to be encrypted on its own."""
    if key.soft_deleted or key.derived or key.convergent_encryption or not key.kind.aead:
        return None
    number = key.latest_version
    secret = key.version(number).key[: key.kind.size]
    seal = aead.sealing(key.kind.aead, secret) if len(secret) == key.kind.size else None
    return Sealing(number, aead.NONCE_SIZES[key.kind.aead], seal) if seal is not None else None


def drawn_ahead(key: TransitKey, count: int, random: Random) -> Random:
    """Return a source of the nonces of ``count`` encryptions with ``key``, which are drawn now."""
    draws = key.kind.aead and not key.convergent_encryption
    return BytesIO(random(count * aead.NONCE_SIZES[key.kind.aead]) if draws else b"").read


def decrypt(key: TransitKey, context: bytes, text: str, associated: str, padding: str = "") -> bytes:
    """Return the plaintext of a ciphertext. Raises ErrorResponse and BackendError."""
    if key.soft_deleted:
        key.check_alive()
    kind = key.kind
    if not kind.encrypts:
        raise ErrorResponse(f"message decryption not supported for key type {key.type}")
    number, body = key.version_of_text(text, "ciphertext")
    _check_convergence(key, number)
    try:
        sealed = b64.decode(body)
    except ValueError:
        raise ErrorResponse("invalid ciphertext: could not decode base64") from None
    if kind.aead:
        return _open(key, number, context, sealed, associated)
    return _decrypt_rsa(key, number, sealed, padding)


def decrypt_all(key: TransitKey, texts: Sequence[str]) -> list[str] | None:
    """Return many plaintexts in base64; None: each has to be decrypted on its own.

    That is so for a text at fault, and for a key that derives or is no AEAD key. The cipher of each version is made
    once.
    """
    kind = key.kind
    if key.soft_deleted or key.derived or key.convergent_encryption or not kind.aead:
        return None
    size, plaintexts = aead.NONCE_SIZES[kind.aead], []
    openers: dict[str, aead.Seal] = {}
    try:
        for text in texts:
            prefix, _, body = text.rpartition(":")
            opener = openers.get(prefix)
            if opener is None:
                number, body = key.version_of_text(text, "ciphertext")
                secret = key.version(number).key
                opener = aead.opening(kind.aead, secret) if len(secret) == kind.size else None
                if opener is None:
                    return None
                openers[prefix] = opener
            sealed = b64.decode(body)
            plaintexts.append(b2a_base64(opener(sealed[:size], sealed[size:], None), newline=False).decode())
    except (ValueError, VaultError, InvalidTag):
        return None
    return plaintexts


def check_padding(key: TransitKey, padding: str, name: str, *, required: bool = False) -> None:
    """Raise ErrorResponse for an unknown padding, or one of a key that is not RSA; ``name`` of the parameter precedes.

    An empty padding is the default one, unless one is ``required``.
    """
    if not padding and not required:
        return
    if padding not in PADDINGS:
        raise ErrorResponse(f"{name} invalid: unknown padding scheme: {padding}")
    if not key.kind.bits:
        raise ErrorResponse(f"{name} invalid: unsupported key type {key.type} for padding scheme")


def check_associated(key: TransitKey, associated: str, name: str) -> None:
    """Raise ErrorResponse for associated data with a key that does not authenticate; ``name`` is the parameter's."""
    if associated and not key.kind.aead:
        raise ErrorResponse(f"{name} provided for non-AEAD cipher suite {key.type}")


def associated_bytes(associated: str) -> bytes | None:
    """Decode associated data from base64; None if it is empty. Raises BackendError, as the real server does."""
    if not associated:
        return None
    with refusing("unable to get associated_data/additional_data from factory[0]: ", BackendError):
        return b64.decode(associated)


def _seal(key: TransitKey, number: int, context: bytes, plaintext: bytes, associated: str, random: Random) -> bytes:
    kind = key.kind
    algorithm = kind.aead
    nonce_size = aead.NONCE_SIZES[algorithm]
    if not key.convergent_encryption:
        secret = key.material(context, number, kind.size)[: kind.size]
        if len(secret) < kind.size:
            raise BackendError("could not derive key, length too small")
        extra = associated_bytes(associated) if associated else None
        return aead.seal(algorithm, secret, random(nonce_size), plaintext, extra)
    both = key.material(context, number, kind.size + 32)
    if len(both) < kind.size + 32:
        raise BackendError("could not derive key, length too small")
    extra = associated_bytes(associated)
    _check_convergence(key, number)
    nonce = hmac.digest(both[kind.size :], plaintext, "sha256")[:nonce_size]
    return aead.seal(algorithm, both[: kind.size], nonce, plaintext, extra)


def _open(key: TransitKey, number: int, context: bytes, sealed: bytes, associated: str) -> bytes:
    kind = key.kind
    secret = key.material(context, number, kind.size)
    if len(secret) != kind.size:
        raise BackendError("could not derive enc key, length not correct")
    extra = associated_bytes(associated) if associated else None
    if len(sealed) < aead.NONCE_SIZES[kind.aead]:
        raise ErrorResponse("invalid ciphertext length")
    try:
        return aead.open_sealed(kind.aead, secret, sealed, extra)
    except CryptoError as error:
        raise ErrorResponse(str(error)) from None


def _check_convergence(key: TransitKey, number: int) -> None:
    """Refuse convergent schemes 1 and 2, which are unsupported today. Raises ErrorResponse."""
    if not key.convergent_encryption:
        return
    version = key.versions.get(number)
    scheme = (version.convergent_version if version else 0) or key.convergent_version or 1
    if 0 < scheme < CONVERGENT_VERSION:
        raise ErrorResponse(f"refusing to support decryption with old convergent encryption key: version {scheme}")


def _encrypt_rsa(key: TransitKey, number: int, plaintext: bytes, padding: str) -> bytes:
    encrypt = rsa.encrypt_pkcs1v15 if padding == "pkcs1v15" else rsa.encrypt_oaep
    with refusing("failed to RSA encrypt the plaintext: ", BackendError, of=CryptoError):
        return encrypt(key.version(number).public, plaintext)


def _decrypt_rsa(key: TransitKey, number: int, sealed: bytes, padding: str) -> bytes:
    version = key.version(number)
    if version.private_missing:
        raise BackendError("cannot decrypt ciphertext, key version does not have a private counterpart")
    decrypt = rsa.decrypt_pkcs1v15 if padding == "pkcs1v15" else rsa.decrypt_oaep
    with refusing("failed to RSA decrypt the ciphertext: ", BackendError, of=CryptoError):
        return decrypt(version.key, sealed)
