"""AWS logins with signed requests.

Rules: ``path_login.go`` of Vault's ``builtin/credential/aws``, and the API page of the method.
"""

from __future__ import annotations

import base64
import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import hvac
import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hvac.exceptions import InternalServerError, InvalidRequest

from mockkms import MockKMS
from tests.vault.auth.cloud.clouds import login, root, round_trips
from tests.vault.auth.cloud.conftest import Seeded

_ACCOUNT = "123456789012"
_ALICE = {
    "access_key": "AKIAALICE",
    "secret_key": "alices-secret",
    "arn": f"arn:aws:iam::{_ACCOUNT}:user/team/alice",
    "full_arn": f"arn:aws:iam::{_ACCOUNT}:user/team/alice",
}
_SESSION = {
    "access_key": "ASIASESSION",
    "secret_key": "sessions-secret",
    "session_token": "sessions-token",
    "arn": f"arn:aws:sts::{_ACCOUNT}:assumed-role/web/i-1",
    "user_id": "AROAWEB",
    "full_arn": f"arn:aws:iam::{_ACCOUNT}:role/path/web",
}
_MACHINE = {"instance_id": "i-1", "ami_id": "ami-1", "region": "eu-west-1", "private_dns_name": "ip-10-0-0-1"}
_ALICE_ARN = f"arn:aws:iam::{_ACCOUNT}:user/alice"
_WEB_ARN = f"arn:aws:iam::{_ACCOUNT}:role/web"


def world(seeded: Seeded, **section: Any) -> MockKMS:
    roles = {"alice": {"bound_iam_principal_arn": [_ALICE_ARN], "token_policies": ["p"], "token_ttl": "1h"}}
    return seeded("aws", **{"principals": [_ALICE, _SESSION], "instances": [_MACHINE], "roles": roles, **section})


