"""``auth="sigv4"``: who is let in, and what a user's policies allow."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import pytest

from mockkms.rustfs import AdminReply, AdminRequest, RustfsAdmin
from tests.rustfs.driver import call, fresh
from tests.rustfs.signer import signed

KMS = "/rustfs/admin/v3/kms"
LOCAL = {"backend_type": "Local", "key_dir": "/var/keys", "master_key": "m"}


def code(reply: AdminReply) -> tuple[int, str]:
    """Status and code of an S3 error."""
    found = re.search(rb"<Code>([^<]*)</Code>", reply.body)
    return reply.status, found.group(1).decode() if found else ""


def send(admin: RustfsAdmin, method: str, path: str, **options: Any) -> AdminReply:
    """A signed request at the present time."""
    if "json" in options:
        options["body"] = json.dumps(options.pop("json")).encode()
    return admin.handle(signed(method, path, **{"now": admin.core.clock.now(), **options}))


@pytest.fixture
def admin() -> RustfsAdmin:
    """A running local service that wants signatures, with two keys."""
    admin = fresh(api="current", auth="sigv4")
    assert send(admin, "POST", f"{KMS}/configure", json=LOCAL).status == 200
    assert send(admin, "POST", f"{KMS}/start").status == 200
    for name in ("a", "b"):
        assert send(admin, "POST", f"{KMS}/keys", json={"tags": {"name": name}}).status == 200
    return admin


def test_any_region_query_and_body_may_be_signed(admin: RustfsAdmin) -> None:
    assert send(admin, "GET", f"{KMS}/keys", query={"marker": "a b/ü", "limit": "1"}).status == 200
    assert send(admin, "POST", f"{KMS}/keys/tag", json={"key_id": "a", "tags": {"x": "ü"}}).status == 200
    assert code(send(admin, "GET", f"{KMS}/keys/a%20b")) == (404, "")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"access": "nobody"}, (403, "InvalidAccessKeyId")),
        ({"secret": "wrong"}, (403, "SignatureDoesNotMatch")),
        ({"now": 1000.0}, (403, "RequestTimeTooSkewed")),
    ],
)
def test_a_bad_signer_is_refused(admin: RustfsAdmin, change: dict[str, Any], expected: tuple[int, str]) -> None:
    assert code(send(admin, "GET", f"{KMS}/keys", **change)) == expected


def test_the_clock_decides_the_skew(admin: RustfsAdmin) -> None:
    request = signed("GET", f"{KMS}/keys", now=admin.core.clock.now())
    admin.core.clock.advance(15 * 60)
    assert admin.handle(request).status == 200
    admin.core.clock.advance(1)
    assert code(admin.handle(request)) == (403, "RequestTimeTooSkewed")


@pytest.mark.parametrize(
    ("part", "value"), [("method", "POST"), ("path", f"{KMS}/list-keys"), ("query_string", "limit=1"), ("body", b"x")]
)
def test_a_signature_covers_every_part(admin: RustfsAdmin, part: str, value: Any) -> None:
    request = signed("GET", f"{KMS}/keys", now=admin.core.clock.now())
    assert admin.handle(request).status == 200
    assert admin.handle(dataclasses.replace(request, **{part: value})).status in (400, 403)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, (403, "AccessDenied")),
        ("Bearer abc", (400, "InvalidRequest")),
        ("AWS4-HMAC-SHA256 nonsense", (403, "AccessDenied")),
        ("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=00", (403, "AccessDenied")),
        (
            "AWS4-HMAC-SHA256 Credential=rustfsadmin/x/y/s3/aws4_request, SignedHeaders=host, Signature=00",
            (403, "AccessDenied"),
        ),
    ],
)
def test_a_header_that_is_no_signature(admin: RustfsAdmin, header: str | None, expected: tuple[int, str]) -> None:
    headers = {"Authorization": header} if header else {}
    assert code(admin.handle(AdminRequest("GET", f"{KMS}/keys", "", headers))) == expected
    assert code(admin.handle(AdminRequest("GET", f"{KMS}/no-such-route", "", headers))) == expected


def test_the_guide_says_access_denied_in_its_own_shape() -> None:
    admin = fresh(auth="sigv4")
    reply, body = call(admin, "GET", "/status")
    assert (reply.status, body["message"]) == (403, "Access denied")
    assert send(admin, "GET", f"{KMS}/status").status == 503


@pytest.fixture
def user(admin: RustfsAdmin) -> dict[str, str]:
    """A user who may describe key ``a`` and use it, and list."""
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["kms:DescribeKey", "kms:GenerateDataKey"],
                "Resource": ["arn:aws:kms:::key/a"],
            },
            {"Effect": "Allow", "Action": "kms:ListKeys"},
            {"Effect": "Deny", "Action": "kms:GenerateDataKey", "Resource": "arn:aws:kms:::key/a"},
        ],
    }
    v3 = "/rustfs/admin/v3"
    made = [
        send(
            admin,
            "PUT",
            f"{v3}/add-user",
            query={"accessKey": "user"},
            json={"secretKey": "password", "status": "enabled"},
        ),
        send(admin, "PUT", f"{v3}/add-canned-policy", query={"name": "p"}, json=policy),
        send(
            admin,
            "PUT",
            f"{v3}/set-user-or-group-policy",
            query={"policyName": "p", "userOrGroup": "user", "isGroup": "false"},
        ),
    ]
    assert [reply.status for reply in made] == [200, 200, 200]
    return {"access": "user", "secret": "password"}


def test_a_user_may_do_what_its_policies_say(admin: RustfsAdmin, user: dict[str, str]) -> None:
    denied = (403, "AccessDenied")
    assert send(admin, "GET", f"{KMS}/keys/a", **user).status == 200
    assert code(send(admin, "GET", f"{KMS}/keys/b", **user)) == denied
    assert send(admin, "GET", f"{KMS}/key/status", query={"key": "a"}, **user).status == 200
    assert send(admin, "GET", f"{KMS}/keys", **user).status == 200
    data_key = {"key_id": "a", "key_spec": "Aes256"}
    assert code(send(admin, "POST", f"{KMS}/generate-data-key", json=data_key, **user)) == denied
    assert code(send(admin, "POST", f"{KMS}/configure", body=b"{", **user)) == denied
    assert code(send(admin, "GET", f"{KMS}/describe-key", **user)) == (400, "InvalidRequest")
    assert code(send(admin, "PUT", "/rustfs/admin/v3/add-user", query={"accessKey": "x"}, **user)) == denied


def test_a_user_without_policies_or_disabled_may_nothing(admin: RustfsAdmin, user: dict[str, str]) -> None:
    admin.state.iam.users["user"].policies = []
    assert code(send(admin, "GET", f"{KMS}/keys/a", **user)) == (403, "AccessDenied")
    admin.state.iam.users["user"].enabled = False
    assert code(send(admin, "GET", f"{KMS}/keys/a", **user)) == (403, "InvalidAccessKeyId")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'["a"]', (200, "")),  # the parser reads an array as the fields in order
        (b'["b"]', (403, "AccessDenied")),
        (b'{"key_id": "b", "more": 1}', (403, "AccessDenied")),
        (b'{"key_id": "a", "key_id": "b"}', (400, "InvalidRequest")),
        (b'{"key_id": "b"', (400, "InvalidRequest")),
    ],
)
def test_the_key_of_a_body_is_found_as_the_parser_finds_it(
    admin: RustfsAdmin, user: dict[str, str], body: bytes, expected: tuple[int, str]
) -> None:
    statement = {"Effect": "Allow", "Action": "kms:DisableKey", "Resource": "arn:aws:kms:::key/a"}
    admin.state.iam.policies["p"] = {"Statement": [statement]}
    assert code(send(admin, "POST", f"{KMS}/keys/disable", body=body, **user)) == expected


def test_a_data_key_of_a_body_that_is_refused_concerns_no_key(admin: RustfsAdmin, user: dict[str, str]) -> None:
    statement = {"Effect": "Allow", "Action": "kms:GenerateDataKey", "Resource": "arn:aws:kms:::key/a"}
    admin.state.iam.policies["p"] = {"Statement": [statement]}
    body = b'{"key_id": "b", "key_spec": "Des"}'
    assert code(send(admin, "POST", f"{KMS}/generate-data-key", body=body, **user)) == (400, "InvalidRequest")


@pytest.mark.parametrize(
    ("path", "query", "body", "text"),
    [
        ("add-user", {}, {}, "access key is empty"),
        ("add-user", {"accessKey": "x"}, {"status": "enabled"}, "secret key is required"),
        ("add-user", {"accessKey": "x y"}, {"secretKey": "s"}, "access key contains spaces"),
        ("add-user", {"accessKey": "rustfsadmin"}, {"secretKey": "s"},
         "cannot create a user with the system access key"),
        ("add-user", {"accessKey": "ab"}, {"secretKey": "password"},
         "failed to create user: invalid access key length"),
        ("add-user", {"accessKey": "a=b"}, {"secretKey": "password"},
         "failed to create user: access key contains reserved characters =,"),
        ("add-user", {"accessKey": "abc"}, {"secretKey": "1234567"},
         "failed to create user: invalid secret key length"),
        ("add-canned-policy", {}, {}, "policy name is required"),
        ("add-canned-policy", {"name": "a b"}, {}, "policy name contains spaces"),
        ("add-canned-policy", {"name": "p"}, {"Statement": []}, "policy version is required"),
        ("add-canned-policy", {"name": "p"}, {"Version": "1"}, "invalid Version '1'"),
        ("set-user-or-group-policy", {}, {}, "user or group is required"),
        ("set-user-or-group-policy", {"userOrGroup": "nobody"}, {}, "user not found"),
        ("set-user-or-group-policy", {"userOrGroup": "rustfsadmin"}, {}, "cannot set a policy for the system user"),
        ("set-user-or-group-policy", {"userOrGroup": "user", "policyName": "none"}, {}, "policy does not exist"),
    ],
)  # fmt: skip
def test_what_the_user_api_refuses(
    admin: RustfsAdmin, user: dict[str, str], path: str, query: dict[str, str], body: dict[str, Any], text: str
) -> None:
    reply = send(admin, "PUT", f"/rustfs/admin/v3/{path}", query=query, json=body)
    assert reply.status == (500 if text.startswith(("failed", "policy does not exist")) else 400)
    assert f"<Message>{text}</Message>" in reply.body.decode()
    assert send(admin, "PUT", f"/rustfs/admin/v3/{path}", body=b"{").status == 400
