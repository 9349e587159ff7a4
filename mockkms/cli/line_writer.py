"""Write lines to a stream without waiting for its reader.

A pipe holds 64 KiB on Linux; a write beyond that blocks until the pipe is read. Test suites start servers
with ``subprocess.PIPE`` and read nothing, so a server that waits for its log stops answering.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from queue import SimpleQueue
from typing import TextIO

MOST_WAITING = 10_000
"""Lines in the queue; further ones are dropped and counted."""
LONGEST_LINE = 4096
"""Characters; longer lines are truncated."""
_PAUSE = 0.02
"""Seconds until another attempt to write to a stream that is full and does not block."""


class LineWriter:
    """Writes lines to a stream's file descriptor from its own thread, which starts with the first line."""

    def __init__(self, stream: TextIO | None, most_waiting: int = MOST_WAITING) -> None:
        self._stream = stream
        self._most_waiting = most_waiting
        # SimpleQueue.put is reentrant: a signal handler may call it while the same thread is in put().
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._dropped = 0

    def write(self, text: str) -> None:
        """Queue a line, or drop it if the queue is full; the number of dropped lines is written with the next one."""
        if self._lines.qsize() >= self._most_waiting:
            self._dropped += 1
            return
        self._lines.put(text)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="mockkms-lines", daemon=True)
            self._thread.start()

    def close(self, seconds: float) -> None:
        """Wait at most ``seconds`` for queued lines to be written; later lines are discarded."""
        if self._thread is not None:
            self._lines.put(None)
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            target = self._stream.fileno() if self._stream is not None else None
        except (OSError, ValueError):
            target = None
        while (text := self._lines.get()) is not None:
            if target is None:
                continue
            dropped, self._dropped = self._dropped, 0
            if dropped:
                text += f"\nmockkms: {dropped} lines were dropped, because nothing read this stream"
            try:
                _write(target, text)
            except OSError:
                target = None  # The reader has closed the pipe.


def _write(target: int, text: str) -> None:
    cut = "\n".join(
        line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}… ({len(line)} characters)"
        for line in text.split("\n")
    )
    data = memoryview(cut.encode("utf-8", "backslashreplace") + b"\n")
    while data:
        try:
            data = data[os.write(target, data) :]
        except BlockingIOError:
            # Another process has made the stream, which it shares, non-blocking: Node does so with terminals and pipes.
            time.sleep(_PAUSE)


class LogLines(logging.Handler):
    """Writes log records without blocking. The default handler writes to stderr on the calling thread, the server's."""

    def __init__(self, writer: LineWriter) -> None:
        super().__init__(logging.WARNING)
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        self._writer.write(self.format(record))
