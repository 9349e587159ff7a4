"""``remote.clock``: the time of a server elsewhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from mockkms.remote.wire import Wire
from mockkms.world.clock import Moment, seconds_of


class RemoteClock:
    """As ``Clock``, of a world elsewhere. All times it gives are seconds since the Unix epoch."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def _moved(self, **words: Any) -> float:
        return float(self._wire.call("POST", "clock", words)["seconds"])

    def now(self) -> float:
        """The present moment there."""
        return float(self._wire.call("GET", "clock")["seconds"])

    @property
    def frozen(self) -> bool:
        """Whether time stands still until it is advanced or set."""
        return bool(self._wire.call("GET", "clock")["frozen"])

    def freeze(self, at: Moment | None = None) -> float:
        """Stop the clock, at ``at`` or now; returns the moment it stands at. Raises ValueError for no moment."""
        return self._moved(freeze=True if at is None else {"epoch": seconds_of(at)})

    def resume(self) -> None:
        """Let a frozen clock run on from the moment it stands at."""
        self._moved(resume=True)

    def advance(self, seconds: float | timedelta) -> float:
        """Move the clock by ``seconds`` (negative: back); returns the new moment."""
        return self._moved(advance=seconds)

    def set(self, at: Moment) -> None:
        """Move the clock to ``at``; a frozen clock stays frozen there. Raises ValueError for no moment."""
        self._moved(set={"epoch": seconds_of(at)})
