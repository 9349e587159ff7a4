"""Temporary folders for PEM files, which Python and OpenSSL read from files only.

Each is locked by the process that uses it. That of a process that was killed is removed at the next start of a server.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path

from mockkms.files import remove_abandoned

if sys.platform != "win32":
    import fcntl

_PREFIX = "mockkms-pem-"
"""Start of the names of the folders."""


class PemFolder:
    """A temporary folder for PEM files, for its owner only.

    It exists until ``close`` or the end of the process.
    """

    def __init__(self) -> None:
        self._lock = -1
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
            self._removed = weakref.finalize(self, _remove_in_process, self.path, os.getpid())
            if sys.platform == "win32":
                return
            with suppress(OSError):
                # Another process that starts now may have taken the new folder for an abandoned one.
                self._lock = os.open(self.path, os.O_RDONLY)
                fcntl.flock(self._lock, fcntl.LOCK_EX)
                if os.path.samestat(os.stat(self.path), os.fstat(self._lock)):
                    return
            self.close()

    def close(self) -> None:
        """Remove the folder."""
        self._removed()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_error: object) -> None:
        self.close()


def _remove_in_process(path: Path, pid: int) -> None:
    """Remove a folder at the end of the process that made it; a forked child leaves it to its parent."""
    if os.getpid() == pid:
        shutil.rmtree(path, ignore_errors=True)


def remove_abandoned_folders() -> None:
    """Remove the folders of processes that were killed; errors are ignored."""
    with suppress(OSError):
        base = tempfile.gettempdir()
        for name in os.listdir(base):
            if name.startswith(_PREFIX):
                remove_abandoned(Path(base, name), _remove_folder)


def _remove_folder(path: Path) -> None:
    for name in os.listdir(path):
        if name.endswith(".pem"):
            os.unlink(path / name)
    os.rmdir(path)
