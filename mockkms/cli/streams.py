"""Standard output and standard error: closed ones, full disks, and encodings that lack characters."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress


def prepare() -> None:
    """Make all three standard streams usable, whatever this process has inherited.

    A closed one becomes the null device: else the next file that is opened would take its number, and Python has None
    in its place. Characters that an encoding lacks are written with escapes, as on standard error.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # The lowest free number, which is this one.
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115 - kept open
        elif isinstance(stream, io.TextIOWrapper) and (stream.errors == "strict" or not _is_unicode(stream)):
            stream.reconfigure(errors="backslashreplace")


def _is_unicode(stream: io.TextIOWrapper) -> bool:
    # The C locale has ASCII, with errors that are not "strict" and yet fail for what ASCII lacks.
    return stream.encoding.lower().startswith("utf")


def write_data(text: str) -> None:
    """Write a document for other programs to standard output: UTF-8, whatever the locale is."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    sys.stdout.write(text)


def give_up_output() -> None:
    """Discard what standard output still holds: Python flushes it once more at the end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
