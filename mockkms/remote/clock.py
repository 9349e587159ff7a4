"""``remote.clock``: the clock of a remote server."""

from __future__ import annotations

from mockkms.remote.wire import Wire
from mockkms.world.clock import Duration, Moment, duration_of, seconds_of


class RemoteClock:
    """The interface of ``Clock`` for a remote world. All times are seconds since the Unix epoch."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def __repr__(self) -> str:
        return f"<RemoteClock of {self._wire.url}>"

    def _moved(self, **words: object) -> float:
        return self._wire.post("clock", words).number("seconds")

    def now(self) -> float:
        """Return the current time of the server."""
        return self._wire.get("clock").number("seconds")

    @property
    def frozen(self) -> bool:
        """Whether time stands still until it is advanced or set."""
        return self._wire.get("clock").flag("frozen")

    def freeze(self, at: Moment | None = None) -> float:
        """Stop the clock, at ``at`` or now, and return its time. Raises ValueError for an invalid time."""
        return self._moved(freeze=True if at is None else {"epoch": seconds_of(at)})

    def resume(self) -> None:
        """Resume a frozen clock from its current time."""
        self._moved(resume=True)

    def advance(self, duration: Duration) -> float:
        """Advance the clock by a duration (negative: back) and return the new time. Raises ValueError."""
        return self._moved(advance=duration_of(duration))

    def set(self, at: Moment) -> None:
        """Set the clock to ``at``; a frozen clock stays frozen. Raises ValueError for an invalid time."""
        self._moved(set={"epoch": seconds_of(at)})
