"""PKI in worlds: authorities given and made, what they hold, and the way there and back."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mockkms import MockKMS
from mockkms.vault.framework.message import Operation, Request
from mockkms.world.world import World
from mockkms.worldfile import Problem, SeedError, check, dump, exact, load
from tests.worldfile.test_dump import made

START = "2026-01-01T00:00:00Z"
PKI: dict[str, Any] = {
    "type": "pki",
    "max_lease_ttl": "87600h",
    "cluster": {"path": "http://vault.test/v1/pki"},
    "urls": {"ocsp_servers": ["{{cluster_path}}/ocsp"], "enable_templating": True},
    "keys": [{"name": "spare", "type": "ed25519"}, {"name": "of-root", "id": "11111111-0000-4000-8000-000000000000"}],
    "issuers": [
        {"name": "root", "key": "of-root", "generate": {"common_name": "Root CA", "ttl": "80000h"}},
        {"name": "sub", "signed_by": "root", "generate": {"common_name": "Sub CA", "ttl": "40000h"},
         "leaf_not_after_behavior": "truncate", "id": "22222222-0000-4000-8000-000000000000"},
    ],
    "default_issuer": "sub",
    "roles": {"web": {"allowed_domains": ["example.test"], "allow_subdomains": True, "key_type": "ec", "ttl": "1h"}},
    "crl": {"expiry": "48h"},
    "auto_tidy": {"enabled": True, "tidy_cert_store": True},
    "certificates": [
        {"role": "web", "common_name": "a.example.test"},
        {"role": "web", "common_name": "b.example.test", "revoked": True},
    ],
}  # fmt: skip
SEED = {"rng": 5, "clock": START, "vault": {"mounts": {"pki/": PKI}}}


def ask(world: World, path: str, operation: Operation = Operation.READ, **data: Any) -> dict[str, Any]:
    answer = world.core.handle(Request(operation, f"pki/{path}", data=data, token=world.root_token))
    assert answer.errors is None, answer.errors
    return answer.data or {}


def certificate(text: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(text.encode())


def test_authorities_are_made_one_below_the_other() -> None:
    world = made(SEED)
    root, sub = (ask(world, f"issuer/{name}") for name in ("root", "sub"))
    certificate(sub["certificate"]).verify_directly_issued_by(certificate(root["certificate"]))
    assert (root["key_id"], sub["issuer_id"]) == (PKI["keys"][1]["id"], PKI["issuers"][1]["id"])
    assert sub["leaf_not_after_behavior"] == "truncate"
    leaf = ask(world, "issue/web", Operation.UPDATE, common_name="c.example.test")
    certificate(leaf["certificate"]).verify_directly_issued_by(certificate(sub["certificate"]))
    access = certificate(leaf["certificate"]).extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    assert [one.access_location.value for one in access.value] == ["http://vault.test/v1/pki/ocsp"]
    spare = ask(world, "key/spare")
    assert (ask(world, "config/keys")["default"], spare["key_type"]) == (spare["key_id"], "ed25519")


def test_certificates_are_kept_and_revoked() -> None:
    world = made(SEED)
    kept = ask(world, "certs/", Operation.LIST)["keys"]
    states = {serial: ask(world, f"cert/{serial}")["revocation_time"] for serial in kept}
    gone = [serial for serial, moment in states.items() if moment]
    assert len(gone) == 1
    assert states[gone[0]] == 1767225600
    crl = x509.load_pem_x509_crl(ask(world, "cert/crl")["certificate"].encode())
    assert [entry.serial_number for entry in crl] == [int(gone[0].replace(":", ""), 16)]
    assert ask(world, "config/crl")["expiry"] == "48h"
    assert ask(world, "config/auto-tidy")["enabled"] is True


def test_the_same_seed_makes_the_same_authorities() -> None:
    assert ask(made(SEED), "issuer/root") == ask(made(SEED), "issuer/root")
    assert ask(made(SEED), "issuer/root") != ask(made(SEED | {"rng": 6}), "issuer/root")


def test_given_pem_and_revoked_issuer() -> None:
    with MockKMS(seed=SEED) as kms:
        text = yaml.safe_load(kms.dump())["vault"]["mounts"]["pki/"]
    root = next(one for one in text["issuers"] if one["name"] == "root")
    key = next(one for one in text["keys"] if one["name"] == "of-root")
    mount = {"type": "pki", "keys": [{"material": key["material"]}],
             "issuers": [{"certificate": root["certificate"], "revoked": START}]}  # fmt: skip
    shown = ask(made({"clock": START, "vault": {"mounts": {"pki/": mount}}}), "issuer/default")
    assert (shown["certificate"], shown["revoked"]) == (root["certificate"], True)
    assert "issuing-certificates" not in shown["usage"]


def test_a_dump_is_readable_and_loads_to_an_equal_world() -> None:
    world = made(SEED)
    ask(world, "issue/web", Operation.UPDATE, common_name="d.example.test")
    ask(world, "issuer/root", Operation.PATCH, ocsp_servers=["http://x.test"], manual_chain=["self"])
    ask(world, "issuer/sub/revoke", Operation.UPDATE)
    text = dump(world)
    again = made(text)
    assert exact.roots(again) == exact.roots(world)
    assert dump(again) == text
    shown = load(text).sections["vault"]["mounts"]["pki/"]
    assert shown["roles"] == {"web": {"allowed_domains": ["example.test"], "allow_subdomains": True, "key_type": "ec",
                                      "key_bits": 256, "ttl": 3600}}  # fmt: skip
    assert [one.get("name") for one in shown["issuers"]] == ["root", "sub"]
    assert len(shown["certificates"]) == 5
    places = {str(patch["at"]) for patch in load(text).sections.get("exact", [])}
    assert not any(word in place for place in places for word in ("roles", "'keys'", "certificate", "urls", "'crl'"))


def faults(mount: str) -> list[Problem]:
    text = "vault:\n  mounts:\n    pki/:\n      type: pki\n" + mount
    try:
        return check([text])
    except SeedError as error:
        return error.problems


@pytest.mark.parametrize(
    ("mount", "line", "column", "path", "message"),
    [
        ("      isuers: []\n", 5, 7, "isuers", 'did you mean "issuers"'),
        ("      issuers:\n        - {name: a}\n", 6, 11, "issuers[0]", "requires either `certificate` or `generate`"),
        ("      issuers:\n        - {certificate: x}\n", 6, 25, "certificate", "not PEM"),
        ("      issuers:\n        - {generate: {key_type: dsa}}\n", 6, 11, "issuers[0]", "for keyType dsa"),
        ("      issuers:\n        - {generate: {common_nam: x}}\n", 6, 23, "common_nam", 'mean "common_name"'),
        ("      issuers:\n        - {signed_by: top, generate: {}}\n", 6, 11, "issuers[0]", "reference: top"),
        ("      keys:\n        - {type: ed2519}\n", 6, 18, "type", 'did you mean "ed25519"'),
        ("      keys:\n        - {material: x, type: ec}\n", 6, 22, "material", "not PEM"),
        ("      roles:\n        web: {key_type: rsa, key_bits: 7}\n", 6, 14, "roles.web", "RSA keys < 2048 bits"),
        ("      crl: {expiry: soon}\n", 5, 12, "crl", "could not be decoded"),
        ("      default_issuer: none\n", 5, 23, "default_issuer", "reference: none"),
        ("      certificates:\n        - {role: none}\n", 6, 11, "certificates[0]", "unknown role: none"),
        ("      certificates:\n        - {revoked: [1]}\n", 6, 21, "revoked", "found a list"),
    ],
)
def test_faults_have_places(mount: str, line: int, column: int, path: str, message: str) -> None:
    found = faults(mount)
    assert len(found) == 1, "\n".join(map(str, found))
    assert (found[0].line, found[0].column) == (line, column)
    assert path in found[0].path
    assert message in found[0].message


def test_a_key_that_fits_no_certificate_is_no_fault() -> None:
    key = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )
    mount = {"type": "pki", "keys": [{"name": "own", "material": key.decode()}]}
    assert ask(made({"vault": {"mounts": {"pki/": mount}}}), "key/own")["key_type"] == "ec"
