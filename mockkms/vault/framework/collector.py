"""Pausing Python's collector of cycles while millions of objects are made that are soon gone without it.

It stops every thread for as long as it looks at all objects: hundreds of milliseconds, where a large text is parsed.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused_collector() -> Iterator[None]:
    """Pause the collector for as long as this lasts, if it runs."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
