"""SIGINT and SIGTERM to commands: wherever they come, the command ends, with all that it started and no traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from mockkms.explore.commands import Interruption, run_command
from mockkms.explore.results import Outcome
from tests.serving import heed_interrupts

_WHILE_IMPORTED = """
import signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "mockkms.cli":
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Finder())
sys.argv = ["mockkms", "version"]
from mockkms.__main__ import main
main()
print("not reached")
"""
_WHILE_PARSED = """
import argparse, signal, sys

argparse.ArgumentParser.parse_known_args = lambda *_: signal.raise_signal(signal.SIGINT)
sys.argv = ["mockkms", "version"]
from mockkms.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("code", "status"), [(_WHILE_IMPORTED, -signal.SIGINT), (_WHILE_PARSED, 130)], ids=["imported", "parsed"]
)
def test_an_interruption_at_the_start_shows_no_traceback(code: str, status: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, preexec_fn=heed_interrupts
    )
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_run_of_an_exploration_is_ended(tmp_path: Path, number: signal.Signals) -> None:
    program = "import os, pathlib, time\npathlib.Path('pid').write_text(str(os.getpid()))\ntime.sleep(600)\n"
    (tmp_path / "program.py").write_text(program)
    command = [sys.executable, "-m", "mockkms", "explore", "--", sys.executable, "program.py"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, preexec_fn=heed_interrupts
    ) as process:
        until = time.monotonic() + 60
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            assert time.monotonic() < until
            time.sleep(0.05)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_signal_before_the_process_is_known_ends_it() -> None:
    with Interruption() as interruption:
        signal.raise_signal(signal.SIGINT)
        verdict = run_command(["sleep", "600"], {**os.environ}, 60, interruption)
        assert verdict.outcome is Outcome.RAISED
        with pytest.raises(KeyboardInterrupt):
            interruption.check()
        with pytest.raises(KeyboardInterrupt):  # Who insists is heard at once.
            signal.raise_signal(signal.SIGINT)


def test_a_signal_within_the_cleaning_up_is_kept() -> None:
    with Interruption() as interruption:
        # In a finalizer, an exception would be printed and forgotten.
        finalized = threading.Event()

        class Kept:
            def __del__(self) -> None:
                signal.raise_signal(signal.SIGTERM)
                finalized.set()

        Kept()
        assert finalized.is_set()
        with pytest.raises(KeyboardInterrupt):
            interruption.check()


def test_a_command_gets_a_signal_that_came_before_it(tmp_path: Path) -> None:
    code = """
import signal, subprocess, sys

class Popen(subprocess.Popen):
    def __init__(self, *args, **words):
        signal.raise_signal(signal.SIGTERM)
        super().__init__(*args, **words)

subprocess.Popen = Popen
sys.argv = ["mockkms", "run", "--", "sleep", "600"]
from mockkms.__main__ import main
sys.exit(main())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (128 + signal.SIGTERM, "")
