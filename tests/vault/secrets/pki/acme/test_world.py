"""ACME in world files."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mockkms import MockKMS
from mockkms.worldfile.problems import SeedError
from tests.vault.secrets.pki.acme.conftest import AcmeAuthority


def world(acme: dict[str, Any], **more: Any) -> dict[str, Any]:
    issuers = [{"name": "root", "generate": {"common_name": "Root CA"}}]
    return {"vault": {"mounts": {"pki/": {"type": "pki", "issuers": issuers, "acme": acme, **more}}}}


def test_a_dump_has_all_settings(authority: AcmeAuthority) -> None:
    made = authority.write("roles/web/acme/new-eab")
    section = authority.kms.dump().partition("\nexact:")[0]
    for text in ("http_port: ", "tls_port: ", "hosts: ['*.example.test']", "directory: roles/web/acme", made["key"]):
        assert text in section
    authority.client()
    with MockKMS(seed=authority.kms.dump()) as other:
        assert other.dump() == authority.kms.dump()


def test_what_a_fresh_section_says_is_dumped_without_patches() -> None:
    acme = {"enabled": True, "http_port": 5002, "tls_port": 5001, "hosts": ["a.test"], "eab_policy": "not-required"}
    more = {
        "cluster": {"path": "http://127.0.0.1:8200/v1/pki"},
        "acme_bindings": [{"id": "k1", "key": "c2VjcmV0", "created": 1}, {"directory": "roles/a/acme"}],
    }
    with MockKMS(seed=world(acme, **more)) as kms:
        text = kms.dump()
        exact = text.partition("\nexact:")[2]
        # As words: random ids may have these letters.
        assert re.search(r"\b(acme|eab)\b", exact) is None
        state = next(one.state for path, one in kms.world.core.state.mounts.entries.items() if path == "pki/")
        assert (state.acme.http_port, state.acme.tls_port, state.acme.hosts) == (5002, 5001, ["a.test"])
        assert next(iter(state.eab)) == "k1"


@pytest.mark.parametrize(
    ("acme", "more", "text"),
    [
        ({"http_port": 70000}, {}, "vault.mounts.pki/.acme.http_port: 70000 is out of bounds (1 to 65535)"),
        ({"htpp_port": 80}, {}, "http_port"),
        ({"enabled": True}, {}, "ACME feature requires local cluster 'path' field configuration to be set"),
        ({}, {"acme_bindings": [{"key": "a b"}]}, "not base64url without padding"),
        ({}, {"acme_bindings": [{"id": "a"}, {"id": "a"}]}, "acme_bindings[1]: a key with the id a exists already"),
    ],
)
def test_invalid_settings(acme: dict[str, Any], more: dict[str, Any], text: str) -> None:
    with pytest.raises(SeedError) as refused, MockKMS(seed=world(acme, **more)):
        pass
    assert text in str(refused.value)
