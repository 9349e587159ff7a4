"""Rules of PKI in which the products differ."""

from __future__ import annotations

import time
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.vault.secrets.pki.authority import Authority

PRODUCTS = ("openbao", "vault", "vault-1.21")
LONG = 'TTL "2000h0m0s" is longer than permitted maxTTL "1000h0m0s", so maxTTL is being used'


pytestmark = pytest.mark.flavors(*PRODUCTS)


def flavor(pki: Authority) -> str:
    return pki.core.product.name


def csr(name: str, *names: x509.GeneralName, ca: bool | None = None) -> str:
    """A request for a new key; ``ca`` says what its Basic Constraints say, None for none."""
    builder = x509.CertificateSigningRequestBuilder()
    builder = builder.subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, None), critical=True)
    made = builder.sign(ec.generate_private_key(ec.SECP256R1()), SHA256())
    return made.public_bytes(Encoding.PEM).decode()


def loaded(data: dict[str, Any]) -> x509.Certificate:
    return x509.load_pem_x509_certificate(data["certificate"].encode())


def hosts(certificate: x509.Certificate) -> list[str]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.DNSName)


def test_warnings_about_a_certificate(pki: Authority) -> None:
    pki.data("pki/roles/short", allow_any_name=True, key_type="ec", max_ttl="1000h")
    answer = pki.ask("update", "pki/sign/short", {"csr": csr("a.test"), "common_name": "b.test", "ttl": "2000h"})
    given = 'the common_name field was provided but the role is set with "use_csr_common_name" set to true'
    assert answer.warnings == ([given, LONG] if flavor(pki) == "openbao" else [LONG, given, LONG])


IGNORED = "specified CSR contained a Basic Constraints extension that was ignored during issuance"


