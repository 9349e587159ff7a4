"""Cert auth: what can be configured."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mockkms import MockKMS
from mockkms.worldfile import SeedError
from tests.vault.driving import World


def prepare(world: World) -> None:
    world.core.mount("", "auth/cert/", "cert")


pytestmark = pytest.mark.prepared(by=prepare)


@pytest.mark.parametrize("size", [1, 100_001])
def test_the_cache_has_bounds(world: World, size: int) -> None:
    assert world.write("auth/cert/config", {"ocsp_cache_size": size}).status == 400
    assert world.ask("read", "auth/cert/config").data == {
        "disable_binding": False, "enable_identity_alias_metadata": False, "ocsp_cache_size": 0,
    }  # fmt: skip


@pytest.mark.parametrize("data", ["", "x", "bogus", "0\x03\x02\x01\x01", "\u00e9\u00ff", "-----BEGIN X509 CRL-----\n!"])
def test_invalid_revocation_lists_are_refused(world: World, data: str) -> None:
    answer = world.write("auth/cert/crls/a", {"crl": data})
    assert answer.status == 400
    assert (answer.errors or [""])[0].startswith("failed to parse CRL: asn1: ")


@pytest.mark.flavors("openbao", "vault", "vault-1.21")
def test_what_a_revocation_list_shows(world: World) -> None:
    """Source: builtin/credential/cert/path_crls.go of both: Vault shows all members of what it stores."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime(2020, 1, 1, tzinfo=UTC)
    made = x509.CertificateRevocationListBuilder(x509.Name([]), now, datetime(2049, 1, 1, tzinfo=UTC))
    one = x509.RevokedCertificateBuilder(7, now).build()
    for name, builder in (("none", made), ("one", made.add_revoked_certificate(one))):
        text = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
        assert world.write(f"auth/cert/crls/{name}", {"crl": text}).status == 204
    none, some = (world.ask("read", f"auth/cert/crls/{name}").data for name in ("none", "one"))
    whole = world.core.product.name != "openbao"
    assert (none, some) == (
        ({"cdp": None, "serials": {}}, {"cdp": None, "serials": {"7": {}}}) if whole else ({}, {"serials": {"7": {}}})
    )


def test_no_certificate_no_login(world: World) -> None:
    assert world.write("auth/cert/login", token="").errors == ["no client certificate found"]
    assert world.write("auth/cert/certs/a", {"certificate": "x"}).errors == ["failed to parse certificate"]


def test_worlds_and_captures_may_name_a_size_that_is_not_set() -> None:
    """A read shows 0 for a size that was never written, which a write refuses (recorded)."""
    mount = {"type": "cert", "config": {"ocsp_cache_size": 0, "disable_binding": True}}
    with MockKMS(seed={"vault": {"auth": {"cert/": mount}}}) as kms:
        text = kms.dump()
    assert "disable_binding: true" in text
    assert "ocsp_cache_size" not in text
    with MockKMS(seed=text) as again:
        assert again.dump() == text
    with pytest.raises(SeedError, match="invalid ocsp cache size"):
        MockKMS(seed={"vault": {"auth": {"cert/": {"type": "cert", "config": {"ocsp_cache_size": 1}}}}})


def _numbered(number: int) -> x509.Certificate:
    """A certificate that signs itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    begin, end = datetime(2020, 1, 1, tzinfo=UTC), datetime(2049, 1, 1, tzinfo=UTC)
    return x509.CertificateBuilder(name, name, key.public_key(), number, begin, end).sign(key, hashes.SHA256())


@pytest.mark.parametrize(
    ("flavor", "text"),
    [
        ("vault", "certificate mismatch of a trusted leaf certificate"),
        ("openbao", "invalid certificate or no client certificate supplied"),
    ],
)
def test_another_certificate_with_the_number_of_a_trusted_one(flavor: str, text: str) -> None:
    # Vault's change log, 1.15.6 (25649).
    world = World(flavor)
    prepare(world)
    trusted, other = _numbered(7), _numbered(7)
    world.write("auth/cert/certs/a", {"certificate": trusted.public_bytes(Encoding.PEM).decode()})
    shown = (other.public_bytes(Encoding.DER),)
    answer = world.write("auth/cert/login", token="", client_certificates=shown)
    assert (answer.status, answer.errors) == (400, [text])


def _issued(names: list[str]) -> list[x509.Certificate]:
    """An authority, and certificates for client authentication that it issued to ``names``."""
    begin, end = datetime(2020, 1, 1, tzinfo=UTC), datetime(2049, 1, 1, tzinfo=UTC)
    authority, made = ec.generate_private_key(ec.SECP256R1()), []
    for number, name in enumerate(["root", *names]):
        subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, "root"))
        public = authority.public_key() if not number else ec.generate_private_key(ec.SECP256R1()).public_key()
        builder = x509.CertificateBuilder(issuer, subject, public, number + 1, begin, end)
        builder = builder.add_extension(x509.BasicConstraints(not number, None), critical=True)
        if number:
            builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        made.append(builder.sign(authority, hashes.SHA256()))
    return made


@pytest.mark.flavors("openbao")
def test_a_login_is_renewed_with_its_own_certificate_alone(world: World) -> None:
    """In the words of a real OpenBao, which names the bytes of the login's certificate and of the role's."""
    root, *leaves = _issued(["me", "you"])
    world.write("auth/cert/certs/a", {"certificate": root.public_bytes(Encoding.PEM).decode()})
    own, other = ((leaf.public_bytes(Encoding.DER),) for leaf in leaves)
    auth = world.write("auth/cert/login", token="", client_certificates=own).auth
    assert auth is not None
    renewals = {"renew": {"token": auth.client_token}, "renew-accessor": {"accessor": auth.accessor}}
    for path, data in renewals.items():
        assert world.write(f"auth/token/{path}", data, client_certificates=own).auth is not None
        assert world.write(f"auth/token/{path}", data, client_certificates=()).errors == ["no client certificate found"]
        stranger = (_numbered(9).public_bytes(Encoding.DER),)
        refused = world.write(f"auth/token/{path}", data, client_certificates=stranger).errors
        assert refused == ["invalid certificate or no client certificate supplied"]
        (text,) = world.write(f"auth/token/{path}", data, client_certificates=other).errors or [""]
        shown, trusted = (f"[{' '.join(map(str, raw))}]" for raw in (own[0], root.public_bytes(Encoding.DER)))
        front = "client identity during renewal not matching client identity used during login:\n\toriginal: "
        assert f"{front}{shown}\n\trenewal: {trusted}" in text


@pytest.mark.parametrize(
    ("usages", "taken"),
    [
        (["1.3.6.1.5.5.7.3.1"], False),
        (["1.2.3", "1.3.6.1.5.5.7.3.1"], False),
        (["1.3.6.1.4.1.311.2.1.22"], False),
        (["1.2.3"], True),
        (["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"], True),
        (["1.3.6.1.5.5.7.3.1", "2.5.29.37.0"], True),
    ],
)
def test_extended_usages_of_certificates_that_are_no_authorities(world: World, usages: list[str], taken: bool) -> None:
    """Asked of OpenBao 2.6.2: usages that Go does not know do not count."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1).not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
    made = made.not_valid_after(datetime(2049, 1, 1, tzinfo=UTC))
    made = made.add_extension(x509.ExtendedKeyUsage(map(x509.ObjectIdentifier, usages)), critical=False)
    text = made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
    answer = world.write("auth/cert/certs/a", {"certificate": text})
    assert answer.status == (204 if taken else 400)
