"""Cert auth: what can be configured."""

from __future__ import annotations

import pytest

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
