"""Signature Version 4 as two signers that know nothing of each other make it, and every part of a request altered."""

from __future__ import annotations

import dataclasses
import re
import time
from calendar import timegm
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

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
_SIGNATURE = (
    "The request signature we calculated does not match the signature you provided. Check your AWS secret access key "
    "and signing method. For more information, see REST Authentication and SOAP Authentication for details."
)


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
        assert answer(admin, dataclasses.replace(request, body=body)) == (400, "InvalidRequest")


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
            assert (status, code) == ((400, "InvalidRequest") if name == "x-amz-date" else MISMATCH)
        left = {other: text for other, text in request.headers.items() if other != key}
        assert answer(admin, dataclasses.replace(request, headers=left))[0] == (400 if name.startswith("x-") else 403)
    moved = {**request.headers, "X-Extra": "1"}
    assert passes(answer(admin, dataclasses.replace(request, headers=moved)))  # it is not signed
    for name, expected in (("X-Amz-Extra", (403, "AccessDenied")), ("X-Amz-Cf-Id", (503, ""))):
        more = {**request.headers, name: "1"}
        assert answer(admin, dataclasses.replace(request, headers=more)) == expected


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
        (501, "NotImplemented"),
    }


@SIGNERS
@pytest.mark.parametrize(
    ("part", "other", "expected"),
    [
        (0, "nobody", (403, "InvalidAccessKeyId")),
        (1, "20200101", MISMATCH),
        (2, "eu-west-8", MISMATCH),
        (1, "20201301", (403, "AccessDenied")),
        (3, "ec2", (501, "NotImplemented")),
        (3, "sts", MISMATCH),
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


def presigned(**headers: str) -> AdminRequest:
    """An address that anybody may ask for a minute, with these headers."""
    asked = AWSRequest("GET", f"{HOST}{KMS}/keys?{QUERY}")
    sent = {"Host": "localhost:9000", **headers}
    for name, value in sent.items():
        asked.headers[name] = value
    S3SigV4QueryAuth(OWNER, "s3", REGION, expires=60).add_auth(asked)
    parts = urlsplit(asked.url)
    return AdminRequest("GET", parts.path, parts.query, sent)


def moment_of(request: AdminRequest) -> float:
    """When a presigned address was signed."""
    found = re.search("X-Amz-Date=([0-9TZ]+)", request.query_string)
    assert found
    return timegm(time.strptime(found[1], "%Y%m%dT%H%M%SZ"))


def test_a_presigned_address_counts_until_it_expires(admin: RustfsAdmin) -> None:
    """From a quarter of an hour before it was signed, since clocks differ, until the second in which it expires."""
    request = presigned()
    signed_at = moment_of(request)
    refusals = {-901: (403, "RequestTimeTooSkewed"), 61: (403, "AccessDenied")}
    for seconds in (-901, -900, 0, 60, 61):
        admin.core.clock.freeze(signed_at + seconds)
        assert answer(admin, request) == refusals.get(seconds, (503, ""))


def test_a_presigned_address_may_sign_several_headers(admin: RustfsAdmin) -> None:
    request = presigned(**{"X-Extra": "a", "X-Other": "b"})
    assert "X-Amz-SignedHeaders=host%3Bx-extra%3Bx-other&" in request.query_string
    assert passes(answer(admin, request))
    for name in ("X-Extra", "X-Other"):
        changed = dataclasses.replace(request, headers={**request.headers, name: "c"})
        assert answer(admin, changed) == MISMATCH


@pytest.mark.parametrize("name", ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders"])
@pytest.mark.parametrize("value", [None, "", "x", "\u0663"])
def test_a_presigned_address_without_a_part_is_refused(admin: RustfsAdmin, name: str, value: str | None) -> None:
    """The last value is a digit to Python, not to the server."""
    request = presigned()
    pairs = [pair for pair in request.query_string.split("&") if not pair.startswith(f"X-Amz-{name}=")]
    assert len(pairs) == len(request.query_string.split("&")) - 1
    if value is not None:
        pairs.append(f"X-Amz-{name}={quote(value)}")
    refused = answer(admin, dataclasses.replace(request, query_string="&".join(pairs)))
    expected = (400, "AuthorizationQueryParametersError")
    if name == "Algorithm" and value is not None:
        expected = (501, "NotImplemented")
    elif name == "SignedHeaders" and value in ("", "x"):
        expected = MISMATCH
    assert refused == expected


@pytest.mark.parametrize(("seconds", "valid"), [("604800", True), ("604801", False), ("9" * 5000, False)])
def test_a_presigned_address_is_valid_for_a_week_at_most(admin: RustfsAdmin, seconds: str, valid: bool) -> None:
    request = presigned()
    request.query_string = request.query_string.replace("X-Amz-Expires=60", f"X-Amz-Expires={seconds}")
    assert answer(admin, request) == (MISMATCH if valid else (400, "AuthorizationQueryParametersError"))


def test_names_of_users_have_no_slashes(admin: RustfsAdmin) -> None:
    """Source: s3s, which splits a credential at every slash."""
    request = signed("GET", f"{KMS}/keys", access="team/app", now=admin.core.clock.now())
    assert answer(admin, request) == (403, "AccessDenied")


def test_queries_are_signed_decoded(admin: RustfsAdmin) -> None:
    """However a client encodes them: names and values with slashes, equals signs and tildes."""
    query = {"a/b": "c=d", "e~f": "g~/h", "i": "=", "j": ""}
    request = signed("GET", f"{KMS}/keys", query=query, now=admin.core.clock.now())
    for written in (request.query_string, "a/b=c=d&e%7Ef=g~/h&i==&j", "&i=%3D&&j=&a%2fb=c%3dd&e~f=g%7e%2Fh"):
        assert passes(answer(admin, dataclasses.replace(request, query_string=written))), written


def test_paths_are_signed_encoded_once(admin: RustfsAdmin) -> None:
    for path in (f"{KMS}/keys/a%20b~c%2Bd%C3%BC", f"{KMS}/keys/a%3Db%40c"):
        request = signed("GET", path, now=admin.core.clock.now())
        assert answer(admin, request)[0] == 503


def test_spaces_in_signed_headers_count_once(admin: RustfsAdmin) -> None:
    """Source: AWS General Reference, canonical headers: trimmed, and spaces in a row are one."""
    asked = AWSRequest("GET", f"{HOST}{KMS}/keys")
    asked.headers["Host"] = "localhost:9000"
    asked.headers["X-Extra"] = "a   b c"
    S3SigV4Auth(OWNER, "s3", REGION).add_auth(asked)
    headers = dict(asked.headers.items())
    assert "x-extra" in headers["Authorization"]
    for value, counts in (("a   b c", True), ("  a b  c ", True), ("abc", False)):
        request = AdminRequest("GET", f"{KMS}/keys", "", {**headers, "X-Extra": value})
        assert answer(admin, request) == ((503, "") if counts else MISMATCH)


def test_names_of_headers_have_any_case(admin: RustfsAdmin) -> None:
    request = signed("POST", f"{KMS}/keys", body=BODY, now=admin.core.clock.now())
    upper = {**request.headers, "X-AMZ-DATE": request.headers["x-amz-date"]}
    del upper["x-amz-date"]
    assert passes(answer(admin, dataclasses.replace(request, headers=upper)))


OTHER_ALGORITHM = f"AWS4-HMAC-SHA512 Credential=a/20260101/r/s3/aws4_request, SignedHeaders=host, Signature={'0' * 64}"


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        ({"Authorization": None}, 403, "Signature is required"),
        ({"Authorization": "Bearer x"}, 400, "invalid header: authorization"),
        ({"Authorization": "AWS4-HMAC-SHA256 x"}, 403, "Invalid SigV4 authorization header"),
        ({"Authorization": OTHER_ALGORITHM}, 403, "Unsupported SigV4 authorization algorithm"),
        ({"x-amz-date": None}, 400, "missing header: x-amz-date"),
        ({"x-amz-date": "now"}, 400, "invalid header: x-amz-date"),
        ({"x-amz-date": "20000101T000000Z"}, 403, "credential scope date does not match x-amz-date"),
        ({"x-amz-content-sha256": None}, 400, "missing header: x-amz-content-sha256"),
        ({"x-amz-content-sha256": "x"}, 403, "invalid header: x-amz-content-sha256"),
        ({"x-amz-extra": "1"}, 403, "There were headers present in the request which were not signed"),
        ({"host": None}, 403, "missing signed header: host"),
        ({"host": "elsewhere"}, 403, _SIGNATURE),
        ({"body": b"x"}, 400, "failed to read request body: UploadStreamError: Sha256Mismatch"),
        ({"access": "nobody"}, 403, "The Access Key Id you provided does not exist in our records."),
    ],
)
def test_the_words_of_refusals(admin: RustfsAdmin, change: dict[str, Any], status: int, text: str) -> None:
    access = change.get("access", "rustfsadmin")
    request = signed("POST", f"{KMS}/keys", body=BODY, access=access, now=admin.core.clock.now())
    body = change.get("body", BODY)
    kept = {**request.headers, **{name: value for name, value in change.items() if name not in ("body", "access")}}
    headers = {name: value for name, value in kept.items() if value is not None}
    reply = admin.handle(dataclasses.replace(request, headers=headers, body=body))
    found = re.search(rb"<Message>([^<]+)</Message>", reply.body)
    assert found
    assert (reply.status, found[1].decode()) == (status, text)


def test_the_words_about_presigned_addresses(admin: RustfsAdmin) -> None:
    request = presigned()
    admin.core.clock.freeze(moment_of(request) + 100)
    assert b"<Message>Request has expired</Message>" in admin.handle(request).body
    request.query_string = request.query_string.replace("X-Amz-Expires=60", "X-Amz-Expires=x")
    text = b"<Message>The authorization query parameters that you provided are not valid.</Message>"
    assert text in admin.handle(request).body


def test_every_byte_of_a_presigned_address_counts(admin: RustfsAdmin) -> None:
    request = presigned()
    for at in range(len(request.query_string)):
        changed = dataclasses.replace(request, query_string=spoilt(request.query_string, at))
        assert answer(admin, changed)[0] in (400, 403, 501)
    assert answer(admin, dataclasses.replace(request, headers={"host": "localhost:9001"})) == MISMATCH
    assert answer(admin, dataclasses.replace(request, method="POST")) == MISMATCH


@SIGNED
def test_botocore_signs_over_the_wire(kms: MockKMS) -> None:
    def ask(secret: str) -> Any:
        asked = AWSRequest("POST", f"{kms.rustfs_url}{KMS}/configure?a=b%20c", data=b"{}")
        S3SigV4Auth(Credentials("me", secret), "s3", REGION).add_auth(asked)
        return requests.post(asked.url, data=b"{}", headers=dict(asked.headers.items()), timeout=60)

    refused = ask("wrong")
    assert (refused.status_code, "SignatureDoesNotMatch" in refused.text) == (403, True)
    assert ask("secret").text.startswith("Invalid JSON")


def test_the_two_signers_agree() -> None:
    theirs = by_botocore("POST", f"{KMS}/keys", "", BODY, 0)
    moment = timegm(time.strptime(theirs.header("x-amz-date") or "", "%Y%m%dT%H%M%SZ"))
    ours = by_hand("POST", f"{KMS}/keys", "", BODY, float(moment))
    assert ours.header("authorization") == theirs.header("authorization")
