"""``sys/metrics``: what the server holds, counts and durations of requests, and facts about the process."""

from __future__ import annotations

import time

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Operation, Response
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine

_OPENMETRICS = "application/openmetrics-text"
_PROMETHEUS = "prometheus/telemetry"

metrics = engine.path(
    "metrics", fields={"format": Field(Kind.STRING, query=True, help="`prometheus`, or empty for JSON.")},
    help="Counters and gauges.", outside=True,
)  # fmt: skip
"""Metrics of a dev server require no token."""


@metrics.on(Operation.READ)
def read_metrics(_state: object, call: Call) -> Response:
    """Return the metrics in one of two formats."""
    wanted = call.request.query.get("format", "") or _accepted(call.request.headers.get("Accept", ""))
    if wanted not in ("", "prometheus"):
        text = f"metric response format {quote(wanted)} unknown"
        return Response(raw=text.encode("utf-8", "replace"), status=400, content_type="text/plain")
    # Not needed by a start.
    from mockkms.vault.telemetry.exposition import Metrics, as_json, as_prometheus
    from mockkms.vault.telemetry.gauges import server_gauges
    from mockkms.vault.telemetry.process import process_gauges

    core, now = call.core, call.now()
    cluster = core.state.seal.cluster_name
    timings, statuses = core.requests.collect(now)
    more, counts = core.events.collect(now, cluster)
    if core.product.has(Feature.STATUS_METRIC):
        counts += statuses
    found = Metrics([*server_gauges(core, cluster), *process_gauges()], counts, timings + more)
    if wanted:
        return Response(raw=as_prometheus(found).encode(), content_type="text/plain; version=0.0.4; charset=utf-8")
    return Response(document=as_json(found, time.strftime("%Y-%m-%d %H:%M:%S +0000 UTC", time.gmtime(now))))


def _accepted(accept: str) -> str:
    return "prometheus" if accept.startswith(_OPENMETRICS) or _PROMETHEUS in accept else ""
