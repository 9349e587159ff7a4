"""Writing a recording: one line of JSON for each request, written to disk before the next one.

The first line names the format; then come, in the order of events, the forms of new secrets and the exchanges. A
process that is killed leaves whole lines and at most one beginning of a line, which readers ignore. The file is new,
readable by its owner only (mode 0600), and has a limit.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from mockkms.error_context import file_context
from mockkms.recording.redacting import Redactor, json_bytes
from mockkms.version import __version__
from mockkms.world.clock import rfc3339
from mockkms.world.journal.entry import Entry

FORMAT = 1
LIMIT = 256 * 1024 * 1024
"""Bytes of the largest file that is written by default."""
_ROOM = 4096
"""Bytes that are kept for the last line."""


class Recorder:
    """Appends to one file. Usable from several threads."""

    def __init__(
        self, path: Path, upstream: str, now: float, warn: Callable[[str], object], *, limit: int = LIMIT
    ) -> None:
        """Create the file; ``now`` is epoch seconds.

        Raises ValueError if it exists or cannot be written, or for a limit below 64 KiB.
        """
        if limit < 1 << 16:
            raise ValueError(f"the limit of a recording is {limit} bytes; it must be at least 65536")
        self.path, self.limit = path, limit
        self.exchanges = 0
        """The number of recorded exchanges."""
        self.left_out: dict[str, int] = {}
        """How often something was left out, by the reason."""
        self._warn = warn
        self._redactor = Redactor()
        self._started = now
        self._size = 0
        self._lock = threading.Lock()
        if os.path.exists(path):
            raise ValueError(f"{path} exists already; remove it, or name another file")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
        with file_context(f"cannot write the recording {path}: ", of=(OSError, ValueError)):
            self._file = os.open(path, flags, 0o600)
        self._open = True
        head = {
            "mockkms_recording": FORMAT, "version": __version__, "upstream": upstream, "started": rfc3339(now)
        }  # fmt: skip
        self._write(json_bytes(head, "\n"))

    def add(self, entry: Entry, headers: Sequence[tuple[str, str]], *, streamed: bool = False) -> None:
        """Append a request and its answer. ``entry`` has the whole bodies and is modified.

        Never raises: after a failed write, and at the limit, a warning is given and the recording ends.
        """
        with self._lock:
            if not self._open:
                self._count("requests after the end of the recording")
                return
            exchange = self._redactor.exchange(entry, headers, entry.time - self._started, streamed=streamed)
            secrets = [{"secret": number, **form.data()} for number, form in self._redactor.secrets.taken()]
            lines = b"".join(json_bytes(line, "\n") for line in (*secrets, exchange.data()))
            if self._size + len(lines) > self.limit - _ROOM:
                self._end(f"the recording has reached its limit of {self.limit} bytes; later requests are not in it")
            elif self._write(lines):
                self.exchanges += 1
                for reason in exchange.left_out:
                    self._count(reason)
            else:
                self._count("requests after the end of the recording")

    def section(self, name: str) -> None:
        """Begin a section, such as a test, to which the following requests belong."""
        with self._lock:
            if self._open:
                self._write(json_bytes({"section": name}, "\n"))

    def skip(self, reason: str) -> None:
        """Count a request that is not recorded."""
        with self._lock:
            self._count(reason)

    def close(self) -> None:
        """End the recording with a line that counts what was left out."""
        with self._lock:
            if self._open:
                if self.left_out:
                    self._write(json_bytes({"end": "closed", "left_out": self.left_out}, "\n"))
                self._close()

    def summary(self) -> str:
        """Return what was recorded and left out, as text of a few lines."""
        lines = [f"{self.path}: {self.exchanges} {'request' if self.exchanges == 1 else 'requests'} recorded"]
        return "\n".join(lines + [f"  left out: {reason} ({count})" for reason, count in sorted(self.left_out.items())])

    def _count(self, reason: str) -> None:
        if reason in self.left_out or len(self.left_out) < 100:
            self.left_out[reason] = self.left_out.get(reason, 0) + 1

    def _end(self, reason: str) -> None:
        self._count("requests after the end of the recording")
        self._write(json_bytes({"end": reason}, "\n"))
        self._close()
        self._warn(f"{self.path}: {reason}")

    def _write(self, lines: bytes) -> bool:
        rest = memoryview(lines)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            self._close()
            self._warn(f"{self.path}: the recording ends here, it cannot be written: {error.strerror or error}")
            return False
        self._size += len(lines)
        return True

    def _close(self) -> None:
        if self._open:
            self._open = False
            os.close(self._file)
