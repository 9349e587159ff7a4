"""The event loop of a server: asyncio's, or uvloop's where ``mockkms serve`` runs and the extra ``fast`` is installed.

In a test's own process it is always asyncio's: freezing clocks and debug modes expect it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module

_fast = False


@contextmanager
def fast_loops() -> Iterator[None]:
    """Have the servers that start meanwhile use uvloop, where it is installed."""
    global _fast
    _fast = True
    try:
        yield
    finally:
        _fast = False


def new_loop() -> asyncio.AbstractEventLoop:
    """Return a new loop that watches sockets."""
    if _fast:
        with suppress(ImportError):
            made: asyncio.AbstractEventLoop = import_module("uvloop").new_event_loop()
            return made
    # Windows' default loop watches none, which accepting connections by hand needs.
    return asyncio.SelectorEventLoop()
