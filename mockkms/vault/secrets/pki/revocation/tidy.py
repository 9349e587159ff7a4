"""``tidy``, ``tidy-status``, ``tidy-cancel`` and ``config/auto-tidy``: deleting what expired long ago."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response, refusing
from mockkms.vault.golang.duration import go_duration, parse_seconds
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.model import PKI, engine
from mockkms.vault.secrets.pki.revocation import tidy_work
from mockkms.vault.secrets.pki.revocation.tidy_work import COUNTS, UNIFIED_COUNTS
from mockkms.vault.secrets.pki.role_fields import for_product
from mockkms.vault.secrets.pki.settings import AutoTidyConfig, TidySettings, listed_parts
from mockkms.vault.wrapping.envelope import envelope
from mockkms.world.clock import rfc3339

_OLD_NAME = {"tidy_revocation_list": Field(Kind.BOOL, help="The older name of tidy_revoked_certs.")}
_BACKOFF = ("min_startup_backoff_duration", "max_startup_backoff_duration")
_METADATA = "certificate metadata is only supported on Vault Enterprise"

tidy = engine.path("tidy", fields={**TidySettings.fields(), **_OLD_NAME}, help="Delete what expired long ago.")
status = engine.path("tidy-status", help="Status of the last tidy.")
cancel = engine.path("tidy-cancel", help="Cancel a tidy.")
auto = engine.path(
    "config/auto-tidy", fields={**AutoTidyConfig.fields(), **_OLD_NAME}, help="Settings of the automatic tidy."
)


@tidy.on(Operation.UPDATE)
def run(state: PKI, call: Call, *, tidy_revocation_list: bool) -> Response:
    """Start a tidy, unless one is at work. Raises ErrorResponse."""
    wanted = TidySettings.from_call(call)
    wanted.tidy_revoked_certs |= tidy_revocation_list
    if "revoked_safety_buffer" not in call:
        wanted.revoked_safety_buffer = None
    for label, seconds in (
        ("safety_buffer", wanted.safety_buffer), ("revokedSafetyBuffer", wanted.revoked_buffer),
        ("issuer_safety_buffer", wanted.issuer_safety_buffer),
        ("revocation_queue_safety_buffer", wanted.revocation_queue_safety_buffer),
        ("acme_account_safety_buffer", wanted.acme_account_safety_buffer),
    ):  # fmt: skip
        if seconds < 1:
            raise ErrorResponse(f"{label} must be greater than zero")
    wanted.pause_duration = _pause(wanted.pause_duration, "Error parsing pause_duration")
    if 0 < wanted.page_size < 5:
        raise ErrorResponse("page_size must be greater than five")
    if wanted.tidy_cert_metadata:
        raise ErrorResponse(_METADATA)
    if state.tidy_run is not None:
        return Response(warnings=["Tidy operation already in progress."])
    tidy_work.start(state, call, wanted)
    if wanted.requested:
        note = call.core.product.texts.tidy_started
    else:
        note = (
            "Manual tidy requested but no tidy operations were set. Enable at least one tidy operation to be run "
            f"({listed_parts(call.core.product)})."
        )
    # The real server writes this envelope before the request has its id in it.
    text = envelope(call.core.product, Response(warnings=[note]))
    return Response(status=202, raw=text.encode())


def _pause(text: str, fault: str) -> str:
    """Return a pause as Go writes durations. Raises ErrorResponse."""
    with refusing(f"{fault}: "):
        seconds = parse_seconds(text)
    if seconds < 0:
        raise ErrorResponse("received invalid, negative pause_duration")
    return go_duration(seconds)


@status.on(Operation.READ)
def read_status(state: PKI, call: Call) -> Reply:
    """Return settings and results of the last run; empty before the first.

    The counts of stored certificates stay empty: the real server counts only from its next start on.
    """
    unified = UNIFIED_COUNTS if call.core.product.has(Feature.UNIFIED_CRL) else ()
    names = (
        *TidySettings.params(), *COUNTS, *unified, "error", "time_started", "time_finished", "message",
        "current_cert_store_count", "current_revoked_cert_count",
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
    return for_product(call.core.product, tidy.fields, shown)


@cancel.on(Operation.UPDATE)
def stop(state: PKI, call: Call) -> Reply:
    """Cancel a tidy at work, and return its status; otherwise a warning."""
    if state.tidy_run is None:
        return Response(warnings=["Tidy operation cannot be cancelled as none is currently running."])
    tidy_work.cancel(state, state.tidy_run)
    return read_status(state, call)


@auto.on(Operation.READ)
def read_auto(state: PKI, call: Call) -> Reply:
    """Return the settings, with defaults."""
    return state.tidy.shown(call.core.product)


@auto.on(Operation.UPDATE)
def write_auto(state: PKI, call: Call) -> Reply:
    """Change the parameters that are sent. Raises ErrorResponse."""
    config = state.tidy.copy()
    config.update_from(call)
    _check_backoff(call, config)
    _check_buffers(call, "safety_buffer", "revoked_safety_buffer")
    if "pause_duration" in call:
        config.pause_duration = _pause(config.pause_duration, "unable to parse given pause_duration")
    if "page_size" in call and config.page_size < 5:
        raise ErrorResponse("page_size must be at least 5")
    _check_buffers(call, "issuer_safety_buffer", "revocation_queue_safety_buffer", "acme_account_safety_buffer")
    if "tidy_cert_metadata" in call and config.tidy_cert_metadata:
        raise ErrorResponse(_METADATA)
    if config.enabled and not config.requested:
        raise ErrorResponse(
            "Auto-tidy enabled but no tidy operations were requested. Enable at least one tidy operation to be run "
            f"({listed_parts(call.core.product)})."
        )
    if config.publish_stored_certificate_count_metrics and not config.maintain_stored_certificate_counts:
        raise ErrorResponse(
            "Can not publish a running storage metrics count to metrics without first maintaining that count.  Enable "
            "`maintain_stored_certificate_counts` to enable `publish_stored_certificate_count_metrics`."
        )
    if call.core.product.has(Feature.UNIFIED_CRL) and config.enabled and not state.tidy.enabled:
        state.last_tidy = call.now()
    state.tidy = config
    return state.tidy.shown(call.core.product)


def _check_buffers(call: Call, *names: str) -> None:
    """Check that buffers that are sent are at least a second long. Raises ErrorResponse."""
    for name in names:
        if name in call and call[name] < 1:
            text = {"issuer_safety_buffer": "given safety_buffer", "revoked_safety_buffer": name}.get(name)
            raise ErrorResponse(f"{text or f'given {name}'} must be at least one second; got: {call[name]}")


def _check_backoff(call: Call, config: AutoTidyConfig) -> None:
    """Check the delay of the first tidy after a start, which has no further effect. Raises ErrorResponse."""
    for name in _BACKOFF:
        if name in call and call[name] < 1:
            raise ErrorResponse(f"{name} must be at least 1 second: parsed: {go_duration(call[name])}")
    low, high = config.min_startup_backoff_duration, config.max_startup_backoff_duration
    if low > high:
        raise ErrorResponse(
            f"max_startup_backoff_duration {go_duration(high)} must be greater or equal to "
            f"min_startup_backoff_duration {go_duration(low)}"
        )
