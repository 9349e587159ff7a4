"""Files that several processes use: replaced in one step, and locked."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl


def replace_file(path: Path, *parts: bytes, sync: bool = False) -> None:
    """Write a file of these parts, readable by its owner only (mode 0600), and rename it to ``path``.

    A reader finds the old file or the new one, whole. With ``sync`` the content is on the disk before. Raises OSError,
    and ValueError for a path that cannot be; then the old file stays.
    """
    # mkstemp makes the file with mode 0600.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(parts)
            if sync:
                file.flush()
                os.fsync(descriptor)
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def lock_file(path: Path, *, wait: bool) -> int:
    """Return a descriptor that holds the lock of a file, which is created if needed, until it is closed.

    Nothing is locked where there is no ``flock``. Without ``wait``, raises BlockingIOError if the lock is held; raises
    other OSErrors if the file cannot be opened.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, flags, stat.S_IRUSR | stat.S_IWUSR)
    if sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise
    return descriptor