def authority_of(certificate: x509.Certificate) -> bool | None:
    """What the Basic Constraints of a certificate say, None without any."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return None


@pytest.mark.parametrize("path", ["pki/sign/any", "pki/sign-verbatim", "pki/sign-verbatim/any"])
@pytest.mark.parametrize("ca", [False, True])
@pytest.mark.parametrize("role_has_them", [False, True])
def test_basic_constraints_of_a_request(pki: Authority, path: str, ca: bool, role_has_them: bool) -> None:
    pki.data("pki/roles/any", "patch", basic_constraints_valid_for_non_ca=role_has_them)
    bao = flavor(pki) == "openbao"
    flag = {"basic_constraints_valid_for_non_ca": True} if role_has_them and bao and "verbatim" in path else {}
    answer = pki.ask("update", path, {"csr": csr("a.test", ca=ca), **flag})
    if flavor(pki) == "vault" and "verbatim" in path:
        refusal = "refusing to accept CSR with Basic Constraints extension with CA set to true"
        assert answer.errors == ([refusal] if ca else None)
        assert ca or (answer.warnings, authority_of(loaded(answer.data or {}))) == ([], False)
        return
    assert answer.warnings == [IGNORED] * (2 if not bao else 0 if role_has_them else 1)
    written = role_has_them and (bao or "verbatim" not in path)
    assert authority_of(loaded(answer.data or {})) is (False if written else None)


def test_the_order_of_host_names(pki: Authority) -> None:
    found = hosts(loaded(pki.issue(common_name="z.test", alt_names="y.test,a.test")))
    assert found == (["z.test", "y.test", "a.test"] if flavor(pki) == "openbao" else ["a.test", "y.test", "z.test"])


def test_the_identifier_of_the_key_above(pki: Authority) -> None:
    leaf = pki.issue()
    found = [leaf, pki.data(f"pki/cert/{leaf['serial_number']}", "read"), pki.data("pki/cert/ca_chain", "read")]
    own = pki.root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex(":")
    assert [one.get("authority_key_id") for one in found] == ([own] * 3 if flavor(pki) == "vault" else [None] * 3)


def test_names_the_issuer_may_not_sign_for(pki: Authority) -> None:
    pki.data(
        "pki/root/generate/internal", common_name="Bound", key_type="ec", ttl="5000h", issuer_name="bound",
        permitted_dns_domains="in.test", exclude_cn_from_sans=True,
    )  # fmt: skip
    pki.data("pki/issuer/bound/issue/any", common_name="x.IN.test")
    answer = pki.ask("update", "pki/issuer/bound/issue/any", {"common_name": "x.out.test"})
    text = (
        "x509: a root or intermediate certificate is not authorized to sign for this name: "
        'DNS name "x.out.test" is not permitted by any constraint'
    )
    if flavor(pki) == "openbao":
        assert answer.errors is None
        return
    assert (answer.status, answer.errors) == (500, [f"1 error occurred:\n\t* {text}\n\n"])
    status, errors = pki.errors("pki/issuer/bound/sign-intermediate", csr=csr("x.out.test"), ttl="1h")
    assert (status, errors) == (500, [f"1 error occurred:\n\t* verification of parsed bundle failed: {text}\n\n"])


_UNNAMED = "x509: issuer has name constraints but leaf doesn't have a SAN extension"


def test_a_leaf_without_names_below_constraints() -> None:
    pki = Authority("vault")
    given = {"common_name": "Bound", "key_type": "ec", "issuer_name": "bound", "exclude_cn_from_sans": True}
    pki.data("pki/root/generate/internal", **given, permitted_dns_domains="in.test")
    pki.data("pki/roles/unnamed", allow_any_name=True, key_type="ec", enforce_hostnames=False)
    asked = {"common_name": "x.in.test", "exclude_cn_from_sans": True}
    assert pki.errors("pki/issuer/bound/issue/unnamed", **asked) == (500, [f"1 error occurred:\n\t* {_UNNAMED}\n\n"])
    _, errors = pki.errors("pki/issuer/bound/sign-intermediate", csr=csr("Sub CA"), common_name="Sub CA")
    assert errors == [f"1 error occurred:\n\t* verification of parsed bundle failed: {_UNNAMED}\n\n"]


def test_constraints_of_the_authorities_above() -> None:
    pki = Authority("vault")
    given = {"common_name": "Bound", "key_type": "ec", "issuer_name": "bound", "exclude_cn_from_sans": True}
    pki.data("pki/root/generate/internal", **given, permitted_dns_domains="in.test")
    asked = pki.data("pki/intermediate/generate/internal", common_name="sub.in.test", key_type="ec")
    signed = pki.data("pki/issuer/bound/sign-intermediate", csr=asked["csr"], common_name="sub.in.test", ttl="5000h")
    made = pki.data("pki/intermediate/set-signed", certificate=signed["certificate"])["imported_issuers"]
    assert pki.data(f"pki/issuer/{made[0]}/issue/any", common_name="x.in.test")["certificate"]
    status, errors = pki.errors(f"pki/issuer/{made[0]}/issue/any", common_name="x.out.test")
    assert status == 500
    assert 'DNS name "x.out.test" is not permitted by any constraint' in errors[0]


@pytest.mark.parametrize(
    ("limits", "asked", "text"),
    [
        ({"excluded_dns_domains": "x.test"}, {"common_name": "a.x.test"},
         'DNS name "a.x.test" is excluded by constraint "x.test"'),
        ({"excluded_ip_ranges": "10.1.0.0/8"}, {"common_name": "a.test", "ip_sans": "10.9.9.9"},
         'IP address "10.9.9.9" is excluded by constraint "10.0.0.0/8"'),
        ({"permitted_ip_ranges": "10.0.0.0/8"}, {"common_name": "a.test", "ip_sans": "::1"},
         'IP address "::1" is not permitted by any constraint'),
        ({"permitted_email_addresses": "x.test"}, {"common_name": "me@y.test"},
         'email address "me@y.test" is not permitted by any constraint'),
        ({"permitted_uri_domains": ".x.test"}, {"common_name": "a.test", "uri_sans": "https://x.test/y"},
         'URI "https://x.test/y" is not permitted by any constraint'),
        ({"permitted_uri_domains": ".x.test"}, {"common_name": "a.test", "uri_sans": "https://1.2.3.4/y"},
         'URI with IP ("https://1.2.3.4/y") cannot be matched against constraints'),
    ],
)  # fmt: skip
def test_kinds_of_constraints(limits: dict[str, str], asked: dict[str, str], text: str) -> None:
    pki = Authority("vault")
    given = {"common_name": "Bound", "key_type": "ec", "issuer_name": "bound", "exclude_cn_from_sans": True}
    pki.data("pki/root/generate/internal", **given, **limits)
    pki.data("pki/roles/every", allow_any_name=True, key_type="ec", allowed_uri_sans="*", enforce_hostnames=False)
    _, errors = pki.errors("pki/issuer/bound/issue/every", **asked)
    assert text in errors[0]


def test_a_bad_network() -> None:
    pki = Authority("vault")
    errors = [
        pki.errors("pki/root/generate/internal", common_name="x", permitted_ip_ranges="1.2.3.4")[1],
        pki.errors("pki/root/sign-intermediate", csr=csr("x"), excluded_ip_ranges="x/8")[1],
    ]
    assert errors == [
        ['invalid permitted_ip_ranges value: error parsing IP range "1.2.3.4": invalid CIDR address: 1.2.3.4'],
        ['error parsinng excluded IP ranges: error parsing IP range "x/8": invalid CIDR address: x/8'],
    ]


def test_an_intermediate_beyond_its_issuer(pki: Authority) -> None:
    note = "the signed intermediary CA certificate's notAfter was truncated to the issuer's notAfter"
    asked = {"csr": csr("sub"), "common_name": "sub", "ttl": "87000h"}
    answer = pki.ask("update", "pki/root/sign-intermediate", asked)
    made = loaded(answer.data or {})
    if flavor(pki) == "openbao":
        assert made.not_valid_after_utc > pki.root.not_valid_after_utc
        return
    assert made.not_valid_after_utc == pki.root.not_valid_after_utc
    assert answer.warnings[-1] == note
    status, errors = pki.errors("pki/root/sign-intermediate", **asked, enforce_leaf_not_after_behavior=True)
    assert (status, errors[0][:60]) == (400, "cannot satisfy request, as TTL would result in notAfter of 2")


def test_key_usages_of_a_ca(pki: Authority) -> None:
    answer = pki.ask(
        "update", "pki/root/generate/internal", {"common_name": "x", "key_usage": "KeyAgreement,Odd,CertSign"}
    )
    text = "key usage KeyAgreement is only valid for non-Ca certs; unrecognized key usage Odd"
    assert (f"Invalid key usage will be ignored: {text}" in answer.warnings) == (flavor(pki) != "openbao")


@pytest.mark.parametrize(
    ("given", "bits"),
    [
        ({"key_type": "rsa"}, {"openbao": 256, "vault": 0, "vault-1.21": 256}),
        ({"key_type": "ec"}, {"openbao": 0, "vault": 0, "vault-1.21": 0}),
        ({"key_type": "ec", "issuer_ref": "other"}, {"openbao": 0, "vault": 256, "vault-1.21": 0}),
        ({"key_type": "any", "issuer_ref": "none"}, {"openbao": 0, "vault": 256, "vault-1.21": 0}),
        ({"key_type": "ec", "issuer_ref": "none", "signature_bits": 512},
         {"openbao": 512, "vault": 256, "vault-1.21": 512}),
    ],
)  # fmt: skip
def test_the_hash_of_a_role(pki: Authority, given: dict[str, Any], bits: dict[str, int]) -> None:
    pki.data("pki/root/generate/internal", common_name="Other", key_type="rsa", issuer_name="other")
    assert pki.data("pki/roles/r", **given)["signature_bits"] == bits[flavor(pki)]


def test_a_role_that_makes_no_sense(pki: Authority) -> None:
    text = "cn_validations value incorrect: `email` specified multiple times"
    found = pki.errors("pki/roles/r", cn_validations="email,email")
    assert found == ((400, [text]) if flavor(pki) == "vault" else (500, [f"1 error occurred:\n\t* {text}\n\n"]))
    if flavor(pki) != "openbao":
        assert pki.errors("pki/roles/r", serial_number_source="x") == (400, ["unknown serial_number_source x"])


def test_lifetimes_that_end_too_early(pki: Authority) -> None:
    past = {"common_name": "x.test", "not_after": "2000-01-01T00:00:00Z"}
    answer = pki.ask("update", "pki/issue/any", past)
    if flavor(pki) == "vault-1.21":
        assert answer.errors is None
        return
    expected = {"openbao": "The certificate's Not Before (", "vault": "notAfter before notBefore"}[flavor(pki)]
    assert answer.errors is not None
    assert answer.errors[0].startswith(expected)


def test_a_lifetime_that_begins_before_the_issuer(pki: Authority) -> None:
    pki.data("pki/roles/back", allow_any_name=True, key_type="ec", not_before_duration="2h")
    answer = pki.ask("update", "pki/issue/back", {"common_name": "x.test"})
    assert answer.errors == (["notBefore before signer's notBefore"] if flavor(pki) == "vault" else None)


def test_addresses_that_a_role_forbids(pki: Authority) -> None:
    pki.data("pki/roles/r", allow_any_name=True, key_type="ec", allow_ip_sans=False)
    _, errors = pki.errors("pki/issue/r", common_name="x.test", ip_sans="1.2.3.4,::1")
    end = "via the API" if flavor(pki) == "openbao" else "[1.2.3.4 ::1]"
    assert errors == [f"IP Subject Alternative Names are not allowed in this role, but was provided {end}"]


def test_globs_are_matched_in_linear_time(pki: Authority) -> None:
    pki.data("pki/roles/r", allow_glob_domains=True, allowed_domains="a*" * 40 + "b.test", key_type="ec")
    begin = time.thread_time()
    pki.errors("pki/issue/r", common_name="a." * 100 + "x.test")
    assert time.thread_time() - begin < 1


def test_formats(pki: Authority) -> None:
    own = 'the "format" path parameter must be "pem", "der", or "pem_bundle"'
    later = 'the "format" parameter must be "pem", "der", "pem_bundle", "pkcs12_bundle" or "jks_bundle"'
    found = pki.errors("pki/issue/any", common_name="x.test", format="x")
    assert found == (400, [later if flavor(pki) == "vault" else own])
    assert pki.errors("pki/intermediate/generate/internal", format="x") == (400, [own])


def test_metadata_is_for_the_enterprise(pki: Authority) -> None:
    answer = pki.ask("update", "pki/issue/any", {"common_name": "x.test", "cert_metadata": "eA=="})
    if flavor(pki) == "openbao":
        assert answer.warnings == ["Endpoint ignored these unrecognized parameters: [cert_metadata]"]
        return
    text = "certificate metadata is only supported on Vault Enterprise"
    assert (answer.status, answer.errors) == (500, [f"1 error occurred:\n\t* {text}\n\n"])


def test_a_key_that_the_enterprise_keeps(pki: Authority) -> None:
    given = {"common_name": "x", "managed_key_name": "hsm"}
    status, errors = pki.errors("pki/root/generate/kms", **given)
    text = "failed to lookup public key from managed key: managed keys are supported within enterprise edition only"
    assert (status, errors) == (400, ["unsupported public key: <nil>" if flavor(pki) == "openbao" else text])


@pytest.mark.parametrize(
    ("path", "bad", "number"),
    [("issuers/import/cert", "x" * 80, 1), ("config/ca", "x" * 80, 1), ("intermediate/set-signed", "x" * 80, 1),
     ("keys/import", "x" * 80, 1), ("issuers/import/bundle", "{good}x", 2), ("keys/import", "{good}x", 2)],
)  # fmt: skip
def test_texts_that_are_not_pem(pki: Authority, path: str, bad: str, number: int) -> None:
    good = pki.data("pki/cert/ca", "read")["certificate"] + "\n"
    given = {"certificate" if "set-signed" in path else "pem_bundle": bad.replace("{good}", good)}
    own = {"openbao": f"error when parsing block {number}: invalid PEM data"}
    assert pki.errors(f"pki/{path}", **given) == (400, [own.get(flavor(pki), "provided PEM block contained no data")])


def test_the_warning_about_lists_that_cannot_be_built_after_an_import(pki: Authority) -> None:
    """Source: builtin/logical/pki/path_manage_issuers.go of both; Vault begins the sentence with a capital letter."""
    pki.core.mount("", "other/", "pki")
    made = pki.data("other/root/generate/exported", common_name="Other", key_type="ec")
    pki.data("pki/config/urls", enable_templating=True, issuing_certificates="{{cluster_path}}/ca")
    bundle = f"{made['certificate']}\n{made['private_key']}"
    warnings = pki.ask("update", "pki/issuers/import/bundle", {"pem_bundle": bundle}).warnings
    begin = "rebuilding the CRL failed." if flavor(pki) == "openbao" else "Rebuilding the CRL failed."
    assert len([one for one in warnings if one.startswith(begin)]) == 1
