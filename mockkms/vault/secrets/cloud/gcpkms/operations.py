"""``encrypt/``, ``decrypt/``, ``reencrypt/``, ``sign/``, ``verify/`` and ``pubkey/``."""

from __future__ import annotations

import base64

from mockkms.crypto import CryptoError, aead, asymmetric, ecdsa
from mockkms.crypto.encoding import b64, pem
from mockkms.crypto.rsa import rsa
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, Operation, refusing, unsupported_operation
from mockkms.vault.secrets.cloud.gcpkms.model import (
    DECRYPT,
    ENCRYPT,
    SIGN,
    CloudError,
    CryptoKey,
    GcpKms,
    check_fields,
    check_version,
    engine,
    missing,
)

_PREFIX = b"\x0a\x24\x00"
"""How ciphertexts of Cloud KMS begin; the number of the version follows."""
_NUMBER, _NONCE = 4, 12
_LONGEST = 64 * 1024
"""Bytes of a plaintext."""
_KEY = Field(Kind.STRING, help="Name of the key.")
_VERSION = Field(Kind.INT, help="Number of the version.")
_ASSOCIATED = Field(Kind.STRING, help="Additional authenticated data.")
_CIPHERTEXT = Field(Kind.STRING, help="A ciphertext in base64.")
_DIGEST = Field(Kind.STRING, help="A digest in base64.")

encrypt = engine.path(
    "encrypt/{key}",
    {
        "key": _KEY, "additional_authenticated_data": _ASSOCIATED, "key_version": _VERSION,
        "plaintext": Field(Kind.STRING, help="The plaintext."),
    },
    help="Encrypt with a symmetric key.", go_errors=True,
)  # fmt: skip
decrypt = engine.path(
    "decrypt/{key}",
    {"key": _KEY, "additional_authenticated_data": _ASSOCIATED, "ciphertext": _CIPHERTEXT, "key_version": _VERSION},
    help="Decrypt.", go_errors=True,
)  # fmt: skip
reencrypt = engine.path(
    "reencrypt/{key}",
    {"key": _KEY, "additional_authenticated_data": _ASSOCIATED, "ciphertext": _CIPHERTEXT, "key_version": _VERSION},
    help="Encrypt with another version.", go_errors=True,
)  # fmt: skip
sign = engine.path(
    "sign/{key}", {"key": _KEY, "digest": _DIGEST, "key_version": _VERSION}, help="Sign a digest.", go_errors=True
)
verify = engine.path(
    "verify/{key}",
    {
        "key": _KEY, "digest": _DIGEST, "key_version": _VERSION,
        "signature": Field(Kind.STRING, help="A signature in base64."),
    },
    help="Verify a signature.", go_errors=True,
)  # fmt: skip
pubkey = engine.path("pubkey/{key}", {"key": _KEY, "key_version": _VERSION}, help="A public key.", go_errors=True)


@encrypt.on(Operation.UPDATE)
def encrypt_text(
    state: GcpKms, call: Call, *, key: str, additional_authenticated_data: str, key_version: int, plaintext: str
) -> Reply:
    """Encrypt a text. Raises ErrorResponse and BackendError."""
    found = _key(state, call, key, key_version, "failed to encrypt plaintext: ")
    with refusing("failed to encrypt plaintext: ", BackendError, of=CloudError):
        return _sealed(call, found, plaintext.encode(), additional_authenticated_data, key_version)


def _key(state: GcpKms, call: Call, name: str, number: int, failure: str) -> CryptoKey:
    """Return the crypto key behind a key whose version may be used. Raises ErrorResponse and BackendError."""
    check_fields(call)
    registered = state.registered(name)
    check_version(registered, number)
    with refusing(failure, BackendError, of=CloudError):
        return state.behind(registered)


def _sealed(call: Call, key: CryptoKey, plaintext: bytes, associated: str, number: int) -> dict[str, object]:
    _require(key, ENCRYPT)
    if len(plaintext) > _LONGEST:
        raise CloudError("InvalidArgument", f"The plaintext is longer than {_LONGEST} bytes.")
    number = number if number > 0 else key.primary
    version = key.usable(number)
    nonce = call.core.entropy.bytes(_NONCE)
    sealed = aead.seal("aes-gcm", version.material, nonce, plaintext, associated.encode())
    ciphertext = _PREFIX + number.to_bytes(_NUMBER, "big") + sealed
    return {"ciphertext": base64.b64encode(ciphertext).decode(), "key_version": str(number)}


def _require(key: CryptoKey, purpose: str) -> None:
    if key.purpose != purpose and not (purpose == ENCRYPT and key.purpose == "unspecified"):
        text = f"{key.id} has purpose {key.purpose.upper()}, but this operation requires {purpose.upper()}."
        raise CloudError("FailedPrecondition", text)


def _opened(key: CryptoKey, ciphertext: bytes, associated: str) -> bytes:
    """Return the plaintext of a symmetric ciphertext. Raises CloudError."""
    _require(key, ENCRYPT)
    start = len(_PREFIX) + _NUMBER
    number = int.from_bytes(ciphertext[len(_PREFIX) : start], "big")
    if not ciphertext.startswith(_PREFIX) or not 0 < number <= len(key.versions):
        raise CloudError("InvalidArgument", "Decryption failed: verify that 'name' refers to the correct CryptoKey.")
    try:
        return aead.open_sealed("aes-gcm", key.usable(number).material, ciphertext[start:], associated.encode())
    except CryptoError:
        raise CloudError("InvalidArgument", "Decryption failed: the ciphertext is invalid.") from None


def _bytes(text: str, failure: str) -> bytes:
    """Return the bytes of a base64 text. Raises BackendError."""
    with refusing(failure, BackendError):
        return b64.decode(text)


