"""Tidies of ACME: path_acme_account.go, ``tidyAcmeAccountByThumbprint``, and path_acme_order.go, ``acmeTidyOrder``."""

from __future__ import annotations

import pytest

from tests.vault.secrets.pki.acme.conftest import AcmeAuthority
from tests.vault.secrets.pki.acme.wire import request_for

pytestmark = pytest.mark.flavors("openbao", "vault")
DAY = 86400


def tidied(authority: AcmeAuthority, **settings: object) -> tuple[int, int, int, int]:
    """Accounts in all, accounts revoked, accounts removed, orders removed."""
    authority.write("tidy", tidy_acme=True, **settings)
    found = authority.read("tidy-status")
    names = (
        "total_acme_account_count", "acme_account_revoked_count", "acme_account_deleted_count",
        "acme_orders_deleted_count",
    )  # fmt: skip
    total, revoked, removed, orders = (int(found[name]) for name in names)
    assert found["tidy_acme"] is True
    return total, revoked, removed, orders


def test_unused_accounts_are_revoked_and_removed_later(authority: AcmeAuthority) -> None:
    wire = authority.client()
    assert tidied(authority) == (1, 0, 0, 0)
    authority.kms.clock.advance(31 * DAY)
    assert tidied(authority) == (1, 1, 0, 0)
    refused = wire.post(wire.at("orders"))
    assert (refused.status_code, refused.json()["detail"].rpartition(": ")[2]) == (401, "revoked")
    assert tidied(authority) == (1, 0, 0, 0)
    authority.kms.clock.advance(31 * DAY)
    assert tidied(authority) == (1, 0, 1, 0)
    assert wire.post(wire.at("orders")).json()["type"].endswith(":accountDoesNotExist")


def test_orders_go_with_their_certificates(authority: AcmeAuthority) -> None:
    wire = authority.client("roles/web/acme")
    authority.write("roles/web", allowed_domains="example.test", allow_subdomains=True, key_type="any", ttl="48h")
    order = authority.proved(wire, "a.example.test")
    assert wire.finalize(order, request_for("a.example.test")).status_code == 200
    unused = wire.order("b.example.test")
    authority.kms.clock.advance(2 * DAY - 3600)
    assert tidied(authority, safety_buffer="24h") == (1, 0, 0, 1), "an order without a certificate ends after a day"
    assert wire.post(unused["url"]).status_code == 400
    assert wire.post(unused["authorizations"][0]).status_code == 400
    assert wire.post(order["url"]).status_code == 200
    authority.kms.clock.advance(2 * DAY)
    assert tidied(authority, safety_buffer="24h") == (1, 0, 0, 1)
    assert wire.post(order["url"]).status_code == 400
    assert wire.post(wire.at("orders")).json() == {"orders": []}
    authority.kms.clock.advance(31 * DAY)
    assert tidied(authority) == (1, 1, 0, 0)


def test_unused_keys_are_removed(authority: AcmeAuthority) -> None:
    authority.write("acme/new-eab")
    authority.kms.clock.advance(2 * DAY)
    kept = authority.write("acme/new-eab")["id"]
    tidied(authority, acme_account_safety_buffer="24h")
    assert authority.vault.list("pki/eab")["data"]["keys"] == [kept]


def test_automatic_tidies(authority: AcmeAuthority) -> None:
    wire = authority.client()
    authority.write("config/auto-tidy", enabled=True, tidy_acme=True, acme_account_safety_buffer="1h")
    authority.kms.clock.advance(DAY)
    authority.read("config/acme")
    assert wire.post(wire.at("orders")).status_code == 401
