"""One signed request over a socket, sent exactly as a step says."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

_SKEW = 2 * 3600
"""Seconds a ``skewed`` signature is old."""


@dataclass(frozen=True)
class Signer:
    """Whose requests these are."""

    access: str
    secret: str

    def sign(self, method: str, path: str, query: str, headers: Mapping[str, str]) -> str:
        """The ``Authorization`` header over all of ``headers``, which have the date and the digest of the body."""
        stamp = headers["x-amz-date"]
        pairs = sorted(pair if "=" in pair else f"{pair}=" for pair in query.split("&") if pair)
        names = ";".join(sorted(headers))
        lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
        digest = headers["x-amz-content-sha256"]
        canonical = "\n".join([method, path, "&".join(pairs), lines, names, digest])
        scope = f"{stamp[:8]}/us-east-1/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = f"AWS4{self.secret}".encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        return f"AWS4-HMAC-SHA256 Credential={self.access}/{scope}, SignedHeaders={names}, Signature={signature}"


ADMIN = Signer("rustfsadmin", "rustfsadmin")


def send(url: str, step: Mapping[str, Any], body: bytes, now: float) -> tuple[int, str, bytes]:
    """Send a step; returns status, content type and body. ``now`` is the server's time, seconds since the epoch."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    query = _query(step.get("query", ""))
    own = {name.lower(): value for name, value in step.get("headers", {}).items()}
    if "json" in step:
        own.setdefault("content-type", "application/json")
    headers = _headers(step, parts.netloc, query, body, own, now)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    try:
        target = f"{step['path']}?{query}" if query else step["path"]
        connection.putrequest(step["method"], target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        if body or step["method"] in ("POST", "PUT"):
            connection.putheader("content-length", str(len(body)))
        connection.endheaders(body or None)
        response = connection.getresponse()
        return response.status, response.headers.get("content-type", ""), response.read()
    finally:
        connection.close()


def _headers(
    step: Mapping[str, Any], host: str, query: str, body: bytes, own: Mapping[str, str], now: float
) -> dict[str, str]:
    auth = step.get("auth", "signed")
    if auth == "none":
        return {"host": host, **own}
    who = Signer(step["as"]["access"], step["as"]["secret"]) if "as" in step else ADMIN
    if auth == "badkey":
        who = Signer("no-such-access-key-1234", who.secret)
    elif auth == "badsecret":
        who = Signer(who.access, "not-the-secret-key")
    moment = time.gmtime(now - _SKEW if auth == "skewed" else now)
    signed = {
        "host": host,
        "x-amz-content-sha256": hashlib.sha256(body).hexdigest(),
        "x-amz-date": time.strftime("%Y%m%dT%H%M%SZ", moment),
        **{name: value for name, value in own.items() if name.startswith("x-amz-")},
    }
    authorization = who.sign(step["method"], step["path"], query, signed)
    return {**signed, "authorization": authorization, **own}


def _query(query: str | Mapping[str, Any]) -> str:
    if isinstance(query, str):
        return query
    return "&".join(f"{quote(name, safe='-_.~')}={quote(str(value), safe='-_.~')}" for name, value in query.items())