def alice(kms: MockKMS, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = hvac.Client(kms.url).auth.aws.iam_login("AKIAALICE", "alices-secret", **more)["auth"]
    return found


def session(kms: MockKMS, role: str = "web") -> dict[str, Any]:
    client = hvac.Client(kms.url)
    answer = client.auth.aws.iam_login("ASIASESSION", "sessions-secret", "sessions-token", role=role)
    found: dict[str, Any] = answer["auth"]
    return found


def signed(method: str = "POST", query: bool = False, **changes: Any) -> dict[str, str]:
    """Return the parameters of a login whose request botocore has signed."""
    body = "Action=GetCallerIdentity&Version=2011-06-15"
    url = changes.get("url", "https://sts.amazonaws.com/") + (f"?{body}" if method == "GET" else "")
    headers = changes.get("headers", {})
    data = changes.get("body", body if method == "POST" else "")
    request = AWSRequest(method=method, url=url, data=data, headers=headers)
    credentials = Credentials("AKIAALICE", "alices-secret")
    signer = (SigV4QueryAuth if query else SigV4Auth)(credentials, "sts", changes.get("region", "us-east-1"))
    signer.add_auth(request)
    sent = {"Host": "sts.amazonaws.com"} if query else dict(request.headers.items())  # No headers at all are refused.
    return parameters(method, request.url, data, {name: [value] for name, value in sent.items()})


def parameters(method: str, url: str, body: str, headers: dict[str, list[str]]) -> dict[str, str]:
    texts = {"url": url, "body": body, "headers": json.dumps(headers)}
    encoded = {f"iam_request_{name}": base64.b64encode(text.encode()).decode() for name, text in texts.items()}
    return {"role": "alice", "iam_http_request_method": method, **encoded}


def test_a_user_logs_in_and_is_bound_by_its_id(seeded: Seeded) -> None:
    kms = world(seeded)
    found = alice(kms, role="alice")
    assert (found["lease_duration"], found["token_policies"]) == (3600, ["default", "p"])
    metadata = found["metadata"]
    assert (metadata["account_id"], metadata["auth_type"]) == (_ACCOUNT, "iam")
    role = root(kms).read("auth/aws/role/alice")["data"]
    assert metadata["role_id"] == role["role_id"]
    assert role["bound_iam_principal_id"][0].startswith("AIDA")
    assert alice(kms)["metadata"] == metadata, "the name of the user is the default of the role"
    assert hvac.Client(kms.url, token=found["client_token"]).auth.token.renew_self()["auth"]["lease_duration"] == 3600


def test_another_principal_is_refused(seeded: Seeded) -> None:
    kms = world(seeded)
    with pytest.raises(InvalidRequest, match=r'IAM Principal ".*assumed-role/web/i-1" does not belong to the role'):
        session(kms, "alice")
    with pytest.raises(InvalidRequest, match="entry for role web not found"):
        session(kms)


@pytest.mark.parametrize(
    ("key", "secret", "text"),
    [
        ("AKIANOBODY", "x", "InvalidClientTokenId"),
        ("AKIAALICE", "wrong", "SignatureDoesNotMatch"),
        ("ASIASESSION", "sessions-secret", "InvalidClientTokenId"),
    ],
)
def test_what_sts_refuses_is_reported(seeded: Seeded, key: str, secret: str, text: str) -> None:
    kms = world(seeded)
    refused = f"(?s)error making upstream request: received error code 403 from STS: .*<Code>{text}</Code>"
    with pytest.raises(InvalidRequest, match=refused):
        hvac.Client(kms.url).auth.aws.iam_login(key, secret, role="alice")


def test_the_hint_says_what_the_world_lacks(seeded: Seeded) -> None:
    kms = world(seeded)
    with pytest.raises(InvalidRequest):
        hvac.Client(kms.url).auth.aws.iam_login("AKIANOBODY", "x", role="alice")
    assert "no access key AKIANOBODY (`principals`)" in kms.journal.entries()[-1].hint


@pytest.mark.parametrize(("method", "query"), [("POST", False), ("GET", False), ("GET", True)])
def test_requests_that_botocore_signs(seeded: Seeded, method: str, query: bool) -> None:
    assert login(world(seeded), "aws/login", **signed(method, query))["client_token"]


def test_a_signature_expires(seeded: Seeded) -> None:
    kms = world(seeded)
    sent = signed()
    kms.clock.advance("16m")
    with pytest.raises(InvalidRequest, match=r"(?s)Signature expired: .* - 15 min"):
        login(kms, "aws/login", **sent)
    kms.clock.advance("-40m")
    with pytest.raises(InvalidRequest, match="Signature not yet current"):
        login(kms, "aws/login", **sent)


def test_another_region_needs_its_endpoint(seeded: Seeded) -> None:
    kms = world(seeded)
    sent = signed(region="eu-west-1", url="https://sts.eu-west-1.amazonaws.com/")
    with pytest.raises(InvalidRequest, match="Credential should be scoped to a valid region, not 'eu-west-1'"):
        login(kms, "aws/login", **sent)
    root(kms).write("auth/aws/config/client", sts_endpoint="https://sts.eu-west-1.amazonaws.com")
    assert login(kms, "aws/login", **sent)["client_token"]
    root(kms).write("auth/aws/config/client", sts_endpoint="", use_sts_region_from_client=True)
    assert login(kms, "aws/login", **sent)["client_token"]


def test_the_header_of_the_server_must_be_signed(seeded: Seeded) -> None:
    kms = world(seeded, config={"iam_server_id_header_value": "vault.example.org"})
    with pytest.raises(InvalidRequest, match='missing header "X-Vault-AWS-IAM-Server-ID"'):
        alice(kms, role="alice")
    with pytest.raises(InvalidRequest, match=r'expected "vault.example.org" but got "other"'):
        alice(kms, role="alice", header_value="other")
    assert alice(kms, role="alice", header_value="vault.example.org")
    sent = signed()
    headers = json.loads(base64.b64decode(sent["iam_request_headers"]))
    headers["X-Vault-AWS-IAM-Server-ID"] = ["vault.example.org"]
    sent["iam_request_headers"] = json.dumps(headers)
    with pytest.raises(InvalidRequest, match="vault header wasn't signed"):
        login(kms, "aws/login", **sent)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"url": "https://sts.amazonaws.com/?Action=AssumeRole"}, "invalid request"),
        ({"body": "Action=AssumeRole&Version=2011-06-15"}, "iam request body is invalid"),
        ({"body": "Action=GetCallerIdentity&Extra=1"}, "iam request body is invalid"),
        ({"headers": {"X-Amz-Odd": "1"}}, "invalid request header: X-Amz-Odd"),
    ],
)
def test_requests_for_something_else_are_refused(seeded: Seeded, changes: dict[str, Any], text: str) -> None:
    kms = world(seeded, config={"max_retries": 1})
    with pytest.raises(InvalidRequest, match=text):
        login(kms, "aws/login", **signed(**changes))


