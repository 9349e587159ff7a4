"""The cache of RSA keys that all processes of one user share: private files, replaced atomically and validated.

There is one file for each size: a line of JSON with the keys as base64 PKCS #8 DER and their checksum. A file or
directory that belongs to another user, that others may read or write, or that does not parse, counts as empty; an
unusable cache costs time but is never an error.
"""

from __future__ import annotations

import json
import os
import stat
import sys
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
    """Return ``$MOCKKMS_CACHE_DIR``, else ``mockkms`` in the user's cache directory."""
    given = os.environ.get("MOCKKMS_CACHE_DIR")
    if given:
        return Path(given)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
    else:
        base = os.environ.get("XDG_CACHE_HOME")
    return Path(base or os.path.join(os.path.expanduser("~"), ".cache")) / "mockkms"


class KeyDirectory:
    """The keys in a private directory, by size."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._seen: dict[int, tuple[tuple[int, int, int], list[bytes]]] = {}

    def read(self, bits: int) -> list[bytes]:
        """Return the keys of a size; none if the file is missing, damaged or accessible to others."""
        try:
            descriptor = os.open(self._path(bits), os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        except (OSError, ValueError):
            return []
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or not _private(status) or status.st_size > _LARGEST_FILE:
                return []
            mark = (status.st_mtime_ns, status.st_size, status.st_ino)
            seen = self._seen.get(bits)
            if seen is None or seen[0] != mark:
                with suppress(OSError):
                    seen = self._seen[bits] = mark, _parse(bits, file.read())
        return list(seen[1]) if seen else []

    def add(self, bits: int, key: bytes, most: int) -> None:
        """Append a key unless there are ``most`` already. Errors are ignored."""
        with suppress(OSError, ValueError), self._locked(f"rsa-{bits}.lock"):
            keys = self.read(bits)
            if key not in keys and len(keys) < most:
                self._write(bits, [*keys, key])

    @contextmanager
    def turn(self, bits: int) -> Iterator[bool]:
        """Hold the lock for generating keys of a size in advance; yield False if another process has it."""
        try:
            lock = self._lock(f"rsa-{bits}.turn", wait=False)
        except BlockingIOError:
            yield False
            return
        except (OSError, ValueError):
            yield True
            return
        try:
            yield True
        finally:
            os.close(lock)

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
        if not stat.S_ISDIR(status.st_mode) or not _private(status):
            raise PermissionError(f"{self._directory} is not a private directory")


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
