"""``sys/billing``: usage by month and its retention. Usage is not metered."""

from __future__ import annotations

import json
import re

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine

_FEWEST, _USUAL, _MOST = 13, 37, 72
_PARTS = (("2006", r"\d{4}"), ("-", "-"), ("01", r"\d{2}"))

config = engine.path(
    "billing/config",
    fields={"retention_months": Field(Kind.INT, help="Months for which usage is kept.")},
    help="How long usage is kept.",
    needs=Feature.BILLING,
)
overview = engine.path(
    "billing/overview",
    fields={
        "start_month": Field(Kind.STRING, query=True, help="First month, such as `2026-01`."),
        "refresh_data": Field(Kind.BOOL, query=True, help="Recount the current month."),
        "end_month": Field(Kind.STRING, query=True, help="Last month."),
    },
    help="What was used, by month.",
    needs=Feature.BILLING,
    go_errors=True,
)


@config.on(Operation.READ)
def read_config(_state: object, call: Call) -> dict[str, object]:
    """Return how long usage is kept."""
    return {"retention_months": call.core.state.system.get("billing months", _USUAL)}


@config.on(Operation.UPDATE)
def write_config(_state: object, call: Call, *, retention_months: int) -> Response | None:
    """Change how long usage is kept; a longer time brings nothing back."""
    if not _FEWEST <= retention_months <= _MOST:
        raise ErrorResponse(f"retention_months must be between {_FEWEST} and {_MOST} months")
    before: int = call.core.state.system.get("billing months", _USUAL)
    call.core.state.system["billing months"] = retention_months
    if retention_months <= before:
        return None
    return Response(warnings=[
        f"Retention period increased from {before} to {retention_months} months. Historical data will only be "
        "available for months within the previous retention period. Data for months older than "
        f"{before} months ago will not be restored."
    ])  # fmt: skip


@overview.on(Operation.READ)
def read_overview(_state: object, call: Call) -> Response:
    """Return no months, as usage is not metered; ``warnings`` is an empty list rather than null."""
    for name in ("start_month", "end_month"):
        if call[name]:
            _check_month(name, call[name])
    envelope = {
        "request_id": call.request.id, "lease_id": "", "renewable": False, "lease_duration": 0,
        "data": {"months": []}, "wrap_info": None, "warnings": [], "auth": None, "mount_type": "system",
    }  # fmt: skip
    return Response(raw=json.dumps(envelope, separators=(",", ":")).encode() + b"\n")


def _check_month(name: str, text: str) -> None:
    """Raise BackendError, with the text of Go's parser, for an invalid month."""
    at = 0
    reason = ""
    for part, pattern in _PARTS:
        match = re.compile(pattern, re.ASCII).match(text, at)
        if match is None:
            reason = f' as "2006-01": cannot parse {quote(text[at:])} as "{part}"'
            break
        at = match.end()
    else:
        if not 1 <= int(text[5:7]) <= 12:
            reason = ": month out of range"
        elif at < len(text):
            reason = f": extra text: {quote(text[at:])}"
    if reason:
        raise BackendError(f"invalid {name} format: parsing time {quote(text)}{reason}")
