"""Keeping the state of a running server in a file, for ``serve --state FILE`` and ``MockKMS(state_file=…)``."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mockkms.files import lock_file, remove_leftovers
from mockkms.world import state_file
from mockkms.world.state_file import StateFileError
from mockkms.world.world import World

INTERVAL = 0.25
"""Seconds between saves at most."""
_SHORTEST_INTERVAL = 0.05
_PROMISED = 0.9
"""Seconds after which an answered request has to be in the file, with a margin. A request that comes just after a save
has begun waits for this save, the interval, and the next save."""
_LONGEST_SAVE = 10.0
"""Seconds that the end of a server waits for a save in progress, and for a request that holds the state."""


class StateKeeper:
    """Writes the state of a world to a file whenever requests may have changed it."""

    def __init__(self, world: World, path: Path, activity: Callable[[], object], warn: Callable[[str], None]) -> None:
        """``activity`` returns another value after each request; ``warn`` gets a line when a save fails."""
        self.path = path
        self._place = Path(os.path.realpath(path))
        """Where the file is if ``path`` is a symbolic link, which stays."""
        self._world = world
        self._activity = activity
        self._warn = warn
        self._saved: object = None
        self._complaint = ""
        self.complete = True
        """False once ``stop`` could not write the last changes."""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = _FileLock(self._place)

    def start(self) -> None:
        """Lock the file and keep it current until ``stop``. Raises StateFileError if another server uses it."""
        self._lock.acquire()
        remove_leftovers(self._place)
        try:
            self._save(raising=True)
        except StateFileError:
            self._lock.release()
            raise
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="mockkms state", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write the state a last time and release the file."""
        if self._thread is None:
            return
        self._stop.set()
        self._thread.join(_LONGEST_SAVE)
        self._thread = None
        # Changes by the process itself are not requests, so the activity does not show them.
        if self._world.lock.acquire(timeout=_LONGEST_SAVE):
            try:
                self._save(last=True)
            finally:
                self._world.lock.release()
        else:
            self.complete = False
            self._warn(f"a request still holds the state; {self.path} lacks the changes of the last moments")
        self._lock.release()

    def _run(self) -> None:
        took = 0.0
        while not self._stop.wait(min(INTERVAL, max(_SHORTEST_INTERVAL, _PROMISED - 2 * took))):
            if self._activity() != self._saved:
                started = time.monotonic()
                self._save()
                took = time.monotonic() - started

    def _save(self, *, raising: bool = False, last: bool = False) -> None:
        """Write the state, or warn. The world is held for the milliseconds of a snapshot."""
        with self._world.lock:
            activity = self._activity()
            snapshot = self._world.snapshot()
        try:
            state_file.write(self._place, state_file.pickled(snapshot), snapshot.flavor, time.time())
            self._saved, self._complaint = activity, ""
        except StateFileError as error:
            if raising:
                raise
            if last:
                self.complete = False
                self._warn(f"{error}; the changes since it was last written are lost")
            elif str(error) != self._complaint:
                self._complaint = str(error)
                self._warn(f"{error}; trying again until it can be written")


class _FileLock:
    """Lets one server at a time keep a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._name = path.with_name(f".{path.name}.lock")
        self._handle = -1

    def acquire(self) -> None:
        try:
            while self._handle < 0:
                handle = lock_file(self._name, wait=False)
                # The previous server may have removed the file after it was opened here: the lock is then useless.
                if self._is_there(handle):
                    self._handle = handle
                else:
                    os.close(handle)
        except BlockingIOError:
            raise StateFileError(f"another server keeps its state in {self._path}; use another file") from None
        except OSError as error:
            raise StateFileError(f"cannot write the state file {self._path}: {error.strerror or error}") from None

    def _is_there(self, handle: int) -> bool:
        try:
            return os.path.samestat(os.stat(self._name), os.fstat(handle))
        except FileNotFoundError:
            return False

    def release(self) -> None:
        if self._handle >= 0:
            with suppress(OSError):  # Windows removes no file that is open, and locks none here.
                self._name.unlink()
            os.close(self._handle)
            self._handle = -1