@decrypt.on(Operation.UPDATE)
def decrypt_text(
    state: GcpKms, call: Call, *, key: str, additional_authenticated_data: str, ciphertext: str, key_version: int
) -> Reply:
    """Decrypt with the version that encrypted or, with an asymmetric key, the given one."""
    check_fields(call)
    state.registered(key)
    received = _bytes(ciphertext, "failed to base64 decode ciphtertext: ")
    found = _key(state, call, key, key_version, "failed to get underlying crypto key: ")
    if found.purpose == SIGN:
        raise unsupported_operation()
    if found.purpose == DECRYPT:
        if not key_version:
            missing("key_version")
        with refusing("failed to decrypt ciphertext (asymmetric): ", BackendError, of=CloudError):
            plaintext = _unwrapped(found, key_version, received)
    else:
        with refusing("failed to decrypt ciphertext (symmetric): ", BackendError, of=CloudError):
            plaintext = _opened(found, received, additional_authenticated_data)
    return {"plaintext": plaintext.decode("utf-8", "replace")}


def _unwrapped(key: CryptoKey, number: int, ciphertext: bytes) -> bytes:
    try:
        return rsa.decrypt_oaep(key.usable(number).material, ciphertext)
    except CryptoError:
        raise CloudError("InvalidArgument", "Decryption failed: the ciphertext is invalid.") from None


@reencrypt.on(Operation.UPDATE)
def encrypt_again(
    state: GcpKms, call: Call, *, key: str, additional_authenticated_data: str, ciphertext: str, key_version: int
) -> Reply:
    """Encrypt the plaintext of a ciphertext again. Raises ErrorResponse and BackendError."""
    found = _key(state, call, key, key_version, "failed to decrypt ciphertext: ")
    received = _bytes(ciphertext, "failed to base64 decode ciphtertext: ")
    with refusing("failed to decrypt ciphertext: ", BackendError, of=CloudError):
        plaintext = _opened(found, received, additional_authenticated_data)
    with refusing("failed to encrypt new plaintext: ", BackendError, of=CloudError):
        return _sealed(call, found, plaintext, additional_authenticated_data, key_version)


@sign.on(Operation.UPDATE)
def sign_digest(state: GcpKms, call: Call, *, key: str, digest: str, key_version: int) -> Reply:
    """Sign a digest. Raises ErrorResponse and BackendError."""
    check_fields(call)
    if not digest:
        missing("digest")
    if not key_version:
        missing("key_version")
    found = _key(state, call, key, key_version, "failed to get underlying crypto key: ")
    with refusing("failed to get underlying crypto key: ", BackendError, of=CloudError):
        material = found.usable(key_version).material
    if found.purpose != SIGN:
        raise BackendError(f"unknown key signing algorithm: {_shown(found)}")
    data = _bytes(digest, "failed to decode base64 digest: ")
    size = 48 if found.algorithm.endswith("sha384") else 32
    if len(data) != size:
        fault = CloudError("InvalidArgument", f"The digest is {len(data)} bytes long, but must be {size}.")
        raise BackendError(f"failed to sign digest: {fault}")
    if found.algorithm.startswith("ec_"):
        signature = ecdsa.sign(material, data)
    elif "_pss_" in found.algorithm:
        signature = rsa.sign_pss(material, data, "sha2-256", rsa.SALT_HASH)
    else:
        signature = rsa.sign_pkcs1v15(material, data, "sha2-256")
    return {"signature": base64.b64encode(signature).decode()}


def _shown(key: CryptoKey) -> str:
    return f"GOOGLE_{key.algorithm.upper()}" if key.purpose == ENCRYPT else key.algorithm.upper()


@verify.on(Operation.UPDATE)
def verify_signature(state: GcpKms, call: Call, *, key: str, digest: str, key_version: int, signature: str) -> Reply:
    """Return whether a signature is valid. Raises ErrorResponse and BackendError."""
    check_fields(call)
    for name, value in (("digest", digest), ("signature", signature), ("key_version", key_version)):
        if not value:
            missing(name)
    received = _bytes(signature, "failed to base64 decode signature: ")
    data = _bytes(digest, "failed to base64 decode digest: ")
    found = _key(state, call, key, key_version, "failed to get public key: ")
    public = _public(found, key_version)
    if found.purpose != SIGN:
        raise BackendError(f"unknown key signing algorithm: {_shown(found)}")
    if found.algorithm.startswith("ec_"):
        with refusing("failed to unmarshal signature: ", BackendError, of=CryptoError):
            return {"valid": ecdsa.verify(public, data, received)}
    check = rsa.verify_pss if "_pss_" in found.algorithm else rsa.verify_pkcs1v15
    return {"valid": check(public, data, received, "sha2-256")}


def _public(key: CryptoKey, number: int) -> bytes:
    """Return the public key of a version in DER. Raises BackendError."""
    with refusing("failed to get public key: ", BackendError, of=CloudError):
        if key.purpose not in (SIGN, DECRYPT):
            raise CloudError("InvalidArgument", f"{key.id} is a symmetric key, which has no public key.")
        return asymmetric.public_of(key.usable(number).material)


@pubkey.on(Operation.READ)
def read_public_key(state: GcpKms, call: Call, *, key: str, key_version: int) -> Reply:
    """Return a public key in PEM. Raises ErrorResponse and BackendError."""
    check_fields(call)
    if not key_version:
        missing("key_version")
    found = _key(state, call, key, key_version, "failed to get public key: ")
    return {"algorithm": found.algorithm, "pem": pem.encode("PUBLIC KEY", _public(found, key_version))}
