"""Files that are replaced in one step, locked, and read up to a size.

What a process that is killed leaves behind is removed later, once its lock is gone. The bound on reading is for files
that a user names: a device such as ``/dev/zero`` has no end.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

_IRREPLACEABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.ENAMETOOLONG)
"""Errors of a file that cannot be replaced by another one, but perhaps written to."""
STATE_FILE_MARK = b"mockkms-state "
"""The first bytes of the files of ``serve --state``."""


def replace_file(path: Path, *parts: bytes, sync: bool = False) -> None:
    """Write a file of these parts, readable by its owner only (mode 0600), and rename it to ``path``.

    A reader finds either the old file or the complete new one. With ``sync`` the content is on the disk before the file
    is renamed. Raises OSError, and ValueError for a path that cannot exist; the old file stays then.
    """
    # mkstemp makes the file with mode 0600.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            try_lock(descriptor)
            file.writelines(parts)
            if sync:
                file.flush()
                os.fsync(descriptor)
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file (UTF-8) in one step: an existing one stays if that fails. Raises OSError.

    Devices, pipes and files that cannot be replaced, such as one that is mounted alone, are written to directly.
    Characters that UTF-8 cannot encode are written with the escapes of JSON.
    """
    path = Path(os.path.realpath(path))
    if path.is_symlink():  # What a link that leads to itself resolves to.
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
        return
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.write_text(text, encoding="utf-8", errors="backslashreplace")
        if path.exists():
            shutil.copymode(path, new)
        new.replace(path)
    except OSError as error:
        if error.errno not in _IRREPLACEABLE:
            raise
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    finally:
        with suppress(OSError):
            new.unlink()


def read_file(path: Path, most: int) -> bytes:
    """Return the content of a file. Raises OSError if it has more than ``most`` bytes (whole MiB) or cannot be read."""
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"more than {most // 1024 // 1024} MiB")
    return content


def lock_file(path: Path, *, wait: bool) -> int:
    """Return a descriptor that holds the lock of a file, which is created if needed, until it is closed.

    Nothing is locked on systems without ``flock``. Without ``wait``, raises BlockingIOError if the lock is held; raises
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


def remove_leftovers(path: Path) -> None:
    """Remove what ``replace_file`` left beside ``path`` in processes that were killed; errors are ignored."""
    start = f".{path.name}-"
    with suppress(OSError, ValueError):
        for name in os.listdir(path.parent):
            # The random part of a name by mkstemp has eight characters.
            if name.startswith(start) and len(name) == len(start) + 8:
                remove_abandoned(path.parent / name, os.unlink)


def remove_abandoned(path: Path, remove: Callable[[Path], None]) -> None:
    """Call ``remove`` for a file or folder of this user that no process has locked; errors are ignored."""
    if sys.platform == "win32":
        return
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            if os.fstat(descriptor).st_uid == os.geteuid() and try_lock(descriptor):
                remove(path)
        finally:
            os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Lock an open file; return False if another process holds the lock, or the file system has none."""
    if sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


def modified(path: object) -> int:
    """Return the time of a file's last change in nanoseconds since the epoch; 0 for what is not the path of a file."""
    if not isinstance(path, (str, os.PathLike)):
        return 0
    try:
        return Path(path).stat().st_mtime_ns
    except (OSError, ValueError):
        return 0
