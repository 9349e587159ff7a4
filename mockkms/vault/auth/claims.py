"""Verification of tokens for the JWT and Kubernetes methods: signature, registered claims, JSON pointers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from mockkms.crypto import jws
from mockkms.vault.auth import token_headers
from mockkms.vault.golang.json import kind_of
from mockkms.vault.golang.number import Number, of_digits

UNEXPECTED_ALGORITHM = "invalid algorithm (alg) header parameter: token signed with unexpected algorithm"
DEFAULT_LEEWAY = 150
"""Seconds between ``iat`` and the value assumed for a missing ``exp`` or ``nbf``."""
DEFAULT_SKEW = 60
"""Allowed clock skew in seconds."""
_NO_KEY = "no known key successfully validated the token signature"


_MOST_SECONDS = 1 << 63
Claims = dict[str, object]
"""The claims of a token as decoded from JSON; a number with a fraction is a ``Number``."""


@dataclass
class ExpectedClaims:
    """The requirements for a token. Leeways in seconds; 0: the default, negative: none."""

    issuer: str = ""
    subject: str = ""
    audiences: list[str] = field(default_factory=list)
    algorithms: list[str] = field(default_factory=list)
    not_before_leeway: int = 0
    expiration_leeway: int = 0
    skew: int = 0
    times_required: bool = True


def signature_checked(text: str, keys: list[jws.PublicKey] | None, *, remote: bool = False) -> jws.JwsToken:
    """Return the token, verified by one of ``keys`` (None: not verified). Raises ValueError with the server's text.

    ``remote``: the keys come from a URL. The real server verifies with go-oidc then, whose error text differs.
    """
    token = read(text, remote=remote)
    if keys is None:
        if token.algorithm not in jws.ALGORITHMS:
            raise ValueError("error verifying token signature: go-jose/go-jose: unexpected signature algorithm")
    elif not any(jws.verified(token, key) for key in keys) or _unreadable(token):
        why = "failed to verify id token signature" if remote else _NO_KEY
        raise ValueError(f"error verifying token signature: {why}")
    return token


def read(text: str, *, remote: bool = False) -> jws.JwsToken:
    """Return a token, not verified. Raises ValueError with the server's text; ``remote`` as above."""
    try:
        if remote:
            return token_headers.parse(text, algorithms=jws.ALGORITHMS)
        return token_headers.parse(text, padding=True)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"error verifying token signature: {'oidc: malformed jwt: ' * remote}{error}") from None


def _unreadable(token: jws.JwsToken) -> bool:
    try:
        claims_in(token)
    except ValueError:
        return True
    return False


