"""The auth method ``aws``: roles, role tags and the lists of denied ones, driven by hvac over a socket."""

from __future__ import annotations

import base64
import re
from typing import Any

import hvac
import pytest
from hvac.exceptions import InternalServerError, InvalidRequest

from mockkms import MockKMS

_PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
_ARN = "arn:aws:iam::123456789012:role/R"


def prepare(kms: MockKMS) -> None:
    hvac.Client(kms.url, token=kms.token).sys.enable_auth_method("aws")


pytestmark = [pytest.mark.flavors("vault", "vault-1.21"), pytest.mark.prepared(by=prepare)]


def write(client: hvac.Client, path: str, **data: Any) -> Any:
    return client.write_data(f"auth/aws/{path}", data=data)


def test_a_role_keeps_its_id_and_its_type(client: hvac.Client) -> None:
    write(client, "role/R", auth_type="iam", bound_iam_principal_arn=_ARN, token_ttl="5m")
    first = client.read("auth/aws/role/r")["data"]
    write(client, "role/r", token_ttl="10m")
    second = client.read("auth/aws/role/r")["data"]
    assert second == {**first, "token_ttl": 600}
    assert len(first["bound_iam_principal_id"]) == 1
    with pytest.raises(InvalidRequest, match="changing auth_type on a role is not allowed"):
        write(client, "role/r", auth_type="ec2")
    with pytest.raises(InvalidRequest, match="from true to false is not allowed"):
        write(client, "role/r", resolve_aws_unique_ids=False)
    assert client.list("auth/aws/roles")["data"]["keys"] == ["r"]


def test_only_an_endpoint_on_this_machine_is_asked(client: hvac.Client) -> None:
    write(client, "config/client", sts_endpoint="https://sts.example.org")
    write(client, "role/far", bound_iam_principal_arn=_ARN)
    write(client, "config/client", sts_endpoint="http://127.0.0.1:1")
    with pytest.raises(InvalidRequest, match=r"(?s)unable to resolve ARN .*connection refused"):
        write(client, "role/near", bound_iam_principal_arn=_ARN)
    write(client, "role/near", bound_iam_principal_arn=_ARN + "*")


def test_a_tag_is_signed_and_can_be_denied(client: hvac.Client, kms: MockKMS) -> None:
    write(client, "role/r", auth_type="ec2", bound_ami_id="ami-1", role_tag="Key", token_policies=["a", "b"])
    made = write(client, "role/r/tag", policies=["a"], max_ttl="1h")
    assert made["warnings"] is None
    tag = made["data"]["tag_value"]
    assert made["data"]["tag_key"] == "Key"
    assert tag.startswith("v1:")
    encoded = base64.b64encode(tag.encode()).decode()
    with pytest.raises(InternalServerError, match="signature verification failed"):
        write(client, f"roletag-denylist/{base64.b64encode(tag.replace('p=a', 'p=b').encode()).decode()}")
    write(client, f"roletag-denylist/{encoded}")
    assert client.list("auth/aws/roletag-blacklist")["data"]["keys"] == [tag]
    kms.clock.advance("31d")
    write(client, "tidy/roletag-denylist", safety_buffer="1s")
    assert client.list("auth/aws/roletag-denylist")["data"]["keys"] == [tag]
    kms.clock.advance("2d")
    write(client, "tidy/roletag-denylist", safety_buffer="1s")
    assert client.list("auth/aws/roletag-denylist") is None


def test_a_tag_is_denied_with_permission_to_update(client: hvac.Client, kms: MockKMS) -> None:
    write(client, "role/r", auth_type="ec2", bound_ami_id="ami-1", role_tag="Key")
    tag = write(client, "role/r/tag", max_ttl="1h")["data"]["tag_value"]
    client.sys.create_or_update_policy("deny", 'path "auth/aws/roletag-denylist/*" { capabilities = ["update"] }')
    token = client.auth.token.create(policies=["deny"])["auth"]["client_token"]
    # The method does not check whether a tag is denied already, so that no write is a create.
    write(hvac.Client(kms.url, token=token), f"roletag-denylist/{base64.b64encode(tag.encode()).decode()}")
    assert client.list("auth/aws/roletag-denylist")["data"]["keys"] == [tag]


