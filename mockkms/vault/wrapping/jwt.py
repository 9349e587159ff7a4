"""Wrapping tokens in the form of a JWT: signed with ES512, the real token in ``jti``."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA512

from mockkms.crypto.encoding import b64
from mockkms.error_context import error_context
from mockkms.json_reading import read_json

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Environment

_SIZE = 66
"""Bytes of a coordinate on P-521."""
_LABEL = "wrapping jwt"


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _key(core: Environment) -> ec.EllipticCurvePrivateKey:
    tokens = core.state.tokens
    if not tokens.wrapping_key:
        tokens.wrapping_key = int.from_bytes(core.entropy.derived(_LABEL, 64), "big") or 1
    return ec.derive_private_key(tokens.wrapping_key, ec.SECP521R1())


def sign(core: Environment, token_id: str, now: float, seconds: float) -> str:
    """Return the JWT that represents the wrapping token ``token_id``."""
    claims = {
        "accessor": "",
        "addr": "",
        "exp": int(now + seconds),
        "iat": int(now),
        "jti": token_id,
        "nbf": int(now - 5),
        "type": "wrapping",
    }
    head = {"alg": "ES512", "typ": "JWT"}
    text = ".".join(_encode(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
    r, s = decode_dss_signature(_key(core).sign(text.encode(), ec.ECDSA(SHA512())))
    return f"{text}.{_encode(r.to_bytes(_SIZE, 'big') + s.to_bytes(_SIZE, 'big'))}"


def verify(core: Environment, text: str) -> str:
    """Verify the signature and return the wrapping token in ``jti``. Raises ValueError with the server's text."""
    head, body, signature = text.split(".")
    unparsed = "wrapping token could not be parsed: go-jose/go-jose: parse error"
    with error_context(of=(ValueError, AttributeError), text=unparsed):
        algorithm = read_json(b64.decode_raw_url(head)).get("alg")
        claims = read_json(b64.decode_raw_url(body))
        raw = b64.decode_raw_url(signature)
    if algorithm != "ES512":
        raise ValueError(
            f'wrapping token could not be parsed: go-jose/go-jose: unexpected signature algorithm "{algorithm}"; '
            'expected ["ES512"]'
        )
    _check(core, f"{head}.{body}".encode(), raw)
    kind = claims.get("type") if isinstance(claims, dict) else None
    if kind is None:
        raise ValueError("could not validate type claim")
    if not isinstance(kind, str):
        raise ValueError("could not parse type claim")
    if kind != "wrapping":
        raise ValueError("unexpected type claim")
    return str(claims.get("jti", ""))


def _check(core: Environment, signed: bytes, raw: bytes) -> None:
    if len(raw) == 2 * _SIZE:
        pair = encode_dss_signature(int.from_bytes(raw[:_SIZE], "big"), int.from_bytes(raw[_SIZE:], "big"))
        try:
            _key(core).public_key().verify(pair, signed, ec.ECDSA(SHA512()))
            return
        except InvalidSignature:
            pass
    raise ValueError(
        "wrapping token signature could not be validated: go-jose/go-jose: error in cryptographic primitive"
    )
