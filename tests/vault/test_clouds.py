"""What asks a cloud, in flavor ``vault``: AWS keys made up for roles, and the configuration of auth methods."""

from __future__ import annotations

import hvac
import pytest
from hvac.exceptions import InternalServerError, InvalidRequest

from mockkms import MockKMS
from mockkms.crypto import jws
from tests.vault.auth.cloud.clouds import KEY
from tests.vault.driving import World


def prepare(kms: MockKMS) -> None:
    kms.clock.freeze()


pytestmark = [pytest.mark.server(rng=3), pytest.mark.prepared(by=prepare)]


def test_settings_are_shown_without_secrets(client: hvac.Client) -> None:
    client.sys.enable_secrets_engine("aws")
    client.secrets.aws.configure_root_iam_credentials("AKIA", "hidden", region="eu-1")
    shown = client.read("aws/config/root")["data"]
    assert (shown["access_key"], shown["region"], "secret_key" in shown) == ("AKIA", "eu-1", False)
    for type, path in (("azure", "config"), ("aws", "config/client")):
        client.sys.enable_auth_method(type)
        secret = {"client_secret": "hidden", "secret_key": "hidden", "tenant_id": "t", "resource": "r"}
        client.write_data(f"auth/{type}/{path}", data=secret)
        assert "hidden" not in str(client.read(f"auth/{type}/{path}"))
        client.delete(f"auth/{type}/{path}")
        assert client.read(f"auth/{type}/{path}") is None


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # hvac's, from Python 3.12 on.
def test_identity_settings_of_aws_are_checked(client: hvac.Client) -> None:
    client.sys.enable_auth_method("aws")
    aws = client.auth.aws
    assert aws.read_identity_integration()["iam_metadata"] == ["account_id", "auth_type"]
    aws.configure_identity_integration(iam_alias="full_arn", ec2_metadata=["region"])
    assert aws.read_identity_integration()["ec2_metadata"] == ["region"]
    with pytest.raises(InvalidRequest, match='contains an unavailable field, please select from "account_id'):
        aws.configure_identity_integration(iam_metadata="odd")
    with pytest.raises(InvalidRequest, match="InvalidClientTokenId"):
        client.auth.aws.iam_login("a", "b", role="r")


def test_roles_of_azure_and_google(client: hvac.Client) -> None:
    client.sys.enable_auth_method("azure")
    with pytest.raises(InvalidRequest, match="must have at least one bound constraint"):
        client.auth.azure.create_role("r")
    client.auth.azure.create_role("R", bound_locations=["west"], policies=["p"], ttl="1h")
    shown = client.auth.azure.read_role("r")
    assert (shown["bound_locations"], shown["token_policies"], shown["ttl"]) == (["west"], ["p"], 3600)
    client.sys.enable_auth_method("gcp")
    with pytest.raises(InvalidRequest, match="IAM role type must have at least one service account"):
        client.auth.gcp.create_role("r", "iam", "project")
    client.auth.gcp.create_role("r", "iam", "project", bound_service_accounts=["a"])
    client.auth.gcp.edit_service_accounts_on_iam_role("r", add=["b"], remove=["a"])
    assert client.auth.gcp.read_role("r")["bound_service_accounts"] == ["b"]
    with pytest.raises(InvalidRequest, match="role is type 'iam', cannot edit attribute 'labels'"):
        client.auth.gcp.edit_labels_on_gce_role("r", add=["a:b"])


def test_logins_that_need_a_cloud_are_refused_and_the_journal_says_why(client: hvac.Client, kms: MockKMS) -> None:
    client.sys.enable_auth_method("azure")
    client.auth.azure.configure("t", "r")
    client.auth.azure.create_role("r", bound_locations=["west"])
    with pytest.raises(InternalServerError, match=r"lookup login\.microsoftonline\.com: no such host"):
        hvac.Client(kms.url).auth.azure.login("r", "x.y.z")
    assert "no keys of this tenant" in kms.journal.entries()[-1].hint
    client.sys.enable_auth_method("gcp")
    client.auth.gcp.create_role("r", "gce", "project")
    jwt = jws.sign('{"sub": "nobody"}', KEY, "RS256", "k1")
    with pytest.raises(InvalidRequest, match="unable to get public key for signed JWT"):
        hvac.Client(kms.url).auth.gcp.login("r", jwt)
    assert "no key for this token" in kms.journal.entries()[-1].hint


def test_worlds_and_dumps_keep_them() -> None:
    roles = {"r": {"credential_type": "iam_user"}}
    mount = {"type": "aws", "config": {"access_key": "A"}, "lease": {"lease": "1m", "lease_max": "2m"}, "roles": roles}
    with MockKMS(
        seed={"rng": 1, "vault": {"mounts": {"aws/": mount}, "auth": {"azure/": {"type": "azure"}}}}
    ) as server:
        client = hvac.Client(server.url, token=server.token)
        client.auth.azure.create_role("r", bound_locations=["west"])
        dump = server.dump()
    with MockKMS(seed=dump) as again:
        assert again.dump() == dump
        client = hvac.Client(again.url, token=again.token)
        assert client.read("aws/creds/r")["lease_duration"] == 60
        assert client.auth.azure.read_role("r")["bound_locations"] == ["west"]


def test_the_other_product_has_none_of_it() -> None:
    with MockKMS(flavor="openbao") as server:
        client = hvac.Client(server.url, token=server.token)
        with pytest.raises(InvalidRequest, match="plugin not found in the catalog: aws"):
            client.sys.enable_secrets_engine("aws")
        with pytest.raises(InvalidRequest, match="plugin not found in the catalog: gcp"):
            client.sys.enable_auth_method("gcp")


_SIGNED = {f"iam_{name}": "x" for name in ("http_request_method", "request_url", "request_body")} | {
    "iam_request_headers": "{}"
}


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({}, "didn't supply required authentication values"),
        ({"role": "r"}, "didn't supply required authentication values"),
        ({"identity": "x"}, "didn't supply required authentication values"),
        ({"iam_request_url": "x"}, "didn't supply required authentication values"),
        ({"pkcs7": "x", **_SIGNED}, "supplied auth values for both ec2 and iam auth types"),
    ],
)
def test_an_aws_login_without_what_it_needs(sent: dict[str, str], words: str) -> None:
    world = World("vault")
    world.write("sys/auth/aws", {"type": "aws"})
    answer = world.write("auth/aws/login", sent, token="")
    assert (answer.status, answer.errors) == (400, [words])
