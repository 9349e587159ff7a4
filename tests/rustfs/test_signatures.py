"""Signature Version 4 as two signers that know nothing of each other make it, and every part of a request altered."""

from __future__ import annotations

import dataclasses
import re
import time
from calendar import timegm
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from mockkms import MockKMS
from mockkms.rustfs import AdminRequest, RustfsAdmin
from tests.rustfs.driver import fresh
from tests.rustfs.signer import signed

KMS = "/rustfs/admin/v3/kms"
HOST = "http://localhost:9000"
OWNER = Credentials("rustfsadmin", "rustfsadmin")
REGION = "eu-west-7"
BODY = b'{"tags":{"name":"k"}}'
QUERY = "limit=1&marker=a%20b%2F%C3%BC"
MISMATCH = (403, "SignatureDoesNotMatch")


SIGNED = pytest.mark.server(seed={"rustfs": {"api": "current", "auth": "sigv4", "users": {"me": "secret"}}})


def by_botocore(method: str, path: str, query: str, body: bytes, now: float) -> AdminRequest:
    """Signed by AWS's own library, which looks at the clock of this machine."""
    asked = AWSRequest(method, f"{HOST}{path}" + (f"?{query}" if query else ""), data=body)
    asked.headers["Host"] = "localhost:9000"
    S3SigV4Auth(OWNER, "s3", REGION).add_auth(asked)
    return AdminRequest(method, path, query, dict(asked.headers.items()), body)


def by_hand(method: str, path: str, query: str, body: bytes, now: float) -> AdminRequest:
    """Signed by the tests' own few lines."""
    pairs = {"limit": "1", "marker": "a b/ü"} if query else {}
    return signed(method, path, query=pairs, body=body, now=now)


Signer = Callable[[str, str, str, bytes, float], AdminRequest]
SIGNERS = pytest.mark.parametrize("sign", [by_botocore, by_hand])


@pytest.fixture
def admin() -> RustfsAdmin:
    """A service that wants signatures, and whose clock shows the present."""
    admin = fresh(api="current", auth="sigv4")
    admin.core.clock.freeze(time.time())
    return admin


def answer(admin: RustfsAdmin, request: AdminRequest) -> tuple[int, str]:
    """Status and code; a refusal has the body and the type of an S3 error."""
    reply = admin.handle(request)
    found = re.fullmatch(
        rb'<\?xml version="1.0" encoding="UTF-8"\?><Error><Code>(\w+)</Code><Message>[^<]+</Message></Error>',
        reply.body,
    )
    assert found is None or reply.headers == {"Content-Type": "application/xml"}
    return reply.status, found[1].decode() if found else ""


def passes(reply: tuple[int, str]) -> bool:
    """Return whether a request reached the service, which is not configured."""
    return reply == (503, "")


def spoilt(text: str, at: int) -> str:
    """``text`` with another letter in one place."""
    return text[:at] + ("x" if text[at] != "x" else "y") + text[at + 1 :]


@SIGNERS
def test_what_is_signed_is_let_in(admin: RustfsAdmin, sign: Signer) -> None:
    now = admin.core.clock.now()
    assert passes(answer(admin, sign("GET", f"{KMS}/keys", QUERY, b"", now)))
    assert passes(answer(admin, sign("POST", f"{KMS}/keys", "", BODY, now)))
    turned = dataclasses.replace(sign("GET", f"{KMS}/keys", QUERY, b"", now))
    turned.query_string = "&".join(reversed(QUERY.split("&")))
    assert passes(answer(admin, turned))  # the order of parameters is not signed


@SIGNERS
def test_every_byte_of_method_path_and_query_is_signed(admin: RustfsAdmin, sign: Signer) -> None:
    request = sign("GET", f"{KMS}/keys", QUERY, b"", admin.core.clock.now())
    for method in ("POST", "PUT", "DELETE", "HEAD", "get"):
        reply = admin.handle(dataclasses.replace(request, method=method))
        assert reply.status == 403
    for at in range(len(request.path)):
        assert answer(admin, dataclasses.replace(request, path=spoilt(request.path, at))) == MISMATCH
    for at in range(len(QUERY)):
        assert answer(admin, dataclasses.replace(request, query_string=spoilt(QUERY, at))) == MISMATCH
    for query in ("", "limit=1", QUERY + "&x=", QUERY + "&limit=1", QUERY.replace("%20", "+")):
        assert answer(admin, dataclasses.replace(request, query_string=query)) == MISMATCH


@SIGNERS
def test_every_byte_of_the_body_is_signed(admin: RustfsAdmin, sign: Signer) -> None:
    request = sign("POST", f"{KMS}/keys", "", BODY, admin.core.clock.now())
    bodies = [spoilt(BODY.decode(), at).encode() for at in range(len(BODY))]
    for body in (*bodies, b"", BODY + b" ", BODY[:-1]):
        assert answer(admin, dataclasses.replace(request, body=body)) == (400, "XAmzContentSHA256Mismatch")


@SIGNERS
def test_every_signed_header_is_signed(admin: RustfsAdmin, sign: Signer) -> None:
    request = sign("POST", f"{KMS}/keys", "", BODY, admin.core.clock.now())
    found = re.search(r"SignedHeaders=([^,]+)", request.header("authorization") or "")
    assert found
    for name in found[1].split(";"):
        key = next(key for key in request.headers if key.lower() == name)
        value = request.headers[key]
        for at in range(len(value)):
            headers = {**request.headers, key: spoilt(value, at)}
            status, code = answer(admin, dataclasses.replace(request, headers=headers))
            assert (status, code) == ((403, "AccessDenied") if name == "x-amz-date" else MISMATCH)
        left = {other: text for other, text in request.headers.items() if other != key}
        assert answer(admin, dataclasses.replace(request, headers=left))[0] == 403
    moved = {**request.headers, "X-Extra": "1"}
    assert passes(answer(admin, dataclasses.replace(request, headers=moved)))  # it is not signed


