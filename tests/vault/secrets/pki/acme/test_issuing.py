"""Certificates by ACME with all types of challenges: over the wire, and with ``acme``, the library of certbot."""

from __future__ import annotations

import ssl
from typing import Any

import josepy
import pytest
from acme import challenges, client, crypto_util, messages
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.vault.secrets.pki.acme.conftest import AcmeAuthority
from tests.vault.secrets.pki.acme.wire import Wire, detail, request_for, rsa_key

pytestmark = pytest.mark.flavors("openbao", "vault", "vault-1.21")
BASES = ["acme", "roles/web/acme", "issuer/root/acme", "issuer/root/roles/web/acme"]


def certificates(text: str) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(text.encode())


def names(certificate: x509.Certificate) -> list[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return sorted(str(one.value) for one in found)


@pytest.mark.parametrize("kind", ["http-01", "dns-01", "tls-alpn-01"])
def test_each_challenge(authority: AcmeAuthority, kind: str) -> None:
    """Source: RFC 8555, sections 7 and 8, RFC 8737; builtin/logical/pki/acme_challenge_engine.go."""
    wire, name = authority.client(), "www.example.test"
    order = wire.order(name)
    assert order["status"] == "pending"
    challenge = wire.challenge(order, kind)
    assert challenge["status"] == "pending"
    authority.meet(wire, name, challenge)
    accepted = wire.post(challenge["url"], {})
    assert (accepted.status_code, accepted.json()["status"]) == (200, "processing")
    found = wire.until(challenge["of"], "valid", "invalid")
    assert (found["status"], found["wildcard"], "expires" in found) == ("valid", False, True)
    proved = next(one for one in found["challenges"] if one["type"] == kind)
    assert proved["status"] == "valid"
    assert "validated" in proved
    assert wire.post(order["url"]).json()["status"] == "ready"
    done = wire.finalize(order, request_for(name))
    assert (done.status_code, done.json()["status"]) == (200, "valid")
    chain = wire.post(done.json()["certificate"])
    assert chain.headers["Content-Type"] == "application/pem-certificate-chain"
    leaf, root = certificates(chain.text)
    leaf.verify_directly_issued_by(root)
    assert names(leaf) == [name]


@pytest.mark.parametrize("base", BASES)
def test_each_directory(authority: AcmeAuthority, base: str) -> None:
    wire = authority.client(base)
    order = authority.proved(wire, "a.example.test", "b.example.test")
    done = wire.finalize(order, request_for("b.example.test", "a.example.test")).json()
    leaf, _ = certificates(wire.post(done["certificate"]).text)
    assert names(leaf) == ["a.example.test", "b.example.test"]
    assert len(done["authorizations"]) == 2
    usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [x509.ExtendedKeyUsageOID.SERVER_AUTH]


def test_a_role_requires_a_common_name_and_gets_one(authority: AcmeAuthority) -> None:
    """Source: path_acme_order.go, ``maybeAugmentReqDataWithSuitableCN``."""
    wire = authority.client("roles/web/acme")
    order = authority.proved(wire, "a.example.test")
    done = wire.finalize(order, request_for("a.example.test")).json()
    leaf, _ = certificates(wire.post(done["certificate"]).text)
    assert leaf.subject.rfc4514_string() == "CN=a.example.test"


def test_a_wildcard_name_is_proved_by_dns_only(authority: AcmeAuthority) -> None:
    wire = authority.client()
    order = wire.order("*.example.test")
    (one,) = wire.authorizations(order)
    assert (one["identifier"], one["wildcard"]) == ({"type": "dns", "value": "example.test"}, True)
    assert [challenge["type"] for challenge in one["challenges"]] == ["dns-01"]
    order = authority.proved(wire, "*.example.test")
    done = wire.finalize(order, request_for("*.example.test")).json()
    leaf, _ = certificates(wire.post(done["certificate"]).text)
    assert names(leaf) == ["*.example.test"]


def test_an_address_is_proved_by_http_only(authority: AcmeAuthority) -> None:
    wire = authority.client()
    order = authority.proved(wire, "127.0.0.1")
    (one,) = wire.authorizations(order)
    assert [challenge["type"] for challenge in one["challenges"]] == ["http-01"]
    done = wire.finalize(order, request_for("127.0.0.1")).json()
    leaf, _ = certificates(wire.post(done["certificate"]).text)
    assert names(leaf) == ["127.0.0.1"]


def test_lifetimes(authority: AcmeAuthority) -> None:
    """At most 90 days, which Vault can change: path_acme_order.go, ``issueCertFromCsr``; docs of ``max_ttl``."""
    authority.write("roles/web", allowed_domains="example.test", allow_subdomains=True, key_type="any", ttl="4000h")
    days = 90
    if authority.kms.flavor != "openbao":
        authority.write("config/acme", max_ttl="240h")
        days = 10
    wire = authority.client("roles/web/acme")
    done = wire.finalize(authority.proved(wire, "a.example.test"), request_for("a.example.test")).json()
    leaf, _ = certificates(wire.post(done["certificate"]).text)
    assert (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days == days


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1(), None])
def test_keys_of_accounts(authority: AcmeAuthority, curve: ec.EllipticCurve | None) -> None:
    algorithms = {256: josepy.ES256, 384: josepy.ES384, 521: josepy.ES512}
    key = rsa_key() if curve is None else josepy.JWKEC(key=ec.generate_private_key(curve))
    wire = authority.client(key=key, algorithm=josepy.RS256 if curve is None else algorithms[curve.key_size])
    assert wire.post(wire.kid, {}).json()["status"] == "valid"


