"""AWS Signature Version 4 as the server checks it: who signed this request, or why nobody did."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from calendar import timegm
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from mockkms.rustfs.message import AdminRequest

ALGORITHM = "AWS4-HMAC-SHA256"
MAX_SKEW = 15 * 60
"""Seconds a request's time may be off."""

_HEADER = re.compile(r"\s*Credential=([^,\s]+)\s*,\s*SignedHeaders=([^,\s]+)\s*,\s*Signature=([^,\s]+)\s*")
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS secret access key "
    "and signing method. For more information, see REST Authentication and SOAP Authentication for details."
)


class Refusal(Exception):
    """The request is not let in: status, S3 error code, message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(slots=True)
class Claim:
    """What a request says of its own signature."""

    access_key: str
    date: str
    region: str
    service: str
    signed_headers: list[str]
    signature: str
    moment: str
    """``YYYYMMDDTHHMMSSZ``."""
    payload: str
    """Hex SHA-256 of the body, or a word such as ``UNSIGNED-PAYLOAD``."""
    query: list[tuple[str, str]]
    """The query that was signed, decoded."""
    expires: int | None = None
    """Seconds; only of a presigned request."""


def authenticate(request: AdminRequest, users: Mapping[str, str], now: float) -> str:
    """The access key that signed ``request``; ``users`` maps access keys to secrets. Raises Refusal."""
    claim = read_claim(request)
    secret = users.get(claim.access_key)
    if secret is None:
        raise Refusal(403, "InvalidAccessKeyId", "The Access Key Id you provided does not exist in our records.")
    check_time(claim, now)
    expected = signature(request, claim, secret)
    if not hmac.compare_digest(expected.encode(), claim.signature.encode()):
        raise Refusal(403, "SignatureDoesNotMatch", _MISMATCH)
    if len(claim.payload) == 64 and hashlib.sha256(request.body).hexdigest() != claim.payload.lower():
        raise Refusal(
            400,
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )
    return claim.access_key


def decoded_query(query_string: str) -> list[tuple[str, str]]:
    """All parameters in order; one without ``=`` has an empty value."""
    pairs = (part.partition("=") for part in query_string.split("&") if part)
    return [(unquote(name), unquote(value)) for name, _, value in pairs]


def read_claim(request: AdminRequest) -> Claim:
    """The signature a request carries, in its header or its query. Raises Refusal where there is none."""
    query = decoded_query(request.query_string)
    header = request.header("authorization")
    if header is None:
        named = dict(query)
        if "X-Amz-Signature" in named:
            return presigned(named, query)
        raise Refusal(403, "AccessDenied", "Signature is required")
    scheme, _, rest = header.partition(" ")
    if scheme != ALGORITHM:
        raise Refusal(400, "InvalidRequest", "invalid header: authorization")
    parts = _HEADER.fullmatch(rest)
    scope = parts[1].rsplit("/", 4) if parts else []
    if parts is None or len(scope) != 5 or scope[4] != "aws4_request":
        raise Refusal(403, "AccessDenied", "Invalid SigV4 authorization header")
    return Claim(
        access_key=scope[0],
        date=scope[1],
        region=scope[2],
        service=scope[3],
        signed_headers=parts[2].split(";"),
        signature=parts[3],
        moment=request.header("x-amz-date") or "",
        payload=request.header("x-amz-content-sha256") or hashlib.sha256(request.body).hexdigest(),
        query=query,
    )


def presigned(named: Mapping[str, str], query: list[tuple[str, str]]) -> Claim:
    """The signature of a presigned address."""
    scope = named.get("X-Amz-Credential", "").rsplit("/", 4)
    expires = named.get("X-Amz-Expires", "")
    known = named.get("X-Amz-Algorithm") == ALGORITHM and len(scope) == 5 and scope[4] == "aws4_request"
    if not known or not (expires.isascii() and expires.isdigit()) or "X-Amz-SignedHeaders" not in named:
        raise Refusal(403, "AccessDenied", "Invalid SigV4 authorization header")
    return Claim(
        access_key=scope[0],
        date=scope[1],
        region=scope[2],
        service=scope[3],
        signed_headers=named["X-Amz-SignedHeaders"].split(";"),
        signature=named["X-Amz-Signature"],
        moment=named.get("X-Amz-Date", ""),
        payload="UNSIGNED-PAYLOAD",
        query=[pair for pair in query if pair[0] != "X-Amz-Signature"],
        expires=int(expires),
    )


def check_time(claim: Claim, now: float) -> None:
    """Refuse a request of another time."""
    try:
        moment = timegm(time.strptime(claim.moment, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise Refusal(403, "AccessDenied", "Invalid SigV4 authorization header") from None
    if claim.expires is None:
        if abs(now - moment) > MAX_SKEW:
            raise Refusal(403, "RequestTimeTooSkewed", "request time is too far from server time")
    elif now > moment + claim.expires or moment > now + MAX_SKEW:
        raise Refusal(403, "AccessDenied", "Request has expired")


def signature(request: AdminRequest, claim: Claim, secret: str) -> str:
    """The signature that the owner of ``secret`` would have made, in hex."""
    headers = "".join(f"{name}:{' '.join((request.header(name) or '').split())}\n" for name in claim.signed_headers)
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in claim.query)
    canonical = "\n".join(
        [
            request.method,
            quote(unquote(request.prefix + request.path), safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in pairs),
            headers,
            ";".join(claim.signed_headers),
            claim.payload,
        ]
    )
    scope = f"{claim.date}/{claim.region}/{claim.service}/aws4_request"
    to_sign = "\n".join([ALGORITHM, claim.moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in (claim.date, claim.region, claim.service, "aws4_request", to_sign):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()
