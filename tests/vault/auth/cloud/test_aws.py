"""The auth method ``aws``: roles, role tags and the lists of denied ones, driven by hvac over a socket."""

from __future__ import annotations

import base64
from typing import Any

import hvac
import pytest
from hvac.exceptions import InternalServerError, InvalidRequest

from mockkms import MockKMS

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
    with pytest.raises(InvalidRequest, match="no configuration found"):
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
