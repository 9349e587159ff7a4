"""Returning memory that the C library keeps for the process to the operating system."""

from __future__ import annotations

import sys


def give_back() -> None:
    """Return free memory to the operating system if the C library is glibc; takes milliseconds.

    Without this, the memory of many long requests stays with the process after the journal has dropped them.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes  # Costs milliseconds of a start that does not need it.

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(ctypes.c_size_t(0))
