"""AWS Signature Version 4: the signature of a request, for servers that verify it and for requests of our own.

Source: AWS General Reference, "Signature Version 4 signing process".
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from calendar import timegm
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

ALGORITHM = "AWS4-HMAC-SHA256"
MAX_SKEW = 15 * 60
"""Seconds by which the time of a request may differ from the server's."""
_HEADER = re.compile(r"\s*Credential=([^,\s]+)\s*,\s*SignedHeaders=([^,\s]+)\s*,\s*Signature=([^,\s]+)\s*")
_MOMENT = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class CredentialScope:
    """The credential of a signature: the access key, and the day and service for which its secret signs."""

    access_key: str
    date: str
    """``YYYYMMDD``."""
    region: str
    service: str

    def __str__(self) -> str:
        """Return the scope as it is signed, without the access key."""
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def parse_credential(text: str) -> CredentialScope | None:
    """Return the scope in ``key/date/region/service/aws4_request``; None for another text."""
    parts = text.rsplit("/", 4)
    return CredentialScope(*parts[:4]) if len(parts) == 5 and parts[4] == "aws4_request" else None


def parse_authorization(rest: str) -> tuple[CredentialScope, list[str], str] | None:
    """Return scope, names of signed headers and signature of an ``Authorization`` header after its algorithm."""
    parts = _HEADER.fullmatch(rest)
    scope = parse_credential(parts[1]) if parts is not None else None
    return (scope, parts[2].split(";"), parts[3]) if parts is not None and scope is not None else None


def parse_moment(text: str) -> int:
    """Return the time in ``YYYYMMDDTHHMMSSZ``, in seconds since the epoch. Raises ValueError."""
    return timegm(time.strptime(text, _MOMENT))


def format_moment(seconds: float) -> str:
    """Return a time in seconds since the epoch as signatures write it."""
    return time.strftime(_MOMENT, time.gmtime(seconds))


def signature(
    secret: str,
    scope: CredentialScope,
    moment: str,
    *,
    method: str,
    path: str,
    query: Iterable[tuple[str, str]],
    headers: Iterable[tuple[str, str]],
    payload: str,
) -> str:
    """Return the signature of a request in hex.

    Args:
        secret: The secret access key.
        scope: The credential that the request names.
        moment: The time of the request, ``YYYYMMDDTHHMMSSZ``.
        method: The HTTP method.
        path: The path, percent-encoded.
        query: The decoded parameters, without the signature.
        headers: The signed headers in the order of their names, which are in lower case.
        payload: SHA-256 of the body in hex, or a constant such as ``UNSIGNED-PAYLOAD``.
    """
    signed = list(headers)
    pairs = sorted((quote(name, safe=""), quote(value, safe="")) for name, value in query)
    canonical = "\n".join(
        [
            method,
            path,
            "&".join(f"{name}={value}" for name, value in pairs),
            "".join(f"{name}:{' '.join(value.split())}\n" for name, value in signed),
            ";".join(name for name, _ in signed),
            payload,
        ]
    )
    to_sign = "\n".join([ALGORITHM, moment, str(scope), hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in (scope.date, scope.region, scope.service, "aws4_request", to_sign):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


def signed_form(
    access_key: str, secret: str, region: str, service: str, host: str, body: bytes, now: float
) -> dict[str, str]:
    """Return the headers of a POST of a form to ``/``, as the query APIs of AWS take it."""
    moment = format_moment(now)
    scope = CredentialScope(access_key, moment[:8], region, service)
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8", "host": host, "x-amz-date": moment}
    payload = hashlib.sha256(body).hexdigest()
    made = signature(
        secret, scope, moment, method="POST", path="/", query=(), headers=sorted(headers.items()), payload=payload
    )
    authorization = (
        f"{ALGORITHM} Credential={access_key}/{scope}, SignedHeaders={';'.join(sorted(headers))}, Signature={made}"
    )
    return {**headers, "authorization": authorization}
