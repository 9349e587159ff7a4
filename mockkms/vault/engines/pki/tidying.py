"""``tidy``, ``tidy-status``, ``tidy-cancel`` and ``config/auto-tidy``: forgetting what is long over."""

from __future__ import annotations

from typing import Any

from mockkms.clock import rfc3339
from mockkms.crypto import x509_read
from mockkms.vault.duration import go_duration, parse_seconds
from mockkms.vault.endpoint import Call, Field
from mockkms.vault.engines.pki import crls, store
from mockkms.vault.engines.pki.engine import engine
from mockkms.vault.engines.pki.model import PKI
from mockkms.vault.envelope import envelope
from mockkms.vault.fields import Kind
from mockkms.vault.message import BackendError, ErrorResponse, Operation, Response

_WORK = (
    "tidy_cert_store", "tidy_revoked_certs", "tidy_invalid_certs", "tidy_revoked_cert_issuer_associations",
    "tidy_expired_issuers", "tidy_move_legacy_ca_bundle", "tidy_acme",
)  # fmt: skip
_BUFFERS = {"safety_buffer": 259200, "issuer_safety_buffer": 31536000, "acme_account_safety_buffer": 2592000}
_COUNTS = (
    "cert_store_deleted_count", "revoked_cert_deleted_count", "missing_issuer_cert_count", "total_acme_account_count",
    "acme_account_deleted_count", "acme_account_revoked_count", "acme_orders_deleted_count",
)  # fmt: skip
_AUTO = {
    "enabled": False, "interval_duration": 43200, **dict.fromkeys(_WORK, False), **_BUFFERS, "pause_duration": "0s",
    "page_size": 1000, "publish_stored_certificate_count_metrics": False, "maintain_stored_certificate_counts": False,
}  # fmt: skip
_FIELDS = {
    **{name: Field(Kind.BOOL, help="Do this part of the work.") for name in (*_WORK, "tidy_revocation_list")},
    **{name: Field(Kind.SECONDS, default=value, help="How long after its end.") for name, value in _BUFFERS.items()},
    "revoked_safety_buffer": Field(Kind.SECONDS, help="The same for revoked certificates."),
    "page_size": Field(Kind.INT, default=1000, help="How many certificates to read at once."),
    "pause_duration": Field(Kind.STRING, default="0s", help="Rest between two certificates."),
}

tidy = engine.path("tidy", fields=_FIELDS, help="Forgets what is long over.")
status = engine.path("tidy-status", help="What the last tidy did.")
cancel = engine.path("tidy-cancel", help="Stops a tidy.")
auto = engine.path(
    "config/auto-tidy",
    fields={
        **_FIELDS,
        "enabled": Field(Kind.BOOL, help="Tidy from time to time."),
        "interval_duration": Field(Kind.SECONDS, default=43200, help="How often."),
        "maintain_stored_certificate_counts": Field(Kind.BOOL, help="Certificates are counted."),
        "publish_stored_certificate_count_metrics": Field(Kind.BOOL, help="The counts are published."),
    },
    help="Tidying from time to time.",
)


@tidy.on(Operation.UPDATE)
def run(state: PKI, call: Call) -> Response:
    """Tidy at once. Raises ErrorResponse."""
    given = {name: bool(call[name]) for name in _WORK}
    given["tidy_revoked_certs"] |= call["tidy_revocation_list"]
    buffers = {name: call[name] for name in _BUFFERS}
    buffers["revoked_safety_buffer"] = call.get("revoked_safety_buffer", buffers["safety_buffer"])
    for name, label in (
        ("safety_buffer", "safety_buffer"), ("revoked_safety_buffer", "revokedSafetyBuffer"),
        ("issuer_safety_buffer", "issuer_safety_buffer"), ("acme_account_safety_buffer", "acme_account_safety_buffer"),
    ):  # fmt: skip
        if buffers[name] < 1:
            raise ErrorResponse(f"{label} must be greater than zero")
    pause = _pause(call["pause_duration"], "Error parsing pause_duration")
    if 0 < call["page_size"] < 5:
        raise ErrorResponse("page_size must be greater than five")
    settings = {**given, **buffers, "pause_duration": go_duration(pause), "page_size": call["page_size"]}
    _work(state, call, settings)
    if any(given.values()):
        note = (
            f"Tidy operation successfully started. Any information from the operation will be printed to "
            f"{call.core.flavor.product}'s server logs."
        )
    else:
        note = (
            "Manual tidy requested but no tidy operations were set. Enable at least one tidy operation to be run "
            f"({' / '.join(_WORK)})."
        )
    # The real server writes this envelope before the request has its id in it.
    text = envelope(call.core.flavor, Response(warnings=[note]))
    return Response(status=202, raw=text.encode())


def _pause(text: str, fault: str) -> float:
    try:
        seconds = parse_seconds(text)
    except ValueError as error:
        raise ErrorResponse(f"{fault}: {error}") from None
    if seconds < 0:
        raise ErrorResponse("received invalid, negative pause_duration")
    return seconds


