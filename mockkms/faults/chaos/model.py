"""What a plan of chaos consists of, once it is read: phases with their rules and actions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mockkms.faults.kinds import FaultKind, ServerKind


@dataclass(frozen=True, slots=True)
class Act:
    """An action on the server, such as ``seal``."""

    kind: FaultKind
    given: object
    """Its value, as it was written."""

    @property
    def value(self) -> object:
        """The value of the action, parsed."""
        return getattr(self.kind, "value", True)

    @property
    def cuts(self) -> bool:
        """Whether it interrupts the connection of the request that triggers it."""
        return isinstance(self.kind, ServerKind) and self.kind.cut() is not None


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of a plan's timeline."""

    name: str
    lasts: float | None
    """Seconds; None: it has no end."""
    rules: tuple[Mapping[str, object], ...] = ()
    begin: tuple[Act, ...] = ()
    end: tuple[Act, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class ChaosPlan:
    """A timeline of phases."""

    name: str
    phases: tuple[Phase, ...]
    loop: bool
    words: object
    """What the plan was read from, for dumps."""
    seed: int | str | None = None
    start: int = 0
    """Index of the phase to start with."""
    summary: str = ""
    client: tuple[str, ...] = ()

    @property
    def cycle(self) -> float:
        """Seconds from the start of the first phase to the end of the last; 0 if that has no end."""
        return sum(phase.lasts for phase in self.phases if phase.lasts is not None) if self.loop else 0.0

    def describe(self) -> dict[str, object]:
        """Return the plan as data, for people who choose one."""
        return {
            "name": self.name,
            "summary": self.summary,
            "client": [*self.client],
            "loop": self.loop,
            "phases": [{"name": one.name, "lasts": one.lasts, "note": one.note} for one in self.phases],
        }
