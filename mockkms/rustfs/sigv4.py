"""AWS Signature Version 4, as the server verifies it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from mockkms.crypto import sigv4
from mockkms.crypto.sigv4 import ALGORITHM, MAX_SKEW, Scope
from mockkms.rustfs.errors import s3_error
from mockkms.rustfs.message import AdminRequest
from mockkms.vault.golang.number import of_digits

_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS secret access key "
    "and signing method. For more information, see REST Authentication and SOAP Authentication for details."
)


@dataclass(slots=True)
class Claim:
    """The signature of a request, with its parameters."""

    scope: Scope
    signed_headers: list[str]
    signature: str
    moment: str
    """``YYYYMMDDTHHMMSSZ``."""
    payload: str
    """SHA-256 of the body in hex, or a constant such as ``UNSIGNED-PAYLOAD``."""
    query: list[tuple[str, str]]
    """The signed query, decoded."""
    expires: int | None = None
    """Seconds for which a presigned URL is valid; None for other requests."""


def authenticate(request: AdminRequest, users: Mapping[str, str], now: float) -> str:
    """Return the access key that signed a request; ``users`` maps access keys to secret keys. Raises AdminError."""
    claim = read_claim(request)
    secret = users.get(claim.scope.access_key)
    if secret is None:
        raise s3_error(403, "InvalidAccessKeyId", "The Access Key Id you provided does not exist in our records.")
    check_time(claim, now)
    expected = signature(request, claim, secret)
    if not hmac.compare_digest(expected.encode(), claim.signature.encode()):
        raise s3_error(403, "SignatureDoesNotMatch", _MISMATCH)
    if len(claim.payload) == 64 and hashlib.sha256(request.body).hexdigest() != claim.payload.lower():
        raise s3_error(
            400,
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )
    return claim.scope.access_key


def decoded_query(query_string: str) -> list[tuple[str, str]]:
    """Return the decoded parameters in order; one without ``=`` has an empty value."""
    pairs = (part.partition("=") for part in query_string.split("&") if part)
    return [(unquote(name), unquote(value)) for name, _, value in pairs]


def read_claim(request: AdminRequest) -> Claim:
    """Return the signature in the header or query of a request. Raises AdminError if it is missing or invalid."""
    query = decoded_query(request.query_string)
    header = request.header("authorization")
    if header is None:
        named = dict(query)
        if "X-Amz-Signature" in named:
            return presigned(named, query)
        raise s3_error(403, "AccessDenied", "Signature is required")
    scheme, _, rest = header.partition(" ")
    if scheme != ALGORITHM:
        raise s3_error(400, "InvalidRequest", "invalid header: authorization")
    parts = sigv4.parse_authorization(rest)
    if parts is None:
        raise s3_error(403, "AccessDenied", "Invalid SigV4 authorization header")
    return Claim(
        scope=parts[0],
        signed_headers=parts[1],
        signature=parts[2],
        moment=request.header("x-amz-date") or "",
        payload=request.header("x-amz-content-sha256") or hashlib.sha256(request.body).hexdigest(),
        query=query,
    )


def presigned(named: Mapping[str, str], query: list[tuple[str, str]]) -> Claim:
    """Return the signature in the query of a presigned URL. Raises AdminError if it is invalid."""
    scope = sigv4.parse_credential(named.get("X-Amz-Credential", ""))
    expires = named.get("X-Amz-Expires", "")
    lifetime = expires.isascii() and expires.isdigit()
    if scope is None or named.get("X-Amz-Algorithm") != ALGORITHM or not lifetime or "X-Amz-SignedHeaders" not in named:
        raise s3_error(403, "AccessDenied", "Invalid SigV4 authorization header")
    return Claim(
        scope=scope,
        signed_headers=named["X-Amz-SignedHeaders"].split(";"),
        signature=named["X-Amz-Signature"],
        moment=named.get("X-Amz-Date", ""),
        payload="UNSIGNED-PAYLOAD",
        query=[pair for pair in query if pair[0] != "X-Amz-Signature"],
        expires=of_digits(expires),
    )


def check_time(claim: Claim, now: float) -> None:
    """Raise AdminError if the request was not signed at ``now`` (epoch seconds), or has expired."""
    try:
        moment = sigv4.parse_moment(claim.moment)
    except ValueError:
        raise s3_error(403, "AccessDenied", "Invalid SigV4 authorization header") from None
    if claim.expires is None:
        if abs(now - moment) > MAX_SKEW:
            raise s3_error(403, "RequestTimeTooSkewed", "request time is too far from server time")
    elif now > moment + claim.expires or moment > now + MAX_SKEW:
        raise s3_error(403, "AccessDenied", "Request has expired")


def signature(request: AdminRequest, claim: Claim, secret: str) -> str:
    """Return the signature of a request made with ``secret``, in hex."""
    return sigv4.signature(
        secret,
        claim.scope,
        claim.moment,
        method=request.method,
        path=quote(unquote(request.prefix + request.path)),
        query=claim.query,
        headers=[(name, request.header(name) or "") for name in claim.signed_headers],
        payload=claim.payload,
    )
