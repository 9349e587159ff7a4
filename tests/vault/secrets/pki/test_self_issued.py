"""``sign-self-issued``: a root signed by another one."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID

from tests.vault.secrets.pki.authority import Authority


def prepare(pki: Authority) -> None:
    pki.core.mount("", "old/", "pki")


pytestmark = pytest.mark.prepared(by=prepare)


def again(pki: Authority, text: str) -> x509.Certificate:
    found = pki.data("pki/root/sign-self-issued", certificate=text)["certificate"]
    certificate = x509.load_pem_x509_certificate(found.encode())
    certificate.verify_directly_issued_by(pki.root)
    return certificate


def test_the_issuers_addresses_stand_in_place_of_the_old_ones(pki: Authority) -> None:
    pki.data("old/config/urls", crl_distribution_points=["http://old.test/crl"], ocsp_servers=["http://old.test/ocsp"])
    old = pki.data("old/root/generate/internal", common_name="Old", key_type="ec")["certificate"]
    assert b"http://old.test/crl" in x509.load_pem_x509_certificate(old.encode()).tbs_certificate_bytes
    pki.data("pki/config/urls", ocsp_servers=["http://new.test/ocsp"])
    made = again(pki, old)
    addresses = made.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    assert [(one.access_method, one.access_location.value) for one in addresses] == [
        (AuthorityInformationAccessOID.OCSP, "http://new.test/ocsp")
    ]
    with pytest.raises(x509.ExtensionNotFound):
        made.extensions.get_extension_for_class(x509.CRLDistributionPoints)
    mine = pki.root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert made.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier == mine


@pytest.mark.parametrize(("kind", "digest"), [("ec", "sha384"), ("rsa", "sha256")])
def test_the_signature_is_the_certificates_own_where_the_key_can_make_it(
    pki: Authority, kind: str, digest: str
) -> None:
    bits = 384 if kind == "ec" else 2048
    old = pki.data("old/root/generate/internal", common_name="Old", key_type=kind, key_bits=bits)["certificate"]
    made = again(pki, old)
    assert isinstance(pki.root.public_key(), ec.EllipticCurvePublicKey)
    assert made.signature_hash_algorithm is not None
    assert made.signature_hash_algorithm.name == digest
    if kind == "rsa":
        refused = pki.errors("pki/root/sign-self-issued", certificate=old, require_matching_certificate_algorithms=True)
        assert "algorithm (ECDSA) does not match submitted certificate's (RSA)" in refused[1][0]


@pytest.mark.parametrize("cidr", ["10.0.0.0", "10.0.0.0/255.0.0.0", "10.0.0.0/33", "x/8"])
def test_networks_are_written_with_a_length(pki: Authority, cidr: str) -> None:
    text = f"error parsing allowed_ip_sans_cidr: invalid CIDR address: {cidr}"
    assert pki.errors("pki/roles/net", allowed_ip_sans_cidr=[cidr], key_type="ec") == (400, [text])
