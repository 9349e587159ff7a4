"""The work of a tidy: deleting certificates, revocations and issuers that expired long ago."""

from __future__ import annotations

from mockkms.crypto.x509 import read
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import BackendError
from mockkms.vault.secrets.pki.acme import tidying
from mockkms.vault.secrets.pki.issuers import chains, store
from mockkms.vault.secrets.pki.model import PKI
from mockkms.vault.secrets.pki.revocation import crls
from mockkms.vault.secrets.pki.settings import TidySettings
from mockkms.world.clock import rfc3339

COUNTS = (
    "cert_store_deleted_count", "revoked_cert_deleted_count", "missing_issuer_cert_count", "total_acme_account_count",
    "acme_account_deleted_count", "acme_account_revoked_count", "acme_orders_deleted_count",
)  # fmt: skip
UNIFIED_COUNTS = (
    "revocation_queue_deleted_count", "cross_revoked_cert_deleted_count", "cert_metadata_deleted_count",
    "cmpv2_nonce_deleted_count",
)  # fmt: skip


def catch_up(state: PKI, call: Call) -> None:
    """Run the automatic tidy if it is due. The real server checks every minute, here the next request does."""
    interval = state.tidy.interval_duration
    if state.tidy.enabled and 0 < interval <= call.now() - state.last_tidy:
        run(state, call, state.tidy)


def run(state: PKI, call: Call, wanted: TidySettings) -> None:
    """Do the parts that are ``wanted`` and store the outcome, which may be a failure."""
    now, counts, error = call.now(), dict.fromkeys((*COUNTS, *UNIFIED_COUNTS), 0), None
    try:
        _work(state, call, wanted, counts)
    except BackendError as fault:
        error = fault.errors[0]
    state.last_tidy = now
    state.tidy_status = {
        **wanted.noted(), **counts, "state": "Error" if error else "Finished", "error": error, "message": None,
        "time_started": rfc3339(now), "time_finished": rfc3339(call.now()),
    }  # fmt: skip


def _work(state: PKI, call: Call, wanted: TidySettings, counts: dict[str, int]) -> None:
    """Do the work. Raises BackendError if the revocation lists cannot be built."""
    now = call.now()
    if wanted.tidy_cert_store:
        _forget_certificates(state, wanted, now, counts)
    if wanted.tidy_revoked_cert_issuer_associations:
        counts["missing_issuer_cert_count"] = _associate(state)
    if wanted.tidy_revoked_certs:
        _forget_revoked(state, now - wanted.revoked_buffer, counts)
    if counts["revoked_cert_deleted_count"] and not state.crl.auto_rebuild:
        crls.rebuild(state, call, force=False)
    if wanted.tidy_acme:
        tidying.tidy(state, now, wanted.safety_buffer, wanted.acme_account_safety_buffer, counts)
    if wanted.tidy_expired_issuers and _forget_issuers(state, now - wanted.issuer_safety_buffer):
        crls.rebuild(state, call, force=False)


def _forget_certificates(state: PKI, wanted: TidySettings, now: float, counts: dict[str, int]) -> None:
    for serial, der in list(state.certificates.items()):
        revoked = serial in state.revoked
        limit = now - (wanted.revoked_buffer if revoked else wanted.safety_buffer)
        if read.load(der).not_after >= limit:
            continue
        del state.certificates[serial]
        counts["cert_store_deleted_count"] += 1
        if revoked and wanted.tidy_revoked_certs:
            del state.revoked[serial]
            counts["revoked_cert_deleted_count"] += 1


def _forget_revoked(state: PKI, limit: float, counts: dict[str, int]) -> None:
    gone = [serial for serial, item in state.revoked.items() if read.load(item.certificate).not_after < limit]
    for serial in gone:
        del state.revoked[serial]
        state.certificates.pop(serial, None)
    counts["revoked_cert_deleted_count"] += len(gone)


def _associate(state: PKI) -> int:
    """Find the issuers of revoked certificates without one, and return how many there were."""
    missing = [item for item in state.revoked.values() if item.issuer not in state.issuers]
    for item in missing:
        item.issuer = crls.issuer_of(state, read.load(item.certificate))
    return len(missing)


def _forget_issuers(state: PKI, limit: float) -> bool:
    gone = [
        issuer_id
        for issuer_id, issuer in state.issuers.items()
        if read.load(issuer.certificate).not_after < limit and issuer_id != state.default_issuer
    ]
    for issuer_id in gone:
        store.delete_issuer(state, issuer_id)
    chains.rebuild(state)
    return bool(gone)
