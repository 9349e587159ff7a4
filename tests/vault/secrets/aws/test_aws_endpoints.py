"""The AWS secrets engine with endpoints on this machine: the requests of ``builtin/logical/aws`` of Vault."""

from __future__ import annotations

from typing import Any

import hvac
import pytest
from hvac.exceptions import InternalServerError, InvalidRequest

from mockkms import MockKMS
from tests.vault.auth.cloud.clouds import round_trips
from tests.vault.secrets.aws.conftest import Amazon


@pytest.fixture
def aws(amazon: Amazon, client: hvac.Client) -> hvac.Client:
    """A client of a mount whose IAM and STS are on this machine."""
    client.sys.enable_secrets_engine("aws")
    config = {"access_key": "AKIAROOT", "secret_key": "s", "iam_endpoint": amazon.url, "sts_endpoint": amazon.url}
    client.write_data("aws/config/root", data=config)
    return client


def role(client: hvac.Client, **settings: Any) -> None:
    client.write_data("aws/roles/r", data=settings)


def test_users_are_created_and_deleted(amazon: Amazon, aws: hvac.Client) -> None:
    role(
        aws,
        credential_type="iam_user",
        policy_arns="arn:aws:iam::aws:policy/P",
        policy_document="{}",
        iam_groups="devs",
        iam_tags={"a": "b"},
        user_path="/x/",
    )
    found = aws.read("aws/creds/r")
    assert (found["data"]["access_key"], found["data"]["secret_key"]) == ("K1", "S1")
    assert amazon.actions == [
        "CreateUser",
        "AttachUserPolicy",
        "PutUserPolicy",
        "AddUserToGroup",
        "TagUser",
        "CreateAccessKey",
    ]
    assert amazon.asked[0]["Path"] == "/x/"
    assert amazon.asked[4]["Tags.member.1.Value"] == "b"
    amazon.asked.clear()
    aws.sys.revoke_lease(found["lease_id"])
    assert amazon.users == {}
    assert amazon.actions[-5:] == [
        "DeleteAccessKey",
        "DetachUserPolicy",
        "DeleteUserPolicy",
        "RemoveUserFromGroup",
        "DeleteUser",
    ]


def test_a_user_that_is_gone_can_be_revoked(amazon: Amazon, aws: hvac.Client) -> None:
    role(aws, credential_type="iam_user")
    lease = aws.read("aws/creds/r")["lease_id"]
    amazon.users.clear()
    amazon.asked.clear()
    aws.sys.revoke_lease(lease)
    assert amazon.asked, "AWS was asked"
    with pytest.raises(InvalidRequest, match="invalid lease"):
        aws.sys.read_lease(lease)


@pytest.mark.parametrize(
    ("action", "text"),
    [
        ("CreateUser", "Error creating IAM user: LimitExceeded: no vault-"),
        ("CreateAccessKey", "Error creating access keys: LimitExceeded"),
    ],
)
def test_refusals_are_reported(amazon: Amazon, aws: hvac.Client, action: str, text: str) -> None:
    role(aws, credential_type="iam_user")
    amazon.fails[action] = "LimitExceeded"
    with pytest.raises(InvalidRequest, match=text):
        aws.read("aws/creds/r")
    assert amazon.users == {}, "what was created is deleted again"


def test_sessions_are_those_of_sts(amazon: Amazon, aws: hvac.Client) -> None:
    role(
        aws,
        credential_type="assumed_role",
        role_arns="arn:aws:iam::1:role/r",
        external_id="e",
        session_tags={"t": "v"},
    )
    found = aws.read("aws/sts/r")["data"]
    assert (found["arn"], found["session_token"]) == ("arn:aws:sts::1:assumed-role/r/s", "T")
    assert amazon.asked[-1]["ExternalId"] == "e"
    assert (amazon.asked[-1]["Tags.member.1.Key"], amazon.asked[-1]["DurationSeconds"]) == ("t", "3600")
    aws.delete("aws/roles/r")
    role(aws, credential_type="federation_token", policy_arns="arn:p")
    assert "arn" not in aws.read("aws/sts/r")["data"]
    assert amazon.asked[-1]["PolicyArns.member.1.arn"] == "arn:p"
    amazon.fails["GetFederationToken"] = "AccessDenied"
    with pytest.raises(InvalidRequest, match="Error generating STS keys: AccessDenied: no root"):
        aws.read("aws/sts/r")


