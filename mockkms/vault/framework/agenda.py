"""Which records of a mount are due, or have expired, found without a look at all of them before each request."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from math import inf
from typing import Any, Final, TypeVar

K = TypeVar("K")
R = TypeVar("R")
_SPARE: Final = 64
"""Outdated entries that are kept besides as many as there are records."""


def drop_expired(table: dict[K, R], expires: Callable[[R], float], now: float) -> None:
    """Remove what has expired from the front of a table, to which entries are added as they expire.

    An entry that expires earlier than one before it stays until that one goes; ``expires`` returns seconds since the
    epoch.
    """
    while table:
        first = next(iter(table))
        if expires(table[first]) > now:
            return
        del table[first]


class Agenda:
    """When each record of a mount is due next."""

    def __init__(self) -> None:
        self._records: Mapping[str, Any] | None = None
        self._due: dict[str, float] = {}
        """Seconds since the epoch by name; infinity: never, or taken since."""
        self._queue: list[tuple[float, str]] = []
        """The same as a heap, with outdated entries among them."""
        self._noted: set[str] = set()
        """Names of records that may have changed since."""

    def due(
        self,
        records: Mapping[str, R],
        due_at: Callable[[R], float | None],
        now: float,
        names: Iterable[str] = (),
    ) -> list[str]:
        """Return the names of the records that are due at ``now``, the earliest first.

        ``due_at`` returns when a record is due next, in seconds since the epoch, or None for never. ``names`` are those
        of records, existing or not, that the present request may change after this: they are looked at the next time,
        as are those that are returned.
        """
        if records is self._records:
            for name in self._noted:
                self._note(name, records, due_at)
        if records is not self._records or len(self._due) != len(records) or self._is_long:
            self._records, self._due, self._queue = records, {}, []
            for name in records:
                self._note(name, records, due_at)
        found: list[str] = []
        while self._queue and self._queue[0][0] <= now:
            moment, name = heapq.heappop(self._queue)
            if self._due.get(name) == moment:
                self._due[name] = inf
                found.append(name)
        self._noted = {*found, *names}
        return found

    @property
    def _is_long(self) -> bool:
        return len(self._queue) > 2 * len(self._due) + _SPARE

    def _note(self, name: str, records: Mapping[str, R], due_at: Callable[[R], float | None]) -> None:
        record = records.get(name)
        if record is None:
            self._due.pop(name, None)
            return
        moment = due_at(record)
        self._due[name] = inf if moment is None else moment
        if moment is not None:
            heapq.heappush(self._queue, (moment, name))
