"""Events that metrics count besides requests: created tokens and entities, refusals of rate limits, audited requests.

They are counted as they happen, so that totals are exact. Names and labels are those of Vault's telemetry reference
and source.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from mockkms.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from mockkms.vault.mounts.table import Mount
    from mockkms.vault.telemetry.exposition import EventCount, Timing
    from mockkms.vault.tokens.token import Token
    from mockkms.world.clock import Clock

LONGEST = "+Inf"
"""The name of lifetimes beyond 30 days."""
Labels = tuple[tuple[str, str], ...]
_MOST = 1000
"""Metrics with different labels that are kept: namespaces, mounts and rules come and go without end."""
_MOST_RECENT = 10_000
_BUCKETS = ((60, "1m"), (600, "10m"), (1200, "20m"), (3600, "1h"), (7200, "2h"), (86400, "1d"), (172800, "2d"),
            (604800, "7d"), (2592000, "30d"))  # fmt: skip
"""Upper bounds in seconds, and names, of the lifetimes by which tokens are counted (``metricsutil/bucket.go``)."""


@dataclass
class _Series:
    """One metric: its sum and number of values, and the latest values with their times."""

    total: float
    count: int
    recent: deque[tuple[float, float]]


class EventMetrics:
    """Totals since the start of a server."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counts: dict[tuple[str, Labels], _Series] = {}
        self._timings: dict[str, _Series] = {}

    def forget(self) -> None:
        """Start again with the events that come from now on."""
        self._counts, self._timings = {}, {}

    def count(self, key: str, value: int = 1, **labels: str) -> None:
        """Add ``value`` to a counter. Vault adds 0 to one of failures for each success, so that it exists."""
        place = key, tuple(labels.items())
        if place in self._counts or len(self._counts) < _MOST:
            self._add(self._counts.setdefault(place, _Series(0, 0, deque(maxlen=_MOST_RECENT))), value)

    def time(self, key: str, seconds: float) -> None:
        """Add a duration."""
        self._add(self._timings.setdefault(key, _Series(0, 0, deque(maxlen=_MOST_RECENT))), seconds * 1000)

    def _add(self, series: _Series, value: float) -> None:
        series.total += value
        series.count += 1
        series.recent.append((self._clock.now(), value))

    def collect(self, now: float, cluster: str) -> tuple[list[Timing], list[EventCount]]:
        """Return all durations and counters. Those with labels have the cluster's name too, as in Vault."""
        from mockkms.vault.telemetry.exposition import INTERVAL, EventCount, Timing  # Not needed by a start.

        def recent(series: _Series) -> list[float]:
            return [value for moment, value in series.recent if now - INTERVAL <= moment <= now]

        timings = [Timing(key, one.count, one.total, recent(one)) for key, one in self._timings.items()]
        counts = []
        for (key, labels), one in self._counts.items():
            here = {"cluster": cluster, **dict(labels)} if labels else {}
            counts.append(EventCount(key, int(one.total), recent(one), here))
        return timings, counts


def count_token(events: EventMetrics, token: Token, mount: Mount | None, method: str = "") -> None:
    """Count a created token, by the mount of the request that created it, whose type is the method if none is given."""
    point, kind = (mount.path, mount.type) if mount is not None else ("", "")
    events.count(
        "token.creation",
        namespace=namespace_label(token.namespace), auth_method=method or kind, mount_point=point,
        creation_ttl=lifetime_label(token.ttl), token_type=token.type,
    )  # fmt: skip


def count_lease(events: EventMetrics, mount: Mount, seconds: int) -> None:
    """Count a lease of a secrets engine, by its mount and lifetime."""
    events.count(
        "secret.lease.creation",
        namespace=namespace_label(mount.namespace), secret_engine=mount.type, mount_point=mount.path,
        creation_ttl=lifetime_label(seconds),
    )  # fmt: skip


def namespace_label(path: str) -> str:
    """Return the name of a namespace in labels."""
    return path.strip("/") or "root"


def lifetime_label(seconds: float) -> str:
    """Return the name of the lifetimes that one is counted with; 0 is with the shortest (``TTLBucket``)."""
    return next((name for bound, name in _BUCKETS if seconds <= bound), LONGEST)
