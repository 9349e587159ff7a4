"""The SSH secrets engine, through hvac: certificates that OpenSSH reads, and one-time passwords."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path
from typing import Any

import hvac
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    SSHCertificate,
    load_ssh_public_identity,
)
from hvac.exceptions import InternalServerError, InvalidPath, InvalidRequest

from mockkms import MockKMS

_ANN = {"valid_principals": "ann"}
USER = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def line_of(key: Any) -> str:
    text: bytes = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return text.decode()


def prepare(kms: MockKMS) -> None:
    kms.clock.freeze()
    hvac.Client(kms.url, token=kms.token).sys.enable_secrets_engine("ssh")


pytestmark = [pytest.mark.flavors("vault", "openbao"), pytest.mark.server(rng=3), pytest.mark.prepared(by=prepare)]


def configure(client: hvac.Client, **settings: Any) -> Any:
    return client.write_data("ssh/config/ca", data={"key_type": "ed25519", **settings})


def add_role(client: hvac.Client, name: str = "r", **settings: Any) -> Any:
    usual = {"key_type": "ca", "allow_user_certificates": True, "allow_host_certificates": True, "allowed_users": "*"}
    return client.write_data(f"ssh/roles/{name}", data=usual | settings)


def signed(client: hvac.Client, name: str = "r", key: Any = USER, **asked: Any) -> SSHCertificate:
    answer = client.write_data(f"ssh/sign/{name}", data={"public_key": line_of(key), **asked})
    found = load_ssh_public_identity(answer["data"]["signed_key"].strip().encode())
    assert isinstance(found, SSHCertificate)
    found.verify_cert_signature()
    assert answer["data"]["serial_number"] == f"{found.serial:x}"
    return found


@pytest.mark.parametrize("kind", ["ed25519", "ec", "ecdsa-sha2-nistp521", "rsa"])
def test_a_certificate_says_what_was_asked_for(client: hvac.Client, kms: MockKMS, kind: str) -> None:
    configure(client, key_type=kind, key_bits=2048 if kind == "rsa" else 0)
    add_role(client, default_extensions={"permit-pty": ""}, default_critical_options={"force-command": "/bin/true"})
    certificate = signed(client, valid_principals="bob, ann,bob", ttl="1h")
    now = int(kms.clock.now())
    assert certificate.valid_principals == [b"ann", b"bob"]
    assert (certificate.valid_after, certificate.valid_before) == (now - 30, now + 3600)
    assert certificate.extensions == {b"permit-pty": b""}
    assert certificate.critical_options == {b"force-command": b"/bin/true"}
    assert certificate.key_id.startswith(b"vault-token-")


@pytest.mark.parametrize(
    "key",
    [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1()), USER],
    ids=["rsa", "ecdsa", "ed25519"],
)
def test_keys_of_every_type_are_certified(client: hvac.Client, key: Any) -> None:
    configure(client)
    add_role(client)
    found = signed(client, key=key, valid_principals="ann").public_key()
    raw = (Encoding.OpenSSH, PublicFormat.OpenSSH)
    assert found.public_bytes(*raw) == key.public_key().public_bytes(*raw)  # type: ignore[union-attr]


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")
def test_openssh_reads_the_certificate(client: hvac.Client, tmp_path: Path) -> None:
    configure(client, key_type="rsa", key_bits=2048)
    add_role(client, algorithm_signer="rsa-sha2-512", key_id_format="{{role_name}}-key")
    answer = client.write_data("ssh/sign/r", data={"public_key": line_of(USER), "valid_principals": "ann"})
    path = tmp_path / "id-cert.pub"
    path.write_text(answer["data"]["signed_key"])
    output = subprocess.run(["ssh-keygen", "-L", "-f", path], capture_output=True, text=True, check=True).stdout
    assert "user certificate" in output
    assert 'Key ID: "r-key"' in output
    assert "(using rsa-sha2-512)" in output


@pytest.mark.parametrize(
    ("role", "asked", "text"),
    [
        ({"allowed_users": "ann"}, {"valid_principals": "bob"}, "bob is not a valid value for valid_principals"),
        ({"allowed_users": "ann"}, {}, "refusing to issue unsafe, globally-valid|empty valid principals not allowed"),
        ({"allowed_users": ""}, {"valid_principals": "bob"}, "role is not configured to allow any principals"),
        ({"allow_host_certificates": False}, {"cert_type": "host"}, "cert_type 'host' is not allowed by role"),
        ({}, {"cert_type": "other"}, "cert_type must be either 'user' or 'host'"),
        ({}, {"key_id": "mine"}, "setting key_id is not allowed by role"),
        ({"max_ttl": "1h", "default_user": "a"}, {"ttl": "2h"}, "ttl is larger than maximum allowed 3600"),
        ({"allowed_extensions": "permit-pty"}, {**_ANN, "extensions": {"x": ""}}, r"\[x\] are not on allowed list"),
        ({"allowed_critical_options": "a"}, {**_ANN, "critical_options": {"b": ""}}, r"not on allowed list: \[b\]"),
        ({"allowed_user_key_lengths": {"rsa": 2048}}, {}, "key of type ed25519 is not allowed"),
        ({"allowed_domains": "acme.io", "allow_subdomains": True},
         {"cert_type": "host", "valid_principals": "acme.io"}, "acme.io is not a valid value"),
    ],
)  # fmt: skip
def test_what_a_role_does_not_allow(
    client: hvac.Client, role: dict[str, Any], asked: dict[str, Any], text: str
) -> None:
    configure(client)
    add_role(client, **role)
    with pytest.raises(InvalidRequest, match=text):
        client.write_data("ssh/sign/r", data={"public_key": line_of(USER), **asked})


def test_hosts_are_those_of_the_domains(client: hvac.Client) -> None:
    configure(client)
    add_role(client, allowed_domains="acme.io,b.org", allow_subdomains=True, allow_bare_domains=True)
    found = signed(client, cert_type="host", valid_principals="a.acme.io,b.org")
    assert found.valid_principals == [b"a.acme.io", b"b.org"]


def test_users_may_be_templates(client: hvac.Client, kms: MockKMS) -> None:
    configure(client)
    entity = client.write_data("identity/entity", data={"name": "ann", "policies": ["p"]})["data"]["id"]
    client.sys.create_or_update_policy("p", 'path "ssh/*" { capabilities = ["update"] }')
    client.sys.enable_auth_method("userpass")
    client.write_data("auth/userpass/users/ann", data={"password": "x"})
    accessor = client.sys.list_auth_methods()["data"]["userpass/"]["accessor"]
    alias = {"name": "ann", "canonical_id": entity, "mount_accessor": accessor}
    client.write_data("identity/entity-alias", data=alias)
    add_role(client, allowed_users="{{identity.entity.name}}", allowed_users_template=True)
    other = hvac.Client(kms.url)
    other.auth.userpass.login("ann", "x")
    assert signed(other, valid_principals="ann").valid_principals == [b"ann"]
    with pytest.raises(InvalidRequest, match="bob is not a valid value"):
        signed(other, valid_principals="bob")


def test_a_key_is_issued_with_its_certificate(client: hvac.Client, kms: MockKMS) -> None:
    configure(client)
    add_role(client)
    data = client.write_data("ssh/issue/r", data={"key_type": "ec", "valid_principals": "ann"})["data"]
    assert data["private_key"].startswith("-----BEGIN EC PRIVATE KEY-----")
    assert data["private_key_type"] == "ec"
    assert data["signed_key"].startswith("ecdsa-sha2-nistp256-cert-v01@openssh.com ")
    refused = InvalidRequest if kms.flavor == "openbao" else InternalServerError
    with pytest.raises(refused, match="unknown ssh key pair algorithm: odd"):
        client.write_data("ssh/issue/r", data={"key_type": "odd", "valid_principals": "ann"})


_LACKING = "either both public_key and private_key or a managed key must be provided"


@pytest.mark.parametrize(
    ("settings", "own", "theirs"),
    [
        ({"public_key": "x"}, "only one of public_key and private_key set", None),
        ({"public_key": "x", "private_key": "y", "generate_signing_key": True}, "must not be set when", ""),
        ({"public_key": "x", "private_key": "y"}, "could not parse public_key provided value: illegal base64",
         "Unable to parse private_key as an SSH private key: ssh: no key found"),
        ({"public_key": line_of(USER), "private_key": "y"}, "could not parse private_key provided value: ssh: no key",
         "Unable to parse private_key as an SSH private key: ssh: no key found"),
        ({"generate_signing_key": False}, "missing public_key", _LACKING),
        ({"generate_signing_key": False, "private_key": "y"}, "only one of public_key and private_key set", _LACKING),
        ({"key_type": "odd"}, "unknown ssh key pair algorithm: odd", ""),
        ({"key_type": "rsa", "key_bits": 1024}, "refusing to generate weak rsa key", ""),
    ],
)  # fmt: skip
def test_keys_that_are_refused(
    client: hvac.Client, kms: MockKMS, settings: dict[str, Any], own: str, theirs: str | None
) -> None:
    """An empty text of Vault's is the same as OpenBao's; None: a key is made."""
    text = own if kms.flavor == "openbao" or theirs == "" else theirs
    if text is None:
        assert configure(client, **settings)["data"]["public_key"]
        return
    with pytest.raises((InvalidRequest, InternalServerError), match=text):
        configure(client, **settings)


def test_a_key_of_ones_own_signs(client: hvac.Client, kms: MockKMS) -> None:
    private = USER.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    configure(client, public_key=line_of(USER), private_key=private)
    add_role(client)
    certificate = signed(client, valid_principals="ann")
    raw = (Encoding.OpenSSH, PublicFormat.OpenSSH)
    assert certificate.signature_key().public_bytes(*raw) == USER.public_key().public_bytes(*raw)
    answer = requests.get(f"{kms.url}/v1/ssh/public_key", timeout=60)
    assert (answer.text, answer.headers["Content-Type"]) == (line_of(USER), "text/plain")
    add_role(client, "odd", algorithm_signer="ssh-rsa")
    with pytest.raises(InternalServerError, match='signature algorithm "ssh-rsa" for key format "ssh-ed25519"'):
        signed(client, "odd", valid_principals="ann")


def test_dsa_keys_are_known_and_refused_by_size(client: hvac.Client) -> None:
    configure(client)
    add_role(client, allowed_user_key_lengths={"dsa": [2048, 3072], "rsa": "4096"})
    assert client.read("ssh/roles/r")["data"]["allowed_user_key_lengths"] == {"dsa": [2048, 3072], "rsa": [4096]}
    parts = [b"ssh-dss", (1 << 1023).to_bytes(129, "big"), (1 << 159).to_bytes(21, "big"), b"\x02", b"\x03"]
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    with pytest.raises(InvalidRequest, match="key is of an invalid size: 1024"):
        client.write_data("ssh/sign/r", data={"public_key": f"ssh-dss {base64.b64encode(blob).decode()}"})


@pytest.mark.flavors("vault", "vault-1.21", "openbao")
def test_large_rsa_keys_are_refused(client: hvac.Client, kms: MockKMS) -> None:
    """As documented for CVE-2026-39829: RSA keys of more than 8192 bits, since Vault 2.0.2."""
    configure(client)
    add_role(client)
    parts = [b"ssh-rsa", b"\1\0\1", b"\1" + bytes(1023) + b"\1"]
    line = base64.b64encode(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).decode()
    settings = {"public_key": line, "valid_principals": "ann"}
    if kms.flavor == "vault-1.21":
        assert client.write_data("ssh/sign/r", data=settings)["data"]["signed_key"]
        return
    with pytest.raises(InvalidRequest, match="failed to parse public_key as SSH key: ssh: rsa modulus too large"):
        client.write_data("ssh/sign/r", data=settings)


def test_keys_of_security_devices_are_certified(client: hvac.Client) -> None:
    configure(client)
    add_role(client, allowed_user_key_lengths={"ed25519": 0})
    raw = USER.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    parts = [b"sk-ssh-ed25519@openssh.com", raw, b"ssh:"]
    line = base64.b64encode(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).decode()
    answer = client.write_data("ssh/sign/r", data={"public_key": line, "valid_principals": "ann"})
    assert answer["data"]["signed_key"].startswith("sk-ssh-ed25519-cert-v01@openssh.com ")


def test_one_time_passwords_are_used_once(client: hvac.Client, kms: MockKMS) -> None:
    settings = {
        "key_type": "otp",
        "default_user": "ubuntu",
        "cidr_list": "10.0.0.0/8",
        "exclude_cidr_list": "10.9.0.0/16",
    }
    client.write_data("ssh/roles/otp", data=settings)
    made = client.write_data("ssh/creds/otp", data={"ip": "10.1.2.3"})
    assert made["data"]["username"] == "ubuntu"
    assert (made["renewable"], made["lease_id"][:13]) == (False, "ssh/creds/otp")
    agent = hvac.Client(kms.url)
    used = agent.write_data("ssh/verify", data={"otp": made["data"]["key"]})["data"]
    assert used == {"ip": "10.1.2.3", "role_name": "otp", "username": "ubuntu"}
    with pytest.raises(InvalidRequest, match="OTP not found"):
        agent.write_data("ssh/verify", data={"otp": made["data"]["key"]})
    for address in ("10.9.1.1", "192.168.0.1"):
        with pytest.raises(InvalidRequest, match="Error validating IP: IP does not belong to role"):
            client.write_data("ssh/creds/otp", data={"ip": address})
    client.write_data("ssh/config/zeroaddress", data={"roles": "otp"})
    other = client.write_data("ssh/creds/otp", data={"ip": "192.168.0.1"})
    assert client.write_data("ssh/lookup", data={"ip": "10.1.1.1"})["data"]["roles"] == ["otp", "otp"]
    client.sys.revoke_lease(other["lease_id"])
    with pytest.raises(InvalidRequest, match="OTP not found"):
        agent.write_data("ssh/verify", data={"otp": other["data"]["key"]})


def test_addresses_of_hosts_are_read_as_by_go(client: hvac.Client) -> None:
    client.write_data("ssh/roles/otp", data={"key_type": "otp", "default_user": "u", "cidr_list": "0.0.0.0/0,::/0"})
    assert client.write_data("ssh/creds/otp", data={"ip": "::ffff:10.1.2.3"})["data"]["ip"] == "10.1.2.3"
    with pytest.raises(InvalidRequest, match='Invalid IP "fe80::1%eth0"'):
        client.write_data("ssh/creds/otp", data={"ip": "fe80::1%eth0"})


def test_roles_are_listed_with_their_kind(client: hvac.Client, kms: MockKMS) -> None:
    client.write_data("ssh/roles/otp", data={"key_type": "otp", "default_user": "u"})
    add_role(client)
    info = client.list("ssh/roles")["data"]["key_info"]
    extra = {"issuer_ref": "default"} if kms.flavor == "openbao" else {}
    assert info == {"otp": {"key_type": "otp"}, "r": {"key_type": "ca", **extra}}
    with pytest.raises(InvalidRequest, match="Either 'allow_user_certificates' or"):
        client.write_data("ssh/roles/x", data={"key_type": "ca"})


def test_one_product_has_one_key_the_other_several() -> None:
    with MockKMS(flavor="vault") as vault:
        client = hvac.Client(vault.url, token=vault.token)
        client.sys.enable_secrets_engine("ssh")
        with pytest.raises(InvalidRequest, match="keys haven't been configured yet"):
            client.read("ssh/config/ca")
        assert set(configure(client)["data"]) == {"public_key"}
        with pytest.raises(InvalidRequest, match="keys are already configured"):
            configure(client)
        assert client.adapter.delete("/v1/ssh/config/ca").status_code == 204
        add_role(client)
        with pytest.raises(InternalServerError, match="error creating signer: no keys configured"):
            signed(client, valid_principals="a")
        assert client.list("ssh/issuers") is None
    with MockKMS(flavor="openbao") as bao:
        client = hvac.Client(bao.url, token=bao.token)
        client.sys.enable_secrets_engine("ssh")
        first = configure(client)["data"]
        second = client.write_data("ssh/issuers/import/next", data={"key_type": "ec"})["data"]
        add_role(client, issuer_ref="next")
        listed = client.list("ssh/issuers")["data"]["key_info"]
        assert {one["issuer_name"]: one["is_default"] for one in listed.values()} == {"": True, "next": False}
        assert client.write_data("ssh/config/issuers", data={"default": "next"})["data"] == {
            "default": second["issuer_id"]
        }
        warned = client.write_data("ssh/issuer/next", data={"issuer_name": "later"})["warnings"]
        assert warned == ["1 roles reference 'next'"]
        with pytest.raises(InvalidRequest, match="unable to find issuer for reference: next"):
            signed(client, valid_principals="a")
        with pytest.raises(InvalidRequest, match="issuer name already in use"):
            client.write_data("ssh/issuers/import/later", data={})
        gone = client.adapter.delete(f"/v1/ssh/issuer/{first['issuer_id']}")
        assert gone.status_code == 204
        with pytest.raises(InvalidPath):
            client.write_data("ssh/issuers/odd", data={})


def test_a_world_brings_an_authority_and_a_dump_keeps_it() -> None:
    world = """
    mockkms: 1
    rng: 5
    vault:
      mounts:
        ssh/:
          type: ssh
          ca: {key_type: ed25519}
          roles:
            dev: {key_type: ca, allow_user_certificates: true, allowed_users: "*", ttl: 30m}
            otp: {key_type: otp, default_user: ubuntu}
          zero_address: [otp]
    """
    with MockKMS(seed=world) as server:
        dump = server.dump()
    with MockKMS(seed=dump) as again:
        assert again.dump() == dump
        client = hvac.Client(again.url, token=again.token)
        certificate = signed(client, "dev", valid_principals="ann")
        assert certificate.valid_before - certificate.valid_after == 1830
        assert client.write_data("ssh/creds/otp", data={"ip": "10.0.0.1"})["data"]["username"] == "ubuntu"
