"""What certificates say: beginnings that CAs ignore, other names of requests taken as they are, mapped addresses."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.vault.driving import START
from tests.vault.secrets.pki.authority import Authority

LATER = "2027-03-01T00:00:00Z"


def names_of(text: str) -> x509.SubjectAlternativeName:
    found = x509.load_pem_x509_certificate(text.encode()).extensions
    return found.get_extension_for_class(x509.SubjectAlternativeName).value


def request(*names: x509.GeneralName) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name.from_rfc4514_string("CN=x.test"))
    signed = builder.add_extension(x509.SubjectAlternativeName(names), False).sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def test_a_root_begins_when_it_is_made(pki: Authority) -> None:
    made = pki.data("pki/root/generate/internal", common_name="Next", key_type="ec", not_before=LATER)
    certificate = x509.load_pem_x509_certificate(made["certificate"].encode())
    assert certificate.not_valid_before_utc == datetime.fromtimestamp(START - 30, UTC)
    leaf = pki.issue(not_before="2027-01-16T00:00:00Z", not_after=LATER)
    certificate = x509.load_pem_x509_certificate(leaf["certificate"].encode())
    assert certificate.not_valid_before_utc == datetime(2027, 1, 16, tzinfo=UTC)


def test_other_names_join_those_of_a_request_taken_as_it_is(pki: Authority) -> None:
    own = x509.OtherName(x509.ObjectIdentifier("1.2.3"), b"\x0c\x01a")
    csr = request(x509.DNSName("x.test"), own)
    names = names_of(pki.data("pki/sign-verbatim", csr=csr, other_sans="1.2.4;utf8:b")["certificate"])
    assert [one.type_id.dotted_string for one in names.get_values_for_type(x509.OtherName)] == ["1.2.4", "1.2.3"]
    assert names.get_values_for_type(x509.DNSName) == ["x.test"]


@pytest.mark.parametrize(("given", "critical"), [({}, True), ({"other_sans": "1.2.4;utf8:b"}, False)])
def test_names_below_an_empty_subject_are_critical_unless_others_join_them(
    pki: Authority, given: dict[str, str], critical: bool
) -> None:
    pki.data("pki/roles/web", allow_any_name=True, key_type="ec", allowed_other_sans="*", require_cn=False)
    made = pki.data("pki/issue/web", alt_names="x.test", **given)["certificate"]
    extensions = x509.load_pem_x509_certificate(made.encode()).extensions
    assert extensions.get_extension_for_class(x509.SubjectAlternativeName).critical is critical


@pytest.mark.parametrize("path", ["pki/intermediate/generate/internal", "pki/root/generate/internal", "pki/issue/web"])
def test_other_names_whose_type_is_no_object_identifier(pki: Authority, path: str) -> None:
    """As OpenBao 2.6.2 answers for requests and certificates alike."""
    pki.data("pki/roles/web", allow_any_name=True, key_type="ec", allowed_other_sans="*")
    for number, fault in (("9.1.2", "cryptobyte: invalid OID: 9.1.2"), ("1", "cryptobyte: invalid OID: 1")):
        status, errors = pki.errors(path, common_name="x.test", key_type="ec", other_sans=f"{number};utf8:b")
        assert (status, errors) == (500, [f"1 error occurred:\n\t* error marshaling other SANs: {fault}\n\n"])


def test_a_mapped_address_is_that_of_version_4(pki: Authority) -> None:
    pki.data("pki/roles/net", allow_any_name=True, key_type="ec", allowed_ip_sans_cidr="10.0.0.0/8")
    leaf = pki.data("pki/issue/net", common_name="x.test", ip_sans="::ffff:10.1.2.3")
    assert names_of(leaf["certificate"]).get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("10.1.2.3")]


def test_an_end_in_the_past_of_an_issuer_that_ended(pki: Authority) -> None:
    pki.data("pki/issuer/default", "patch", leaf_not_after_behavior="truncate")
    pki.later(90000 * 3600.0)
    status, errors = pki.errors("pki/issue/any", common_name="x.test", not_after="2037-01-01T00:00:00.5Z")
    assert (status, errors) == (
        400, ["cannot satisfy request, as NotAfter date 2037-01-01 00:00:00.5 +0000 UTC is in the past"],
    )  # fmt: skip


@pytest.mark.parametrize(("asked", "shown"), [(-1, None), (0, 0), (2, 2)])
def test_path_lengths(pki: Authority, asked: int, shown: int | None) -> None:
    made = pki.data("pki/root/generate/internal", common_name="Next", key_type="ec", max_path_length=asked)
    certificate = x509.load_pem_x509_certificate(made["certificate"].encode())
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == shown


def test_a_path_length_that_is_none(pki: Authority) -> None:
    fault = "unable to create certificate: x509: invalid MaxPathLen, must be greater or equal to -1"
    answer = pki.errors("pki/root/generate/internal", common_name="Next", key_type="ec", max_path_length=-2)
    assert answer == (500, [f"1 error occurred:\n\t* {fault}\n\n"])


@pytest.mark.parametrize(
    ("usages", "bits"),
    [
        (["DecipherOnly"], "0303070080"),
        (["EncipherOnly"], "03020001"),
        (["DecipherOnly", "EncipherOnly"], "0303070180"),
        (["CRLSign", "DecipherOnly"], "0303070280"),
        (["DecipherOnly", "KeyAgreement"], "0303070880"),
    ],
)
def test_usages_of_an_agreement_without_it(pki: Authority, usages: list[str], bits: str) -> None:
    # The bits are those of OpenBao's certificates.
    pki.data("pki/roles/any", allow_any_name=True, key_type="ec", key_usage=usages)
    leaf = pki.issue()
    der = x509.load_pem_x509_certificate(leaf["certificate"].encode()).public_bytes(serialization.Encoding.DER)
    assert bytes.fromhex("0603551d0f0101ff04") + bytes([len(bits) // 2]) + bytes.fromhex(bits) in der
    pki.revoke(leaf)
