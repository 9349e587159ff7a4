"""A SigV4 signer of its own: nothing of it comes from the code under test."""

from __future__ import annotations

import hashlib
import hmac
import time
from urllib.parse import quote

from mockkms.rustfs import AdminRequest


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signed(
    method: str,
    path: str,
    *,
    query: dict[str, str] | None = None,
    body: bytes = b"",
    access: str = "rustfsadmin",
    secret: str = "rustfsadmin",
    now: float = 0.0,
    region: str = "eu-west-7",
) -> AdminRequest:
    """A signed request; ``path`` is the whole path, already encoded."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    digest = hashlib.sha256(body).hexdigest()
    headers = {"host": "localhost:9000", "x-amz-content-sha256": digest, "x-amz-date": stamp}
    query_string = "&".join(
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in sorted((query or {}).items())
    )
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = "\n".join([method, path, query_string, lines, names, digest])
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = _mac(_mac(_mac(_mac(f"AWS4{secret}".encode(), stamp[:8]), region), "s3"), "aws4_request")
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={access}/{scope}, SignedHeaders={names}, Signature={_mac(key, text).hex()}"
    )
    return AdminRequest(method, path, query_string, headers, body)
