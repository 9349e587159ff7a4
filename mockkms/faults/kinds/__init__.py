"""The fault kinds, in one file for each subject, and their registry.

A kind is a class with a ``word``, its key in rules. It parses its value when it is created (raising FaultError) and
adds primitives to the plan of a request, which ``server/`` carries out. A new subclass of ``FaultKind`` in a file of
this folder is a new key in YAML, Python and JSON; nothing else needs to be edited.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from typing import ClassVar

from mockkms.faults.plan import Cut, Plan, ServerAction, Turn

KINDS: dict[str, type[FaultKind]] = {}


class FaultKind(ABC):
    """One fault kind with its parsed value."""

    word: ClassVar[str]
    help: ClassVar[str]
    example: ClassVar[object]
    """A valid value, for the documentation and the tests."""
    final: ClassVar[bool] = False
    """Whether later rules are skipped once this kind fired."""
    decides: ClassVar[str] = ""
    """What of a response the kind decides alone, as text for people: a firing has at most one kind for each."""
    of_response: ClassVar[bool] = False
    """Whether the kind gives or changes the response, and nothing else."""
    of_connections: ClassVar[bool] = False
    """Whether the kind applies to new connections, before a request is read."""

    needs_state: bool = False
    """Whether the kind changes emulated state, which a proxy does not have."""

    def __init_subclass__(cls) -> None:
        word = vars(cls).get("word")
        if word is None:
            return  # An abstract base of several kinds.
        if word in KINDS:
            raise TypeError(f"two fault kinds for the key {word!r}")
        KINDS[word] = cls

    @abstractmethod
    def __init__(self, value: object) -> None:
        """Parse the value. Raises FaultError."""

    @property
    def silent(self) -> bool:
        """Whether the kind ends the connection before any byte of a response."""
        return False

    @abstractmethod
    def plan(self, plan: Plan, turn: Turn) -> None:
        """Add this kind to the plan of one request."""


class ServerKind(FaultKind):
    """An action on the server itself: before the core runs, or with ``applied`` after it has answered."""

    value: object = True
    """The value passed to the action."""

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.server.append(ServerAction(self.word, self.value, not turn.applied))
        plan.cut = plan.cut or self.cut()

    @property
    def silent(self) -> bool:
        """Whether the kind ends the connection before any byte of a response."""
        return self.cut() is not None

    def cut(self) -> Cut | None:
        """Return how the request's own connection is interrupted; None if the request is answered."""
        return None


def stateless() -> list[str]:
    """Return the names of the kinds that work without emulated state."""
    return sorted(word for word, kind in KINDS.items() if not kind.needs_state)


for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
for _word in sorted(KINDS):  # Schema, messages and documents list the words in alphabetical order.
    KINDS[_word] = KINDS.pop(_word)
