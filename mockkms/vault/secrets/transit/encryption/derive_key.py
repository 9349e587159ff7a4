"""``derive-key/{name}``: a new symmetric key from an ECDSA key and the public key of a peer."""

from __future__ import annotations

from mockkms.crypto import asymmetric, kdf
from mockkms.crypto.x509.public_pem import parse_public_pem
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, VaultError, refusing
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.transit import engine
from mockkms.vault.secrets.transit.keys.keyring import add_version, existing
from mockkms.vault.secrets.transit.model import (
    HMAC_MAX_SIZE,
    HMAC_MIN_SIZE,
    TYPES,
    KeyVersion,
    Transit,
    TransitKey,
)

endpoint = engine.path(
    "derive-key/{name}",
    {
        "name": Field(Kind.STRING, help="Name of the new key."),
        "key_derivation_algorithm": Field(Kind.STRING, default="ecdh", help="Only ecdh."),
        "peer_public_key": Field(Kind.STRING, help="Public key of the peer, in PEM."),
        "base_key_name": Field(Kind.STRING, help="Name of the ECDSA key."),
        "base_key_version": Field(Kind.INT, help="Version of that key; 0: the latest."),
        "derived_key_type": Field(Kind.STRING, default="aes256-gcm96", help="Type of the new key, for AEAD."),
    },
    help="Create a key by key agreement.",
    needs=Feature.TRANSIT_ADDITIONS,
    go_errors=True,
)


@endpoint.on(Operation.UPDATE)
def derive_key(
    state: Transit,
    call: Call,
    *,
    key_derivation_algorithm: str,
    peer_public_key: str,
    derived_key_type: str,
    base_key_name: str,
    base_key_version: int,
) -> Reply:
    """Import the agreed key, under a new name or as the next version. Raises ErrorResponse and BackendError."""
    if key_derivation_algorithm != "ecdh":
        raise ErrorResponse(f"key derivation algorithm {key_derivation_algorithm} not supported")
    if not peer_public_key:
        raise ErrorResponse("peer public key not provided")
    kind = TYPES.get(derived_key_type.lower())
    if kind is None or not kind.aead:
        raise ErrorResponse(f"unknown key type {derived_key_type}")
    base = existing(state, base_key_name, call.core, "specified base key not found")
    if not base.kind.agrees:
        raise ErrorResponse(f"base key type {base.type} does not support key agreement")
    with refusing(error=BackendError, of=VaultError):
        secret = _agree(base, base_key_version, peer_public_key, kind.size)
        _keep(state, call, kind.name, secret)
    return None


def _agree(base: TransitKey, asked: int, peer: str, size: int) -> bytes:
    """Derive ``size`` bytes from the shared secret. Raises VaultError."""
    if asked < 0:
        raise ErrorResponse("requested version of the base key is negative")
    number = asked or base.latest_version
    if number > base.latest_version:
        raise ErrorResponse("requested version of the base key is higher than the latest key version")
    if number < base.min_available_version:
        raise ErrorResponse("requested version of the base key is less than the minimum available key version")
    version = base.version(number)
    try:
        public = parse_public_pem(peer)
    except ValueError as error:  # The server's text ends with a blank.
        raise ErrorResponse(f"failed to parse supplied peer public key PEM: {error} ") from None
    if public.family != "ec":
        raise ErrorResponse("supplied peer public key is not an ECDSA key")
    if public.curve != base.kind.curve:
        raise ErrorResponse(f"base private key type {base.type} does not match peer public key curve")
    if version.private_missing:
        raise BackendError("ecdsa: invalid private key")
    return kdf.hkdf_sha256(asymmetric.ecdh(version.key, public.public), b"", b"", size)


def _keep(state: Transit, call: Call, key_type: str, secret: bytes) -> None:
    """Import the derived secret, as a key of its own or as the next version of the key of that name."""
    key = state.keys.get(call["name"]) or TransitKey(call["name"], key_type, imported=True)
    key.check_alive()
    kind = key.kind
    hmac_key = secret
    if kind.aead:
        fits = len(secret) == kind.size
    elif kind.name == "hmac":
        fits = HMAC_MIN_SIZE <= len(secret) <= HMAC_MAX_SIZE
        key.key_size = len(secret) if fits else key.key_size
    else:
        raise BackendError("error importing key: error parsing asymmetric key: asn1: structure error: tags don't match")
    if not fits:
        raise BackendError(f"error importing key: invalid key size {len(secret)} bytes for key type {key.type}")
    if kind.aead:
        hmac_key = call.core.entropy.drawn(32)
    add_version(key, KeyVersion(secret, hmac_key, call.now()))
    key.latest.convergent_version = 0
    state.keys[key.name] = key
