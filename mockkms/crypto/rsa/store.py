"""The cache of RSA keys that all processes of one user share: private files, replaced atomically and validated.

There is one file for each size: a line of JSON with the keys as base64 PKCS #8 DER and their checksum. A file or
directory that belongs to another user, that others may read or write, or that does not parse, counts as empty; an
unusable cache costs time but is never an error. It is named once in the log of each process.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import stat
import sys
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from mockkms.files import lock_file, remove_leftovers, replace_file

_FORMAT = 1
_LARGEST_FILE = 1 << 20
"""Bytes; a real file stays below a tenth of it."""
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def default_directory() -> Path:
    """Return ``$MOCKKMS_CACHE_DIR``, else ``mockkms`` in the user's cache directory.

    A user without a home has one in the folder for temporary files.
    """
    given = os.environ.get("MOCKKMS_CACHE_DIR")
    if given:
        return Path(given)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
    else:
        base = os.environ.get("XDG_CACHE_HOME")
    if base:
        return Path(base) / "mockkms"
    home = os.path.expanduser("~")
    if not os.path.isabs(home):  # A container's user that the system does not know, and no $HOME.
        return Path(tempfile.gettempdir()) / f"mockkms-cache-{os.getuid() if sys.platform != 'win32' else 0}"
    return Path(home) / ".cache" / "mockkms"


class KeyDirectory:
    """The keys in a private directory, by size."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._seen: dict[int, tuple[tuple[int, int, int], list[bytes]]] = {}
        self._complained = False

    def read(self, bits: int) -> list[bytes]:
        """Return the keys of a size; none if the file is missing, damaged or accessible to others."""
        try:
            # Without O_NONBLOCK a pipe in the file's place would be waited for.
            flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
            descriptor = os.open(self._path(bits), flags)
        except (OSError, ValueError):
            return []
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or not _private(status) or status.st_size > _LARGEST_FILE:
                return []
            mark = (status.st_mtime_ns, status.st_size, status.st_ino)
            seen = self._seen.get(bits)
            if seen is None or seen[0] != mark:
                with suppress(OSError), open(descriptor, "rb", closefd=False) as file:
                    seen = self._seen[bits] = mark, _parse(bits, file.read())
        finally:
            os.close(descriptor)
        return list(seen[1]) if seen else []

    def add(self, bits: int, key: bytes, most: int) -> None:
        """Append a key unless there are ``most`` already. The first error is written to the log."""
        try:
            with self._locked(f"rsa-{bits}.lock"):
                keys = self.read(bits)
                if key not in keys and len(keys) < most:
                    self._write(bits, [*keys, key])
        except (OSError, ValueError) as error:
            self._complain(error)

    @contextmanager
    def turn(self, bits: int) -> Iterator[bool]:
        """Hold the lock for generating keys of a size in advance; yield False if another process has it."""
        try:
            lock = self._lock(f"rsa-{bits}.turn", wait=False)
        except BlockingIOError:
            yield False
            return
        except (OSError, ValueError) as error:
            self._complain(error)
            yield True
            return
        try:
            yield True
        finally:
            os.close(lock)

    def _complain(self, error: OSError | ValueError) -> None:
        """Say once that the cache is unusable, and what follows from it."""
        if not self._complained:
            self._complained = True
            reason = getattr(error, "strerror", None) or error
            logging.getLogger("mockkms").warning(
                "RSA keys cannot be kept in %s: %s. Every process makes its own, which takes up to a second a key; "
                "MOCKKMS_CACHE_DIR names another folder.", self._directory, reason,
            )  # fmt: skip

    def _path(self, bits: int) -> Path:
        return self._directory / f"rsa-{bits}.json"

    def _write(self, bits: int, keys: list[bytes]) -> None:
        document = {"format": _FORMAT, "bits": bits, "sum": _checksum(keys), "keys": [_text(key) for key in keys]}
        remove_leftovers(self._path(bits))
        replace_file(self._path(bits), json.dumps(document).encode("ascii"))

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        lock = self._lock(name, wait=True)
        try:
            yield
        finally:
            os.close(lock)

    def _lock(self, name: str, *, wait: bool) -> int:
        """Return a descriptor that holds the lock until it is closed.

        On systems without ``flock`` there is no lock: at worst a key is lost or generated needlessly.
        """
        self._ensure_directory()
        return lock_file(self._directory / name, wait=wait)

    def _ensure_directory(self) -> None:
        """Create the directory. Raises OSError if that fails, or if others have access to it."""
        self._directory.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            self._directory.mkdir(mode=stat.S_IRWXU)
        status = os.lstat(self._directory)
        if not stat.S_ISDIR(status.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not _private(status):
            raise PermissionError("it has to belong to this user and to be closed to others (chmod 700)")


def _private(status: os.stat_result) -> bool:
    """Return whether a file belongs to this user and is closed to others."""
    if sys.platform == "win32":
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & _OTHERS


def _parse(bits: int, raw: bytes) -> list[bytes]:
    try:
        document = json.loads(raw)
        keys = [b64decode(text, validate=True) for text in document["keys"]]
        whole = document["format"] == _FORMAT and document["bits"] == bits and document["sum"] == _checksum(keys)
    except (ValueError, TypeError, KeyError, RecursionError):
        return []
    return keys if whole else []


def _checksum(keys: list[bytes]) -> str:
    return sha256(b"\n".join(_text(key).encode() for key in keys)).hexdigest()


def _text(key: bytes) -> str:
    return b64encode(key).decode("ascii")
