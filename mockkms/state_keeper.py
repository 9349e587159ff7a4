"""Keeping the state of a running server in a file, for ``serve --state FILE`` and ``MockKMS(state_file=…)``."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from mockkms.world import state_file
from mockkms.world.state_file import StateFileError
from mockkms.world.world import World

INTERVAL = 0.4
"""Seconds between looks: what was answered more than a second ago is in the file."""
_SHARE = 10
"""A save waits for so many times the seconds for which the last one held the world, so that requests are not slowed."""


class StateKeeper:
    """Writes the state of a world to a file whenever requests may have changed it."""

    def __init__(self, world: World, path: Path, activity: Callable[[], object], warn: Callable[[str], None]) -> None:
        """``activity`` returns another value after each request; ``warn`` gets a line when a save fails."""
        self.path = path
        self._world = world
        self._activity = activity
        self._warn = warn
        self._saved: object = None
        self._complaint = ""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = _FileLock(path)

    def start(self) -> None:
        """Lock the file and keep it current until ``stop``. Raises StateFileError where another server keeps it."""
        self._lock.acquire()
        try:
            self._save(raising=True)
        except StateFileError:
            self._lock.release()
            raise
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="mockkms state", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write the last changes and let the file go."""
        if self._thread is None:
            return
        self._stop.set()
        self._thread.join()
        self._thread = None
        if self._activity() != self._saved:
            self._save()
        self._lock.release()

    def _run(self) -> None:
        held = 0.0
        while not self._stop.wait(max(INTERVAL, held * _SHARE)):
            if self._activity() != self._saved:
                held = self._save()
            elif self._complaint:
                self._save()

    def _save(self, *, raising: bool = False) -> float:
        """Write the state; returns the seconds for which the world was held."""
        started = time.monotonic()
        with self._world.lock:
            mark = self._activity()
            state = state_file.pickled(self._world)
            flavor = self._world.core.product.name
        held = time.monotonic() - started
        try:
            state_file.write(self.path, state, flavor, time.time())
            self._complaint = ""
        except StateFileError as error:
            if raising:
                raise
            if str(error) != self._complaint:
                self._complaint = str(error)
                self._warn(f"{error}; trying again every second")
        self._saved = mark
        return held


class _FileLock:
    """Lets one server at a time keep a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._name = path.with_name(f".{path.name}.lock")
        self._handle = -1

    def acquire(self) -> None:
        try:
            import fcntl
        except ImportError:  # Windows refuses to replace a file that another process holds open.
            return
        try:
            while True:
                handle = os.open(self._name, os.O_RDWR | os.O_CREAT, 0o600)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    # The server before may have removed the file between the two calls.
                    if os.stat(self._name).st_ino == os.fstat(handle).st_ino:
                        self._handle = handle
                        return
                except FileNotFoundError:
                    pass
                except OSError:
                    os.close(handle)
                    raise
                os.close(handle)
        except BlockingIOError:
            raise StateFileError(f"another server keeps its state in {self._path}; use another file") from None
        except OSError as error:
            raise StateFileError(f"cannot write the state file {self._path}: {error.strerror or error}") from None

    def release(self) -> None:
        if self._handle >= 0:
            self._name.unlink(missing_ok=True)
            os.close(self._handle)
            self._handle = -1
