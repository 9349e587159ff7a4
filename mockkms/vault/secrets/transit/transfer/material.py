"""The material of one key version as text: base64 for raw bytes, PEM for asymmetric keys."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from mockkms.crypto import asymmetric, kdf
from mockkms.crypto.encoding import b64, containers, pem
from mockkms.error_context import error_context
from mockkms.vault.framework.world_section import SpecFault
from mockkms.vault.secrets.transit.model import HMAC_MAX_SIZE, HMAC_MIN_SIZE, KeyVersion, TransitKey

VERSION_FIELDS = ("material", "public_key", "hmac_key", "created", "certificate_chain", "convergent_version")
"""Every member of a version's description."""


def read_version(key: TransitKey, entry: Mapping[str, object], path: str) -> KeyVersion:
    """Return the version of given material or public half. An HMAC key that is not given is derived from it."""
    for member in entry:
        if member not in VERSION_FIELDS:
            raise SpecFault(f"{path}.{member}", f"a version has only {', '.join(VERSION_FIELDS)}")
    secret = public = b""
    if "material" in entry:
        secret, public = _private(key, _text(entry, "material", path), f"{path}.material")
    elif not key.kind.asymmetric:
        raise SpecFault(f"{path}.public_key", f"a key of type {key.type} has no public half")
    else:
        public = _public(key, _text(entry, "public_key", path), f"{path}.public_key")
    if key.type == "hmac":
        hmac_key = secret
    elif "hmac_key" in entry:
        hmac_key = _base64(_text(entry, "hmac_key", path), f"{path}.hmac_key")
    else:
        hmac_key = kdf.hkdf_sha256(secret or public, b"", b"mockkms transit hmac key", 32)
    chain = entry.get("certificate_chain", [])
    if not isinstance(chain, list):
        raise SpecFault(f"{path}.certificate_chain", "must be a list of certificates, DER in base64")
    ders = [_base64(str(text), f"{path}.certificate_chain[{at}]") for at, text in enumerate(chain)]
    return KeyVersion(secret, hmac_key, 0, public, certificate_chain=ders)


def show_version(key: TransitKey, version: KeyVersion) -> dict[str, object]:
    """Return the private material, or the public half of a key without one, as ``read_version`` takes it."""
    if version.private_missing:
        return {"public_key": _public_text(key, version.public)}
    if key.kind.curve or key.kind.bits:
        return {"material": pem.encode("PRIVATE KEY", version.key)}
    return {"material": b64.encode(version.key)}


def _public_text(key: TransitKey, public: bytes) -> str:
    return b64.encode(public) if key.type == "ed25519" else pem.encode("PUBLIC KEY", public)


def _text(entry: Mapping[str, object], member: str, path: str) -> str:
    value = entry[member]
    if not isinstance(value, str):
        raise SpecFault(f"{path}.{member}", "must be text")
    return value


def _base64(text: str, path: str) -> bytes:
    with error_context(raised=partial(SpecFault, path)):
        return b64.decode("".join(text.split()))


def _private(key: TransitKey, text: str, path: str) -> tuple[bytes, bytes]:
    """Return secret and public half. Raises SpecFault."""
    kind = key.kind
    if kind.aead or kind.name == "hmac":
        raw = _base64(text, path)
        low, high = (kind.size, kind.size) if kind.aead else (HMAC_MIN_SIZE, HMAC_MAX_SIZE)
        if not low <= len(raw) <= high:
            wanted = str(low) if low == high else f"{low} to {high}"
            raise SpecFault(path, f"{len(raw)} bytes; a key of type {kind.name} has {wanted}")
        return raw, b""
    if "-----BEGIN" not in text:
        if kind.name != "ed25519":
            raise SpecFault(path, f"a key of type {kind.name} must be in PEM")
        raw = _base64(text, path)
        if len(raw) == 32:
            raw = asymmetric.ed25519_from_seed(raw)
        if len(raw) != 64 or raw != asymmetric.ed25519_from_seed(raw[:32]):
            raise SpecFault(path, "an ed25519 key must be a seed of 32 bytes, or seed and public key")
        return raw, raw[32:]
    unreadable = (ValueError, TypeError, UnsupportedAlgorithm)
    with error_context("cannot read the private key: ", partial(SpecFault, path), of=unreadable):
        loaded = load_pem_private_key(text.encode(), None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(loaded, (RSAPrivateKey, EllipticCurvePrivateKey, Ed25519PrivateKey)):
            raise TypeError("it is not of type RSA, ECDSA or Ed25519")
        parsed = containers.parse_private(asymmetric.private_der(loaded))
    _check_fit(key, parsed, path)
    return parsed.private, parsed.public or asymmetric.public_of(parsed.private)


def _public(key: TransitKey, text: str, path: str) -> bytes:
    if key.type == "ed25519" and "-----BEGIN" not in text:
        raw = _base64(text, path)
        if len(raw) != 32:
            raise SpecFault(path, "an ed25519 public key has 32 bytes")
        return raw
    block = pem.decode(text)
    if block is None:
        raise SpecFault(path, "a PEM block is missing")
    with error_context(raised=partial(SpecFault, path)):
        parsed = containers.parse_public(block.der)
    _check_fit(key, parsed, path)
    return parsed.public


def _check_fit(key: TransitKey, parsed: containers.Parsed, path: str) -> None:
    kind = key.kind
    found = {"rsa": f"rsa-{parsed.bits}", "ec": f"ecdsa-{parsed.curve.lower().replace('-', '')}"}.get(
        parsed.family, parsed.family
    )
    if found != kind.name:
        raise SpecFault(path, f"the key is of type {found}, not {kind.name}")
