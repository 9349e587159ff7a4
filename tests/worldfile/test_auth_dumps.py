"""Kubernetes, cert and token roles are dumped in words, not only under ``exact``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mockkms.worldfile import dump, exact, load
from tests.worldfile.test_dump import made

KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
NAME = x509.Name.from_rfc4514_string("CN=client")
CERTIFICATE = (
    x509.CertificateBuilder().subject_name(NAME).issuer_name(NAME).public_key(KEY.public_key()).serial_number(1)
    .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2090, 1, 1, tzinfo=UTC))
    .sign(KEY, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
)  # fmt: skip
METHODS: dict[str, Any] = {
    "kubernetes/": {
        "type": "kubernetes",
        "config": {"kubernetes_host": "https://cluster.test", "kubernetes_ca_cert": CERTIFICATE, "pem_keys": [PUBLIC]},
        "roles": {
            "app": {"bound_service_account_names": ["app"], "bound_service_account_namespaces": ["default"],
                    "token_ttl": "1h", "audience": "vault"},
            "old": {"bound_service_account_names": ["*"], "bound_service_account_namespaces": ["*"], "ttl": 600,
                    "policies": ["default"], "num_uses": 3},
        },
        "service_accounts": [{"name": "app", "namespace": "default", "uid": "1-2-3"}],
    },
    "cert/": {
        "type": "cert",
        "config": {"disable_binding": True},
        "certs": {"web": {"certificate": CERTIFICATE, "allowed_common_names": ["client"], "token_policies": ["app"]},
                  "older": {"certificate": CERTIFICATE, "display_name": "x", "ttl": 60}},
    },
    "token/": {
        "type": "token",
        "roles": {"ci": {"allowed_policies": ["ci"], "orphan": True, "token_period": "24h", "path_suffix": "ci-run"},
                  "aged": {"period": 3600, "renewable": False, "allowed_entity_aliases": ["a*"]}},
    },
}  # fmt: skip

DIRECTORIES: dict[str, Any] = {
    "ldap/": {
        "type": "ldap",
        "config": {"url": "ldaps://dir.test", "bindpass": "x", "binddn": "cn=x", "token_ttl": 60, "max_page_size": 9},
        "users": {"anna": {"groups": ["dev", "ops"], "policies": ["p"]}},
        "groups": {"dev": {"policies": ["a", "b"]}, "none": {"policies": []}},
        "directory": {"anna": {"password": "secret", "groups": ["dev"], "attributes": {"mail": "a@b"}, "dn": "cn=a"},
                      "Ben": {"password": "x"}},
    },
    "github/": {
        "type": "github",
        "config": {"organization": "acme", "ttl": 60, "base_url": "https://github.test/"},
        "teams": {"default": ["a", "b"], "dev": []},
        "users": {"anna": ["c"]},
        "directory": {"t-1": {"user": "anna", "org": ["acme", "other"], "teams": ["dev"]}, "t-2": {"user": "b"}},
    },
    "okta/": {
        "type": "okta",
        "config": {"org_name": "acme", "api_token": "x", "production": False, "max_ttl": 900},
        "users": {"anna": {"groups": ["Dev"], "policies": ["p"]}},
        "groups": {"dev": {"policies": ["a"]}},
        "directory": {
            "anna": {"password": "secret", "groups": ["Dev"], "status": "MFA_REQUIRED", "totp": "123456"},
            "ben": {"password": "x", "status": "MFA_REQUIRED", "google_totp": "1", "push": "deny", "number": 7},
        },
    },
    "radius/": {
        "type": "radius",
        "config": {"host": "radius.test", "secret": "s", "port": 1, "unregistered_user_policies": "a, b"},
        "users": {"anna": {"policies": ["p"]}},
        "directory": {"anna": {"password": "secret"}},
    },
}  # fmt: skip


def test_directories_are_dumped_as_sections() -> None:
    world = made({"rng": 3, "clock": "2026-01-01T00:00:00Z", "vault": {"auth": DIRECTORIES}})
    text = dump(world)
    assert exact.roots(made(text)) == exact.roots(world)
    sections = load(text).sections
    assert all(patch["at"][-1] == "uuid" for patch in sections.get("exact", []))
    shown = sections["vault"]["auth"]
    for path, method in DIRECTORIES.items():
        for word in method.keys() - {"type"}:
            found = dict(shown[path][word])
            found.pop("organization_id", None)
            assert found == method[word]


@pytest.mark.parametrize("flavor", ["vault", "openbao"])
def test_methods_are_dumped_as_sections(flavor: str) -> None:
    world = made({"rng": 3, "clock": "2026-01-01T00:00:00Z", "flavor": flavor, "vault": {"auth": METHODS}})
    text = dump(world)
    assert exact.roots(made(text)) == exact.roots(world)
    sections = load(text).sections
    assert all(patch["at"][-1] == "uuid" for patch in sections.get("exact", []))
    shown = sections["vault"]["auth"]
    assert shown["kubernetes/"]["roles"]["app"]["token_ttl"] == 3600
    old = shown["kubernetes/"]["roles"]["old"]
    assert (old["ttl"], old["policies"], old["num_uses"]) == (600, ["default"], 3)
    assert not {"token_ttl", "token_policies", "token_num_uses"} & set(old)
    assert shown["kubernetes/"]["service_accounts"] == METHODS["kubernetes/"]["service_accounts"]
    assert shown["cert/"]["certs"]["web"]["certificate"] == CERTIFICATE
    assert shown["token/"]["roles"]["aged"] == {"period": 3600, "renewable": False, "allowed_entity_aliases": ["a*"]}


def test_cel_roles_are_dumped_as_sections() -> None:
    program = {"variables": [{"name": "x", "expression": "true"}], "expression": "x"}
    methods = {"jwt/": {"type": "jwt", "cel_roles": {"r": {"cel_program": program, "message": "m"}}}}
    world = made({"rng": 3, "clock": "2026-01-01T00:00:00Z", "flavor": "openbao", "vault": {"auth": methods}})
    text = dump(world)
    assert exact.roots(made(text)) == exact.roots(world)
    assert load(text).sections["vault"]["auth"]["jwt/"]["cel_roles"] == methods["jwt/"]["cel_roles"]
