"""Running a command once: in a process group of its own, with a time limit, its output bounded."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from mockkms.explore import ExploreError
from mockkms.explore.explorer import Verdict
from mockkms.explore.observing import InjectedRule, Observation, Observer
from mockkms.explore.results import Outcome
from mockkms.handle import Handle

_KEPT = 16 * 1024
"""Bytes of the output that are kept, the last ones."""
_LINES = 20
_LONGEST = 300
_TRACEBACK = "Traceback (most recent call last):"
_PLACE = re.compile(
    r'File "(?P<python>[^"\n]{1,300})", line (?P<line>\d+)'
    r"|(?P<other>[\w./-]{1,300}\.(?:go|java|m?js|cjs|rs)):(?P<number>\d+)"
)
_LIBRARIES = (
    "site-packages", "dist-packages", "/lib/python", "<frozen", "<string>", "/usr/local/go/", "/go/pkg/mod/",
    "/go/src/runtime/", "node_modules", "node:internal", "/.cargo/", "/rustc/",
)  # fmt: skip
"""In paths of code that is not the user's."""
_DUMP = 5.0
"""Seconds that a process that has reached its limit gets to write what its threads are doing, and to end."""


class Interruption:
    """Heeds SIGINT and SIGTERM: the first one ends the run under way, the second one raises KeyboardInterrupt.

    An exception that is raised wherever the signal comes could leave a process behind, or be lost in a finalizer.
    """

    def __init__(self) -> None:
        self.came = False
        """Whether a signal came."""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise KeyboardInterrupt if a signal came."""
        if self.came:
            raise KeyboardInterrupt

    def of(self, process: subprocess.Popen[bytes] | None) -> None:
        """Make this the process that a signal ends."""
        self._process = process
        if self.came and process is not None:
            _kill(process)

    def _note(self, number: int, frame: object) -> None:
        self.check()
        self.came = True
        if self._process is not None:
            _kill(self._process)


class CommandRunner:
    """Runs a command against a server whose world it resets before each run."""

    def __init__(
        self, command: Sequence[str], kms: Handle, environment: Mapping[str, str], again: Callable[[str], str],
        interruption: Interruption,
    ) -> None:  # fmt: skip
        """``again`` returns the command line that explores a case."""
        self._command, self._kms, self._environment, self._again = [*command], kms, dict(environment), again
        self._interruption = interruption

    def command(self, case: str) -> str:
        """Return the command that explores one case alone."""
        return self._again(case)

    def run(
        self, rules: Sequence[InjectedRule], limit: float, *, effects: bool = False, reseed: bool = False
    ) -> tuple[Verdict, Observation]:
        """Run the command in a new world. Raises ExploreError, and KeyboardInterrupt once it was interrupted."""
        self._interruption.check()
        observer = Observer(rules, effects=effects, reseed=reseed)
        self._kms.reset()
        observer.attach(self._kms)
        observer.phase = "call"
        try:
            verdict = run_command(self._command, self._environment, limit, self._interruption)
            self._interruption.check()
            return verdict, observer.finish()
        finally:
            observer.detach()


def run_command(
    command: Sequence[str], environment: Mapping[str, str], limit: float, interruption: Interruption
) -> Verdict:
    """Run a command and judge its exit code; end all its processes afterwards. Raises ExploreError."""
    started = time.monotonic()
    try:
        process = subprocess.Popen(
            command, env={"PYTHONFAULTHANDLER": "1", **environment}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ExploreError(f"cannot run {command[0]}: {reason}") from None
    assert process.stdout is not None
    output = _Tail(process.stdout)
    hung = False
    try:
        interruption.of(process)
        process.wait(limit)
    except subprocess.TimeoutExpired:
        hung = True
        seconds = time.monotonic() - started
        _dump(process, python=_is_python(command))
    finally:
        interruption.of(None)
        _kill(process)
        process.wait()
        output.close()
    if not hung:
        seconds = time.monotonic() - started
    return _verdict(process.returncode, seconds, output.text(), limit, hung=hung)


def _is_python(command: Sequence[str]) -> bool:
    """Return whether a command is run by Python, whose fault handler writes stacks upon SIGABRT."""
    return any(word in Path(command[0]).name for word in ("python", "pytest"))


def _dump(process: subprocess.Popen[bytes], *, python: bool) -> None:
    """Ask a process what it is doing: programs in Go and Java write the stacks of their threads upon SIGQUIT."""
    with suppress(OSError, AttributeError):
        if python:
            # Not its children: the fault handlers of two processes write piece by piece into each other's lines.
            os.kill(process.pid, signal.SIGABRT)
        else:
            os.killpg(process.pid, signal.SIGQUIT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_DUMP)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the group of processes that the command has started."""
    if hasattr(os, "killpg"):
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()


def _verdict(code: int, seconds: float, text: str, limit: float, *, hung: bool) -> Verdict:
    lines = [line[:_LONGEST] for line in text.splitlines()[-_LINES:]]
    where = _where(text)
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")[:200]
    if hung:
        return Verdict(Outcome.HUNG, seconds, f"not ended after {limit:g} s", "", where, tuple(lines))
    if code < 0:
        name = _signal(-code)
        return Verdict(Outcome.RAISED, seconds, last or f"ended by {name}", name, where, tuple(lines))
    if code:
        return Verdict(Outcome.FAILED, seconds, last, f"exit code {code}", where, tuple(lines))
    return Verdict(Outcome.TOLERATED, seconds)


def _where(text: str) -> str:
    """Return the place in the user's code that a traceback or a dump of stacks shows; empty if there is none."""
    raised = text.rfind(_TRACEBACK)
    found = [
        f"{match['python'] or match['other']}:{match['line'] or match['number']}"
        for match in _PLACE.finditer(text, max(raised, 0))
        if not any(part in match[0] for part in _LIBRARIES)
    ]
    # Of a traceback, the last call is the innermost one; of a dump the first.
    return (found[-1] if raised >= 0 else found[0]) if found else ""


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class _Tail:
    """Reads a stream to its end on a thread and keeps the last bytes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._kept = stream, b""
        self._thread = threading.Thread(target=self._read, name="mockkms-output", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with suppress(OSError, ValueError):
            while chunk := os.read(self._stream.fileno(), 65536):
                self._kept = (self._kept + chunk)[-_KEPT:]

    def close(self) -> None:
        """Wait for the end of the stream, for a second at most: a process that left the group may hold it open."""
        self._thread.join(1)
        if not self._thread.is_alive():
            self._stream.close()

    def text(self) -> str:
        """Return the last part of what the stream had."""
        return self._kept.decode("utf-8", "replace")


def without_core_files() -> None:
    """Let processes started from now on write no core file when they are asked for their stacks."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def writable(path: Path) -> str:
    """Return why a file cannot be written; empty if it can."""
    folder = path.parent
    if path.is_dir():
        return "it is a folder"
    return "" if folder.is_dir() else f"the folder {folder} does not exist"