@SIGNERS
def test_every_byte_of_the_authorization_counts(admin: RustfsAdmin, sign: Signer) -> None:
    request = sign("GET", f"{KMS}/keys", QUERY, b"", admin.core.clock.now())
    key = next(key for key in request.headers if key.lower() == "authorization")
    header = request.headers[key]
    codes = set()
    for at in range(len(header)):
        changed = dataclasses.replace(request, headers={**request.headers, key: spoilt(header, at)})
        codes.add(answer(admin, changed))
    assert codes == {
        MISMATCH,
        (403, "InvalidAccessKeyId"),
        (403, "AccessDenied"),
        (400, "InvalidRequest"),
    }


@SIGNERS
@pytest.mark.parametrize(
    ("part", "other", "expected"),
    [
        (0, "nobody", (403, "InvalidAccessKeyId")),
        (1, "20200101", MISMATCH),
        (2, "eu-west-8", MISMATCH),
        (3, "ec2", MISMATCH),
        (4, "aws3_request", (403, "AccessDenied")),
    ],
)
def test_every_part_of_the_scope_counts(
    admin: RustfsAdmin, sign: Signer, part: int, other: str, expected: tuple[int, str]
) -> None:
    request = sign("GET", f"{KMS}/keys", "", b"", admin.core.clock.now())
    key = next(key for key in request.headers if key.lower() == "authorization")
    found = re.search(r"Credential=([^,]+)", request.headers[key])
    assert found
    scope = found[1].split("/")
    scope[part] = other
    header = request.headers[key].replace(found[1], "/".join(scope))
    assert answer(admin, dataclasses.replace(request, headers={**request.headers, key: header})) == expected


@SIGNERS
def test_the_skew_follows_the_clock_both_ways(admin: RustfsAdmin, sign: Signer) -> None:
    now = float(int(admin.core.clock.now()))
    request = sign("GET", f"{KMS}/keys", "", b"", now)
    for seconds, expected in ((-890, (503, "")), (890, (503, "")), (-910, None), (910, None)):
        admin.core.clock.freeze(now + seconds)
        assert answer(admin, request) == (expected or (403, "RequestTimeTooSkewed"))


def test_an_unsigned_payload_may_be_anything(admin: RustfsAdmin) -> None:
    asked = AWSRequest("POST", f"https://localhost:9000{KMS}/keys", data=BODY)
    asked.context["client_config"] = Config(s3={"payload_signing_enabled": False})
    asked.headers["Host"] = "localhost:9000"
    S3SigV4Auth(OWNER, "s3", REGION).add_auth(asked)
    headers = dict(asked.headers.items())
    assert headers["X-Amz-Content-SHA256"] == "UNSIGNED-PAYLOAD"
    request = AdminRequest("POST", f"{KMS}/keys", "", headers, BODY)
    assert passes(answer(admin, request))
    assert passes(answer(admin, dataclasses.replace(request, body=b"{}")))


def presigned() -> AdminRequest:
    """An address that anybody may ask for a minute."""
    asked = AWSRequest("GET", f"{HOST}{KMS}/keys?{QUERY}")
    asked.headers["Host"] = "localhost:9000"
    S3SigV4QueryAuth(OWNER, "s3", REGION, expires=60).add_auth(asked)
    parts = urlsplit(asked.url)
    return AdminRequest("GET", parts.path, parts.query, {"host": "localhost:9000"})


def test_a_presigned_address_counts_until_it_expires(admin: RustfsAdmin) -> None:
    now, request = float(int(admin.core.clock.now())), presigned()
    assert passes(answer(admin, request))
    admin.core.clock.freeze(now + 59)
    assert passes(answer(admin, request))
    admin.core.clock.freeze(now + 63)
    assert answer(admin, request) == (403, "AccessDenied")


def test_every_byte_of_a_presigned_address_counts(admin: RustfsAdmin) -> None:
    request = presigned()
    for at in range(len(request.query_string)):
        changed = dataclasses.replace(request, query_string=spoilt(request.query_string, at))
        assert answer(admin, changed)[0] == 403
    assert answer(admin, dataclasses.replace(request, headers={"host": "localhost:9001"})) == MISMATCH
    assert answer(admin, dataclasses.replace(request, method="POST")) == MISMATCH


@SIGNED
def test_botocore_signs_over_the_wire(kms: MockKMS) -> None:
    def ask(secret: str) -> Any:
        asked = AWSRequest("POST", f"{kms.rustfs_url}{KMS}/configure?a=b%20c", data=b"{}")
        S3SigV4Auth(Credentials("me", secret), "s3", REGION).add_auth(asked)
        return requests.post(asked.url, data=b"{}", headers=dict(asked.headers.items()), timeout=5)

    refused = ask("wrong")
    assert (refused.status_code, "SignatureDoesNotMatch" in refused.text) == (403, True)
    assert ask("secret").text.startswith("Invalid JSON")


def test_the_two_signers_agree() -> None:
    theirs = by_botocore("POST", f"{KMS}/keys", "", BODY, 0)
    moment = timegm(time.strptime(theirs.header("x-amz-date") or "", "%Y%m%dT%H%M%SZ"))
    ours = by_hand("POST", f"{KMS}/keys", "", BODY, float(moment))
    assert ours.header("authorization") == theirs.header("authorization")