@pytest.mark.parametrize(
    ("url", "text"),
    [("https://x/", "no action found"), ("https://x/?Action=A&Action=B", "found multiple actions"),
     ("https://x/?Action=A", "unexpected action parameter, A")],
)  # fmt: skip
def test_the_action_of_a_get_is_checked(seeded: Seeded, url: str, text: str) -> None:
    with pytest.raises(InvalidRequest, match=text):
        login(world(seeded), "aws/login", **parameters("GET", url, "", {"A": ["b"]}))


def test_wildcards_match_the_full_arn(seeded: Seeded) -> None:
    roles = {
        "path": {"bound_iam_principal_arn": [f"arn:aws:iam::{_ACCOUNT}:role/path/*"]},
        "other": {"bound_iam_principal_arn": [f"arn:aws:iam::{_ACCOUNT}:role/other/*"]},
    }
    kms = world(seeded, roles=roles)
    assert session(kms, "path")["client_token"]
    with pytest.raises(InvalidRequest, match="does not belong to the role"):
        session(kms, "other")


def test_a_binding_to_ids_outlives_no_recreated_principal(seeded: Seeded) -> None:
    """With ``resolve_aws_unique_ids`` a role with the same name but another id is another principal (API page)."""
    roles = {
        "id": {"bound_iam_principal_arn": [_WEB_ARN], "principal_ids": ["AROAFORMER"]},
        "name": {"bound_iam_principal_arn": [_WEB_ARN], "resolve_aws_unique_ids": False},
    }
    kms = world(seeded, roles=roles)
    assert session(kms, "name")["client_token"]
    with pytest.raises(InvalidRequest, match="does not belong to the role"):
        session(kms, "id")


def test_a_machine_is_inferred(seeded: Seeded) -> None:
    inferred = {"inferred_entity_type": "ec2_instance", "inferred_aws_region": "eu-west-1"}
    roles = {
        "web": {"bound_ami_id": ["ami-1"], **inferred},
        "other": {"bound_ami_id": ["ami-2"], **inferred},
        "away": {"bound_ami_id": ["ami-1"], **inferred, "inferred_aws_region": "us-east-1"},
    }
    names = ["inferred_entity_id", "inferred_entity_type", "inferred_aws_region", "auth_type"]
    kms = world(seeded, roles=roles, identity={"iam_metadata": names})
    found = session(kms)
    assert found["metadata"]["inferred_entity_id"] == "i-1"
    token = hvac.Client(kms.url, token=found["client_token"])
    assert token.auth.token.lookup_self()["data"]["display_name"] == "aws-web/i-1"
    token.auth.token.renew_self()
    with pytest.raises(InvalidRequest, match='error validating instance: AMI ID "ami-1" does not belong to role'):
        session(kms, "other")
    with pytest.raises(InvalidRequest, match="failed to verify i-1 as a valid EC2 instance in region us-east-1: "):
        session(kms, "away")
    root(kms).write("auth/aws/role/web", inferred_aws_region="us-east-1")
    token.auth.token.renew_self()


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("unique_id", "AROAWEB"),
        ("full_arn", f"arn:aws:sts::{_ACCOUNT}:assumed-role/web/i-1"),
        ("canonical_arn", _WEB_ARN),
    ],
)
def test_the_alias_is_what_the_identity_settings_choose(seeded: Seeded, alias: str, name: str) -> None:
    kms = world(seeded, roles={"web": {"bound_iam_principal_arn": [_WEB_ARN]}}, identity={"iam_alias": alias})
    entity = root(kms).secrets.identity.read_entity(session(kms)["entity_id"])["data"]
    assert entity["aliases"][0]["name"] == name
    assert entity["aliases"][0]["metadata"] == {"account_id": _ACCOUNT, "auth_type": "iam"}


def test_a_renewal_checks_the_binding_again(seeded: Seeded) -> None:
    kms = world(seeded)
    token = hvac.Client(kms.url, token=alice(kms)["client_token"])
    root(kms).write("auth/aws/role/alice", bound_iam_principal_arn=_WEB_ARN)
    with pytest.raises(InternalServerError, match='role "alice" no longer bound to ARN'):
        token.auth.token.renew_self()
    root(kms).delete("auth/aws/role/alice")
    with pytest.raises(InternalServerError, match="role entry not found"):
        token.auth.token.renew_self()


