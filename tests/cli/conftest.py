"""A real ``mockkms serve`` in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

WAIT = 60.0
"""Seconds after which a server that does not come up counts as broken."""


class Served:
    """One process and what its ready file says."""

    def __init__(self, process: subprocess.Popen[str], ready: dict[str, Any], log: Path) -> None:
        self.process, self.ready, self._log = process, ready, log
        self.url: str = ready["url"]

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Send a signal; the seconds until the process was gone."""
        started = time.monotonic()
        self.process.send_signal(number)
        try:
            self.process.wait(WAIT)
        except subprocess.TimeoutExpired:
            # Python's fault handler writes what each thread is doing.
            self.process.send_signal(signal.SIGABRT)
            self.process.wait(WAIT)
            pytest.fail(f"not ended after {WAIT} s:\n{self.text()}")
        return time.monotonic() - started

    def text(self) -> str:
        """All that it wrote."""
        return self._log.read_text()


def command(*flags: str) -> list[str]:
    """The command line of a serve."""
    return [sys.executable, "-m", "mockkms", "serve", *flags]


def environment(**words: str) -> dict[str, str]:
    """Ours, without what would change a server's mind."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RUSTFS_", "VAULT_", "BAO_"))}
    return {**kept, **words}


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts servers on free ports, waits for their ready files, and ends them."""
    made: list[subprocess.Popen[str]] = []

    def start(*flags: str, **words: str) -> Served:
        ready, log = tmp_path / f"ready-{len(made)}.json", tmp_path / f"log-{len(made)}"
        given = () if "--port" in flags or "--config" in flags else ("--port", "0")
        with log.open("w") as out:
            process = subprocess.Popen(
                command(*given, *flags, "--ready-file", str(ready)),
                stdout=out, stderr=subprocess.STDOUT, text=True, cwd=tmp_path,
                env=environment(**words, PYTHONFAULTHANDLER="1"),
            )  # fmt: skip
        made.append(process)
        until = time.monotonic() + WAIT
        while not ready.exists():
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.01)
            assert process.returncode is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
        said = json.loads(ready.read_text())
        # A thread writes the first lines, which have the port in every mode and format.
        while said["url"].rpartition(":")[2] not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.01)
        return Served(process, said, log)

    yield start
    for process in made:
        if process.poll() is None:
            process.kill()
        process.wait(WAIT)
