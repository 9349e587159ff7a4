"""The server's log, for clients that follow it with ``sys/monitor``: the lines that the real server writes.

Lines are not stored, and not even formatted while no client follows. Their formats are those of hclog.
"""

from __future__ import annotations

import json
import re
import threading
import weakref
from collections import deque
from collections.abc import Callable

from mockkms.world.clock import Clock, rfc3339

LEVELS = {"trace": 1, "debug": 2, "info": 3, "warn": 4, "error": 5, "off": 6}
KEPT = 512
"""Lines that a follower has not read yet; of more, the latest are dropped and counted, as by the real server."""
MOST_FOLLOWERS = 64
_PLAIN = re.compile(r"[^\s\"=]+")


class LogStream:
    """One follower: its lines until they are taken, as bytes."""

    def __init__(self, level: str, *, as_json: bool, end: Callable[[LogStream], None]) -> None:
        self.level = LEVELS[level]
        self.ended = False
        """Whether no more lines come: the server was sealed, or its state replaced."""
        self._as_json, self._end = as_json, end
        self._lines: deque[bytes] = deque()
        self._dropped = 0
        self._lock = threading.Lock()

    def write(self, level: str, name: str, text: str, pairs: dict[str, object], moment: float) -> None:
        """Add a line, if its level is that of the stream or higher."""
        if LEVELS[level] < self.level:
            return
        form = json_line if self._as_json else standard_line
        self.put(form(level, name, text, pairs, moment).encode("utf-8", "replace"))

    def put(self, line: bytes) -> None:
        """Add bytes, unless the follower is too far behind."""
        with self._lock:
            if len(self._lines) >= KEPT:
                self._dropped += 1
            else:
                self._lines.append(line)

    def take(self) -> bytes:
        """Remove and return all lines."""
        with self._lock:
            lines, self._lines = b"".join(self._lines), deque()
            if self._dropped:
                lines += b"Monitor dropped %d logs during monitor request\n" % self._dropped
                self._dropped = 0
            return lines

    def close(self) -> None:
        """Stop following."""
        self._end(self)


class ServerLog:
    """The log of one server. Thread-safe: followers come on the threads of requests, and leave on the server's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        # Not held: a response that is dropped before it is sent never closes its stream.
        self._followers: tuple[weakref.ref[LogStream], ...] = ()

    @property
    def streams(self) -> list[LogStream]:
        """The present followers, in the order in which they came."""
        return [stream for follower in self._followers if (stream := follower()) is not None]

    def follow(self, level: str, *, as_json: bool) -> LogStream | None:
        """Return a new follower; None if there are too many."""
        stream = LogStream(level, as_json=as_json, end=self._leave)
        with self._lock:
            present = self.streams
            if len(present) >= MOST_FOLLOWERS:
                return None
            self._followers = tuple(map(weakref.ref, (*present, stream)))
        return stream

    def _leave(self, stream: LogStream) -> None:
        with self._lock:
            self._followers = tuple(weakref.ref(one) for one in self.streams if one is not stream)

    def info(self, name: str, text: str, **pairs: object) -> None:
        """Write a line of the logger ``name``, with keys and values."""
        for stream in self.streams:
            stream.write("info", name, text, pairs, self._clock.now())

    def end(self, last: str = "") -> None:
        """End all followers, with ``last`` as the end of what they read."""
        with self._lock:
            ending, self._followers = self.streams, ()
        for stream in ending:
            if last:
                stream.put(last.encode())
            stream.ended = True


def standard_line(level: str, name: str, text: str, pairs: dict[str, object], moment: float) -> str:
    """Return a line as hclog writes it: ``2026-01-01T00:00:00.000Z [INFO]  core: vault is sealed``."""
    listed = "".join(f" {key}={_shown(value)}" for key, value in pairs.items())
    return f"{_milliseconds(moment)} {f'[{level.upper()}]':<7} {name}: {text}{':' if pairs else ''}{listed}\n"


def json_line(level: str, name: str, text: str, pairs: dict[str, object], moment: float) -> str:
    """Return a line as hclog writes it in JSON: its keys are in alphabetical order."""
    words = {"@level": level, "@message": text, "@module": name, "@timestamp": _microseconds(moment), **pairs}
    return json.dumps(words, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"


def _shown(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _milliseconds(moment: float) -> str:
    return f"{rfc3339(int(moment))[:-1]}.{int(moment % 1 * 1000):03d}Z"


def _microseconds(moment: float) -> str:
    return f"{rfc3339(int(moment))[:-1]}.{int(moment % 1 * 1_000_000):06d}Z"
