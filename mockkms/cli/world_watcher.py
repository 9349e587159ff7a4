"""Watching the files of worlds and fault rules, for ``serve --watch``."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

INTERVAL = 0.2
"""Seconds between looks. The files are looked at, not subscribed to: mounted folders of containers send no events."""

_Mark = tuple[int, int, int] | None


class WorldWatcher:
    """Calls a function, from its own thread, whenever files have changed and stayed the same for one interval."""

    def __init__(self, paths: Iterable[Path], changed: Callable[[list[Path]], None]) -> None:
        """``changed`` gets the changed paths; calls do not overlap."""
        self._paths = list(dict.fromkeys(paths))
        self._changed = changed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(self._marks(),), name="mockkms watch", daemon=True)

    def start(self) -> None:
        """Watch for changes from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching. A call in progress continues; the thread does not keep the process alive."""
        self._stop.set()

    def _run(self, seen: list[_Mark]) -> None:
        before = seen
        while not self._stop.wait(INTERVAL):
            now = self._marks()
            # An editor may write a file in several steps, or remove it before it writes the new one.
            if now != seen and now == before:
                changed = [path for path, old, new in zip(self._paths, seen, now, strict=True) if old != new]
                seen = now
                self._changed(changed)
            before = now

    def _marks(self) -> list[_Mark]:
        return [_mark(path) for path in self._paths]


def _mark(path: Path) -> _Mark:
    """Return what differs once a file has changed; None if it cannot be looked at."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
