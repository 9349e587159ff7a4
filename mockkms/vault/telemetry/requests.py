"""Counts and durations of requests, computed from the journal when metrics are read, so that requests cost nothing.

The journal keeps the latest 10,000 requests. If more come between two reads, the total is right, and the share of
each path is that of the entries which are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mockkms.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from typing import Protocol

    from mockkms.vault.framework.message import Trace
    from mockkms.vault.telemetry.exposition import EventCount, Timing

    class Observed(Protocol):
        """An entry of the journal, as far as metrics are concerned."""

        time: float
        service: str
        status: int
        seconds: float
        trace: Trace

        @property
        def operation(self) -> str: ...

    class History(Protocol):
        """The journal."""

        @property
        def progress(self) -> tuple[int, int]: ...
        def latest(self, count: int) -> Sequence[Observed]: ...
        def __len__(self) -> int: ...


_SUCCESS = range(200, 300)
_CREATING = ("create", "update")
_OF_ENDPOINT = {
    ("auth/token/", "lookup"): "token.lookup", ("auth/token/", "revoke"): "token.revoke",
    ("auth/token/", "renew"): "expire.renew-token", ("sys/", "leases/renew"): "expire.renew",
    ("sys/", "leases/revoke"): "expire.revoke", ("sys/", "leases/revoke-prefix"): "expire.revoke-prefix",
    ("sys/", "leases/revoke-force"): "expire.revoke-force", ("sys/", "leases/lookup"): "expire.fetch-lease-times",
    ("sys/", "seal"): "core.seal-with-request", ("sys/", "unseal"): "core.unseal",
    ("sys/", "step-down"): "core.step_down",
}  # fmt: skip
"""Timings of single endpoints, by the mount and the beginning of the template."""
_OUTSIDE = frozenset(
    ("health", "seal-status", "seal-backend-status", "seal", "unseal", "init", "step-down", "leader", "metrics")
)
"""Endpoints of ``sys`` that the HTTP layer answers: no route counts them."""


@dataclass
class _Sum:
    count: int = 0
    total: float = 0.0


class RequestMetrics:
    """Totals since the start of a server, brought up to date from its journal."""

    def __init__(self, history: History | None = None) -> None:
        self.history = history
        self._seen = self._generation = 0
        self._timings: dict[str, _Sum] = {}
        self._statuses: dict[int, int] = {}
        """Answers by status."""

    def forget(self) -> None:
        """Start again with the requests that come from now on."""
        if self.history is not None:
            self._generation, self._seen = self.history.progress
        self._timings, self._statuses = {}, {}

    def collect(self, now: float) -> tuple[list[Timing], list[EventCount]]:
        """Return the timings of requests and the counts of answers; the latest before ``now`` are also listed alone."""
        from mockkms.vault.telemetry.exposition import EventCount, Timing  # Not needed by a start.

        self._catch_up()
        recent, statuses = self._recent(now)
        timings = [
            Timing(key, known.count, known.total, recent.get(key, ())) for key, known in sorted(self._timings.items())
        ]
        counts = [
            EventCount(
                "core.response_status_code", count, [1.0] * statuses.get(status, 0),
                {"code": str(status), "type": f"{status // 100}xx"},
            )
            for status, count in sorted(self._statuses.items())
        ]  # fmt: skip
        return timings, counts

    def _catch_up(self) -> None:
        history = self.history
        if history is None:
            return
        generation, total = history.progress
        if generation != self._generation:
            self._seen, self._generation = 0, generation
        missing, self._seen = total - self._seen, total
        entries = history.latest(min(missing, len(history)))
        share = missing / len(entries) if entries else 0.0
        found: dict[str, _Sum] = {}
        for entry in entries:
            for key in keys_of(entry):
                known = found.setdefault(key, _Sum())
                known.count += 1
                known.total += entry.seconds * 1000
        for key, added in found.items():
            known = self._timings.setdefault(key, _Sum())
            known.count += round(added.count * share)
            known.total += added.total * share
        for status, count in _statuses(entries).items():
            self._statuses[status] = self._statuses.get(status, 0) + round(count * share)

    def _recent(self, now: float) -> tuple[dict[str, list[float]], Counter[int]]:
        from mockkms.vault.telemetry.exposition import INTERVAL

        history = self.history
        if history is None:
            return {}, Counter()
        latest = [entry for entry in history.latest(len(history)) if now - INTERVAL <= entry.time <= now]
        found: dict[str, list[float]] = {}
        for entry in latest:
            for key in keys_of(entry):
                found.setdefault(key, []).append(entry.seconds * 1000)
        return found, _statuses(latest)


def _statuses(entries: Iterable[Observed]) -> Counter[int]:
    return Counter(entry.status for entry in entries if entry.service == "vault" and entry.status)


def keys_of(entry: Observed) -> list[str]:
    """Return the timings that a request counts for."""
    trace = entry.trace
    if entry.service != "vault" or not trace.mount:
        return []
    mount, endpoint = trace.mount, trace.endpoint
    if mount == "sys/" and endpoint in _OUTSIDE:
        return [key for (_, start), key in _OF_ENDPOINT.items() if endpoint == start]
    found = [f"route.{entry.operation}.{mount.replace('/', '-')}"]
    if mount.startswith("auth/") and endpoint.startswith(("login", "callback", "oidc/callback")):
        found.append("core.handle_login_request")
        if entry.status in _SUCCESS:
            found += ["token.create", "expire.register-auth"]
        return found
    found.append("core.handle_request")
    if trace.denied:
        return found
    if mount == "auth/token/" and endpoint.startswith("create") and entry.status in _SUCCESS:
        found += ["token.create", "expire.register-auth"]
    found += [key for (place, start), key in _OF_ENDPOINT.items() if mount == place and _begins(mount, endpoint, start)]
    if mount == "sys/" and endpoint.startswith("policies/acl/"):
        found.append({"read": "policy.get_policy", "delete": "policy.delete_policy"}.get(entry.operation, ""))
        found[-1] = "policy.set_policy" if entry.operation in _CREATING else found[-1]
    return [key for key in found if key]


def _begins(mount: str, endpoint: str, start: str) -> bool:
    """Return whether an endpoint is that of ``start``: ``revoke-self`` of tokens is, ``seal-status`` is not."""
    return endpoint.startswith(start) and (mount == "auth/token/" or endpoint[len(start) :][:1] in ("", "/", "["))
