"""Pausing Python's cyclic garbage collector while millions of short-lived objects are created.

A full collection visits all objects and stops all threads meanwhile: hundreds of milliseconds while a large text is
parsed. The objects are freed by their reference counts in any case.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused_collector() -> Iterator[None]:
    """Context manager: pause the collector, unless it is paused or disabled already."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
