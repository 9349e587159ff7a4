"""Token ids: service tokens of both products, and batch tokens, which carry their whole content encrypted."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import asdict, fields
from typing import Any

from mockkms.crypto.encoding import b64
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature
from mockkms.vault.tokens.token import Token
from mockkms.world.entropy import Entropy

LENGTH = 24
"""Letters and digits of a token's random part, and of an accessor."""
_HEADER = b"\x00\x00\x00\x01\x02"
"""Term and version that precede everything the real server's barrier encrypts."""
BATCH_PREFIXES = ("b.", "hvb.")
"""The former prefix of batch tokens and the present one: both products read both."""
_NOT_CARRIED = ("id", "accessor", "num_uses", "explicit_max_ttl", "period", "lease_id")
_CARRIED = frozenset(f.name for f in fields(Token)) - set(_NOT_CARRIED)


def service(entropy: Entropy, product: Product, key: bytes, *, root: bool, suffix: str) -> str:
    """Return a new service token; ``suffix`` is the namespace's id, if any. ``key`` signs the long form."""
    inner = product.service_prefix + entropy.base62(LENGTH) + (f".{suffix}" if suffix else "")
    if root or not product.has(Feature.SIGNED_TOKENS):
        return inner
    token = b"\x0a" + bytes([len(inner)]) + inner.encode()
    mac = hmac.digest(key, token, "sha256")
    signed = b"\x08\x01\x12" + bytes([len(token)]) + token + b"\x1a" + bytes([len(mac)]) + mac
    return product.service_prefix + base64.urlsafe_b64encode(signed).decode().rstrip("=")


def unsigned(product: Product, token_id: str) -> str:
    """Return the token that a service token in the long form signs; any other one unchanged."""
    prefix = product.service_prefix
    if not product.has(Feature.SIGNED_TOKENS) or not token_id.startswith(prefix):
        return token_id
    try:
        signed = b64.decode_raw_url(token_id[len(prefix) :])
    except ValueError:
        return token_id
    if not signed.startswith(b"\x08\x01\x12") or signed[4:5] != b"\x0a" or len(signed) < 6:
        return token_id
    return signed[6 : 6 + signed[5]].decode("utf-8", "replace")


def seal_batch(entropy: Entropy, product: Product, key: bytes, token: Token, suffix: str) -> str:
    """Return the id of a batch token: its content, encrypted with AES-256-GCM."""
    from mockkms.crypto import aead

    carried = {name: value for name, value in asdict(token).items() if name in _CARRIED and value}
    if token.meta is not None:
        carried["meta"] = token.meta
    plaintext = json.dumps(carried, separators=(",", ":")).encode()
    sealed = _HEADER + aead.seal("aes-gcm", key, entropy.bytes(12), plaintext)
    text = base64.urlsafe_b64encode(sealed).decode().rstrip("=")
    return product.batch_prefix + text + (f".{suffix}" if suffix else "")


def batch_content(token_id: str) -> bytes | None:
    """Return the encrypted content of a batch token's id; None for an id of another form.

    Raises ValueError, with Go's text, for an id with a batch token's prefix that is malformed.
    """
    if not token_id.startswith(BATCH_PREFIXES):
        return None
    prefix = next(known for known in BATCH_PREFIXES if token_id.startswith(known))
    text, dot, namespace = token_id[len(prefix) :].rpartition(".")
    return b64.decode_raw_url(text if dot and namespace else text + dot + namespace)


def open_batch(key: bytes, token_id: str) -> Token | None:
    """Return the token that ``seal_batch`` encoded in ``token_id``; None for an id of another server."""
    try:
        sealed = batch_content(token_id)
        if sealed is None or not sealed.startswith(_HEADER):
            return None
        from mockkms.crypto import aead

        carried: dict[str, Any] = json.loads(aead.open_sealed("aes-gcm", key, sealed[len(_HEADER) :]))
    except ValueError:
        return None
    policies = carried.pop("policies", [])
    carried.setdefault("display_name", "")
    return Token(id=token_id, accessor="", policies=policies, **carried)


def salted(salt: str, token_id: str) -> str:
    """Return the last part of a token's lease id: a salted hash, SHA-1 for custom ids as on the real server."""
    if "." not in token_id:
        return hashlib.sha1((salt + token_id).encode(), usedforsecurity=False).hexdigest()
    return "h" + hmac.new(salt.encode(), token_id.encode(), "sha256").hexdigest()
