"""Chains: roots before intermediates, each with all that is above it; circles and chains given by hand."""

from __future__ import annotations

import pytest

from tests.vault.secrets.pki.authority import Authority


def prepare(pki: Authority) -> None:
    pki.core.mount("", "sub/", "pki")


pytestmark = pytest.mark.prepared(by=prepare)


def imported(pki: Authority, *texts: str) -> list[str]:
    ids: list[str] = pki.data("sub/issuers/import/cert", pem_bundle="\n".join(texts))["imported_issuers"]
    return ids


def chain(pki: Authority, id: str) -> list[str]:
    texts: list[str] = pki.data(f"sub/issuer/{id}", "read")["ca_chain"]
    return [text.strip() for text in texts]


def signed(pki: Authority, csr: str, name: str, mount: str = "pki") -> str:
    text: str = pki.data(f"{mount}/root/sign-intermediate", csr=csr, common_name=name, ttl="1000h")["certificate"]
    return text


def test_a_root_stands_before_its_cross_signed_twin_and_what_is_above_that(pki: Authority) -> None:
    pki.core.mount("", "old/", "pki")
    own = pki.data("pki/issuer/default", "read")["certificate"].strip()
    old = pki.data("old/root/generate/internal", common_name="Old CA", key_type="ec")["certificate"]
    csr = pki.data("pki/intermediate/cross-sign", common_name="Root CA", key_ref="default")["csr"]
    cross = signed(pki, csr, "Root CA", "old")
    leaf = signed(pki, pki.data("sub/intermediate/generate/internal", common_name="Sub", key_type="ec")["csr"], "Sub")
    ids = imported(pki, leaf, cross, old, own)
    assert chain(pki, ids[0]) == [leaf, own, cross, old]
    assert chain(pki, ids[1]) == [cross, old]
    assert chain(pki, ids[3]) == [own, cross, old]  # The twin has its name and key, so it is above it.


def test_roots_of_one_key_and_name_stand_together(pki: Authority) -> None:
    first = pki.data("pki/issuer/default", "read")["certificate"].strip()
    again = {"common_name": "Root CA", "key_ref": "default"}
    second = pki.data("pki/root/generate/existing", **again)["certificate"]
    ids = imported(pki, first, second)
    assert (chain(pki, ids[0]), chain(pki, ids[1])) == ([first, second], [second, first])


def test_a_chain_by_hand_counts_for_those_below(pki: Authority) -> None:
    own = pki.data("pki/issuer/default", "read")["certificate"].strip()
    csr = pki.data("sub/intermediate/generate/internal", common_name="Sub", key_type="ec")["csr"]
    middle = signed(pki, csr, "Sub")
    pki.data("sub/intermediate/set-signed", certificate=middle)
    (first,) = pki.data("sub/issuers/", "list")["keys"]
    csr = pki.data("sub/intermediate/generate/internal", common_name="Low", key_type="ec")["csr"]
    low = signed(pki, csr, "Low", "sub")
    root, below = imported(pki, own, low)
    assert chain(pki, below) == [low, middle, own]
    pki.data(f"sub/issuer/{first}", "patch", manual_chain=["self"])
    assert (chain(pki, first), chain(pki, below)) == ([middle], [low, middle])
    pki.data(f"sub/issuer/{first}", "patch", manual_chain=["self", root])
    assert chain(pki, below) == [low, middle, own]
