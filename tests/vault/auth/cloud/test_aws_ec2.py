"""AWS logins of machines. Rules: ``path_login.go`` and ``path_role_tag.go`` of Vault's ``builtin/credential/aws``."""

from __future__ import annotations

import base64
import json
from typing import Any

import hvac
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from hvac.exceptions import InternalServerError, InvalidRequest

from mockkms import MockKMS
from tests.vault.auth.cloud.clouds import KEY, certificate, certificate_pem, login, root, round_trips
from tests.vault.auth.cloud.conftest import Seeded

_CERTIFICATE = certificate()
_MACHINE = {
    "instance_id": "i-1",
    "region": "eu-west-1",
    "ami_id": "ami-1",
    "vpc_id": "vpc-1",
    "instance_profile_arn": "arn:aws:iam::1:instance-profile/web",
    "role_arn": "arn:aws:iam::1:role/web",
}


def document(**changes: str) -> bytes:
    named = {
        "instanceId": "i-1",
        "imageId": "ami-1",
        "accountId": "1",
        "region": "eu-west-1",
        "pendingTime": "2026-01-01T00:00:00Z",
    }
    return json.dumps({**named, **changes}).encode()


def message(content: bytes, key: Any = KEY) -> str:
    """Sign a document as AWS does, and return it without header and footer."""
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(_CERTIFICATE, key, hashes.SHA256())
    options = [pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.NoCerts]
    return base64.b64encode(builder.sign(serialization.Encoding.DER, options)).decode()


def endless(der: bytes) -> bytes:
    """Return the outermost element of DER with an indefinite length, as AWS writes it."""
    start = 2 + (der[1] & 0x7F if der[1] & 0x80 else 0)
    return der[:1] + b"\x80" + der[start:] + b"\0\0"


def world(seeded: Seeded, role: dict[str, Any] | None = None, machine: dict[str, Any] | None = None) -> MockKMS:
    certificates = {
        name: {"aws_public_cert": certificate_pem(_CERTIFICATE), "type": name} for name in ("pkcs7", "identity")
    }
    made = {"auth_type": "ec2", "bound_ami_id": ["ami-1"], "token_policies": ["a", "b"], **(role or {})}
    instances = [{**_MACHINE, **(machine or {})}]
    return seeded("aws", certificates=certificates, roles={"r": made}, instances=instances)


def log_in(kms: MockKMS, content: bytes | None = None, **more: Any) -> dict[str, Any]:
    return login(kms, "aws/login", **{"role": "r", "pkcs7": message(content or document()), **more})


def test_a_machine_logs_in_and_returns_with_its_nonce(seeded: Seeded) -> None:
    kms = world(seeded)
    found = log_in(kms)
    metadata = found["metadata"]
    assert (metadata["role"], metadata["role_tag_max_ttl"], metadata["auth_type"]) == ("r", "0s", "ec2")
    assert root(kms).list("auth/aws/identity-accesslist")["data"]["keys"] == ["i-1"]
    entry = root(kms).read("auth/aws/identity-whitelist/i-1")["data"]
    assert (entry["client_nonce"], entry["pending_time"]) == (metadata["nonce"], "2026-01-01T00:00:00Z")
    with pytest.raises(InvalidRequest, match="client nonce mismatch"):
        log_in(kms)
    assert "nonce" not in log_in(kms, nonce=metadata["nonce"])["metadata"]
    older = document(pendingTime="2025-12-31T00:00:00Z")
    with pytest.raises(InvalidRequest, match="instance meta-data is older than the one used for previous login"):
        log_in(kms, older, nonce=metadata["nonce"])
    hvac.Client(kms.url, token=found["client_token"]).auth.token.renew_self()
    root(kms).delete("auth/aws/identity-accesslist/i-1")
    with pytest.raises(InternalServerError, match="failed to verify the access list identity entry"):
        hvac.Client(kms.url, token=found["client_token"]).auth.token.renew_self()
    assert log_in(kms)["metadata"]["nonce"] != metadata["nonce"]


def test_a_document_and_its_signature(seeded: Seeded) -> None:
    kms = world(seeded)
    content = document()
    signature = KEY.sign(content, padding.PKCS1v15(), hashes.SHA256())
    sent = {"identity": base64.b64encode(content).decode(), "signature": base64.b64encode(signature).decode()}
    assert login(kms, "aws/login", role="r", **sent)["client_token"]
    with pytest.raises(InternalServerError, match="verification using SHA256 RSA signature is unsuccessful"):
        login(kms, "aws/login", role="r", **{**sent, "identity": base64.b64encode(document(region="x")).decode()})


def test_messages_in_ber_are_read(seeded: Seeded) -> None:
    text = base64.b64encode(endless(base64.b64decode(message(document())))).decode()
    assert log_in(world(seeded), pkcs7=text)["client_token"]


def test_signatures_of_others_are_refused(seeded: Seeded) -> None:
    kms = world(seeded)
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(InternalServerError, match="failed to verify the signature: x509: signature is not valid"):
        log_in(kms, pkcs7=message(document(), other))
    for odd in (b"0", b"0\x80", b"\x30\x84\xff\xff\xff\xff", b"\x24\x80" * 1000):
        with pytest.raises(InternalServerError, match="failed to parse the BER encoded PKCS#7 signature"):
            log_in(kms, pkcs7=base64.b64encode(odd).decode())


def test_the_role_is_named_as_the_image(seeded: Seeded) -> None:
    kms = world(seeded)
    with pytest.raises(InvalidRequest, match='entry for role "ami-1" not found'):
        log_in(kms, role="")
    root(kms).write("auth/aws/role/ami-1", auth_type="ec2", bound_ami_id="ami-1")
    assert log_in(kms, role="")["metadata"]["role"] == "ami-1"


