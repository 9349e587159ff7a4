"""Actions on the server that rules have scheduled, such as the end of a seal that lasts ten seconds."""

from __future__ import annotations

from mockkms.faults.plan import ServerAction

AgendaState = tuple[tuple[float, ServerAction], ...]
"""Moments, in seconds since the epoch by the world's clock, each with its action."""


class ActionAgenda:
    """The scheduled actions, the next one first. The caller holds the lock of the rule book."""

    def __init__(self) -> None:
        self.entries: list[tuple[float, ServerAction]] = []
        """Moments, each with its action."""

    def add(self, moment: float, action: ServerAction) -> None:
        """Schedule an action for ``moment``, in seconds since the epoch by the world's clock."""
        self.entries.append((moment, action))
        self.entries.sort(key=lambda entry: entry[0])

    def is_due(self, now: float) -> bool:
        """Return whether an action is due at ``now``."""
        return bool(self.entries) and self.entries[0][0] <= now

    def take(self, now: float) -> tuple[ServerAction, ...]:
        """Remove and return the actions that are due at ``now``."""
        ready = tuple(action for moment, action in self.entries if moment <= now)
        self.entries = [entry for entry in self.entries if entry[0] > now]
        return ready

    def state(self) -> AgendaState:
        """Return all entries, for ``restore``."""
        return tuple(self.entries)

    def restore(self, kept: AgendaState) -> None:
        """Replace the entries by those that ``state`` returned; an empty tuple removes all."""
        self.entries = list(kept)
