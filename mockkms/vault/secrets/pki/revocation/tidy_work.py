"""The work of a tidy: deleting certificates, revocations and issuers that expired long ago, one entry after another.

Nothing runs in the background: the next request of the mount does what is due.
"""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import BackendError
from mockkms.vault.golang.duration import parse_seconds
from mockkms.vault.secrets.pki.model import PKI, TidyRun
from mockkms.vault.secrets.pki.revocation.tidy_parts import PARTS
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
    """Continue a tidy whose pause is over, and start the automatic one if it is due.

    The real server checks the latter every minute; here the next request does.
    """
    if state.tidy_run is not None:
        _proceed(state, call, state.tidy_run)
    interval = state.tidy.interval_duration
    if state.tidy_run is None and state.tidy.enabled and 0 < interval <= call.now() - state.last_tidy:
        start(state, call, state.tidy)


def start(state: PKI, call: Call, wanted: TidySettings) -> None:
    """Begin to do the parts that are ``wanted``; without a pause, all is done when this returns."""
    now = state.last_tidy = call.now()
    counts = dict.fromkeys((*COUNTS, *UNIFIED_COUNTS), 0)
    settings = wanted.copy()
    state.tidy_run = TidyRun(settings, started=now, due=now + _pause(settings), counts=counts)
    _proceed(state, call, state.tidy_run)


def cancel(state: PKI, run: TidyRun) -> None:
    """Stop a tidy after its next entry."""
    run.cancelled = True
    _note(state, run, "Cancelling")


def _pause(settings: TidySettings) -> float:
    """Return the seconds between two entries."""
    return parse_seconds(settings.pause_duration)


def _proceed(state: PKI, call: Call, run: TidyRun) -> None:
    """Do the entries that are due, and store the status."""
    pause = _pause(run.settings)
    try:
        while run.entries or _next_part(state, call, run):
            part = PARTS[run.part]
            run.message = part.message(run, call.core.product) or run.message
            if run.due > call.now():
                return _note(state, run, "Cancelling" if run.cancelled else "Running")
            part.do(state, run, run.entries.pop())
            run.due += pause
            if run.cancelled:
                return _finish(state, run, pause, "Cancelled")
    except BackendError as fault:
        return _finish(state, run, pause, "Error", fault.errors[0])
    run.message = None
    return _finish(state, run, pause, "Finished")


def _next_part(state: PKI, call: Call, run: TidyRun) -> bool:
    """End the present part and begin the next one that has entries. Returns whether there is one.

    Raises BackendError if the revocation lists cannot be built.
    """
    while run.part < len(PARTS):
        if run.part >= 0 and PARTS[run.part].wanted(run.settings):
            PARTS[run.part].end(state, call, run)
        run.part += 1
        if run.part < len(PARTS) and PARTS[run.part].wanted(run.settings):
            run.entries = PARTS[run.part].entries(state)[::-1]
            run.total = len(run.entries)
            if run.entries:
                return True
    return False


def _finish(state: PKI, run: TidyRun, pause: float, how: str, error: str | None = None) -> None:
    finished = run.due - pause
    if how == "Finished":
        state.last_tidy = finished
    _note(state, run, how, error=error, time_finished=rfc3339(finished))
    state.tidy_run = None


def _note(state: PKI, run: TidyRun, how: str, *, error: str | None = None, time_finished: str | None = None) -> None:
    """Store the values of the status."""
    state.tidy_status = {
        **run.settings.noted(), **run.counts, "state": how, "error": error, "message": run.message,
        "time_started": rfc3339(run.started), "time_finished": time_finished,
    }  # fmt: skip