def test_a_foreign_policy_on_a_tag_is_warned_about(client: hvac.Client) -> None:
    write(client, "role/r", auth_type="ec2", bound_ami_id="ami-1", role_tag="Key")
    assert "not a subset" in write(client, "role/r/tag", policies="x")["warnings"][0]


def test_accounts_and_tidies_are_kept(client: hvac.Client) -> None:
    with pytest.raises(InvalidRequest, match="missing sts role"):
        write(client, "config/sts/1")
    write(client, "config/sts/1", sts_role="arn:x")
    assert client.read("auth/aws/config/sts/1")["data"] == {"sts_role": "arn:x", "external_id": ""}
    write(client, "config/tidy/identity-whitelist", disable_periodic_tidy=True)
    kept = client.read("auth/aws/config/tidy/identity-accesslist")["data"]
    assert kept == {"safety_buffer": 259200, "disable_periodic_tidy": True}


def test_a_key_is_rotated(client: hvac.Client) -> None:
    with pytest.raises(InvalidRequest, match="can't update client config because it's unset"):
        write(client, "config/rotate-root")
    write(client, "config/client", access_key="AK", secret_key="SK")
    fresh = write(client, "config/rotate-root")["data"]["access_key"]
    assert client.read("auth/aws/config/client")["data"]["access_key"] == fresh != "AK"


def test_headers_are_none_until_they_are_set(client: hvac.Client, kms: MockKMS) -> None:
    write(client, "config/client", access_key="AK", sts_region="local")
    shown = client.read("auth/aws/config/client")["data"]
    assert shown["allowed_sts_header_values"] is None
    assert (shown["rotation_period"], shown["disable_automated_rotation"]) == (0, False)
    assert ("rotation_policy" in shown) == (kms.flavor == "vault")
    write(client, "config/client", allowed_sts_header_values="x-custom-HEADER,b c")
    write(client, "config/client", access_key="BK")
    shown = client.read("auth/aws/config/client")["data"]
    assert (shown["access_key"], shown["sts_region"]) == ("BK", "local")
    assert shown["allowed_sts_header_values"] == ["X-Custom-Header", "b c"]


def test_an_update_of_rotation_alone_is_not_stored(client: hvac.Client) -> None:
    write(client, "config/client", access_key="AK", allowed_sts_header_values=["X-A", "X-B"])
    write(client, "config/client", disable_automated_rotation=True, identity_token_ttl="1h")
    write(client, "config/client", allowed_sts_header_values=["X-B", "X-A"])
    shown = client.read("auth/aws/config/client")["data"]
    assert (shown["disable_automated_rotation"], shown["identity_token_ttl"]) == (False, 0)
    assert shown["allowed_sts_header_values"] == ["X-A", "X-B"]
    write(client, "config/client", disable_automated_rotation=True, max_retries=-1)
    assert client.read("auth/aws/config/client")["data"]["disable_automated_rotation"]


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"access_key": "A", "identity_token_audience": "a"}, "only one of 'access_key' or 'identity_token_audience'"),
        ({"identity_token_audience": "a"}, "role_arn must be set when identity_token_audience is set"),
        (
            {"identity_token_audience": "a", "role_arn": _ARN},
            "plugin workload identity not supported in Vault community edition",
        ),
        ({"rotation_period": "1h"}, "error registering rotation job: error registering rotation job: rotation manager"),
        ({"rotation_period": "1h", "rotation_schedule": "* * * * *"}, "mutually exclusive fields rotation_schedule"),
    ],
)
def test_what_another_edition_has_is_refused(client: hvac.Client, settings: dict[str, str], text: str) -> None:
    with pytest.raises(InvalidRequest, match=text):
        write(client, "config/client", **settings)
    assert client.read("auth/aws/config/client") is None


