"""``sys/internal/counters/activity`` and ``…/config``: client counts. Clients are not counted.

Sources: the product's API documentation of client counts and its published source; none of it is recorded.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mockkms.lazy_dataclass import dataclass
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine
from mockkms.world.stored import stored

_KINDS = ("entity_clients", "non_entity_clients", "clients", "secret_syncs", "acme_clients")
_FUTURE = (
    "end_time parameter can only be used to specify a date until the end of previous month. The value provided for "
    "this parameter was in the current month or in the future date and was therefore ignored. The response includes "
    "data until the end of the previous month."
)
_MOST_MONTHS = 60


@stored("sys.ClientCounting")
@dataclass(frozen=True)
class ClientCounting:
    """How clients are counted."""

    enabled: str = "default"
    """``enable``, ``disable`` or ``default``."""
    retention_months: int = 48


_PERIOD = {
    "start_time": Field(Kind.TIME, query=True, help="Start of the period."),
    "end_time": Field(Kind.TIME, query=True, help="End of the period."),
}

activity = engine.path(
    "internal/counters/activity",
    fields={
        **_PERIOD,
        "current_billing_period": Field(Kind.BOOL, query=True, help="Only this billing period.", deprecated=True),
        "limit_namespaces": Field(Kind.INT, query=True, help="Largest number of namespaces to show."),
    },
    help="Clients by namespace and month.",
    needs=Feature.CLIENT_COUNTING,
)
monthly = engine.path(
    "internal/counters/activity/monthly", help="Clients of this month.", needs=Feature.CLIENT_COUNTING
)
export = engine.path(
    "internal/counters/activity/export",
    fields={**_PERIOD, "format": Field(Kind.STRING, default="json", query=True, help="`json` or `csv`.")},
    help="Every client of a period.",
    sudo=True,
    needs=Feature.CLIENT_COUNTING,
)
config = engine.path(
    "internal/counters/config",
    fields={
        "default_report_months": Field(Kind.INT, default=12, help="Months of a report.", deprecated=True),
        "retention_months": Field(Kind.INT, default=48, help="Months to keep."),
        "enabled": Field(Kind.STRING, default="default", help="`enable`, `disable` or `default`."),
    },
    help="How clients are counted.",
    needs=Feature.CLIENT_COUNTING,
)


@activity.on(Operation.READ)
def count_clients(_state: object, call: Call, *, end_time: float | None, start_time: float | None) -> Response:
    """Return empty counts by namespace and month; an end in this month is warned about."""
    _check_period(call)
    now = datetime.fromtimestamp(call.now(), UTC)
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = datetime.fromtimestamp(end_time, UTC) if end_time else now
    warnings = []
    if end >= month:
        end, warnings = month - timedelta(seconds=1), [_FUTURE]
    data = {
        "by_namespace": [],
        "end_time": _rfc3339(end),
        "months": [],
        "start_time": _rfc3339(datetime.fromtimestamp(start_time, UTC)) if start_time else "0001-01-01T00:00:00Z",
        "total": dict.fromkeys(_KINDS, 0),
    }
    return Response(data=data, warnings=warnings)


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@monthly.on(Operation.READ)
def count_month(_state: object, _call: Call) -> Response:
    """Return 204, as clients are not counted."""
    return Response(status=204)


@export.on(Operation.READ)
def export_clients(_state: object, call: Call) -> Response:
    """Return 204, as clients are not counted."""
    _check_period(call)
    return Response(status=204)


def _check_period(call: Call) -> None:
    start, end = call["start_time"], call["end_time"]
    if start and end and start > end:
        raise ErrorResponse("start_time is later than end_time")


@config.on(Operation.READ)
def read_config(_state: object, call: Call) -> dict[str, object]:
    """Return the settings; in the community edition counting is disabled by default."""
    known = _settings(call)
    return {
        "billing_start_timestamp": "0001-01-01T00:00:00Z",
        "enabled": "default-disabled" if known.enabled == "default" else known.enabled,
        "minimum_retention_months": 0,
        "queries_available": False,
        "reporting_enabled": False,
        "retention_months": known.retention_months,
    }


@config.on(Operation.UPDATE)
def write_config(_state: object, call: Call) -> Response | None:
    """Change the settings; a refused change has no effect."""
    known, warnings = _settings(call), []
    if "default_report_months" in call:
        warnings.append("default_report_months is deprecated: defaulting to billing start time")
    months = call.get("retention_months", known.retention_months)
    if months < 0:
        raise ErrorResponse("retention_months must be greater than or equal to 0")
    if months > _MOST_MONTHS:
        warnings.append(f"retention_months cannot be greater than {_MOST_MONTHS}; capped to {_MOST_MONTHS}.")
    enabled = call.get("enabled", known.enabled)
    if known.enabled == "enable" and enabled in ("disable", "default"):
        warnings.append("the current monthly segment will be deleted because the activity log was disabled")
    if enabled not in ("default", "enable", "disable"):
        raise ErrorResponse('enabled must be one of "default", "enable", "disable"')
    if enabled == "enable" and months == 0:
        raise ErrorResponse("retention_months cannot be 0 while enabled")
    call.core.state.system["client counts"] = ClientCounting(enabled, min(months, _MOST_MONTHS))
    return Response(warnings=warnings) if warnings else None


def _settings(call: Call) -> ClientCounting:
    known: ClientCounting = call.core.state.system.get("client counts", ClientCounting())
    return known
