"""Tokens of a cloud's issuer: the keys that verify them, and the checks of Go's ``go-oidc``.

Source: ``Verify`` in ``oidc/verify.go`` of github.com/coreos/go-oidc.
"""

from __future__ import annotations

from collections.abc import Sequence

from mockkms import outside
from mockkms.crypto import jws
from mockkms.error_context import error_context
from mockkms.json_reading import read_json
from mockkms.vault.auth.claims import Claims, claims_in
from mockkms.vault.golang.fmt import quote
from mockkms.vault.golang.time import plain
from mockkms.vault.policy.names import quoted

_EARLY = 5 * 60
"""Seconds by which ``nbf`` may be in the future."""
_LATEST = 253402300799
"""The last second of the year 9999: Go's times go further, but no token does."""


def load_key(pem: str) -> jws.PublicKey:
    """Return the public key of a PEM text, or of a certificate. Raises ValueError."""
    with error_context(text="expected a public key or a certificate in PEM (-----BEGIN PUBLIC KEY-----)"):
        return jws.load_key(pem)


def fetched(url: str) -> dict[str, object]:
    """Return the JSON object at a URL on this machine. Raises OSError with Go's text for any other answer."""
    try:
        status, body = outside.get(url, {})
    except (OSError, ValueError) as error:
        raise OSError(outside.no_answer("GET", url, error)) from None
    if status != 200:
        raise OSError(f"{status}: {body.decode('utf-8', 'replace')}")
    with error_context("unable to unmarshal: ", OSError):
        found: object = read_json(body)
    return found if isinstance(found, dict) else {}


def key_set(url: str) -> list[jws.PublicKey]:
    """Return the keys of a JSON Web Key Set on this machine. Raises OSError."""
    listed = fetched(url).get("keys")
    found = [jws.of_jwk(key) for key in listed] if isinstance(listed, list) else []
    return [key for key in found if key is not None]


def parsed(text: str) -> jws.JwsToken:
    """Return a token, not verified. Raises ValueError."""
    with error_context("oidc: malformed jwt: "):
        return jws.parse(text)


def verified(
    text: str, keys: Sequence[jws.PublicKey], issuer: str, audience: str, algorithms: Sequence[str], now: float
) -> Claims:
    """Return the claims of a token, checked in the order of ``go-oidc``. Raises ValueError with its text."""
    token = parsed(text)
    with error_context(text="oidc: failed to unmarshal claims: invalid JSON"):
        claims = claims_in(token)
    if claims.get("iss") != issuer:
        raise ValueError(
            f'oidc: id token issued by a different provider, expected "{issuer}" got "{claims.get("iss", "")}"'
        )
    given = claims.get("aud", [])
    audiences = [str(one) for one in given] if isinstance(given, list) else [str(given)]
    if audience not in audiences:
        raise ValueError(f'oidc: expected audience "{audience}" got {quoted(audiences)}')
    expires = moment(claims.get("exp"))
    if expires < now:
        raise ValueError(f"oidc: token is expired (Token Expiry: {plain(int(expires))})")
    if moment(claims.get("nbf")) > now + _EARLY:
        starts = plain(int(moment(claims.get("nbf"))))
        raise ValueError(f"oidc: current time {plain(now)} before the nbf (not before) time: {starts}")
    if token.algorithm not in algorithms:
        accepted = quoted(algorithms)
        raise ValueError(
            f"oidc: id token signed with unsupported algorithm, expected {accepted} got {quote(token.algorithm)}"
        )
    if not any(jws.verified(token, key) for key in keys):
        raise ValueError("failed to verify signature: failed to verify id token signature")
    return claims


def moment(value: object) -> float:
    """Return a time of a token in seconds since the epoch; 0 for an absent one. Raises ValueError."""
    if value is None:
        return 0.0
    try:
        seconds = float(str(value))
        if abs(seconds) > _LATEST:
            raise ValueError
        return seconds
    except ValueError:
        raise ValueError(f"oidc: failed to unmarshal claims: {value!r} is not a time") from None
