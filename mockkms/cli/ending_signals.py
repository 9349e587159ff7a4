"""The signals that end a server, caught so that none is lost and none waits."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress
from threading import Thread

ENDING = (signal.SIGINT, signal.SIGTERM)


class EndingSignals:
    """Catches SIGINT and SIGTERM and lets the main thread wait for one."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._caught = False
        self.restart = False
        """Whether ``end`` asked for a new start of the process."""
        self._before = {number: signal.signal(number, self._catch) for number in ENDING}
        # Python runs handlers between two instructions of the main thread. There, threading.Event.set() never returns
        # if wait() holds the event's lock; and a signal that the system hands to another thread wakes no Event.wait().
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        if hasattr(signal, "pthread_sigmask"):
            # The process that this one replaced may have blocked them; see ``serve --watch=restart``.
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)

    def release(self) -> None:
        """Restore the handlers of before."""
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._reader.close()
        self._writer.close()

    def _catch(self, *_: object) -> None:
        self._caught = True

    def end(self, *, restart: bool) -> None:
        """End the wait from another thread as a signal does."""
        self.restart = restart
        self._caught = True
        self._writer.send(b"\0")

    def end_with_input(self) -> None:
        """End the wait when standard input ends: a pipe does so when the process that holds its other end exits."""
        Thread(target=self._read_input, name="mockkms-input", daemon=True).start()

    def _read_input(self) -> None:
        with suppress(OSError):  # Standard input may be closed.
            while os.read(0, 1024):
                pass
        self.end(restart=False)

    def wait(self) -> None:
        """Return once a signal was caught, or ``end`` called, since the object was made."""
        while not self._caught:
            self._reader.recv(64)
