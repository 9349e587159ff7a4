"""``tidy``, ``tidy-status``, ``tidy-cancel`` and ``config/auto-tidy``: deleting what expired long ago."""

from __future__ import annotations

from typing import Any

from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response, refusing
from mockkms.vault.golang.duration import go_duration, parse_seconds
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.model import PKI, engine
from mockkms.vault.secrets.pki.revocation import tidy_work
from mockkms.vault.secrets.pki.revocation.tidy_work import BUFFERS, COUNTS, DEFAULTS, PARTS, UNIFIED_COUNTS
from mockkms.vault.secrets.pki.role_fields import for_product
from mockkms.vault.wrapping.envelope import envelope
from mockkms.world.clock import rfc3339

_OWN, _UNIFIED = Feature.PKI_ADDITIONS, Feature.UNIFIED_CRL
_FIELDS = {
    **{name: Field(Kind.BOOL, help="Do this part of the work.", needs=switch) for name, switch in PARTS.items()},
    "tidy_revocation_list": Field(Kind.BOOL, help="The older name of tidy_revoked_certs."),
    **{
        name: Field(
            Kind.SECONDS,
            default=value,
            help="Seconds after the expiration.",
            needs=_UNIFIED if "queue" in name else None,
        )
        for name, value in BUFFERS.items()
    },
    "revoked_safety_buffer": Field(
        Kind.SECONDS, help="Seconds after the expiration of revoked certificates.", needs=_OWN
    ),
    "page_size": Field(Kind.INT, default=1000, help="Number of certificates to read at once.", needs=_OWN),
    "pause_duration": Field(Kind.STRING, default="0s", help="Pause between two certificates."),
}
_BACKOFF = {
    name: Field(Kind.SECONDS, default=DEFAULTS[name], help="Seconds after a start.", needs=_UNIFIED)
    for name in ("min_startup_backoff_duration", "max_startup_backoff_duration")
}
_METADATA = "certificate metadata is only supported on Vault Enterprise"

tidy = engine.path("tidy", fields=_FIELDS, help="Delete what expired long ago.")
status = engine.path("tidy-status", help="Status of the last tidy.")
cancel = engine.path("tidy-cancel", help="Cancel a tidy.")
auto = engine.path(
    "config/auto-tidy",
    fields={
        **_FIELDS,
        **_BACKOFF,
        "enabled": Field(Kind.BOOL, help="Tidy automatically."),
        "interval_duration": Field(Kind.SECONDS, default=43200, help="The interval."),
        "maintain_stored_certificate_counts": Field(Kind.BOOL, help="Count certificates."),
        "publish_stored_certificate_count_metrics": Field(Kind.BOOL, help="Publish the counts as metrics."),
    },
    help="Settings of the automatic tidy.",
)


@tidy.on(Operation.UPDATE)
def run(state: PKI, call: Call, *, tidy_revocation_list: bool, pause_duration: str, page_size: int) -> Response:
    """Run a tidy. Raises ErrorResponse."""
    given = {name: bool(call[name]) for name in PARTS}
    given["tidy_revoked_certs"] |= tidy_revocation_list
    buffers = {name: call[name] for name in BUFFERS}
    buffers["revoked_safety_buffer"] = call.get("revoked_safety_buffer", buffers["safety_buffer"])
    for name, label in (
        ("safety_buffer", "safety_buffer"), ("revoked_safety_buffer", "revokedSafetyBuffer"),
        ("issuer_safety_buffer", "issuer_safety_buffer"),
        ("revocation_queue_safety_buffer", "revocation_queue_safety_buffer"),
        ("acme_account_safety_buffer", "acme_account_safety_buffer"),
    ):  # fmt: skip
        if buffers[name] < 1:
            raise ErrorResponse(f"{label} must be greater than zero")
    pause = _pause(pause_duration, "Error parsing pause_duration")
    if 0 < page_size < 5:
        raise ErrorResponse("page_size must be greater than five")
    if given["tidy_cert_metadata"]:
        raise ErrorResponse(_METADATA)
    settings = {**given, **buffers, "pause_duration": go_duration(pause), "page_size": page_size}
    tidy_work.run(state, call, settings)
    if any(given.values()):
        note = (
            f"Tidy operation successfully started. Any information from the operation will be printed to "
            f"{call.core.product.texts.product}'s server logs."
        )
    else:
        note = (
            "Manual tidy requested but no tidy operations were set. Enable at least one tidy operation to be run "
            f"({tidy_work.named(call.core.product)})."
        )
    # The real server writes this envelope before the request has its id in it.
    text = envelope(call.core.product, Response(warnings=[note]))
    return Response(status=202, raw=text.encode())


