"""Metrics in the two formats of ``sys/metrics``: the JSON of go-metrics' memory, and Prometheus' text format 0.0.4.

A key such as ``core.handle_request`` is ``vault.core.handle_request`` in JSON and ``vault_core_handle_request`` for
Prometheus. Times are in milliseconds, as in go-metrics (``MeasureSince``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, pstdev, quantiles

PREFIX = "vault"
INTERVAL = 10.0
"""Seconds that the JSON form looks back, and of which Prometheus' quantiles are: the interval of Vault's sinks."""
_QUANTILES = ((0.5, 49), (0.9, 89), (0.99, 98))
"""The quantiles of go-metrics' Prometheus sink, each with its index among the hundredths."""
_UNSAFE = re.compile(r"[^a-zA-Z0-9_]")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n"}


@dataclass(frozen=True, slots=True)
class Gauge:
    """A value at one moment."""

    key: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)
    prefixed: bool = True
    """False: a metric of Prometheus' own collectors, which JSON does not have."""


@dataclass(frozen=True, slots=True)
class EventCount:
    """A number of events since the server started."""

    key: str
    total: int
    recent: Sequence[float] = ()
    """What the events of the last interval added, mostly 1 each."""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations in milliseconds: their number and sum since the server started, and those of the last interval."""

    key: str
    count: int
    total: float
    recent: Sequence[float] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Metrics:
    """All metrics at one moment."""

    gauges: Sequence[Gauge]
    counts: Sequence[EventCount] = ()
    timings: Sequence[Timing] = ()


def as_json(metrics: Metrics, moment: str) -> dict[str, object]:
    """Return the document that go-metrics' memory shows for one interval."""
    gauges = [
        {"Name": f"{PREFIX}.{one.key}", "Value": _plain(one.value), "Labels": dict(one.labels)}
        for one in metrics.gauges
        if one.prefixed
    ]
    counts = [_sampled(one.key, one.recent, one.labels) for one in metrics.counts if one.recent]
    timings = [_sampled(one.key, one.recent, one.labels) for one in metrics.timings if one.recent]
    ordered = [sorted(found, key=_order) for found in (gauges, counts, timings)]
    return {
        "Timestamp": moment,
        "Gauges": ordered[0],
        "Points": [],
        "Counters": ordered[1],
        "Samples": ordered[2],
    }


def _order(shown: Mapping[str, object]) -> tuple[str, str]:
    return str(shown["Name"]), str(shown["Labels"])


def _plain(value: float) -> float:
    """Return a whole number as an integer, as Go writes it."""
    return int(value) if float(value).is_integer() else value


def _sampled(key: str, values: Sequence[float], labels: Mapping[str, str]) -> dict[str, object]:
    total = sum(values)
    return {
        "Name": f"{PREFIX}.{key}",
        "Count": len(values),
        "Rate": _plain(total / INTERVAL),
        "Sum": _plain(total),
        "Min": _plain(min(values)),
        "Max": _plain(max(values)),
        "Mean": _plain(fmean(values)),
        "Stddev": _plain(pstdev(values)),
        "Labels": dict(labels),
    }


def as_prometheus(metrics: Metrics) -> str:
    """Return Prometheus' text format, families in the order of their names."""
    families: dict[str, tuple[str, list[str]]] = {}

    def add(name: str, kind: str, lines: Iterable[str]) -> None:
        families.setdefault(name, (kind, []))[1].extend(lines)

    for gauge in metrics.gauges:
        name = _name(gauge.key, prefixed=gauge.prefixed)
        kind = "counter" if not gauge.prefixed and name.endswith("_total") else "gauge"
        add(name, kind, [f"{name}{_labels(gauge.labels)} {_number(gauge.value)}"])
    for count in metrics.counts:
        name = _name(count.key)
        add(name, "counter", [f"{name}{_labels(count.labels)} {count.total}"])
    for timing in metrics.timings:
        add(_name(timing.key), "summary", _summary(timing))
    lines = []
    for name, (kind, samples) in sorted(families.items()):
        lines += [f"# HELP {name} {name}", f"# TYPE {name} {kind}", *samples]
    return "\n".join(lines) + "\n"


def _summary(timing: Timing) -> list[str]:
    name, recent = _name(timing.key), timing.recent
    cuts = quantiles(recent, n=100, method="inclusive") if len(recent) > 1 else [*recent] * 99 or [math.nan] * 99
    lines = [
        f"{name}{_labels({**timing.labels, 'quantile': f'{share:g}'})} {_number(cuts[place])}"
        for share, place in _QUANTILES
    ]
    labels = _labels(timing.labels)
    return [*lines, f"{name}_sum{labels} {_number(timing.total)}", f"{name}_count{labels} {timing.count}"]


def _name(key: str, *, prefixed: bool = True) -> str:
    return _UNSAFE.sub("_", f"{PREFIX}.{key}" if prefixed else key)


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    pairs = (f'{name}="{"".join(_ESCAPES.get(c, c) for c in text)}"' for name, text in sorted(labels.items()))
    return "{" + ",".join(pairs) + "}"


def _number(value: float) -> str:
    return "NaN" if math.isnan(value) else f"{_plain(value):.12g}" if isinstance(value, float) else str(value)
