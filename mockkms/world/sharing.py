"""State that snapshots share with the world: it is copied entry by entry, when an entry is first changed.

Pickling tens of thousands of secrets or tokens takes hundreds of milliseconds, during which nothing else runs.
"""

from __future__ import annotations

import io
import pickle
from typing import Any, Protocol


class Forkable(Protocol):
    """A part of the state that snapshots share with it; all other state is pickled."""

    def fork(self) -> Forkable:
        """Return an equal part that can change independently."""


class SharedEntries:
    """Which entries of a table a fork may share, so that they have to be copied before a change."""

    __slots__ = ("_own",)

    def __init__(self) -> None:
        self._own: set[str] | None = None
        """Names of the entries that no fork shares; None while the table has not been forked."""

    def fork(self) -> SharedEntries:
        """Share all entries; returns the same for the fork's table."""
        forked = SharedEntries()
        self._own, forked._own = set(), set()
        return forked

    def own(self, name: str) -> None:
        """Note that an entry was made or copied, so that no fork shares it."""
        if self._own is not None:
            self._own.add(name)

    def disown(self, name: str) -> None:
        """Forget an entry that was removed."""
        if self._own is not None:
            self._own.discard(name)

    def __contains__(self, name: str) -> bool:
        return self._own is not None and name not in self._own


class ForkedTable:
    """Base of a dataclass whose entries snapshots share; which ones is not part of its state."""

    _shared: SharedEntries

    def __post_init__(self) -> None:
        self._shared = SharedEntries()

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "_shared"}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._shared = SharedEntries()


class _InterruptiblePickler(pickle.Pickler):
    """Runs a little Python for each instance, so that other threads get the interpreter while much is pickled."""

    def reducer_override(self, obj: object) -> Any:
        """Return NotImplemented: every object is pickled as usual."""
        return NotImplemented


def interruptible_dumps(value: object) -> bytes:
    """Return what ``pickle.dumps`` returns, more slowly, without holding the interpreter all the time."""
    buffer = io.BytesIO()
    _InterruptiblePickler(buffer, protocol=5).dump(value)
    return buffer.getvalue()