def _once(pairs: list[tuple[str, object]]) -> Claims:
    """Return the members of an object. Raises ValueError for a repeated name, which go-jose refuses."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is repeated")
    return found


def validate(
    text: str, keys: list[jws.PublicKey] | None, expected: ExpectedClaims, now: float, *, remote: bool = False
) -> Claims:
    """Return the claims of a token that meets ``expected`` at ``now``, in seconds since the epoch.

    Raises ValueError with the server's text.
    """
    token = signature_checked(text, keys, remote=remote)
    if token.algorithm not in (expected.algorithms or jws.ALGORITHMS):
        raise ValueError(UNEXPECTED_ALGORITHM)
    claims = claims_in(token)
    check(claims, expected, now)
    return claims


def _registered(claims: Claims) -> Claims:
    """Return the registered claims as Go reads them into a struct, where the case of a name does not count.

    The real server first writes the claims as JSON, in the order of their names, and reads that: the last of several
    spellings counts. An audience or moment of another type ends the reading; other types are refused after it.
    Raises ValueError with the texts of Go and go-jose.
    """
    found: Claims = {}
    refused = ""
    for spelling in sorted(claims):
        name, value = spelling.lower().replace("\u017f", "s"), claims[spelling]
        if name == "aud":
            texts = value if isinstance(value, list) else [value]
            if not all(isinstance(text, str) for text in texts):
                raise ValueError("go-jose/go-jose/jwt: expected string or array value to unmarshal to Audience")
        elif name in ("exp", "iat", "nbf"):
            _moment(value)
        elif name not in ("iss", "jti", "sub") or value is None:
            continue  # Go leaves a text as it is where it reads null.
        elif not isinstance(value, str):
            kind = kind_of(value)
            refused = refused or f"json: cannot unmarshal {kind} into Go struct field Claims.{name} of type string"
        found[name] = value
    if refused:
        raise ValueError(refused)
    return found


def claims_in(token: jws.JwsToken) -> Claims:
    """Return the claims of a token whose signature was checked. Raises ValueError if they are not a JSON object."""
    try:
        claims: object = json.loads(token.payload, parse_float=Number, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise ValueError("error verifying token signature: the payload is not JSON") from None
    if claims is None:
        return {}
    if not isinstance(claims, dict):
        raise ValueError("error verifying token signature: the payload is not a JSON object")
    return claims


def check(claims: Claims, expected: ExpectedClaims, now: float) -> None:
    """Compare claims with the expected ones at ``now``, in seconds. Raises ValueError with the server's text."""
    claims = _registered(claims)
    if expected.issuer and claims.get("iss") != expected.issuer:
        raise ValueError("invalid issuer (iss) claim")
    if expected.subject and claims.get("sub") != expected.subject:
        raise ValueError("invalid subject (sub) claim")
    if expected.audiences and not set(expected.audiences) & set(_audiences(claims)):
        raise ValueError("invalid audience (aud) claim: audience claim does not match any expected audience")
    _check_times(claims, expected, now)


def _audiences(claims: Claims) -> list[str]:
    audience = claims.get("aud")
    values = audience if isinstance(audience, list) else [audience]
    return [value for value in values if isinstance(value, str)]


def _check_times(claims: Claims, expected: ExpectedClaims, now: float) -> None:
    issued, expires, starts = (_moment(claims.get(name)) for name in ("iat", "exp", "nbf"))
    if not issued and not expires and not starts:
        if not expected.times_required:
            return
        raise ValueError("no issued at (iat), not before (nbf), or expiration time (exp) claims in token")
    if not expires:
        expires = max(issued, starts) + _leeway(expected.expiration_leeway, DEFAULT_LEEWAY)
    if not starts:
        starts = issued or expires - _leeway(expected.not_before_leeway, DEFAULT_LEEWAY)
    skew = _leeway(expected.skew, DEFAULT_SKEW)
    if now + skew < starts:
        raise ValueError("invalid not before (nbf) claim: token not yet valid")
    if now - skew > expires:
        raise ValueError("invalid expiration time (exp) claim: token is expired")
    if now + skew < issued:
        raise ValueError("invalid issued at (iat) claim: token issued in the future")


def _leeway(seconds: int, default: int) -> int:
    return 0 if seconds < 0 else seconds or default


def _moment(value: object) -> int:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, (int, Number)):
        raise ValueError("go-jose/go-jose/jwt: expected number value to unmarshal NumericDate")
    moment = int(float(value)) if isinstance(value, Number) else value
    # As the processor converts a float to an integer of 64 bits in Go.
    return moment if -_MOST_SECONDS <= moment < _MOST_SECONDS else -_MOST_SECONDS


def claim(claims: Claims, name: str) -> object:
    """Return a claim by its name, or by a JSON pointer, which starts with ``/``; None if it is absent."""
    value: object = claims
    if not name.startswith("/"):
        value = claims.get(name)
    else:
        for part in name[1:].split("/"):
            value = _step(value, part.replace("~1", "/").replace("~0", "~"))
            if value is None:
                return None
    if name == "aud" and isinstance(value, str):
        return [value]
    return value


def _step(value: object, part: str) -> object:
    if isinstance(value, dict):
        return value.get(part)
    if isinstance(value, list) and part.isascii() and part.isdigit() and of_digits(part) < len(value):
        return value[of_digits(part)]
    return None
