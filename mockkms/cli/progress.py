"""What a command is doing, shown on a terminal once it takes longer than a second."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_PERIOD = 1.0
"""Seconds until the first line, and between two."""
_ERASE = "\r\x1b[K"


@contextmanager
def progress(what: str | Callable[[], str]) -> Iterator[None]:
    """Show ``what``, or what it returns, and the seconds on stderr while the body runs.

    Nothing is shown where stderr is not a terminal.
    """
    if sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield
        return
    done = threading.Event()
    thread = threading.Thread(target=_show, args=(what, done), name="mockkms-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _show(what: str | Callable[[], str], done: threading.Event) -> None:
    seconds = 0.0
    with suppress(OSError, ValueError):
        while not done.wait(_PERIOD):
            seconds += _PERIOD
            sys.stderr.write(f"{_ERASE}{what() if callable(what) else what} … {seconds:.0f} s")
            sys.stderr.flush()
        if seconds:
            sys.stderr.write(_ERASE)
            sys.stderr.flush()