def test_worlds_and_dumps_keep_all_of_it(seeded: Seeded) -> None:
    kms = world(seeded, config={"sts_endpoint": "http://127.0.0.1:1"}, sts={"1": {"sts_role": "arn:aws:x"}})
    round_trips(kms)


class _Sts(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if b"GetCallerIdentity" in body:
            text = f"<Arn>arn:aws:iam::{_ACCOUNT}:user/bob</Arn><UserId>AIDABOB</UserId><Account>{_ACCOUNT}</Account>"
            answer = f"<GetCallerIdentityResponse xmlns='x'><GetCallerIdentityResult>{text}</GetCallerIdentityResult>"
            answer += "</GetCallerIdentityResponse>"
        elif b"DescribeInstances" in body:
            profile = "<iamInstanceProfile><arn>arn:aws:iam::1:instance-profile/web</arn></iamInstanceProfile>"
            state, tags = (
                "<instanceState><name>running</name></instanceState>",
                "<tagSet><item><key>k</key></item></tagSet>",
            )
            item = f"<instanceId>i-1</instanceId><imageId>ami-1</imageId>{state}{profile}{tags}"
            answer = f"<R xmlns='x'><reservationSet><item><instancesSet><item>{item}</item></instancesSet></item>"
            answer += "</reservationSet></R>"
        elif b"GetInstanceProfile" in body:
            roles = "<Roles><member><Arn>arn:aws:iam::1:role/web</Arn></member></Roles>"
            answer = f"<R><InstanceProfile><Arn>arn:other</Arn>{roles}</InstanceProfile></R>"
        elif b"GetRole" in body:
            answer = "<R><Role><Arn>arn:aws:iam::123456789012:role/path/web</Arn><RoleId>AROAWEB</RoleId></Role></R>"
        else:
            answer = "<GetUserResponse xmlns='x'><User><UserId>AIDABOB</UserId></User></GetUserResponse>"
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing."""


@pytest.fixture
def sts() -> Iterator[str]:
    server: socketserver.TCPServer = HTTPServer(("127.0.0.1", 0), _Sts)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join(60)
    server.server_close()


def test_endpoints_on_this_machine_are_asked(seeded: Seeded, sts: str) -> None:
    kms = world(seeded, config={"sts_endpoint": sts, "iam_endpoint": sts, "access_key": "A", "secret_key": "S"})
    client = root(kms)
    client.write("auth/aws/role/bob", bound_iam_principal_arn=f"arn:aws:iam::{_ACCOUNT}:user/bob")
    assert client.read("auth/aws/role/bob")["data"]["bound_iam_principal_id"] == ["AIDABOB"]
    assert alice(kms, role="bob")["metadata"]["account_id"] == _ACCOUNT
    client.write("auth/aws/config/client", sts_endpoint="http://127.0.0.1:1", max_retries=0)
    with pytest.raises(InvalidRequest, match=r"giving up after 1 attempt\(s\): Post .*connection refused"):
        alice(kms, role="bob")


def test_machines_and_roles_of_endpoints_on_this_machine(seeded: Seeded, sts: str) -> None:
    """Callers are those of the world here, because STS has no address on this machine."""
    inferred = {"inferred_entity_type": "ec2_instance", "inferred_aws_region": "eu-west-1"}
    roles = {
        "web": {"bound_iam_role_arn": ["arn:aws:iam::1:role/w*"], **inferred},
        "other": {"bound_iam_role_arn": ["arn:aws:iam::1:role/other"], **inferred},
        "path": {"bound_iam_principal_arn": [f"arn:aws:iam::{_ACCOUNT}:role/path/*"]},
    }
    kms = world(seeded, roles=roles, instances=[], config={"endpoint": sts, "iam_endpoint": sts})
    assert session(kms)["client_token"]
    assert session(kms, "path")["client_token"]
    with pytest.raises(InvalidRequest, match='IAM role ARN "arn:aws:iam::1:role/web" does not satisfy the constraint'):
        session(kms, "other")
    root(kms).write("auth/aws/role/bound", bound_iam_principal_arn=_WEB_ARN)
    assert root(kms).read("auth/aws/role/bound")["data"]["bound_iam_principal_id"] == ["AROAWEB"]