@pytest.mark.parametrize(
    ("role", "text"),
    [
        ({"bound_ami_id": ["ami-2"]}, 'Error validating instance: AMI ID "ami-1" does not belong to role "r"'),
        ({"bound_account_id": ["2"]}, 'account ID "1" does not belong to role "r"'),
        ({"bound_region": ["us-east-1"]}, 'Region "eu-west-1" does not satisfy the constraint on role "r"'),
        ({"bound_ec2_instance_id": ["i-2"]}, 'instance ID "i-1" does not belong to the role "r"'),
        ({"bound_vpc_id": ["vpc-2"]}, 'VPC ID "vpc-1" does not satisfy the constraint on role "r"'),
        ({"bound_iam_instance_profile_arn": ["arn:aws:iam::1:x/*"]}, "IAM instance profile ARN .* does not satisfy"),
        ({"bound_iam_role_arn": ["arn:aws:iam::1:role/a*"]}, "IAM role ARN .* does not satisfy the constraint role"),
    ],
)
def test_bounds_of_machines(seeded: Seeded, role: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidRequest, match=text):
        log_in(world(seeded, role))


def test_bounds_that_are_met(seeded: Seeded) -> None:
    role = {
        "bound_iam_role_arn": ["arn:aws:iam::1:role/w*"],
        "bound_iam_instance_profile_arn": ["arn:aws:iam::1:instance-profile/web"],
        "bound_account_id": ["1"],
        "bound_vpc_id": ["vpc-1"],
    }
    assert log_in(world(seeded, role))["client_token"]
    with pytest.raises(InternalServerError, match="subnet ID in the instance description is nil"):
        log_in(world(seeded, {"bound_subnet_id": ["subnet-1"]}))


def test_a_machine_must_run(seeded: Seeded) -> None:
    with pytest.raises(InvalidRequest, match="failed to verify instance ID: instance is not in 'running' state"):
        log_in(world(seeded, machine={"state": "stopped"}))
    kms = world(seeded, machine={"instance_id": "i-2"})
    with pytest.raises(InvalidRequest, match=r"InvalidInstanceID\.NotFound: The instance ID 'i-1' does not exist"):
        log_in(kms)
    assert "no machine i-1" in kms.journal.entries()[-1].hint


def test_a_machine_may_log_in_only_once(seeded: Seeded) -> None:
    kms = world(seeded, {"disallow_reauthentication": True})
    assert "nonce" not in log_in(kms)["metadata"]
    with pytest.raises(InvalidRequest, match="reauthentication is disabled"):
        log_in(kms)
    kms = world(seeded)
    log_in(kms, nonce="")
    with pytest.raises(InvalidRequest, match="reauthentication is disabled"):
        log_in(kms, nonce="x")
    with pytest.raises(InvalidRequest, match="client nonce exceeding the limit of 128 characters"):
        log_in(world(seeded), nonce="x" * 129)


def test_a_machine_may_migrate(seeded: Seeded) -> None:
    kms = world(seeded, {"allow_instance_migration": True})
    log_in(kms)
    with pytest.raises(InvalidRequest, match="client nonce mismatch and instance meta-data incorrect"):
        log_in(kms)
    assert log_in(kms, document(pendingTime="2026-01-02T00:00:00Z"))["client_token"]


def tagged(seeded: Seeded, **tag: Any) -> tuple[MockKMS, str]:
    kms = world(seeded, {"role_tag": "Vault"})
    value: str = root(kms).write_data("auth/aws/role/r/tag", data=tag)["data"]["tag_value"]
    kms.world.core.state.mounts.entries["auth/aws/"].state.machines[0].tags["Vault"] = value
    return kms, value


def test_a_role_tag_restricts_its_machine(seeded: Seeded) -> None:
    kms, value = tagged(seeded, policies=["a"], max_ttl="1h", instance_id="i-1", disallow_reauthentication=True)
    assert value.split(":")[2:-1] == ["r=r", "d=true", "m=false", "p=a", "i=i-1", "t=3600"]
    found = log_in(kms)
    assert (found["token_policies"], found["lease_duration"]) == (["a", "default"], 3600)
    assert found["metadata"]["role_tag_max_ttl"] == "1h0m0s"
    with pytest.raises(InvalidRequest, match="reauthentication is disabled"):
        log_in(kms)
    round_trips(kms)


def test_role_tags_that_do_not_log_in(seeded: Seeded) -> None:
    kms, value = tagged(seeded, instance_id="i-2")
    with pytest.raises(InternalServerError, match="role tag is being used by an unauthorized instance"):
        log_in(kms)
    kms, value = tagged(seeded, policies=["c"])
    with pytest.raises(InternalServerError, match="policies on the role tag must be subset of policies on the role"):
        log_in(kms)
    kms, value = tagged(seeded)
    root(kms).write(f"auth/aws/roletag-denylist/{base64.b64encode(value.encode()).decode()}")
    with pytest.raises(InternalServerError, match="role tag is deny listed"):
        log_in(kms)
    round_trips(kms)
    with pytest.raises(InternalServerError, match='missing tag with key "Vault" on the instance'):
        log_in(world(seeded, {"role_tag": "Vault"}))


def test_entries_are_tidied_after_a_while(seeded: Seeded) -> None:
    kms = world(seeded)
    log_in(kms)
    kms.clock.advance("34d")
    assert root(kms).list("auth/aws/identity-accesslist")["data"]["keys"] == ["i-1"]
    kms.clock.advance("2d")
    assert root(kms).list("auth/aws/identity-accesslist") is None
