"""Letting other requests be answered while one of them waits for a server of somebody else, or computes for long.

A request holds its world's lock. One that runs on a thread of its own (``taking_turns``) gives the lock up wherever
the code below it says so (``waiting``). Everywhere else ``waiting`` does nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol


class Lock(Protocol):
    """What is given up and taken back; held once."""

    def acquire(self) -> object:
        """Take it."""

    def release(self) -> None:
        """Give it up."""


class Abandoned(Exception):
    """The world was replaced (a reset, a restored snapshot) while a request waited: its work counts no more."""


class _Turn(threading.local):
    lock: Lock | None = None
    still: Callable[[], bool] | None = None


_turn = _Turn()


@contextmanager
def taking_turns(lock: Lock, still: Callable[[], bool]) -> Iterator[None]:
    """Hold ``lock``, but give it up where this thread waits; ``still`` tells whether the world is the same."""
    lock.acquire()
    _turn.lock, _turn.still = lock, still
    try:
        yield
    finally:
        _turn.lock = _turn.still = None
        lock.release()


@contextmanager
def waiting() -> Iterator[None]:
    """Give up the world's lock for as long as this lasts, where this thread may.

    Nothing in here may look at the world or change it. Raises Abandoned where the world was replaced meanwhile.
    """
    lock, still = _turn.lock, _turn.still
    if lock is None or still is None:
        yield
        return
    lock.release()
    try:
        yield
    finally:
        lock.acquire()
        if not still():
            raise Abandoned
