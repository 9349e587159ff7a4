"""What commands show while they work: on terminals only, and after a second only."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

PROGRAM = """
import sys, time
import mockkms.cli.progress as subject
subject._PERIOD = 0.05
with subject.progress("counting"):
    time.sleep(float(sys.argv[1]))
print("done", file=sys.stderr)
"""


def shown(seconds: str, **variables: str) -> str:
    """What a terminal gets."""
    master, terminal = os.openpty()
    try:
        run = [sys.executable, "-c", PROGRAM, seconds]
        environment = {**os.environ, "TERM": "xterm", **variables}
        subprocess.run(run, stderr=terminal, env=environment, check=True, timeout=60)
        return os.read(master, 100_000).decode()
    finally:
        os.close(master)
        os.close(terminal)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
def test_on_a_terminal() -> None:
    text = shown("1.5")
    assert re.search(r"\r\x1b\[Kcounting … \d+ s", text)
    assert text.endswith("\r\x1b[Kdone\r\n"), "the line is erased at the end"


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
def test_what_is_quick_shows_nothing() -> None:
    assert shown("0") == "done\r\n"
    assert shown("0.3", TERM="dumb") == "done\r\n"


def test_a_pipe_gets_nothing() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM, "0.3"], capture_output=True, text=True, check=True, timeout=60)
    assert run.stderr == "done\n"