def test_the_root_key_is_rotated(amazon: Amazon, aws: hvac.Client) -> None:
    amazon.users["root"] = ["AKIAROOT"]
    assert aws.write_data("aws/config/rotate-root", data={})["data"]["access_key"] == "K1"
    assert amazon.users["root"] == ["K1"]
    amazon.users.clear()
    with pytest.raises(InternalServerError, match="error calling GetUser: NoSuchEntity"):
        aws.write_data("aws/config/rotate-root", data={})


def test_static_roles_rotate_keys_of_their_user(amazon: Amazon, aws: hvac.Client, kms: MockKMS) -> None:
    sent = {"username": "u", "rotation_period": "1h"}
    with pytest.raises(InternalServerError, match='unable to validate username "u": NoSuchEntity'):
        aws.write_data("aws/static-roles/s", data=sent)
    amazon.users["u"] = ["A1", "B1"]
    assert aws.write_data("aws/static-roles/s", data=sent)["data"]["id"] == "AIDAu"
    assert amazon.users["u"] == ["B1", "K1"], "the oldest key is deleted"
    amazon.fails["CreateAccessKey"] = "LimitExceeded"
    kms.clock.advance("61m")
    assert aws.read("aws/static-creds/s")["data"]["access_key"] == "K1", "a rotation that fails is tried again"
    amazon.fails.clear()
    kms.clock.advance("1m")
    assert aws.read("aws/static-creds/s")["data"]["access_key"] == "K2"
    round_trips(kms)
    aws.delete("aws/static-roles/s")
    assert "K2" not in amazon.users["u"]


def test_an_endpoint_that_refuses_connections(client: hvac.Client) -> None:
    client.sys.enable_secrets_engine("aws")
    client.write_data("aws/config/root", data={"sts_endpoint": "http://127.0.0.1:1"})
    role(client, credential_type="session_token")
    with pytest.raises(InvalidRequest, match=r"(?s)RequestError: send request failed.*connection refused"):
        client.read("aws/sts/r")


@pytest.mark.parametrize(
    ("status", "answer", "fault"),
    [
        (
            200,
            "<R><GetSessionTokenResult>",
            "SerializationError: failed decoding Query response\n\tstatus code: 200, request id: \n"
            "caused by: XML syntax error on line 1: unexpected EOF",
        ),
        (
            200,
            "<R>\n<a></b></R>",
            "SerializationError: failed decoding Query response\n\tstatus code: 200, request id: \n"
            "caused by: XML syntax error on line 2: element <a> closed by </b>",
        ),
        (
            403,
            "<html lang='en'><p>no</p></html>",
            "SerializationError: failed to unmarshal error message\n\tstatus code: 403, request id: \n"
            "caused by: UnmarshalError: failed to unmarshal error message\n"
            "\t00000000  3c 68 74 6d 6c 20 6c 61  6e 67 3d 27 65 6e 27 3e  |<html lang='en'>|\n"
            "00000010  3c 70 3e 6e 6f 3c 2f 70  3e 3c 2f 68 74 6d 6c 3e  |<p>no</p></html>|\n\n"
            "caused by: unknown error response tag, {{ html} [{{ lang} en}]}",
        ),
        (
            400,
            "<a",
            "SerializationError: failed to unmarshal error message\n\tstatus code: 400, request id: \n"
            "caused by: UnmarshalError: failed to unmarshal error message\n"
            "\t00000000  3c 61                                             |<a|\n\n"
            "caused by: XML syntax error on line 1: unexpected EOF",
        ),
        (503, "try again", ": \n\tstatus code: 503, request id: "),
        (
            503,
            "<ServiceUnavailableException/>",
            "ServiceUnavailableException: service is unavailable\n\tstatus code: 503",
        ),
    ],
)
def test_answers_that_are_not_those_of_aws(
    amazon: Amazon, aws: hvac.Client, status: int, answer: str, fault: str
) -> None:
    """Source: AWS SDK for Go 1, ``private/protocol/query``: ``unmarshal.go`` and ``unmarshal_error.go``."""
    role(aws, credential_type="session_token")
    amazon.broken = status, answer
    with pytest.raises((InvalidRequest, InternalServerError)) as refused:
        aws.read("aws/sts/r")
    assert fault in str(refused.value)