def _library(authority: AcmeAuthority) -> tuple[client.ClientV2, josepy.JWK]:
    key = josepy.JWKRSA(key=rsa.generate_private_key(65537, 2048))
    network = client.ClientNetwork(key, user_agent="tests")
    return client.ClientV2(client.ClientV2.get_directory(authority.directory(), network), network), key


@pytest.mark.parametrize("chosen", [challenges.HTTP01, challenges.DNS01])
def test_the_library_of_certbot(authority: AcmeAuthority, chosen: type[Any]) -> None:
    library, key = _library(authority)
    contact = messages.NewRegistration.from_data(email="ops@example.test", terms_of_service_agreed=True)
    registered = library.new_account(contact)
    assert library.query_registration(registered).body.status == "valid"
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    order = library.new_order(crypto_util.make_csr(pem, ["www.example.test", "api.example.test"]))
    for one in order.authorizations:
        body = next(found for found in one.body.challenges if isinstance(found.chall, chosen))
        response, validation = body.response_and_validation(key)
        if chosen is challenges.HTTP01:
            authority.others.http.texts[body.chall.path] = validation
        else:
            authority.others.names.add(body.chall.validation_domain_name(one.body.identifier.value), 16, validation)
        library.answer_challenge(body, response)
    done = library.poll_and_finalize(order)
    leaf, _ = certificates(done.fullchain_pem)
    assert names(leaf) == ["api.example.test", "www.example.test"]
    library.revoke(leaf, 0)
    serials = authority.vault.list("pki/certs/revoked")["data"]["keys"]
    assert [int(text.replace(":", ""), 16) for text in serials] == [leaf.serial_number]
    if authority.kms.flavor == "openbao":
        with pytest.raises(messages.Error) as refused:
            library.revoke(leaf, 0)
        assert refused.value.code == "alreadyRevoked"
    else:
        # Vault's errors have a null that the library cannot read (certbot's pull request 10001).
        with pytest.raises(TypeError, match="not iterable"):
            library.revoke(leaf, 0)
    assert library.deactivate_registration(registered).body.status == "deactivated"


def test_a_server_uses_the_certificate(authority: AcmeAuthority, tmp_path: Any) -> None:
    wire, key = authority.client(), ec.generate_private_key(ec.SECP256R1())
    order = authority.proved(wire, "www.example.test")
    done = wire.finalize(order, request_for("www.example.test", key=key)).json()
    chain = tmp_path / "chain.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain.write_bytes(wire.post(done["certificate"]).content + private)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain)


def test_the_key_of_the_account_cannot_be_that_of_the_certificate(authority: AcmeAuthority) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    wire: Wire = authority.client(key=josepy.JWKEC(key=key))
    order = authority.proved(wire, "www.example.test")
    refused = wire.finalize(order, request_for("www.example.test", key=key))
    assert (refused.status_code, detail(refused.json())) == (
        400, "the CSR is unacceptable: certificate public key must not match account key",
    )  # fmt: skip
