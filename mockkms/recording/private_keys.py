"""Private keys in PEM: finding them in a text, and generating others of the same type for replays."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----.*?-----END \1-----", re.DOTALL)
_PUBLIC = frozenset(("CERTIFICATE", "CERTIFICATE REQUEST", "PUBLIC KEY", "RSA PUBLIC KEY", "X509 CRL"))
_RSA_BITS = 2048


def label(text: str) -> str:
    """Return the label of a text that is one PEM block and not a public one; else an empty text."""
    found = BLOCK.fullmatch(text.strip())
    return found[1] if found is not None and found[1] not in _PUBLIC else ""


def within(text: str, show: Callable[[str], str]) -> str | None:
    """Return a text of PEM blocks with the private ones replaced; None if the text has anything else."""
    if "-----BEGIN " not in text or BLOCK.sub("", text).strip():
        return None
    return BLOCK.sub(lambda found: found[0] if found[1] in _PUBLIC else show(found[0]), text)


def are_public(text: str) -> bool:
    """Return whether a text consists of public PEM blocks."""
    blocks = [found[1] for found in BLOCK.finditer(text)]
    return bool(blocks) and _PUBLIC.issuperset(blocks) and not BLOCK.sub("", text).strip()


def kind(pem: str) -> str:
    """Return the type of an unencrypted private key: ``rsa``, ``ec``, ``ed25519``, or empty."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

    load = load_ssh_private_key if "BEGIN OPENSSH" in pem else load_pem_private_key
    try:
        key = load(pem.encode(), None)
    except Exception:  # noqa: BLE001 - an encrypted, damaged or unknown key; libraries raise many kinds of errors
        return ""
    types = {"rsa": rsa.RSAPrivateKey, "ec": ec.EllipticCurvePrivateKey, "ed25519": ed25519.Ed25519PrivateKey}
    return next((name for name, one in types.items() if isinstance(key, one)), "")


def made_up(label: str, kind: str, seed: bytes) -> str:
    """Return a private key of this type in a block of this label; the same for the same ``seed``."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    if not kind:
        return f"-----BEGIN {label}-----\n{base64.b64encode(seed).decode()}\n-----END {label}-----"
    form = PrivateFormat.PKCS8
    if label.startswith("OPENSSH"):
        form = PrivateFormat.OpenSSH
    elif label in ("RSA PRIVATE KEY", "EC PRIVATE KEY"):
        form = PrivateFormat.TraditionalOpenSSL
    return _key(kind, seed).private_bytes(Encoding.PEM, form, NoEncryption()).decode().strip()


def _key(kind: str, seed: bytes) -> RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    if kind == "ec":
        return ec.derive_private_key(int.from_bytes(seed[:31], "big") + 1, ec.SECP256R1())
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    from mockkms.crypto.rsa import pool
    from mockkms.world.entropy import Entropy

    key = load_der_private_key(pool.take(_RSA_BITS, Entropy(seed.hex())), None)
    assert isinstance(key, RSAPrivateKey)
    return key
