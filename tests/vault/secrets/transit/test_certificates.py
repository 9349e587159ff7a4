"""``csr`` and ``set-certificate``."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_public_key

from mockkms.vault.framework.message import Response
from mockkms.world.entropy import Entropy
from tests.vault.driving import World

ROOT_KEY = ec.derive_private_key(9, ec.SECP256R1())
ROOT_NAME = x509.Name.from_rfc4514_string("CN=root")


def prepare(world: World) -> None:
    world.core.entropy = Entropy("certificates")
    world.core.mount("", "transit/", "transit")
    for name, type in (("ec", "ecdsa-p384"), ("p521", "ecdsa-p521"), ("rsa", "rsa-2048"), ("ed", "ed25519")):
        world.write(f"transit/keys/{name}", {"type": type})
    world.write("transit/keys/aes")
    world.write("transit/keys/derived", {"type": "ed25519", "derived": True})


pytestmark = pytest.mark.prepared(by=prepare)


def certificate(public: Any, subject: str, authority: bool) -> str:
    """A certificate signed by the root, in PEM."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name.from_rfc4514_string(subject))
        .issuer_name(ROOT_NAME)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime(2024, 1, 1))
        .not_valid_after(datetime.datetime(2044, 1, 1))
    )
    if authority:
        builder = builder.add_extension(x509.BasicConstraints(True, None), True)
    return builder.sign(ROOT_KEY, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


ROOT = certificate(ROOT_KEY.public_key(), "CN=root", True)


def said(response: Response) -> tuple[int, str]:
    assert response.errors
    return response.status, response.errors[0].removeprefix("1 error occurred:\n\t* ").removesuffix("\n\n")


def leaf(world: World, name: str, authority: bool = False) -> str:
    request = x509.load_pem_x509_csr(request_of(world, name).encode())
    return certificate(request.public_key(), "CN=leaf", authority)


def request_of(world: World, name: str, **data: Any) -> str:
    response = world.write(f"transit/keys/{name}/csr", data)
    assert response.data is not None, response.errors
    assert response.data["name"] == name
    text: str = response.data["csr"]
    return text


@pytest.mark.parametrize(("name", "hash"), [("ec", "sha384"), ("p521", "sha512"), ("rsa", "sha256"), ("ed", None)])
def test_requests_are_signed_by_the_key(world: World, name: str, hash: str | None) -> None:
    request = x509.load_pem_x509_csr(request_of(world, name).encode())
    assert request.is_signature_valid
    assert list(request.subject) == []
    used = request.signature_hash_algorithm
    assert (used.name if used else None) == hash
    shown = world.ask("read", f"transit/keys/{name}").data
    assert shown is not None
    if name != "ed":
        assert load_pem_public_key(shown["keys"]["1"]["public_key"].encode()) == request.public_key()


def test_a_template_gives_subject_and_names(world: World) -> None:
    names = x509.SubjectAlternativeName([x509.DNSName("a.test"), x509.DNSName("b.test")])
    template = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name.from_rfc4514_string("CN=a.test,O=Org"))
        .add_extension(names, False)
        .sign(ROOT_KEY, hashes.SHA256())
        .public_bytes(Encoding.PEM)
        .decode()
    )
    request = x509.load_pem_x509_csr(request_of(world, "ec", csr=template).encode())
    assert request.subject.rfc4514_string() == "CN=a.test,O=Org"
    assert request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value == names
    assert request.is_signature_valid


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("none", {}, "key with provided name 'none' not found"),
        ("aes", {}, "key type 'aes256-gcm96' does not support signing"),
        ("derived", {}, "operation not supported for keys with derivation enabled"),
        ("ec", {"csr": "x"}, "could not decode PEM CSR"),
        ("ec", {"csr": ROOT}, "asn1: structure error: tags don't match (2 vs {class:2 tag:0 length:3 isCompound:tr"),
        ("ec", {"version": 2}, "could not create the csr: no such key version"),
        ("ec", {"version": None}, "could not create the csr: no such key version"),
    ],
)
def test_requests_refused(world: World, name: str, data: dict[str, Any], text: str) -> None:
    status, words = said(world.write(f"transit/keys/{name}/csr", data))
    assert status == 400
    assert words.startswith(text)


def test_certificate_chains_are_stored_and_shown(world: World) -> None:
    chain = leaf(world, "ec") + ROOT
    response = world.write("transit/keys/ec/set-certificate", {"certificate_chain": chain})
    assert response.data == {"name": "ec", "type": "ecdsa-p384", "certificate_chain": chain}
    exported = world.ask("read", "transit/export/certificate-chain/ec").data
    assert exported is not None
    assert exported["keys"] == {"1": chain.strip()}
    shown = world.ask("read", "transit/keys/ec").data
    assert shown is not None
    assert shown["keys"]["1"]["certificate_chain"] == chain.strip()


def test_chains_refused(world: World) -> None:
    own, foreign = leaf(world, "ec"), leaf(world, "p521")
    cases: list[tuple[str, int, str]] = [
        ("", 400, "provided certificate chain did not contain any valid PEM encoded certificate"),
        ("x", 400, "could not decode a PEM block in the certificate chain"),
        ("-----BEGIN X-----\nAAAA\n-----END X-----", 400, "provided certificate chain did not contain any valid PEM"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
            400,
            "could not parse a certificate in the certificate chain: x509: malformed certificate",
        ),
        (ROOT + own, 400, "failed to persist certificate chain: certificate in the first element is not a valid leaf"),
        (own + own, 400, "failed to persist certificate chain: certificate in the last element is not a valid CA"),
        (own + foreign + ROOT, 400, "failed to persist certificate chain: could not validate if there is only one"),
        (foreign, 500, "failed to persist certificate chain: leaf certificate public key does not match the selected"),
        (
            leaf(world, "rsa"),
            400,
            "failed to persist certificate chain: could not validate key match between leaf certificate key and key "
            "entry in transit: provided leaf certificate public key algorithm 'RSA' does not match the transit "
            "key type 'ecdsa-p384'",
        ),
    ]
    for chain, status, text in cases:
        got, words = said(world.write("transit/keys/ec/set-certificate", {"certificate_chain": chain}))
        assert (got, words[: len(text)]) == (status, text)
