"""AliCloud logins. Rules: https://github.com/hashicorp/vault-plugin-auth-alicloud (``path_login.go``, ``arn.go``)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import quote, urlencode

import hvac
import pytest
from hvac.exceptions import InternalServerError

from mockkms import MockKMS
from tests.vault.auth.cloud.clouds import NOW, login, root, round_trips
from tests.vault.auth.cloud.conftest import Seeded

_ARN = "acs:ram::5138828231865461:assumed-role/elk/vm-1"
_PRINCIPAL = {
    "access_key": "STS.key",
    "secret_key": "secret",
    "security_token": "session",
    "arn": _ARN,
    "principal_id": "3001:vm-1",
}
_USUAL = {
    "AccessKeyId": "STS.key",
    "Action": "GetCallerIdentity",
    "Format": "JSON",
    "RegionId": "us-west-1",
    "SecurityToken": "session",
    "SignatureMethod": "HMAC-SHA1",
    "SignatureNonce": "d3a1 f/",
    "SignatureType": "",
    "SignatureVersion": "1.0",
    "Timestamp": NOW,
    "Version": "2015-04-01",
}


def signed(secret: str = "secret", host: str = "sts.us-west-1.aliyuncs.com", **changes: str) -> dict[str, str]:
    """Sign a request as the page "RPC mechanism" says, and return the parameters of a login."""
    query = {**_USUAL, **changes}
    pairs = "&".join(f"{quote(name, safe='~')}={quote(query[name], safe='~')}" for name in sorted(query))
    text = f"POST&%2F&{quote(pairs, safe='~')}"
    made = base64.b64encode(hmac.digest(f"{secret}&".encode(), text.encode(), hashlib.sha1)).decode()
    url = f"https://{host}/?{urlencode({**query, 'Signature': made})}"
    headers = json.dumps({"x-acs-action": ["GetCallerIdentity"]})
    encoded = [base64.b64encode(one.encode()).decode() for one in (url, headers)]
    return {"role": "elk", "identity_request_url": encoded[0], "identity_request_headers": encoded[1]}


def world(seeded: Seeded, **role: Any) -> MockKMS:
    made = {"arn": "acs:ram::5138828231865461:role/elk", "token_policies": ["p"], "token_ttl": "1h", **role}
    return seeded("alicloud", NOW, principals=[_PRINCIPAL], roles={"elk": made})


def test_the_session_of_a_role_logs_in(seeded: Seeded) -> None:
    kms = world(seeded)
    found = login(kms, "alicloud/login", **signed())
    assert (found["token_policies"], found["lease_duration"]) == (["default", "p"], 3600)
    metadata = found["metadata"]
    assert (metadata["arn"], metadata["role_id"], metadata["role_name"]) == (_ARN, "3001", "elk")
    client = hvac.Client(kms.url, token=found["client_token"])
    client.auth.token.renew_self()
    root(kms).write("auth/alicloud/role/elk", arn="acs:ram::1:role/elk")
    with pytest.raises(InternalServerError, match="the caller's arn does not match the role's arn"):
        client.auth.token.renew_self()
    root(kms).delete("auth/alicloud/role/elk")
    with pytest.raises(InternalServerError, match="role entry not found"):
        client.auth.token.renew_self()
    round_trips(kms)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"secret": "wrong"}, 'received 400 checking caller identity: .*"Code":"SignatureDoesNotMatch"'),
        ({"AccessKeyId": "nobody"}, "received 404 .*InvalidAccessKeyId.NotFound"),
        ({"SecurityToken": ""}, "InvalidSecurityToken.Malformed"),
        ({"Timestamp": "2026-01-01T11:00:00Z"}, "InvalidTimeStamp.Expired"),
        ({"Timestamp": "now"}, "InvalidTimeStamp.Format"),
        ({"RegionId": ""}, "query RegionId must not be empty"),
        ({"host": "sts.example.org"}, 'expected host of "sts.us-west-1.aliyuncs.com" but received "sts.example.org"'),
        ({"Format": "XML"}, "query Format must be JSON but received XML"),
        ({"Action": "AssumeRole"}, "query Action must be GetCallerIdentity but received AssumeRole"),
    ],
)
def test_requests_that_are_refused(seeded: Seeded, changes: dict[str, str], text: str) -> None:
    with pytest.raises(InternalServerError, match=f"error making upstream request: .*{text}"):
        login(world(seeded), "alicloud/login", **signed(**changes))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"role": "other"}, "entry for role other not found"),
        ({"identity_request_url": ""}, "missing identity_request_url"),
        ({"identity_request_url": "%"}, "failed to base64 decode identity_request_url"),
        ({"identity_request_headers": "{}"}, "missing identity_request_headers"),
    ],
)
def test_logins_without_what_they_need(seeded: Seeded, changes: dict[str, str], text: str) -> None:
    with pytest.raises(InternalServerError, match=text):
        login(world(seeded), "alicloud/login", **{**signed(), **changes})


def test_roles_are_bound_to_roles(seeded: Seeded) -> None:
    kms = world(seeded, arn="acs:ram::5138828231865461:role/other")
    with pytest.raises(InternalServerError, match="the caller's arn does not match the role's arn"):
        login(kms, "alicloud/login", **signed())
    client = root(kms)
    for sent, text in (
        ({}, "the arn is required to create a role"),
        ({"arn": "x"}, "contains 1 colon-separated fields, expected 5"),
        ({"arn": _ARN}, "only role arn types are supported at this time"),
        ({"arn": "acs:ram::1:role/r", "ttl": "2h", "max_ttl": "1h"}, "ttl exceeds max ttl"),
    ):
        with pytest.raises(InternalServerError, match=text):
            client.write_data("auth/alicloud/role/new", data=sent)
    assert client.list("auth/alicloud/roles")["data"]["keys"] == ["elk"]
    assert client.read("auth/alicloud/role/elk")["data"]["arn"] == "acs:ram::5138828231865461:role/other"
