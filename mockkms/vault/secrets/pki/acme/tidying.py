"""The ACME part of a tidy operation: it removes completed orders, inactive accounts and unused keys."""

from __future__ import annotations

from mockkms.vault.secrets.pki.acme.state import REVOKED, VALID, AcmeAccount, AcmeOrder, AcmeRecords
from mockkms.vault.secrets.pki.model import PKI


def tidy_key(state: PKI, key_id: str, now: float, accounts: float) -> None:
    """Remove a key that nobody used within ``accounts`` seconds of its creation."""
    key = state.eab.get(key_id)
    if key is not None and now > key.created + accounts:
        del state.eab[key_id]


def tidy_account(
    records: AcmeRecords,
    account: AcmeAccount,
    now: float,
    certificates: float,
    accounts: float,
    counts: dict[str, int],
) -> None:
    """Remove what an account does not need any more, and count it.

    A valid account without orders is revoked, a revoked or deactivated one removed, each at the earliest ``accounts``
    seconds after its creation, its last certificate, and its revocation. Orders go ``certificates`` seconds after the
    end of their certificate, or when they end themselves without one.
    """
    kept = False
    for order in records.orders_of(account.id):
        account.latest_end = max(account.latest_end, order.certificate_end or order.expires)
        if _has_ended(order, now, certificates):
            _remove(records, order)
            counts["acme_orders_deleted_count"] += 1
        else:
            kept = True
    if kept or now <= account.created + accounts or now <= account.latest_end + accounts:
        return
    if account.status == VALID:
        account.status, account.revoked = REVOKED, now
        counts["acme_account_revoked_count"] += 1
    elif now > account.revoked + accounts:
        del records.accounts[account.id]
        counts["acme_account_deleted_count"] += 1


def _has_ended(order: AcmeOrder, now: float, buffer: float) -> bool:
    return now > order.certificate_end + buffer if order.certificate_end else now > order.expires


def _remove(records: AcmeRecords, order: AcmeOrder) -> None:
    for authorization in order.authorizations:
        records.authorizations.pop(authorization, None)
    records.owners.pop(order.serial, None)
    del records.orders[order.id]
