"""Files of audit devices: opened once, kept open, and written without blocking."""

from __future__ import annotations

import os
import stat
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from mockkms.vault.framework.message import ErrorResponse, refusing
from mockkms.vault.golang.fmt import quote
from mockkms.vault.golang.integers import parse_uint

_USUAL_MODE = 0o600
_EXECUTABLE = 0o111


class Sink:
    """One open file."""

    def __init__(self, path: str, mode: int) -> None:
        self.path = path
        self.mode = mode
        self.key = (path, mode)
        self._descriptor = -1
        self._close: weakref.finalize[..., Sink] | None = None

    def open(self) -> None:
        """Open the file, create its folder if missing, and set its mode. Raises ErrorResponse."""
        if self._descriptor >= 0:
            return
        with refusing(f"unable to create file {quote(self.path)}: ", of=ErrorResponse):
            _make_folders(Path(self.path).parent, self.mode)
        flags = os.O_APPEND | os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        try:
            # Without O_NONBLOCK a FIFO without a reader would block every other request.
            descriptor = os.open(self.path, flags, self.mode)
        except (OSError, ValueError) as error:
            fault = _go("open", error, self.path)
            raise ErrorResponse(f"unable to open file for sink {quote(self.path)}: {fault}") from None
        self._descriptor, self._close = descriptor, weakref.finalize(self, os.close, descriptor)
        try:
            if self.mode and stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.fchmod(descriptor, self.mode)
        except OSError as error:
            self.close()
            shown = stat.filemode(stat.S_IFREG | self.mode)
            raise ErrorResponse(
                f"unable to change file permissions '{shown}' for sink {quote(self.path)}: "
                + _go("chmod", error, self.path)
            ) from None

    def write(self, text: bytes) -> None:
        """Append ``text``; after a failed write, reopen the file once and retry. Raises ErrorResponse."""
        try:
            self._try(text, "")
        except OSError:
            self.close()
            try:
                self._try(text, "re-")
            except OSError as error:
                fault = f"unable to re-write to file for sink {quote(self.path)}: {_go('write', error, self.path)}"
                raise ErrorResponse(self._framed(fault)) from None

    def _try(self, text: bytes, again: str) -> None:
        with refusing(self._framed(f"unable to {again}open file for sink {quote(self.path)}: "), of=ErrorResponse):
            self.open()
        left = memoryview(text)
        while left:
            left = left[os.write(self._descriptor, left) :]

    def _framed(self, text: str) -> str:
        return f"error writing file for sink {quote(self.path)}: {text}"

    def close(self) -> None:
        """Close the file; the next write reopens it."""
        if self._close is not None:
            self._close()
        self._descriptor, self._close = -1, None


class AuditTarget(Protocol):
    """What the lines of an audit device are written to."""

    @property
    def key(self) -> tuple[object, ...]:
        """The settings that it was made with."""

    def open(self) -> None:
        """Prepare it. Raises ErrorResponse."""

    def write(self, text: bytes) -> None:
        """Append a text. Raises ErrorResponse."""

    def close(self) -> None:
        """Give it back to the system."""


_OPEN: weakref.WeakKeyDictionary[object, dict[str, AuditTarget]] = weakref.WeakKeyDictionary()
"""The open files and connections of each server by device path; kept outside the state, which has to pickle."""


def kept(core: object, device: str, made: AuditTarget) -> AuditTarget:
    """Return the target of an audit device: the one that is open if it has the same settings, else ``made``.

    Raises ErrorResponse.
    """
    known = _OPEN.setdefault(core, {})
    found = known.get(device)
    if found is None or found.key != made.key:
        close(core, device)
        made.open()
        found = known[device] = made
    return found


def close(core: object, device: str) -> None:
    """Close the file or connection of a removed device."""
    gone = _OPEN.get(core, {}).pop(device, None)
    if gone is not None:
        gone.close()


def file_mode(path: str, text: str) -> int:
    """Return the mode of an audit file; ``0000`` keeps the existing one. Raises ErrorResponse."""
    text = text.strip()
    if not text:
        return _USUAL_MODE
    with refusing("unable to parse file mode: invalid internal parameter: "):
        mode = parse_uint(text, base=8, bits=32)
    if mode == 0:
        with _reported("unable to determine existing file mode: ", "stat", path):
            mode = stat.S_IMODE(Path(path).stat().st_mode)
    if mode & _EXECUTABLE:
        raise ErrorResponse("file mode must not be executable: invalid configuration")
    return mode & 0o666


def _make_folders(folder: Path, mode: int) -> None:
    """Create a folder and its parents, each with ``mode`` as the real server does. Raises ErrorResponse."""
    missing: list[Path] = []
    while not _is_folder(folder) and folder != folder.parent:
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        with _reported("", "mkdir", str(one)):
            one.mkdir(mode)


def _is_folder(path: Path) -> bool:
    with _reported("", "mkdir", str(path)):
        return path.is_dir()


@contextmanager
def _reported(prefix: str, call: str, path: str) -> Iterator[None]:
    """Raise ErrorResponse, in Go's format, for a failed system call of the body."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise ErrorResponse(prefix + _go(call, error, path)) from None


def _go(call: str, error: OSError | ValueError, path: str) -> str:
    """Return a system call's error in Go's format."""
    if isinstance(error, ValueError):  # Python itself rejects a NUL in a path.
        return f"{call} {path}: invalid argument"
    if call == "mkdir" and isinstance(error, FileExistsError):
        return f"{call} {path}: not a directory"
    return f"{call} {path}: {os.strerror(error.errno or 0).lower()}"
