"""Issuers: what writes and patches change, and what can be read without a token."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID, NameOID

from tests.vault.secrets.pki.authority import Authority

URL = ["http://x.test/delta"]


@pytest.mark.parametrize("form", ["json", "pem", "der", "crl", "crl/pem", "crl/der", "crl/delta", "crl/delta/der"])
def test_what_answers_without_a_token(pki: Authority, form: str) -> None:
    assert pki.raw(f"pki/issuer/default/{form}").errors is None


@pytest.mark.parametrize("path", ["pki/issuer/default", "pki/keys", "pki/certs", "pki/issuers"])
def test_what_does_not(pki: Authority, path: str) -> None:
    assert pki.raw(path).status == 403


@pytest.mark.parametrize("path", ["pki/cert/crl/raw", "pki/cert/delta-crl/raw/pem"])
def test_lists_below_cert_are_json_only(pki: Authority, path: str) -> None:
    assert pki.raw(path).status == 404


def test_a_write_leaves_the_addresses_of_delta_lists(pki: Authority) -> None:
    lists = {"issuing_certificates": ["http://x.test/ca"], "delta_crl_distribution_points": URL}
    assert pki.data("pki/issuer/default", **lists)["delta_crl_distribution_points"] is None
    assert pki.data("pki/issuer/default", "patch", **lists)["delta_crl_distribution_points"] == URL
    shown = pki.data("pki/issuer/default", issuing_certificates=["http://x.test/ca"])
    assert shown["delta_crl_distribution_points"] == URL


def test_lists_that_were_never_written_are_null(pki: Authority) -> None:
    names = ("issuing_certificates", "crl_distribution_points", "ocsp_servers")
    assert [pki.data("pki/issuer/default", "read")[name] for name in names] == [[], [], []]
    for shown in (pki.data("pki/issuer/default", ocsp_servers=URL), pki.data("pki/issuer/default", "read")):
        assert [shown[name] for name in names] == [None, None, URL]
    pki.data("pki/issuer/default", ocsp_servers=URL, issuing_certificates=URL)
    assert [pki.data("pki/issuer/default", ocsp_servers=URL)[name] for name in names] == [[], None, URL]
    assert [pki.data("pki/issuer/default", issuer_name="a")[name] for name in names] == [[], [], []]


def test_a_patch_switches_templates_on_but_not_off(pki: Authority) -> None:
    pki.data("pki/issuer/default", "patch", ocsp_servers=["http://x.test"], enable_aia_url_templating=True)
    shown = pki.data("pki/issuer/default", "patch", enable_aia_url_templating=False)
    assert shown["enable_aia_url_templating"] is True
    shown = pki.data("pki/issuer/default", ocsp_servers=["http://x.test"])
    assert shown["enable_aia_url_templating"] is False


@pytest.mark.parametrize("flavor", ["vault", "vault-1.21"])
def test_a_patch_switches_templates_off_in_vault(flavor: str) -> None:
    pki, addresses = Authority(flavor), ["http://x.test/{{issuer_id}}"]
    pki.data("pki/issuer/default", "patch", ocsp_servers=addresses, enable_aia_url_templating=True)
    shown = pki.data("pki/issuer/default", "patch", enable_aia_url_templating=False)
    assert (shown["enable_aia_url_templating"], shown["ocsp_servers"]) == (False, addresses)


def test_a_write_keeps_the_addresses_of_delta_lists_in_vault() -> None:
    lists = {"issuing_certificates": ["http://x.test/ca"], "delta_crl_distribution_points": URL}
    assert Authority("vault").data("pki/issuer/default", **lists)["delta_crl_distribution_points"] == URL


@pytest.mark.parametrize(
    ("address", "bao", "vault"),
    [
        ("http://x.test/ca", True, True), ("ldap:///CN=x", False, False), ("ldap:///CN=x.test", False, True),
        ("x.test:80", False, True), ("/ca.pem", False, True), ("/ca", False, False), ("x.test", False, False),
        ("a:1", False, False), ("http://.x", True, False), ("http://x.test/" + 2069 * "a", True, False),
        ("http://x.test/" + 2068 * "a", True, True), ("http://", False, True), ("::bad", False, False),
        ("http://x.test/{{issuer_id}}", False, False),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else None,
)  # fmt: skip
def test_which_addresses_are_accepted(address: str, bao: bool, vault: bool) -> None:
    refusal = f"invalid URL found in Authority Information Access (AIA) parameter ocsp_servers: {address}"
    for flavor, accepted in (("openbao", bao), ("vault", vault), ("vault-1.21", vault)):
        for path in ("pki/config/urls", "pki/issuer/default"):
            response = Authority(flavor).ask("update", path, {"ocsp_servers": [address]})
            assert response.errors == (None if accepted else [refusal])


def test_nothing_may_outlive_an_issuer_that_always_refuses_it() -> None:
    pki = Authority("vault")
    csr = pki.data("pki/intermediate/generate/internal", common_name="x")["csr"]
    pki.data("pki/issuer/default", "patch", leaf_not_after_behavior="always_enforce_err")
    assert pki.data("pki/issuer/default", "read")["leaf_not_after_behavior"] == "always_enforce_err"
    status, texts = pki.errors("pki/root/sign-intermediate", csr=csr, common_name="x", ttl="85000h")
    assert status == 400
    assert texts[0].startswith("cannot satisfy request, as TTL would result in notAfter of ")
    pki.data("pki/issuer/default", "patch", leaf_not_after_behavior="err")
    pki.data("pki/root/sign-intermediate", csr=csr, common_name="x", ttl="85000h")


def test_only_vault_has_such_issuers(pki: Authority) -> None:
    text = "Unknown value for field `leaf_not_after_behavior`. Possible values are `err`, `truncate`, and `permit`."
    answer = pki.errors("pki/issuer/default", "patch", leaf_not_after_behavior="always_enforce_err")
    assert answer == (400, [text])


def authority_with(public: CertificatePublicKeyTypes, *more: x509.UnrecognizedExtension) -> str:
    """The PEM of an authority's certificate with this key, signed by another one."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "odd")])
    begin, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2046, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, public, 5, begin, end)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    for extension in more:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(ed25519.Ed25519PrivateKey.generate(), None).public_bytes(Encoding.PEM).decode()


def refused(pki: Authority, bundle: str) -> str:
    status, errors = pki.errors("pki/issuers/import/cert", pem_bundle=bundle)
    assert status == 400
    return errors[0]


def test_what_cannot_be_an_issuer(pki: Authority) -> None:
    # Answers of OpenBao 2.6.2; Vault's importIssuer refuses keys that Go's parser of certificates does not know.
    exchange = x25519.X25519PrivateKey.generate().public_key()
    fault = refused(pki, authority_with(exchange))
    assert (
        "Refusing to import CA certificate with empty PublicKey. This usually means the SubjectPublicKeyInfo" in fault
    )
    constraint = x509.UnrecognizedExtension(ExtensionOID.NAME_CONSTRAINTS, bytes.fromhex("300aa0083006870461626364"))
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    assert "x509: IP constraint contained value of length 4" in refused(pki, authority_with(key, constraint))
