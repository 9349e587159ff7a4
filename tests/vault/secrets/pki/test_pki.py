"""Certificates made by the PKI engine hold against an independent verifier."""

from __future__ import annotations

import pickle
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from mockkms.vault.framework.message import Operation, Request, Response
from mockkms.vault.kernel.core import Core
from mockkms.vault.mounts.table import MountConfig


@pytest.fixture
def core() -> Core:
    core = Core(flavor="openbao")
    core.bootstrap("root")
    core.mount("", "pki/", "pki", config=MountConfig(max_lease_ttl=87600 * 3600))
    return core


def send(
    core: Core, path: str, operation: Operation = Operation.UPDATE, /, token: str = "root", **data: Any
) -> Response:
    return core.handle(Request(operation, path, data=data, token=token))


def data_of(response: Response) -> dict[str, Any]:
    assert response.errors is None, response.errors
    assert response.data is not None
    return response.data


def verify(tmp_path: Path, root: str, leaf: str, *between: str) -> subprocess.CompletedProcess[str]:
    for name, text in (("root", root), ("leaf", leaf), ("between", "\n".join(between))):
        (tmp_path / name).write_text(text + "\n")
    chain = ["-untrusted", str(tmp_path / "between")] if between else []
    command = ["openssl", "verify", "-x509_strict", "-CAfile", str(tmp_path / "root"), *chain, str(tmp_path / "leaf")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("kind", "bits"), [("ec", 256), ("ec", 384), ("ec", 521), ("ed25519", 0), ("rsa", 2048)])
def test_an_issued_leaf_verifies_and_fits_its_key(core: Core, tmp_path: Path, kind: str, bits: int) -> None:
    root = data_of(send(core, "pki/root/generate/internal", common_name="Root CA", key_type=kind, key_bits=bits))
    send(core, "pki/roles/web", allowed_domains="example.test", allow_subdomains=True, key_type="ec", ttl="1h")
    leaf = data_of(send(core, "pki/issue/web", common_name="a.example.test", ip_sans="10.0.0.1"))
    assert "OK" in verify(tmp_path, root["certificate"], leaf["certificate"]).stdout
    key = load_pem_private_key(leaf["private_key"].encode(), None)
    certificate = x509.load_pem_x509_certificate(leaf["certificate"].encode())
    assert certificate.public_key() == key.public_key()
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a.example.test"]


def test_a_chain_over_an_intermediate_verifies(core: Core, tmp_path: Path) -> None:
    core.mount("", "sub/", "pki")
    root = data_of(send(core, "pki/root/generate/internal", common_name="Root CA", key_type="ec", ttl="1000h"))
    csr = data_of(send(core, "sub/intermediate/generate/internal", common_name="Sub CA", key_type="ec"))["csr"]
    signed = data_of(send(core, "pki/root/sign-intermediate", csr=csr, common_name="Sub CA", ttl="500h"))
    taken = data_of(send(core, "sub/intermediate/set-signed", certificate="\n".join(signed["ca_chain"])))
    assert len(taken["imported_issuers"]) == 2
    send(core, "sub/roles/any", allow_any_name=True, key_type="ec", ttl="1h")
    leaf = data_of(send(core, "sub/issue/any", common_name="x.test"))
    assert len(leaf["ca_chain"]) == 2
    assert "OK" in verify(tmp_path, root["certificate"], leaf["certificate"], signed["certificate"]).stdout


def test_a_revoked_certificate_stands_on_the_list(core: Core) -> None:
    root = data_of(send(core, "pki/root/generate/internal", common_name="Root CA", key_type="ec"))
    send(core, "pki/roles/any", allow_any_name=True, key_type="ec", ttl="1h")
    leaf = data_of(send(core, "pki/issue/any", common_name="x.test"))
    data_of(send(core, "pki/revoke", serial_number=leaf["serial_number"]))
    raw = send(core, "pki/crl", Operation.READ, token="").raw
    assert raw is not None
    listed = x509.load_der_x509_crl(raw)
    authority = x509.load_pem_x509_certificate(root["certificate"].encode())
    key = authority.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert listed.is_signature_valid(key)
    assert [entry.serial_number for entry in listed] == [int(leaf["serial_number"].replace(":", ""), 16)]


def test_validity_follows_the_clock_of_the_world(core: Core) -> None:
    core.clock.freeze(4_000_000_000.0)
    send(core, "pki/root/generate/internal", common_name="Root CA", key_type="ec")
    send(core, "pki/roles/any", allow_any_name=True, key_type="ec", ttl="1h")
    leaf = data_of(send(core, "pki/issue/any", common_name="x.test"))
    certificate = x509.load_pem_x509_certificate(leaf["certificate"].encode())
    assert certificate.not_valid_after_utc == datetime.fromtimestamp(4_000_003_600, UTC)
    assert certificate.not_valid_before_utc == datetime.fromtimestamp(3_999_999_970, UTC)


def test_the_end_of_a_lease_revokes_and_state_pickles(core: Core) -> None:
    send(core, "pki/root/generate/internal", common_name="Root CA", key_type="ec")
    send(core, "pki/roles/any", allow_any_name=True, key_type="ec", ttl="1h", generate_lease=True)
    response = send(core, "pki/issue/any", common_name="x.test")
    assert response.lease is not None
    serial = data_of(response)["serial_number"]
    send(core, "sys/leases/revoke", lease_id=response.lease.lease_id, sync=True)
    assert data_of(send(core, f"pki/cert/{serial}", Operation.READ))["revocation_time"] > 0
    mount = core.state.mounts.get("", "pki/")
    assert mount is not None
    assert pickle.loads(pickle.dumps(mount.state)) == mount.state


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"common_name": "evil.test"}, "common name evil.test not allowed by this role"),
        ({"common_name": "a.example.test", "ip_sans": "x"}, 'the value "x" is not a valid IP address'),
        ({"common_name": "a..example.test"}, 'idna: invalid label "a..example.test"'),
    ],
)
def test_a_role_refuses(core: Core, given: dict[str, str], text: str) -> None:
    send(core, "pki/root/generate/internal", common_name="Root CA", key_type="ec")
    send(core, "pki/roles/web", allowed_domains="example.test", allow_subdomains=True, key_type="ec", ttl="1h")
    response = send(core, "pki/issue/web", **given)
    assert (response.status, response.errors) == (400, [text])
