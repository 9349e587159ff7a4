"""Watching the files of worlds and fault rules, for ``serve --watch``."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

INTERVAL = 0.2
"""Seconds between looks. The files are looked at, not subscribed to: mounted folders of containers send no events."""

_EMPTY = 10
"""Intervals for which a file that was not empty must stay so: a program that writes it may have only begun."""

_Mark = tuple[int, int, int] | None


class WorldWatcher:
    """Calls a function, from its own thread, whenever files have changed and stayed the same for one interval."""

    def __init__(self, paths: Iterable[Path], changed: Callable[[list[Path]], None]) -> None:
        """``changed`` gets the changed paths; calls do not overlap."""
        self._paths = list(dict.fromkeys(paths))
        self._changed = changed
        self._stop = threading.Event()
        self._seen = self._before = self._marks()
        self._steady = 0
        """Intervals since the last difference."""
        self._thread = threading.Thread(target=self._run, name="mockkms watch", daemon=True)

    def start(self) -> None:
        """Watch for changes from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching. A call in progress continues; the thread does not keep the process alive."""
        self._stop.set()

    def look(self) -> None:
        """Look at the files; to be called once in each interval."""
        now = self._marks()
        self._steady = self._steady + 1 if now == self._before else 0
        self._before = now
        # An editor may write a file in several steps, or remove it before it writes the new one.
        if now != self._seen and self._steady >= (_EMPTY if _emptied(self._seen, now) else 1):
            changed = [path for path, old, new in zip(self._paths, self._seen, now, strict=True) if old != new]
            self._seen = now
            self._changed(changed)

    def _run(self) -> None:
        while not self._stop.wait(INTERVAL):
            self.look()

    def _marks(self) -> list[_Mark]:
        return [_mark(path) for path in self._paths]


def _emptied(old: list[_Mark], new: list[_Mark]) -> bool:
    """Return whether a file has become empty."""
    return any(mark is not None and not mark[1] and mark != then for then, mark in zip(old, new, strict=True))


def _mark(path: Path) -> _Mark:
    """Return what differs once a file has changed; None if it cannot be looked at."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
