"""The work of a tidy: deleting certificates, revocations and issuers that expired long ago."""

from __future__ import annotations

from typing import Any

from mockkms.crypto.x509 import read
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import BackendError
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.issuers import chains, store
from mockkms.vault.secrets.pki.model import PKI
from mockkms.vault.secrets.pki.revocation import crls
from mockkms.world.clock import rfc3339

_OWN, _UNIFIED = Feature.PKI_ADDITIONS, Feature.UNIFIED_CRL
PARTS: dict[str, Feature | None] = {
    "tidy_cert_store": None, "tidy_revoked_certs": None, "tidy_invalid_certs": _OWN,
    "tidy_revoked_cert_issuer_associations": None, "tidy_expired_issuers": None, "tidy_move_legacy_ca_bundle": None,
    "tidy_acme": None, "tidy_cross_cluster_revoked_certs": _UNIFIED, "tidy_revocation_queue": _UNIFIED,
    "tidy_cert_metadata": _UNIFIED, "tidy_cmpv2_nonce_store": _UNIFIED,
}  # fmt: skip
"""The parts of the work, with the feature of the products that have them; None for all products."""
BUFFERS = {
    "safety_buffer": 259200, "issuer_safety_buffer": 31536000, "acme_account_safety_buffer": 2592000,
    "revocation_queue_safety_buffer": 172800,
}  # fmt: skip
COUNTS = (
    "cert_store_deleted_count", "revoked_cert_deleted_count", "missing_issuer_cert_count", "total_acme_account_count",
    "acme_account_deleted_count", "acme_account_revoked_count", "acme_orders_deleted_count",
)  # fmt: skip
UNIFIED_COUNTS = (
    "revocation_queue_deleted_count", "cross_revoked_cert_deleted_count", "cert_metadata_deleted_count",
    "cmpv2_nonce_deleted_count",
)  # fmt: skip
DEFAULTS: dict[str, Any] = {
    "enabled": False, "interval_duration": 43200, **dict.fromkeys(PARTS, False), **BUFFERS, "pause_duration": "0s",
    "page_size": 1000, "publish_stored_certificate_count_metrics": False, "maintain_stored_certificate_counts": False,
    "min_startup_backoff_duration": 300, "max_startup_backoff_duration": 900,
}  # fmt: skip
"""Settings of the automatic tidy."""


def named(product: Product) -> str:
    """Return the parts that a product has, as its messages list them."""
    known = [name for name, switch in PARTS.items() if switch is None or product.has(switch)]
    return " / ".join(known)


def settings(state: PKI) -> dict[str, Any]:
    """Return the settings of the automatic tidy, with defaults."""
    found = {**DEFAULTS, **state.tidy}
    found.setdefault("revoked_safety_buffer", found["safety_buffer"])
    return found


def catch_up(state: PKI, call: Call) -> None:
    """Run the automatic tidy if it is due. The real server checks every minute, here the next request does."""
    if not state.tidy.get("enabled"):
        return
    wanted = settings(state)
    if wanted["interval_duration"] <= 0 or call.now() < state.last_tidy + wanted["interval_duration"]:
        return
    shown = (*PARTS, *BUFFERS, "revoked_safety_buffer", "pause_duration", "page_size")
    run(state, call, {name: wanted[name] for name in shown})


def run(state: PKI, call: Call, wanted: dict[str, Any]) -> None:
    """Do the parts that are ``wanted`` and store the outcome, which may be a failure."""
    now, counts, error = call.now(), dict.fromkeys((*COUNTS, *UNIFIED_COUNTS), 0), None
    try:
        _work(state, call, wanted, counts)
    except BackendError as fault:
        error = fault.errors[0]
    state.last_tidy = now
    state.tidy_status = {
        **wanted, **counts, "state": "Error" if error else "Finished", "error": error, "message": None,
        "time_started": rfc3339(now), "time_finished": rfc3339(call.now()),
    }  # fmt: skip


def _work(state: PKI, call: Call, wanted: dict[str, Any], counts: dict[str, int]) -> None:
    """Do the work. Raises BackendError if the revocation lists cannot be built."""
    now = call.now()
    if wanted["tidy_cert_store"]:
        _forget_certificates(state, wanted, now, counts)
    if wanted["tidy_revoked_cert_issuer_associations"]:
        counts["missing_issuer_cert_count"] = _associate(state)
    if wanted["tidy_revoked_certs"]:
        _forget_revoked(state, now - wanted["revoked_safety_buffer"], counts)
    if counts["revoked_cert_deleted_count"] and not state.crl.auto_rebuild:
        crls.rebuild(state, call, force=False)
    if wanted["tidy_expired_issuers"] and _forget_issuers(state, now - wanted["issuer_safety_buffer"]):
        crls.rebuild(state, call, force=False)


def _forget_certificates(state: PKI, wanted: dict[str, Any], now: float, counts: dict[str, int]) -> None:
    for serial, der in list(state.certificates.items()):
        revoked = serial in state.revoked
        limit = now - wanted["revoked_safety_buffer" if revoked else "safety_buffer"]
        if read.load(der).not_after >= limit:
            continue
        del state.certificates[serial]
        counts["cert_store_deleted_count"] += 1
        if revoked and wanted["tidy_revoked_certs"]:
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
