"""Forked processes: a server stays with the process that started it.

A child has copies of the sockets but not the threads. While the child runs, a connection that the server closes would
stay open for its client, and a port that the server closes would still accept connections, without a response. The
child therefore closes its copies.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from weakref import WeakSet


class Home:
    """The process in which it was made. ``descriptors`` returns the files that children of this process give up."""

    def __init__(self, descriptors: Callable[[], Iterable[int]]) -> None:
        self.pid = os.getpid()
        self._descriptors = descriptors
        _homes.add(self)

    @property
    def elsewhere(self) -> bool:
        """Whether this is another process, a child."""
        return os.getpid() != self.pid

    def leave(self) -> None:
        """Give up the copies of the files. Only to be called in a child, which has one thread."""
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in list(self._descriptors()):
            with suppress(OSError):
                # Not closed: the objects that own these numbers would later close another file of the same number.
                os.dup2(null, descriptor, inheritable=False)
        os.close(null)


_homes: WeakSet[Home] = WeakSet()


def _leave_all() -> None:
    for home in list(_homes):
        home.leave()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_all)
