"""The headers of signed tokens as go-jose reads them: what it refuses before it looks for a key."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from mockkms.crypto import jws
from mockkms.crypto.encoding import b64
from mockkms.crypto.x509 import read
from mockkms.vault.golang.fmt import quote
from mockkms.vault.golang.json import decode, kind_of

_CURVES = {"P-256": 32, "P-384": 48, "P-521": 66}
"""Bytes of a coordinate."""
_KEY_TEXTS = ("use", "kty", "kid", "crv", "alg", "x5u", "x5t", "x5t#S256")
_KEY_NUMBERS = ("k", "x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi")
"""Members of a key in JSON that are in base64url."""


def parse(
    text: str, *, blanks: bool = True, padding: bool = False, algorithms: Sequence[str] | None = None
) -> jws.JwsToken:
    """Return a token in compact form, not verified. Raises ValueError with go-jose's text.

    Args:
        text: The token.
        blanks: Blanks in it are ignored, as by all functions but ``ParseSignedCompact``.
        padding: Its parts may be padded, as in version 3 of go-jose.
        algorithms: The algorithms that may be used, in the order in which a message names them; None: any.
    """
    token = jws.parse(text, blanks=blanks, padding=padding, header=_header)
    _check(token, algorithms, former=padding)
    return token


def _header(raw: bytes) -> object:
    """Return the header, of which Go's JSON is read. Raises ValueError with the texts of Go and go-jose."""
    if not raw:
        return {}
    given = decode(raw, any_number=True, whole=True)
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise ValueError(f"json: cannot unmarshal {kind_of(given)} into Go value of type jose.rawHeader")
    pairs: object = json.loads(raw, object_pairs_hook=tuple)
    seen: set[str] = set()
    for name, _value in pairs if isinstance(pairs, tuple) else ():
        if name in seen:
            raise ValueError(f"json: duplicate key '{name}' in object")
        seen.add(name)
    return given


def _check(token: jws.JwsToken, algorithms: Sequence[str] | None, *, former: bool) -> None:
    for name, (meaning, check_value) in _CHECKS.items():
        value = token.header.get(name)
        if value is None:
            continue
        try:
            check_value(value, former)
        except ValueError as fault:
            raise ValueError(f"failed to unmarshal {meaning}: {fault}: {quote(_raw(token, name))}") from None
    if algorithms is not None and token.algorithm not in algorithms:
        known = " ".join(quote(one) for one in algorithms)
        raise ValueError(f"unexpected signature algorithm {quote(token.algorithm)}; expected [{known}]")
    key = token.header.get("jwk")
    if isinstance(key, dict) and (key.get("kty") == "oct" or key.get("d") is not None):
        raise ValueError("go-jose/go-jose: invalid embedded jwk, must be public key")


def check_critical(token: jws.JwsToken) -> None:
    """Raise ValueError with the text of Go or go-jose for critical headers that go-jose does not support."""
    names = token.header.get("crit")
    for value, wanted in ((names, list), *((name, str) for name in (names if isinstance(names, list) else ()))):
        if value is not None and not isinstance(value, wanted):
            kind = "[]string" if wanted is list else "string"
            raise ValueError(f"json: cannot unmarshal {kind_of(value)} into Go value of type {kind}")
    if not token.understood:
        raise ValueError("go-jose/go-jose: unsupported critical header")


def _raw(token: jws.JwsToken, wanted: str) -> str:
    """Return a member of the header as it was sent."""
    text = b64.decode_raw_url(token.protected).decode("utf-8", "replace")
    decoder = json.JSONDecoder()
    at, found = text.index("{") + 1, ""
    while text[at:].lstrip()[:1] == '"':
        at += len(text[at:]) - len(text[at:].lstrip())
        name, at = decoder.raw_decode(text, at)
        at = text.index(":", at) + 1
        at += len(text[at:]) - len(text[at:].lstrip())
        start = at
        _, at = decoder.raw_decode(text, at)
        if name == wanted:
            found = text[start:at]
        at += len(text[at:]) - len(text[at:].lstrip())
        if text[at : at + 1] != ",":
            break
        at += 1
    return found


def _text(value: object) -> None:
    if not isinstance(value, str):
        raise ValueError(f"json: cannot unmarshal {kind_of(value)} into Go value of type string")


def _certificates(value: object) -> None:
    if not isinstance(value, list):
        raise ValueError(f"json: cannot unmarshal {kind_of(value)} into Go value of type []string")
    for text in value:
        _text(text)
        read.load(b64.decode(text))


def check_key(value: object, *, former: bool = False) -> None:
    """Raise ValueError with go-jose's text for what is no key in JSON; ``former``: with those of its version 3."""
    value = {} if value is None else value
    if not isinstance(value, dict):
        raise ValueError(f"json: cannot unmarshal {kind_of(value)} into Go value of type jose.rawJSONWebKey")
    for name, member in value.items():
        if member is None:
            continue
        if name in _KEY_TEXTS or name in _KEY_NUMBERS:
            _text(member)
        if name in _KEY_NUMBERS:
            b64.decode_raw_url(member.rstrip("=") if former else member)
    kind, curve = value.get("kty") or "", value.get("crv") or ""
    if kind == "EC":
        _check_point(value, curve)
    elif kind == "RSA":
        if value.get("n") is None or value.get("e") is None:
            raise ValueError("go-jose/go-jose: invalid RSA key, missing n/e values")
    elif kind == "OKP" and curve == "Ed25519" and (value.get("x") is not None or not former):
        if value.get("x") is None:
            raise ValueError("go-jose/go-jose: invalid Ed key, missing x value")
    elif kind != "oct":
        raise ValueError(f"go-jose/go-jose: {_unknown_key(kind, curve, former=former)}")


def _unknown_key(kind: str, curve: str, *, former: bool) -> str:
    if not former:
        return "unsupported key type/format" if kind else "missing json web key type"
    return f"unknown curve {curve}'" if kind == "OKP" else f"unknown json web key type '{kind}'"


def _check_point(key: dict[str, object], curve: str) -> None:
    if curve not in _CURVES:
        raise ValueError(f"go-jose/go-jose: unsupported elliptic curve '{curve}'")
    points = [(name, key.get(name)) for name in ("x", "y")]
    if any(point is None for _name, point in points):
        raise ValueError("go-jose/go-jose: invalid EC key, missing x/y values")
    for name, point in points:
        if len(b64.decode_raw_url(str(point).rstrip("="))) != _CURVES[curve]:
            raise ValueError(f"go-jose/go-jose: invalid EC public key, wrong length for {name}")
    if jws.of_jwk(key) is None:
        raise ValueError("go-jose/go-jose: invalid EC key, X/Y are not on declared curve")


_CHECKS: dict[str, tuple[str, Callable[[object, bool], None]]] = {
    "alg": ("algorithm", lambda value, _former: _text(value)),
    "kid": ("key ID", lambda value, _former: _text(value)),
    "nonce": ("nonce", lambda value, _former: _text(value)),
    "x5c": ("x5c header", lambda value, _former: _certificates(value)),
    "jwk": ("JWK", lambda value, former: check_key(value, former=former)),
}
"""By parameter: what messages call it, and its check."""
