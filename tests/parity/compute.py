"""Values that a step computes from captured ones before it is sent."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding
from cryptography.hazmat.primitives.twofactor.totp import TOTP

_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "SHA1": hashes.SHA1, "SHA224": hashes.SHA224, "SHA256": hashes.SHA256, "SHA384": hashes.SHA384,
    "SHA512": hashes.SHA512,
}  # fmt: skip
_TOTP_HASHES: dict[str, Callable[[], hashes.SHA1 | hashes.SHA256 | hashes.SHA512]] = {
    "SHA1": hashes.SHA1, "SHA256": hashes.SHA256, "SHA512": hashes.SHA512,
}  # fmt: skip


def byok_wrap(public_key: str, key: str, hash: str = "SHA256", aes_bits: int = 256) -> str:
    """Key material (base64) wrapped for an import: a fresh AES key under RSA-OAEP, then the material under AES-KWP."""
    digest = _HASHES[hash]()
    loaded = serialization.load_pem_public_key(public_key.encode())
    assert isinstance(loaded, rsa.RSAPublicKey)
    ephemeral = os.urandom(aes_bits // 8)
    sealed = loaded.encrypt(ephemeral, padding.OAEP(padding.MGF1(digest), digest, None))
    return base64.b64encode(sealed + aes_key_wrap_with_padding(ephemeral, base64.b64decode(key))).decode()


def flip_last_byte(text: str) -> str:
    """``vault:vN:base64`` with its last byte altered."""
    head, _, payload = text.rpartition(":")
    raw = bytearray(base64.b64decode(payload))
    raw[-1] ^= 1
    return f"{head}:{base64.b64encode(bytes(raw)).decode()}"


def xor_text(encoded: str, otp: str) -> str:
    """The root token that was generated: unpadded base64 of the token XOR the one-time password."""
    raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4))
    return bytes(one ^ other for one, other in zip(raw, otp.encode(), strict=False)).decode()


def totp_code(url: str, at: float, offset: int = 0) -> str:
    """The code of an ``otpauth://`` address at a moment (seconds since the epoch), some periods later or earlier."""
    query = dict(parse_qsl(urlsplit(url).query))
    secret = query["secret"] + "=" * (-len(query["secret"]) % 8)
    period = int(query.get("period", 30))
    algorithm = _TOTP_HASHES[query.get("algorithm", "SHA1")]()
    generator = TOTP(base64.b32decode(secret), int(query.get("digits", 6)), algorithm, period, enforce_key_length=False)
    return generator.generate(int(at) + int(offset) * period).decode()


def wrong_code(code: str) -> str:
    """Another code of the same length."""
    return "".join(str((int(digit) + 5) % 10) for digit in code)


def compute(function: str, arguments: dict[str, Any], now: float) -> str:
    """Return the value that a step names as ``{fn: function, **arguments}``, at a moment of the server's clock."""
    if function == "totp_code":
        return totp_code(at=now, **arguments)
    return _FUNCTIONS[function](**arguments)


_FUNCTIONS: dict[str, Callable[..., str]] = {
    "byok_wrap": byok_wrap, "flip_last_byte": flip_last_byte, "xor_text": xor_text, "wrong_code": wrong_code,
}  # fmt: skip
