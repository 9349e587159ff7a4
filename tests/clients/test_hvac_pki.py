"""hvac's whole PKI interface, unchanged, against both products."""

from __future__ import annotations

import hvac
import pytest
from cryptography import x509

from mockkms import MockKMS


def prepare(kms: MockKMS) -> None:
    client = hvac.Client(url=kms.url, token=kms.token)
    for path in ("pki", "int"):
        client.sys.enable_secrets_engine("pki", path=path)
        client.sys.tune_mount_configuration(path, max_lease_ttl="87600h")


pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.flavors("vault", "openbao"),
    pytest.mark.prepared(by=prepare),
]


def certificate(text: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(text.encode())


def test_an_authority_and_what_it_issues(client: hvac.Client) -> None:
    pki = client.secrets.pki
    root = pki.generate_root("exported", "root.test", {"key_type": "ec", "ttl": "8000h"})["data"]
    assert pki.read_ca_certificate() == pki.read_ca_certificate_chain() == root["certificate"]
    pki.set_urls({"issuing_certificates": ["http://a.test/ca"]})
    assert pki.read_urls()["data"]["issuing_certificates"] == ["http://a.test/ca"]
    pki.set_crl_configuration(expiry="24h")
    assert pki.read_crl_configuration()["data"]["expiry"] == "24h"
    pki.create_or_update_role("r", {"allow_any_name": True, "key_type": "ec", "generate_lease": True, "ttl": "1h"})
    assert (pki.list_roles()["data"]["keys"], pki.read_role("r")["data"]["ttl"]) == (["r"], 3600)
    issued = pki.generate_certificate("r", "a.test")
    assert (issued["lease_id"][:12], issued["lease_duration"] in (3599, 3600)) == ("pki/issue/r/", True)
    serial = issued["data"]["serial_number"]
    assert serial in pki.list_certificates()["data"]["keys"]
    assert pki.read_certificate(serial)["data"]["certificate"] == issued["data"]["certificate"]
    certificate(issued["data"]["certificate"]).verify_directly_issued_by(certificate(root["certificate"]))
    assert pki.revoke_certificate(serial)["data"]["state"] == "revoked"
    assert pki.rotate_crl()["data"]["success"] is True
    listed = x509.load_pem_x509_crl(pki.read_crl().encode())
    assert [f"{entry.serial_number:x}" for entry in listed] == [serial.replace(":", "").lstrip("0")]
    assert pki.tidy({"tidy_cert_store": True}).status_code == 202
    assert pki.delete_role("r").status_code == 204


def test_an_intermediate_and_the_issuers(client: hvac.Client) -> None:
    pki = client.secrets.pki
    root = pki.generate_root("exported", "root.test", {"key_type": "ec", "ttl": "8000h"})["data"]
    csr = pki.generate_intermediate("internal", "int.test", {"key_type": "ec"}, mount_point="int")["data"]["csr"]
    signed = pki.sign_intermediate(csr, "int.test")["data"]["certificate"]
    certificate(signed).verify_directly_issued_by(certificate(root["certificate"]))
    assert pki.set_signed_intermediate(signed, mount_point="int")["data"]["imported_issuers"]
    pki.create_or_update_role("r", {"allow_any_name": True, "key_type": "ec"})
    for leaf in (pki.sign_certificate("r", csr, "x.test"), pki.sign_verbatim(csr)):
        certificate(leaf["data"]["certificate"]).verify_directly_issued_by(certificate(root["certificate"]))
    again = pki.sign_self_issued(root["certificate"])["data"]["certificate"]
    certificate(again).verify_directly_issued_by(certificate(root["certificate"]))
    (id,) = pki.list_issuers()["data"]["keys"]
    assert pki.update_issuer(id, {"issuer_name": "one"})["data"]["issuer_name"] == "one"
    assert pki.read_issuer("one")["data"]["issuer_id"] == id
    assert pki.revoke_issuer("one")["data"]["revoked"] is True
    assert pki.submit_ca_information(f"{root['certificate']}\n{root['private_key']}")["data"]["existing_issuers"] == [
        id
    ]
    assert pki.delete_issuer("one")["warnings"]
    assert pki.delete_root()["warnings"]
