"""The audit log: which requests its devices log, and when.

A request's entry is written before the request runs, and the answer's before it is sent. What the server answers
before it checks a token is not logged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from mockkms.vault.audit.device import Device, devices
from mockkms.vault.audit.entries import Entries
from mockkms.vault.framework.message import ErrorResponse, Request, Response
from mockkms.vault.mounts import matching

if TYPE_CHECKING:
    from mockkms.vault.audit.entries import AuditServices

_REQUEST, _RESPONSE = "audit.log_request", "audit.log_response"
"""Metrics of the time that the devices take. Each has a counter of failures: entries that no device has taken."""
_OUTSIDE = ("seal", "step-down")
"""What is answered outside the core and logged nevertheless: the request only."""


def record(core: AuditServices, request: Request, response: Response, asked: dict[str, object]) -> bool:
    """Write the line of the answer, and before it that of the request unless ``record_request`` wrote it.

    ``asked`` is the request's data as received. Return whether the answer may be sent: at least one device logged it,
    or none has a file.
    """
    if not devices(core):
        return True
    if response.status == 429:
        # A rate limit refuses a request before the core sees it; ``sys/quotas/config`` decides whether it is logged.
        alone, logged, errors = True, core.state.quotas.audit_logging, response.errors
    elif request.trace.checked:
        alone, logged, errors = False, not core.seal.sealed, response.errors
    else:
        # It is logged as soon as its token is known, before it is checked whether that may seal.
        alone, logged, errors = True, request.client is not None and _answered_outside(core, request), None
    if not logged:
        return True
    unaudited = request.trace.unaudited
    metrics = [_REQUEST] * unaudited + [_RESPONSE] * (not alone)

    def lines(device: Device) -> list[dict[str, object]]:
        entries = Entries(core, device, request)
        shown = [entries.request(asked, errors)] if unaudited else []
        return shown if alone else [*shown, entries.answer(asked, response)]

    return _written(core, lines, metrics)


def record_request(core: AuditServices, request: Request) -> bool:
    """Write the line of a request that is about to run, to every device with a file.

    Return whether it may run: at least one device logged it, or none has a file.
    """
    request.trace.unaudited = False
    if not devices(core):
        return True
    return _written(core, lambda device: [Entries(core, device, request).request(request.data, None)], [_REQUEST])


def _written(core: AuditServices, lines: Callable[[Device], list[dict[str, object]]], metrics: Sequence[str]) -> bool:
    """Write the same lines to every device; return whether one has taken them. ``metrics`` has a name for each line."""
    started, taken = perf_counter(), False
    for device in devices(core).values():
        if not device.logs:
            taken = True
            continue
        try:
            device.target(core).write(b"".join(device.line(entry) for entry in lines(device)))
            taken = True
        except ErrorResponse:
            continue
    seconds = perf_counter() - started
    for metric in metrics if taken else metrics[:1]:
        core.events.time(metric, seconds / len(metrics))
        core.events.count(f"{metric}_failure", int(not taken))
    return taken


def _answered_outside(core: AuditServices, request: Request) -> bool:
    """Return whether a request is one of those that are logged though the core does not answer them."""
    outside = matching.outside(core, request.path)
    return outside is not None and outside.endpoint is not None and outside.endpoint.template in _OUTSIDE
