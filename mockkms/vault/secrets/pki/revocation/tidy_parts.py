"""The parts of a tidy: the entries of each, the action on an entry, and the text of the status meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mockkms.crypto.x509 import read
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.acme import tidying
from mockkms.vault.secrets.pki.issuers import chains, store
from mockkms.vault.secrets.pki.model import PKI, TidyRun
from mockkms.vault.secrets.pki.revocation import crls
from mockkms.vault.secrets.pki.settings import TidySettings


def _nothing(_state: PKI, _call: Call, _run: TidyRun) -> None:
    """Do nothing: most parts end with their last entry."""


def _silent(_run: TidyRun, _product: Product) -> None:
    """Return nothing: the message stays."""


@dataclass(frozen=True)
class TidyPart:
    """One part of a tidy."""

    wanted: Callable[[TidySettings], bool]
    entries: Callable[[PKI], list[str]]
    """The entries when the part begins, in order."""
    do: Callable[[PKI, TidyRun, str], None]
    message: Callable[[TidyRun, Product], str | None] = _silent
    """What the status says while the next entry waits."""
    end: Callable[[PKI, Call, TidyRun], None] = _nothing
    """What follows the last entry. Raises BackendError if revocation lists cannot be built."""


def _on_page(run: TidyRun) -> int:
    """Return the place of the next entry on its page."""
    size = run.settings.page_size
    return run.place % size if size > 0 else run.place


def _certificates_message(run: TidyRun, product: Product) -> str:
    if not product.has(Feature.PKI_ADDITIONS):
        return f"Tidying certificate store: checking entry {run.place} of {run.total}"
    return (
        f"Tidying certificate store: checking entry {_on_page(run)} of {run.settings.page_size} on current page; "
        f"total certs checked: {run.place}"
    )


def _forget_certificate(state: PKI, run: TidyRun, serial: str) -> None:
    der = state.certificates.get(serial)
    if der is None or not run.settings.tidy_cert_store:
        return
    revoked = serial in state.revoked
    buffer = run.settings.revoked_buffer if revoked else run.settings.safety_buffer
    if read.load(der).not_after >= run.due - buffer:
        return
    del state.certificates[serial]
    run.counts["cert_store_deleted_count"] += 1
    if revoked and run.settings.tidy_revoked_certs:
        del state.revoked[serial]
        run.counts["revoked_cert_deleted_count"] += 1


def _revoked_message(run: TidyRun, product: Product) -> str:
    if not product.has(Feature.PKI_ADDITIONS):
        return f"Tidying revoked certificates: checking certificate {run.place} of {run.total}"
    # The real server never notes the size of a page.
    return (
        f"Tidying revoked certificates: checking certificate {_on_page(run)} of 0 on current page; "
        f"total revoked certs checked: {run.place}"
    )


def _forget_revoked(state: PKI, run: TidyRun, serial: str) -> None:
    item = state.revoked.get(serial)
    if item is None:
        return
    if run.settings.tidy_revoked_cert_issuer_associations and item.issuer not in state.issuers:
        run.counts["missing_issuer_cert_count"] += 1
        item.issuer = crls.issuer_of(state, read.load(item.certificate))
    if (
        run.settings.tidy_revoked_certs
        and read.load(item.certificate).not_after < run.due - run.settings.revoked_buffer
    ):
        del state.revoked[serial]
        state.certificates.pop(serial, None)
        run.counts["revoked_cert_deleted_count"] += 1


def _rebuild(state: PKI, call: Call, run: TidyRun) -> None:
    if run.counts["revoked_cert_deleted_count"] and not state.crl.auto_rebuild:
        crls.rebuild(state, call, force=False)


def _forget_issuers(state: PKI, call: Call, run: TidyRun) -> None:
    limit = run.due - run.settings.issuer_safety_buffer
    gone = [
        issuer_id
        for issuer_id, issuer in state.issuers.items()
        if read.load(issuer.certificate).not_after < limit and issuer_id != state.default_issuer
    ]
    for issuer_id in gone:
        store.delete_issuer(state, issuer_id)
    chains.rebuild(state)
    if gone:
        crls.rebuild(state, call, force=False)


def _accounts_message(run: TidyRun, product: Product) -> str | None:
    if not product.has(Feature.PKI_ADDITIONS):
        return run.message
    # The real server never notes the size of a page.
    return f"Tidying Acme: checking entry {_on_page(run)} of 0 on current page; total thumbprints checked: {run.place}"


def _tidy_account(state: PKI, run: TidyRun, account_id: str) -> None:
    account = state.acme_records.accounts.get(account_id)
    if account is not None:
        wanted = run.settings
        buffers = (wanted.safety_buffer, wanted.acme_account_safety_buffer)
        tidying.tidy_account(state.acme_records, account, run.due, *buffers, run.counts)


def _count_accounts(_state: PKI, _call: Call, run: TidyRun) -> None:
    run.counts["total_acme_account_count"] = run.total


def _keys_message(run: TidyRun, product: Product) -> str | None:
    if not product.has(Feature.PKI_ADDITIONS):
        return run.message
    place, size = _on_page(run), run.settings.page_size
    on_page = min(size, run.total - (run.place - place)) if size > 0 else run.total
    return (
        f"Tidying Acme EAB Id's: checking entry {place} of {on_page} on current page; "
        f"total EAB Id's checked: {run.place}"
    )


def _tidy_key(state: PKI, run: TidyRun, key_id: str) -> None:
    tidying.tidy_key(state, key_id, run.due, run.settings.acme_account_safety_buffer)


def _no_entries(_state: PKI) -> list[str]:
    return []


def _no_work(_state: PKI, _run: TidyRun, _entry: str) -> None:
    """Do nothing: there are no entries."""


PARTS = (
    TidyPart(
        lambda wanted: wanted.tidy_cert_store or wanted.tidy_invalid_certs,
        lambda state: sorted(state.certificates),
        _forget_certificate,
        _certificates_message,
    ),
    TidyPart(
        lambda wanted: (
            wanted.tidy_revoked_certs or wanted.tidy_revoked_cert_issuer_associations or wanted.tidy_invalid_certs
        ),
        lambda state: sorted(state.revoked),
        _forget_revoked,
        _revoked_message,
    ),
    TidyPart(lambda _wanted: True, _no_entries, _no_work, end=_rebuild),
    TidyPart(lambda wanted: wanted.tidy_expired_issuers, _no_entries, _no_work, end=_forget_issuers),
    TidyPart(
        lambda wanted: wanted.tidy_acme,
        lambda state: list(state.acme_records.accounts),
        _tidy_account,
        _accounts_message,
        _count_accounts,
    ),
    TidyPart(lambda wanted: wanted.tidy_acme, lambda state: sorted(state.eab), _tidy_key, _keys_message),
)
"""In the order in which they are done."""