def _pause(text: str, fault: str) -> float:
    with refusing(f"{fault}: "):
        seconds = parse_seconds(text)
    if seconds < 0:
        raise ErrorResponse("received invalid, negative pause_duration")
    return seconds


@status.on(Operation.READ)
def read_status(state: PKI, call: Call) -> Reply:
    """Return settings and results of the last run; empty before the first.

    The counts of what is stored stay empty: the real server begins to count when it starts the next time.
    """
    unified = UNIFIED_COUNTS if call.core.product.has(Feature.UNIFIED_CRL) else ()
    names = (
        *PARTS, *BUFFERS, *COUNTS, *unified, "revoked_safety_buffer", "pause_duration", "page_size", "error",
        "time_started", "time_finished", "message", "current_cert_store_count", "current_revoked_cert_count",
    )  # fmt: skip
    shown: dict[str, object] = {**dict.fromkeys(names), "state": "Inactive", "internal_backend_uuid": call.mount.uuid}
    if state.tidy_status:
        shown |= {**state.tidy_status, "last_auto_tidy_finished": rfc3339(state.last_tidy)}
        # The real server forgets to note these.
        shown |= {"tidy_invalid_certs": False, "tidy_cmpv2_nonce_store": False}
    if unified:
        # Vault counts a start as a run, and shows this buffer after one only.
        shown.setdefault("last_auto_tidy_finished", rfc3339(state.last_tidy))
        if not state.tidy_status:
            del shown["revocation_queue_safety_buffer"]
    else:
        shown = {name: value for name, value in shown.items() if name not in UNIFIED_COUNTS}
    return for_product(call.core.product, _FIELDS, shown)


@cancel.on(Operation.UPDATE)
def stop(_state: PKI, _call: Call) -> Response:
    """Return a warning: a tidy is always finished before it can be cancelled."""
    return Response(warnings=["Tidy operation cannot be cancelled as none is currently running."])


@auto.on(Operation.READ)
def read_auto(state: PKI, call: Call) -> Reply:
    """Return the settings, with defaults."""
    return for_product(call.core.product, auto.fields, tidy_work.settings(state))


@auto.on(Operation.UPDATE)
def write_auto(state: PKI, call: Call) -> Reply:
    """Change the parameters that are sent. Raises ErrorResponse."""
    sent = {name: call[name] for name in (*DEFAULTS, "revoked_safety_buffer") if name in call}
    whole = {**DEFAULTS, **state.tidy, **sent}
    _check_backoff(sent, whole)
    for name, text in (
        ("safety_buffer", "given safety_buffer"), ("revoked_safety_buffer", "revoked_safety_buffer"),
        ("issuer_safety_buffer", "given safety_buffer"),
        ("revocation_queue_safety_buffer", "given revocation_queue_safety_buffer"),
        ("acme_account_safety_buffer", "given acme_account_safety_buffer"),
    ):  # fmt: skip
        if sent.get(name, 1) < 1:
            raise ErrorResponse(f"{text} must be at least one second; got: {sent[name]}")
    if "pause_duration" in sent:
        sent["pause_duration"] = go_duration(_pause(sent["pause_duration"], "unable to parse given pause_duration"))
    if sent.get("page_size", 5) < 5:
        raise ErrorResponse("page_size must be at least 5")
    if sent.get("tidy_cert_metadata"):
        raise ErrorResponse(_METADATA)
    if whole["enabled"] and not any(whole[name] for name in PARTS):
        raise ErrorResponse(
            "Auto-tidy enabled but no tidy operations were requested. Enable at least one tidy operation to be run "
            f"({tidy_work.named(call.core.product)})."
        )
    if whole["publish_stored_certificate_count_metrics"] and not whole["maintain_stored_certificate_counts"]:
        raise ErrorResponse(
            "Can not publish a running storage metrics count to metrics without first maintaining that count.  Enable "
            "`maintain_stored_certificate_counts` to enable `publish_stored_certificate_count_metrics`."
        )
    if call.core.product.has(Feature.UNIFIED_CRL) and whole["enabled"] and not state.tidy.get("enabled"):
        state.last_tidy = call.now()
    state.tidy = {**state.tidy, **sent}
    return for_product(call.core.product, auto.fields, tidy_work.settings(state))


def _check_backoff(sent: dict[str, Any], whole: dict[str, Any]) -> None:
    """Check the delay of the first tidy after a start, which has no further effect. Raises ErrorResponse."""
    for name in _BACKOFF:
        if sent.get(name, 1) < 1:
            raise ErrorResponse(f"{name} must be at least 1 second: parsed: {go_duration(sent[name])}")
    low, high = (whole[name] for name in _BACKOFF)
    if low > high:
        raise ErrorResponse(
            f"max_startup_backoff_duration {go_duration(high)} must be greater or equal to "
            f"min_startup_backoff_duration {go_duration(low)}"
        )
