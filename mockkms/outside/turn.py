"""Answering other requests while one waits for another server or computes for long.

A request holds its world's lock. One that runs on a thread of its own (``taking_turns``) gives the lock up wherever
the code uses ``waiting``. Everywhere else ``waiting`` does nothing.

What takes long to make, and depends on nothing in the world (``made``), is made before the request changes anything:
``starting_over`` gives the lock up for it and calls the handler again, which so decides by what the world is now.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple, Protocol, TypeVar

T = TypeVar("T")


class Lock(Protocol):
    """A lock that is held once."""

    def acquire(self) -> object:
        """Acquire the lock."""

    def release(self) -> None:
        """Release the lock."""


class Abandoned(Exception):
    """The world was replaced (a reset, a restored snapshot) while a request waited: its result is discarded."""


class _Product(NamedTuple):
    """Something that takes long to make."""

    kind: str
    make: Callable[[], bytes]


class Unmade(Exception):
    """A request needs something that is to be made first: ``made`` raises it for ``starting_over``."""

    def __init__(self, product: _Product) -> None:
        super().__init__(f"{product.kind} is made without the world's lock, and the request starts over")
        self.product = product


class _Stock:
    """What was made in advance for a request, and what it has used of it."""

    def __init__(self, ready: list[tuple[str, bytes]]) -> None:
        self.ready = ready
        self.used: list[_Product] = []

    def take(self, product: _Product) -> bytes:
        """Return one of the kind. Raises Unmade if there is none."""
        for place, (kind, value) in enumerate(self.ready):
            if kind == product.kind:
                del self.ready[place]
                self.used.append(product)
                return value
        raise Unmade(product)


class _Turn(threading.local):
    lock: Lock | None = None
    still: Callable[[], bool] | None = None
    gives_way: bool = False
    """Whether the lock is released while this thread waits."""
    stock: _Stock | None = None
    """None: nothing is made in advance."""


_turn = _Turn()


@contextmanager
def taking_turns(lock: Lock, still: Callable[[], bool]) -> Iterator[None]:
    """Hold ``lock``, and release it while this thread waits; ``still`` returns whether the world is the same.

    Raises Abandoned if the world was replaced before the lock was free.
    """
    with _holding(lock, still, gives_way=True):
        yield


@contextmanager
def keeping_turns(lock: Lock, still: Callable[[], bool]) -> Iterator[None]:
    """Hold ``lock`` even while this thread waits; what it starts ``in_background`` takes turns.

    Raises Abandoned as ``taking_turns`` does.
    """
    with _holding(lock, still, gives_way=False):
        yield


@contextmanager
def _holding(lock: Lock, still: Callable[[], bool], *, gives_way: bool) -> Iterator[None]:
    lock.acquire()
    if not still():
        lock.release()
        raise Abandoned
    _turn.lock, _turn.still, _turn.gives_way = lock, still, gives_way
    try:
        yield
    finally:
        _turn.lock = _turn.still = None
        _turn.gives_way = False
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
            work()

    threading.Thread(target=run, name="mockkms background", daemon=True).start()
    return True


def gives_way() -> bool:
    """Return whether ``waiting`` releases the world's lock here."""
    return _turn.gives_way


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


def starting_over(work: Callable[[], T]) -> T:
    """Return what ``work`` returns; it is called again after each thing that ``made`` lacked in it.

    Such a thing is made as in ``waiting``. ``work`` must request it before it changes the state that its decisions
    depend on. If it lacks a second thing, the first is made again too, because ``work`` may have stored it. Raises
    Abandoned as ``waiting`` does.
    """
    ready: list[tuple[str, bytes]] = []
    while True:
        _turn.stock = stock = _Stock(ready)
        try:
            return work()
        except Unmade as unmade:
            lacking = [*stock.used, unmade.product]
        finally:
            _turn.stock = None
        with waiting():
            ready = [*stock.ready, *((product.kind, product.make()) for product in lacking)]


def made(kind: str, make: Callable[[], bytes]) -> bytes:
    """Return what ``make`` returns, which takes long and does not depend on the world.

    ``kind`` names it: any of one kind will do. Raises Unmade in a request that can start over.
    """
    stock = _turn.stock
    return make() if stock is None else stock.take(_Product(kind, make))


@contextmanager
def undivided() -> Iterator[None]:
    """During this block, ``made`` makes what is needed at once: the block cannot be run again."""
    stock, _turn.stock = _turn.stock, None
    try:
        yield
    finally:
        _turn.stock = stock
