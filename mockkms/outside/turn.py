"""Answering other requests while one waits for another server or computes for long.

A request holds its world's lock. One that runs on a thread of its own (``taking_turns``) gives the lock up wherever
the code uses ``waiting``. Everywhere else ``waiting`` does nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol


class Lock(Protocol):
    """A lock that is held once."""

    def acquire(self) -> object:
        """Acquire the lock."""

    def release(self) -> None:
        """Release the lock."""


class Abandoned(Exception):
    """The world was replaced (a reset, a restored snapshot) while a request waited: its result is discarded."""


class _Turn(threading.local):
    lock: Lock | None = None
    still: Callable[[], bool] | None = None
    gives_way: bool = False
    """Whether the lock is released while this thread waits."""


_turn = _Turn()


@contextmanager
def taking_turns(lock: Lock, still: Callable[[], bool]) -> Iterator[None]:
    """Hold ``lock``, and release it while this thread waits; ``still`` returns whether the world is the same."""
    with _holding(lock, still, gives_way=True):
        yield


@contextmanager
def keeping_turns(lock: Lock, still: Callable[[], bool]) -> Iterator[None]:
    """Hold ``lock`` even while this thread waits; what it starts ``in_background`` takes turns."""
    with _holding(lock, still, gives_way=False):
        yield


@contextmanager
def _holding(lock: Lock, still: Callable[[], bool], *, gives_way: bool) -> Iterator[None]:
    lock.acquire()
    _turn.lock, _turn.still, _turn.gives_way = lock, still, gives_way
    try:
        yield
    finally:
        _turn.lock = _turn.still = None
        lock.release()


def in_background(work: Callable[[], None]) -> bool:
    """Run ``work`` on a thread of its own as soon as this request releases the world, in turns with all requests.

    It is abandoned, without an error, if the world is replaced while it waits. Returns False, and does nothing, for a
    request of no server.
    """
    lock, still = _turn.lock, _turn.still
    if lock is None or still is None:
        return False

    def run() -> None:
        with suppress(Abandoned), taking_turns(lock, still):
            if still():
                work()

    threading.Thread(target=run, name="mockkms background", daemon=True).start()
    return True


@contextmanager
def waiting() -> Iterator[None]:
    """Release the world's lock during this block, if ``taking_turns`` holds it.

    The block must not access the world. Raises Abandoned if the world was replaced meanwhile.
    """
    lock, still = _turn.lock, _turn.still
    if lock is None or still is None or not _turn.gives_way:
        yield
        return
    lock.release()
    try:
        yield
    finally:
        lock.acquire()
        if not still():
            raise Abandoned
