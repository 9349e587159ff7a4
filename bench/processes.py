"""The processes that are measured: started, waited for, asked for their memory, ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import perf_counter, sleep

from bench import load

ROOT = Path(__file__).resolve().parent.parent
_PATIENCE = 60.0
"""Seconds until a process that does not answer is given up."""


@dataclass
class Ours:
    """A running ``mockkms serve``."""

    process: subprocess.Popen[bytes]
    port: int
    first_answer: float
    """Seconds from the spawn to the first answered request."""

    def resident(self) -> float:
        """Return the resident memory in MiB."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("no resident memory is told here")


@contextmanager
def ours(*options: str) -> Iterator[Ours]:
    """Start ``mockkms serve`` in a process of its own, and yield it once it has answered a request."""
    with tempfile.TemporaryDirectory(prefix="mockkms-bench-") as folder:
        ready = Path(folder, "ready.json")
        command = [sys.executable, "-m", "mockkms", "serve", "--port", "0", "--ready-file", str(ready), *options]
        started = perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, env=_environment(), stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
        try:
            while not ready.exists():
                if process.poll() is not None or perf_counter() - started > _PATIENCE:
                    raise RuntimeError("mockkms serve did not come up")
                sleep(0.001)
            port = int(json.loads(ready.read_text())["url"].rpartition(":")[2])
            load.once(port, load.request("GET", "/v1/sys/health"))
            yield Ours(process, port, perf_counter() - started)
        finally:
            _end(process)


@contextmanager
def floor() -> Iterator[tuple[int, int]]:
    """Start the floor in a process of its own, and yield its port and process id."""
    command = [sys.executable, "-m", "bench.floor"]
    process = subprocess.Popen(command, cwd=ROOT, env=_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline()), process.pid
    finally:
        _end(process)


def python(*arguments: str, cwd: Path = ROOT, path: tuple[Path, ...] = (ROOT,)) -> tuple[float, str]:
    """Run this Python to its end, with ``path`` to import from; return the seconds it took, and what it printed."""
    started = perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=_environment(path), capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    seconds = perf_counter() - started
    if done.returncode:
        raise RuntimeError(f"python {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return seconds, done.stdout


@cache
def _compiled() -> tempfile.TemporaryDirectory[str]:
    """Return where measured processes keep compiled modules: an installed package has them too."""
    return tempfile.TemporaryDirectory(prefix="mockkms-bench-pyc-")


def _environment(path: tuple[Path, ...] = (ROOT,)) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": os.pathsep.join(map(str, path)), "PYTHONPYCACHEPREFIX": _compiled().name}


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
