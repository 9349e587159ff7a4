"""Sizes of keys and hashes, in bits."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call
from mockkms.vault.products.features import Feature

_DEFAULT_BITS = {"rsa": 2048, "ec": 256}
DEFAULT_HASH = 256


def settle(call: Call, kind: str, bits: int, hash_bits: int) -> tuple[int, int]:
    """Return the sizes of key and hash, with defaults. Raises ValueError with the server's text."""
    if call.core.product.has(Feature.PKI_ISSUER_HASH):
        hash_bits = settle_hash(call, kind, hash_bits)
        return settle_key(kind, bits), hash_bits
    bits = settle_key(kind, bits)
    return bits, settle_hash(call, kind, hash_bits)


def settle_key(kind: str, bits: int) -> int:
    """Return the size of a key, the default one for 0. Raises ValueError with the server's text."""
    bits = bits or _DEFAULT_BITS.get(kind, 0)
    if kind == "rsa":
        if bits < 2048:
            raise ValueError(f"RSA keys < 2048 bits are unsafe and not supported: got {bits}")
        if bits not in (2048, 3072, 4096, 8192):
            raise ValueError(f"unsupported bit length for RSA key: {bits}")
    elif kind == "ec":
        if bits not in (224, 256, 384, 521):
            raise ValueError(f"unsupported bit length for EC key: {bits}")
    elif kind not in ("any", "ed25519"):
        raise ValueError(f"unknown key type {kind}")
    return bits


def settle_hash(call: Call, kind: str, bits: int) -> int:
    """Return the size of the hash in signatures of a type of key. Raises ValueError with the server's text."""
    if kind == "ec":
        return bits
    if kind in ("any", "ed25519"):
        return 0
    if kind == "rsa":
        bits = bits or DEFAULT_HASH
    if bits not in (256, 384, 512):
        named = f" for keyType {kind}" if call.core.product.has(Feature.PKI_ISSUER_HASH) else ""
        raise ValueError(f"unsupported hash signature algorithm{named}: {bits}")
    return bits