def _work(state: PKI, call: Call, settings: dict[str, Any]) -> None:
    now, counts = call.now(), dict.fromkeys(_COUNTS, 0)
    if settings["tidy_cert_store"]:
        counts["cert_store_deleted_count"] = _forget_certificates(state, now - settings["safety_buffer"])
    if settings["tidy_revoked_certs"]:
        counts["revoked_cert_deleted_count"] = _forget_revoked(state, now - settings["revoked_safety_buffer"])
    if settings["tidy_revoked_cert_issuer_associations"]:
        counts["missing_issuer_cert_count"] = _associate(state)
    changed = settings["tidy_expired_issuers"] and _forget_issuers(state, now - settings["issuer_safety_buffer"])
    error = None
    if changed or counts["revoked_cert_deleted_count"]:
        try:
            crls.rebuild(state, call, force=False)
        except BackendError as fault:
            error = fault.errors[0]
    state.last_tidy = now
    state.tidy_status = {
        **settings, **counts, "state": "Error" if error else "Finished", "error": error, "message": None,
        "time_started": rfc3339(now), "time_finished": rfc3339(call.now()),
    }  # fmt: skip


def _forget_certificates(state: PKI, limit: float) -> int:
    gone = [serial for serial, der in state.certificates.items() if x509_read.load(der).not_after < limit]
    for serial in gone:
        del state.certificates[serial]
    return len(gone)


def _forget_revoked(state: PKI, limit: float) -> int:
    gone = [serial for serial, item in state.revoked.items() if x509_read.load(item.certificate).not_after < limit]
    for serial in gone:
        del state.revoked[serial]
        state.certificates.pop(serial, None)
    return len(gone)


def _associate(state: PKI) -> int:
    """Find the issuers of revoked certificates whose issuer is not known. Returns how many had none."""
    missing = [item for item in state.revoked.values() if item.issuer not in state.issuers]
    for item in missing:
        item.issuer = crls.issuer_of(state, x509_read.load(item.certificate))
    return len(missing)


def _forget_issuers(state: PKI, limit: float) -> bool:
    gone = [
        id
        for id, issuer in state.issuers.items()
        if x509_read.load(issuer.certificate).not_after < limit and id != state.default_issuer
    ]
    for id in gone:
        store.delete_issuer(state, id)
    store.rebuild_chains(state)
    return bool(gone)


@status.on(Operation.READ)
def read_status(state: PKI, call: Call) -> dict[str, Any]:
    """What the last run was told and did; nothing before the first."""
    names = (
        *_WORK, *_BUFFERS, *_COUNTS, "revoked_safety_buffer", "pause_duration", "page_size", "error", "time_started",
        "time_finished", "message", "current_cert_store_count", "current_revoked_cert_count",
    )  # fmt: skip
    shown: dict[str, Any] = {**dict.fromkeys(names), "state": "Inactive", "internal_backend_uuid": call.mount.uuid}
    if {**_AUTO, **state.tidy}["maintain_stored_certificate_counts"]:
        shown["current_cert_store_count"] = len(state.certificates)
        shown["current_revoked_cert_count"] = len(state.revoked)
    if state.tidy_status:
        shown |= {**state.tidy_status, "last_auto_tidy_finished": rfc3339(state.last_tidy)}
        # The real server forgets to note this one.
        shown["tidy_invalid_certs"] = False
    return shown


@cancel.on(Operation.UPDATE)
def stop(_state: PKI, _call: Call) -> Response:
    """A tidy here is over before it can be stopped."""
    return Response(warnings=["Tidy operation cannot be cancelled as none is currently running."])


@auto.on(Operation.READ)
def read_auto(state: PKI, _call: Call) -> dict[str, Any]:
    """The settings, defaults put in."""
    return _auto_shown(state)


def _auto_shown(state: PKI) -> dict[str, Any]:
    shown = {**_AUTO, **state.tidy}
    shown.setdefault("revoked_safety_buffer", shown["safety_buffer"])
    return shown


@auto.on(Operation.UPDATE)
def write_auto(state: PKI, call: Call) -> dict[str, Any]:
    """Change what is sent. Raises ErrorResponse."""
    sent = {name: call[name] for name in (*_AUTO, "revoked_safety_buffer") if name in call}
    for name, text in (
        ("safety_buffer", "given safety_buffer"), ("revoked_safety_buffer", "revoked_safety_buffer"),
        ("issuer_safety_buffer", "given safety_buffer"),
        ("acme_account_safety_buffer", "given acme_account_safety_buffer"),
    ):  # fmt: skip
        if sent.get(name, 1) < 1:
            raise ErrorResponse(f"{text} must be at least one second; got: {sent[name]}")
    if "pause_duration" in sent:
        sent["pause_duration"] = go_duration(_pause(sent["pause_duration"], "unable to parse given pause_duration"))
    if sent.get("page_size", 5) < 5:
        raise ErrorResponse("page_size must be at least 5")
    whole = {**_AUTO, **state.tidy, **sent}
    if whole["enabled"] and not any(whole[name] for name in _WORK):
        raise ErrorResponse(
            "Auto-tidy enabled but no tidy operations were requested. Enable at least one tidy operation to be run "
            f"({' / '.join(_WORK)})."
        )
    if whole["publish_stored_certificate_count_metrics"] and not whole["maintain_stored_certificate_counts"]:
        raise ErrorResponse(
            "Can not publish a running storage metrics count to metrics without first maintaining that count.  Enable "
            "`maintain_stored_certificate_counts` to enable `publish_stored_certificate_count_metrics`."
        )
    state.tidy = {**state.tidy, **sent}
    return _auto_shown(state)
