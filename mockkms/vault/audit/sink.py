"""Files of audit devices: opened once, kept open, and written without blocking."""

from __future__ import annotations

import os
import stat
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from mockkms.vault.golang.fmt import quote

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context

_USUAL_MODE = 0o600
_EXECUTABLE = 0o111


class SinkError(Exception):
    """A file that cannot be opened or written, with the real server's text."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Sink:
    """One open file."""

    def __init__(self, path: str, mode: int) -> None:
        self.path = path
        self.mode = mode
        self._descriptor = -1
        self._close: weakref.finalize[..., Sink] | None = None

    def open(self) -> None:
        """Open the file, create its folder if missing, and set its mode. Raises SinkError."""
        if self._descriptor >= 0:
            return
        try:
            _make_folders(Path(self.path).parent, self.mode)
        except SinkError as error:
            raise SinkError(f"unable to create file {quote(self.path)}: {error.text}") from None
        flags = os.O_APPEND | os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        try:
            # Without O_NONBLOCK a FIFO without a reader would block every other request.
            descriptor = os.open(self.path, flags, self.mode)
        except (OSError, ValueError) as error:
            fault = _go("open", error, self.path)
            raise SinkError(f"unable to open file for sink {quote(self.path)}: {fault}") from None
        self._descriptor, self._close = descriptor, weakref.finalize(self, os.close, descriptor)
        try:
            if self.mode and stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.fchmod(descriptor, self.mode)
        except OSError as error:
            self.close()
            shown = stat.filemode(stat.S_IFREG | self.mode)
            raise SinkError(
                f"unable to change file permissions '{shown}' for sink {quote(self.path)}: "
                + _go("chmod", error, self.path)
            ) from None

    def write(self, text: bytes) -> None:
        """Append ``text``; after a failed write, reopen the file once and retry. Raises SinkError."""
        try:
            self._try(text, "")
        except OSError:
            self.close()
            try:
                self._try(text, "re-")
            except OSError as error:
                fault = f"unable to re-write to file for sink {quote(self.path)}: {_go('write', error, self.path)}"
                raise SinkError(self._framed(fault)) from None

    def _try(self, text: bytes, again: str) -> None:
        try:
            self.open()
        except SinkError as error:
            fault = f"unable to {again}open file for sink {quote(self.path)}: {error.text}"
            raise SinkError(self._framed(fault)) from None
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


_OPEN: weakref.WeakKeyDictionary[Context, dict[str, Sink]] = weakref.WeakKeyDictionary()
"""The open files of each server by device path; kept outside the state, which has to pickle."""


def sink(core: Context, device: str, path: str, mode: int) -> Sink:
    """Return the file of an audit device, opening it if needed. Raises SinkError."""
    known = _OPEN.setdefault(core, {})
    found = known.get(device)
    if found is None or (found.path, found.mode) != (path, mode):
        close(core, device)
        found = Sink(path, mode)
        found.open()
        known[device] = found
    return found


def close(core: Context, device: str) -> None:
    """Close the file of a removed device."""
    gone = _OPEN.get(core, {}).pop(device, None)
    if gone is not None:
        gone.close()


def file_mode(path: str, text: str) -> int:
    """Return the mode of an audit file; ``0000`` keeps the existing one. Raises SinkError."""
    text = text.strip()
    if not text:
        return _USUAL_MODE
    if not (text.isascii() and text.isdigit() and max(text) < "8"):
        raise SinkError(
            "unable to parse file mode: invalid internal parameter: "
            f"strconv.ParseUint: parsing {quote(text)}: invalid syntax"
        )
    mode = int(text, 8)
    if mode >= 2**32:
        raise SinkError(
            "unable to parse file mode: invalid internal parameter: "
            f"strconv.ParseUint: parsing {quote(text)}: value out of range"
        )
    if mode == 0:
        try:
            mode = stat.S_IMODE(Path(path).stat().st_mode)
        except (OSError, ValueError) as error:
            raise SinkError(f"unable to determine existing file mode: {_go('stat', error, path)}") from None
    if mode & _EXECUTABLE:
        raise SinkError("file mode must not be executable: invalid configuration")
    return mode & 0o666


def _make_folders(folder: Path, mode: int) -> None:
    """Create a folder and its parents, each with ``mode`` as the real server does. Raises SinkError."""
    missing: list[Path] = []
    try:
        while not folder.is_dir() and folder != folder.parent:
            missing.append(folder)
            folder = folder.parent
        for one in reversed(missing):
            folder = one
            folder.mkdir(mode)
    except FileExistsError:
        raise SinkError(f"mkdir {folder}: not a directory") from None
    except (OSError, ValueError) as error:
        raise SinkError(_go("mkdir", error, str(folder))) from None


def _go(call: str, error: OSError | ValueError, path: str) -> str:
    """Return a system call's error in Go's format."""
    if isinstance(error, ValueError):  # Python itself rejects a NUL in a path.
        return f"{call} {path}: invalid argument"
    return f"{call} {path}: {os.strerror(error.errno or 0).lower()}"
