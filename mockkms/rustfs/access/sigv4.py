"""AWS Signature Version 4, as the server verifies it: the same checks in the same order.

The server has two verifiers: a layer before everything else refuses headers that it cannot parse and headers that are
not signed, then the one of its S3 library (s3s 0.17) does the rest.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from mockkms.crypto import sigv4
from mockkms.crypto.sigv4 import ALGORITHM, MAX_SKEW, CredentialScope
from mockkms.rustfs.errors import AdminError, s3_error
from mockkms.rustfs.message import AdminRequest
from mockkms.vault.golang.number import of_digits

SERVICES = ("s3", "sts", "s3tables")
"""The services that a scope may name."""
MAX_EXPIRES = 7 * 86400
"""Seconds for which a presigned URL is valid at most."""
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS secret access key "
    "and signing method. For more information, see REST Authentication and SOAP Authentication for details."
)
_UNSIGNED = "There were headers present in the request which were not signed"
_UNSIGNED_HEADERS = frozenset((
    "x-amz-content-sha256", "x-amz-decoded-content-length", "x-amz-trailer", "x-amz-checksum-algorithm", "x-amz-cf-id",
))  # fmt: skip
"""Headers of AWS that need not be signed."""
_HEX = re.compile(r"[0-9a-fA-F]{64}")
_AUTHORIZATION = re.compile(r"(\S+)\s+Credential=([^,]*),\s*SignedHeaders=([^,]*),\s*Signature=(\S*)\s*", re.ASCII)


@dataclass(slots=True)
class Claim:
    """The signature of a request, with its parameters."""

    scope: CredentialScope
    signed_headers: list[str]
    signature: str
    moment: str
    """``YYYYMMDDTHHMMSSZ``."""
    query: list[tuple[str, str]]
    """The signed query, decoded."""
    expires: int | None = None
    """Seconds for which a presigned URL is valid; None for other requests."""


def authenticate(request: AdminRequest, users: Mapping[str, str], now: float) -> str:
    """Return the access key that signed a request; ``users`` maps access keys to secret keys. Raises AdminError."""
    query = decoded_query(request.query_string)
    if "X-Amz-Signature" in dict(query):
        claim = presigned(request, query, now)
        payload = "UNSIGNED-PAYLOAD"
    else:
        claim = signed_header(request, query, now)
        payload = _payload(request, claim.scope.service)
    secret = users.get(claim.scope.access_key)
    if secret is None:
        raise s3_error(403, "InvalidAccessKeyId", "The Access Key Id you provided does not exist in our records.")
    if claim.expires is not None:
        _check_service(claim.scope)
    missing = [name for name in claim.signed_headers if request.header(name) is None]
    if missing:
        raise _mismatch(f"missing signed header: {missing[0]}")
    if not hmac.compare_digest(signature(request, claim, secret, payload).encode(), claim.signature.encode()):
        raise _mismatch()
    sent = request.header("x-amz-content-sha256")
    if sent is not None and _digest(sent) not in (None, hashlib.sha256(request.body).digest()):
        raise s3_error(400, "InvalidRequest", "failed to read request body: UploadStreamError: Sha256Mismatch")
    return claim.scope.access_key


def decoded_query(query_string: str) -> list[tuple[str, str]]:
    """Return the decoded parameters in order; one without ``=`` has an empty value."""
    pairs = (part.partition("=") for part in query_string.split("&") if part)
    return [(unquote(name), unquote(value)) for name, _, value in pairs]


def _mismatch(text: str = _MISMATCH) -> AdminError:
    return s3_error(403, "SignatureDoesNotMatch", text)


def _invalid(text: str) -> AdminError:
    return s3_error(400, "InvalidRequest", text)


# -- the header --------------------------------------------------------------------------------------------------------


def signed_header(request: AdminRequest, query: list[tuple[str, str]], now: float) -> Claim:
    """Return the signature in the header of a request. Raises AdminError if it is missing, invalid or not of now."""
    header = request.header("authorization")
    if header is None:
        raise s3_error(403, "AccessDenied", "Signature is required")
    parts = _AUTHORIZATION.fullmatch(header)
    scope = _scope(parts[2]) if parts is not None else None
    if parts is None or scope is None or not _HEX.fullmatch(parts[4]):
        if header.startswith(ALGORITHM):
            raise s3_error(403, "AccessDenied", "Invalid SigV4 authorization header")
        raise _invalid("invalid header: authorization")
    if parts[1] != ALGORITHM:
        raise s3_error(403, "AccessDenied", "Unsupported SigV4 authorization algorithm")
    names = parts[3].split(";")
    _refuse_unsigned(request, names, _UNSIGNED_HEADERS)
    _check_service(scope)
    moment = request.header("x-amz-date")
    if moment is None:
        raise _invalid("missing header: x-amz-date")
    seconds = _seconds(moment)
    if seconds is None:
        raise _invalid("invalid header: x-amz-date")
    if scope.date != moment[:8]:
        raise _mismatch("credential scope date does not match x-amz-date")
    if abs(now - seconds) > MAX_SKEW:
        raise s3_error(403, "RequestTimeTooSkewed", "request time is too far from server time")
    return Claim(scope, names, parts[4], moment, query)


def _payload(request: AdminRequest, service: str) -> str:
    """Return the payload that is signed: a SHA-256 in hex, or a constant. Raises AdminError."""
    sent = request.header("x-amz-content-sha256")
    if sent is None and service == "sts":
        return hashlib.sha256(request.body).hexdigest()
    if sent is None:
        raise _invalid("missing header: x-amz-content-sha256")
    digest = _digest(sent)
    if digest is not None:
        return digest.hex()
    if sent != "UNSIGNED-PAYLOAD":
        raise _mismatch("invalid header: x-amz-content-sha256")
    return sent


def _digest(text: str) -> bytes | None:
    """Return a SHA-256 in hex or base64; None for another text."""
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    try:
        digest = base64.b64decode(text.encode(), validate=True)
    except binascii.Error:
        return None
    return digest if len(digest) == 32 else None


# -- presigned URLs ----------------------------------------------------------------------------------------------------


def presigned(request: AdminRequest, query: list[tuple[str, str]], now: float) -> Claim:
    """Return the signature in the query of a presigned URL. Raises AdminError if it is invalid or not of now."""
    named = dict(query)
    parts = [named.get(f"X-Amz-{part}", "") for part in ("Credential", "Date", "Expires", "SignedHeaders", "Signature")]
    credential, moment, expires, signed_headers, hexadecimal = parts
    names = signed_headers.split(";")
    _refuse_unsigned(request, [name.strip().lower() for name in names], {"x-amz-cf-id"})
    scope, seconds, lifetime = _scope(credential), _seconds(moment), _lifetime(expires)
    unique = all(sum(name == f"X-Amz-{part}" for name, _ in query) == 1 for part in _PRESIGNED)
    valid = unique and signed_headers.isascii() and bool(_HEX.fullmatch(hexadecimal))
    if not valid or scope is None or seconds is None or lifetime is None:
        raise s3_error(
            400,
            "AuthorizationQueryParametersError",
            "The authorization query parameters that you provided are not valid.",
        )
    if named["X-Amz-Algorithm"] != ALGORITHM:
        text = f"X-Amz-Algorithm other than {ALGORITHM} is not implemented"
        raise s3_error(501, "NotImplemented", text)
    if scope.date != moment[:8]:
        raise _mismatch("credential scope date does not match x-amz-date")
    if seconds - now > MAX_SKEW:
        raise s3_error(403, "RequestTimeTooSkewed", "request date is later than server time too much")
    if now > seconds + lifetime:
        raise s3_error(403, "AccessDenied", "Request has expired")
    rest = [pair for pair in query if pair[0] != "X-Amz-Signature"]
    return Claim(scope, names, hexadecimal, moment, rest, lifetime)


_PRESIGNED = ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")


def _lifetime(text: str) -> int | None:
    digits = text.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()) or of_digits(digits) > MAX_EXPIRES:
        return None
    return of_digits(digits)


# -- parts of both -----------------------------------------------------------------------------------------------------


def _scope(text: str) -> CredentialScope | None:
    """Return the scope in ``key/date/region/service/aws4_request``; None for another text."""
    parts = text.split("/")
    if len(parts) != 5 or parts[4] != "aws4_request" or not parts[3] or _seconds(f"{parts[1]}T000000Z") is None:
        return None
    return CredentialScope(*parts[:4])


def _seconds(moment: str) -> int | None:
    """Return the time in ``YYYYMMDDTHHMMSSZ`` in epoch seconds; None for another text."""
    if len(moment) != 16 or not moment.isascii():
        return None
    try:
        return sigv4.parse_moment(moment)
    except ValueError:
        return None


def _check_service(scope: CredentialScope) -> None:
    if scope.service not in SERVICES:
        known = ", ".join(SERVICES)
        text = f"unknown service '{scope.service}' in credential scope; expected one of: {known}"
        raise s3_error(501, "NotImplemented", text)


def _refuse_unsigned(request: AdminRequest, signed: Collection[str], free: Collection[str]) -> None:
    """Raise AdminError if a header of AWS is not signed, except those of ``free``."""
    names = [name.lower() for name in request.headers]
    allowed = {name.lower() for name in signed} | set(free)
    if any(name.startswith("x-amz-") and name not in allowed for name in names):
        raise s3_error(403, "AccessDenied", _UNSIGNED)


def signature(request: AdminRequest, claim: Claim, secret: str, payload: str) -> str:
    """Return the signature of a request made with ``secret``, in hex."""
    return sigv4.signature(
        secret,
        claim.scope,
        claim.moment,
        method=request.method,
        path=quote(unquote(request.prefix + request.path)),
        query=claim.query,
        headers=[(name, request.header(name) or "") for name in claim.signed_headers],
        payload=payload,
    )
