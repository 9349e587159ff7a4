"""``mockkms serve`` in a process of its own, for tests that only need its address."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WAIT = 60.0
"""Seconds after which a server that does not come up counts as broken."""


def ready_file(path: Path, process: subprocess.Popen[str]) -> dict[str, Any]:
    """What the ready file of a starting server says, once it exists."""
    until = time.monotonic() + WAIT
    while not path.exists():
        assert process.poll() is None, f"it ended: {process.returncode}"
        assert time.monotonic() < until, f"not ready after {WAIT} s"
        time.sleep(0.01)
    data: dict[str, Any] = json.loads(path.read_text())
    return data


def heed_interrupts() -> None:
    """Let SIGINT reach a program, as its ``preexec_fn``: what a shell runs in the background ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def served(folder: Path, *flags: str, **environment: str) -> Iterator[dict[str, Any]]:
    """What the ready file of such a server says; it ends with the block."""
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "mockkms", "serve", "--port", "0", *flags, "--ready-file", str(ready)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}) as process:
        try:
            yield ready_file(ready, process)
        finally:
            process.terminate()
