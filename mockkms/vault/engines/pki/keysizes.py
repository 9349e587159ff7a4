"""Which sizes of keys and hashes there are."""

from __future__ import annotations

_DEFAULT_BITS = {"rsa": 2048, "ec": 256}


def settle(kind: str, bits: int, hash_bits: int) -> tuple[int, int]:
    """Size of key and hash with the defaults put in. Raises ValueError in the server's words."""
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
    if kind == "rsa":
        hash_bits = hash_bits or 256
        if hash_bits not in (256, 384, 512):
            raise ValueError(f"unsupported hash signature algorithm: {hash_bits}")
    elif kind != "ec":
        hash_bits = 0
    return bits, hash_bits