_EC2 = {"auth_type": "ec2", "bound_ami_id": "ami-1"}
_IAM = {"auth_type": "iam", "bound_iam_principal_arn": _ARN}


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({**_EC2, "inferred_entity_type": "ec2_instance"},
         "specified inferred_entity_type but didn't allow iam auth_type"),
        ({**_IAM, "bound_region": "r", "inferred_entity_type": "ec2_instance", "inferred_aws_region": "r"},
         "specified bound_region but not specifying ec2 auth_type"),
        ({**_IAM, "disallow_reauthentication": False},
         "specified disallow_reauthentication when not using ec2 auth type"),
        ({**_IAM, "allow_instance_migration": True, "disallow_reauthentication": True},
         "specified disallow_reauthentication when not using ec2 auth type"),
        ({**_IAM, "allow_instance_migration": True}, "specified allow_instance_migration when not using ec2 auth type"),
        ({**_IAM, "role_tag": "t"}, "tried to enable role_tag when not using ec2 auth method"),
        ({**_IAM, "role_tag": "t", "ttl": "2h", "max_ttl": "1h"}, "ttl should be shorter than max ttl"),
        ({**_EC2, "role_tag": "t" * 128}, "length of role tag exceeds the EC2 key limit of 127 characters"),
    ],
)  # fmt: skip
def test_settings_of_roles_that_are_refused(client: hvac.Client, settings: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^{re.escape(text)}, on "):
        write(client, "role/r", **settings)


def test_a_long_lifetime_is_warned_about(client: hvac.Client) -> None:
    assert write(client, "role/r", **_EC2, token_max_ttl="769h")["warnings"] == [
        "Given max ttl of 2768400 seconds greater than current mount/system default of 2764800 seconds; max ttl will "
        "be capped at login time"
    ]


@pytest.mark.parametrize(
    ("name", "known"),
    [("iam_alias", "role_id unique_id full_arn canonical_arn"), ("ec2_alias", "role_id instance_id image_id")],
)
def test_an_unknown_alias_is_refused(client: hvac.Client, name: str, known: str) -> None:
    text = f'{name} of "x" not in set of allowed values: [{known}]'
    with pytest.raises(InvalidRequest, match=re.escape(text)):
        write(client, "config/identity", **{name: "x"})


@pytest.mark.parametrize(("present", "lacking"), [("secret_key", "access_key"), ("access_key", "secret_key")])
def test_a_key_that_is_unset_is_not_rotated(client: hvac.Client, present: str, lacking: str) -> None:
    write(client, "config/client", **{present: "K"})
    with pytest.raises(InvalidRequest, match=f"can't update {lacking} because it's unset"):
        write(client, "config/rotate-root")


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"type": "x"}, InvalidRequest, 'invalid certificate type "x"'),
        ({}, InvalidRequest, "missing aws_public_cert"),
        ({"aws_public_cert": ""}, InvalidRequest, "invalid aws_public_cert"),
        ({"aws_public_cert": "x"}, InternalServerError, "invalid certificate; should be one PEM block only"),
        ({"aws_public_cert": f"{_PEM}x"}, InternalServerError, "invalid certificate; should be one PEM block only"),
        ({"aws_public_cert": base64.b64encode(_PEM.encode()).decode()}, InternalServerError, "malformed certificate"),
    ],
)
def test_certificates_that_are_refused(
    client: hvac.Client, settings: dict[str, str], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        write(client, "config/certificate/c", **settings)


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ("", "'data' being decoded is nil"),
        ("zz", "invalid character 'z' looking for beginning of value"),
        ("[1]", "json: cannot unmarshal array into Go value of type"),
        (base64.b64encode(b"zz").decode(), "invalid character 'z' looking for beginning of value"),
    ],
)
def test_headers_that_are_not_json(client: hvac.Client, headers: str, text: str) -> None:
    with pytest.raises(InvalidRequest, match=re.escape(f'input for field "iam_request_headers": {text}')):
        write(client, "login", iam_request_headers=headers)
