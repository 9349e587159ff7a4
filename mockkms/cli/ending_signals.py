"""The signals that end a server, caught so that none is lost and none waits."""

from __future__ import annotations

import signal
import socket


class EndingSignals:
    """Catches SIGINT and SIGTERM and lets the main thread wait for one."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._caught = False
        self.restart = False
        """Whether ``end`` asked for a new start of the process."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._catch)
        # Python runs handlers between two instructions of the main thread. There, threading.Event.set() never returns
        # if wait() holds the event's lock; and a signal that the system hands to another thread wakes no Event.wait().
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)

    def _catch(self, *_: object) -> None:
        self._caught = True

    def end(self, *, restart: bool) -> None:
        """End the wait from another thread as a signal does."""
        self.restart = restart
        self._caught = True
        self._writer.send(b"\0")

    def wait(self) -> None:
        """Return once a signal was caught, or ``end`` called, since the object was made."""
        while not self._caught:
            self._reader.recv(64)
