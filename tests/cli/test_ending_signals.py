"""The main thread of ``serve`` ends at a signal, whichever thread the system gives it to and whenever it comes."""

from __future__ import annotations

import subprocess
import sys

import pytest

_TO_ANOTHER_THREAD = """
import signal, threading, time
from mockkms.cli.ending_signals import EndingSignals

signals = EndingSignals()
stay = threading.Event()
other = threading.Thread(target=stay.wait, daemon=True)
other.start()

def send():
    time.sleep(0.2)  # By now the main thread waits.
    signal.pthread_kill(other.ident, signal.SIGTERM)

threading.Thread(target=send, daemon=True).start()
signals.wait()
print("ended")
"""
_BEFORE_THE_WAIT = """
import os, signal
from mockkms.cli.ending_signals import EndingSignals

signals = EndingSignals()
os.kill(os.getpid(), signal.SIGINT)
signals.wait()
print("ended")
"""


@pytest.mark.parametrize("code", [_TO_ANOTHER_THREAD, _BEFORE_THE_WAIT], ids=["another-thread", "before"])
def test_a_signal_ends_the_wait(code: str) -> None:
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout == "ended\n"


def test_a_signal_within_the_wait() -> None:
    # Where a handler runs between two instructions of wait() itself.
    code = """
import os, signal, sys
from mockkms.cli import ending_signals

def trace(frame, event, _):
    if frame.f_code is ending_signals.EndingSignals.wait.__code__:
        sys.settrace(None)
        signal.raise_signal(signal.SIGTERM)
    return trace

signals = ending_signals.EndingSignals()
sys.settrace(trace)
signals.wait()
print("ended")
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout == "ended\n"
