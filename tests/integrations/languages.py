"""Running the test command of a language, with this checkout's server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
import requests

from mockkms import MockKMS
from tests.clients.toolchain import unreachable
from tests.docs.pages import ROOT
from tests.waiting import eventually

INTEGRATIONS = ROOT / "integrations"
TRANSPORTS = pytest.mark.parametrize("flags", ["--tls --flavor openbao", ""], ids=["tls", "plain"])
"""The flags of ``mockkms serve``, in TEST_FLAGS, with which the tests of a language are run."""
LIMIT_LINES = 400


def run_tests(kind: str, *command: str, cwd: Path, **environment: str) -> str:
    """Run a language's test command and return what it printed. Skips if its libraries cannot be downloaded."""
    names = ("MOCKKMS_", "VAULT_", "BAO_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(names)}
    own = {
        "MOCKKMS_COMMAND": f"{sys.executable} -m mockkms",
        "PYTHONPATH": str(ROOT),
        "NO_PROXY": "127.0.0.1,localhost",
    }
    done = subprocess.run(
        command, cwd=cwd, env={**kept, **own, **environment}, capture_output=True, text=True, timeout=240, check=False
    )
    if done.returncode != 0:
        unreachable(kind, done)
    return done.stdout + done.stderr


SHARED = pytest.mark.server(control_token="of-the-control-api")
"""For tests with a running server, whose control API asks for a token."""


def shared(kms: MockKMS) -> dict[str, str]:
    """The variables with which tests use a running server; they start none."""
    return {"MOCKKMS_URL": kms.url, "MOCKKMS_CONTROL_TOKEN": "of-the-control-api", "MOCKKMS_COMMAND": "false"}


def tenants(kms: MockKMS) -> list[str]:
    """The tenants of a running server that were not dropped."""
    headers = {"X-Mockkms-Token": "of-the-control-api"}
    found: list[str] = requests.get(f"{kms.url}/_mockkms/tenants", headers=headers, timeout=60).json()["tenants"]
    return found


SLOW_SERVERS = pytest.mark.parametrize("kind", ["silent", "slow", "full", "starting"])
"""What a server does that never answers: see ``slow_server``."""
LATE = "MOCKKMS_TIMEOUT"
"""What the error says when the time is over."""


@contextmanager
def slow_server(kind: str, folder: Path) -> Iterator[dict[str, str]]:
    """The variables with which tests wait for one second for a server that never answers.

    ``silent``: it takes connections. ``slow``: it sends a byte of a long response now and then. ``full``: it takes no
    more connections. ``starting``: its program never listens; it does not outlive the tests.
    """
    if kind == "starting":
        program, note = folder / "starting.py", folder / "starting.pid"
        program.write_text(_STARTING.format(note=str(note)), encoding="utf-8")
        yield {"MOCKKMS_COMMAND": f"{sys.executable} {program}", "MOCKKMS_TIMEOUT": "1.5"}
        pid = int(note.read_text(encoding="utf-8"))
        eventually(lambda: _is_gone(pid))
        return
    with socket.create_server(("127.0.0.1", 0), backlog=0 if kind == "full" else 8) as listener, ExitStack() as stack:
        host, port = listener.getsockname()
        if kind == "full":
            for _ in range(8):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex((host, port))
        if kind == "slow":
            stack.callback(_send_slowly(listener))
        yield {"MOCKKMS_URL": f"http://{host}:{port}", "MOCKKMS_TIMEOUT": "1", "MOCKKMS_COMMAND": "false"}


_STARTING = """\
import os, time

with open({note!r}, "w") as file:
    file.write(str(os.getpid()))
time.sleep(600)
"""


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def _send_slowly(listener: socket.socket) -> Callable[[], None]:
    """Send each client a header of a response that does not end, a byte every tenth of a second; what ends it."""
    over = threading.Event()
    listener.settimeout(0.1)

    def serve() -> None:
        clients: list[socket.socket] = []
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
        while not over.is_set():
            with suppress(TimeoutError):
                clients.append(listener.accept()[0])
                clients[-1].sendall(head)
            for client in clients:
                with suppress(OSError):
                    client.sendall(b" ")
        for client in clients:
            client.close()

    thread = threading.Thread(target=serve)
    thread.start()

    def end() -> None:
        over.set()
        thread.join()

    return end


def stubborn_server(folder: Path) -> dict[str, str]:
    """The variables with which tests start a server that does not end with its standard input."""
    program = folder / "stubborn.py"
    program.write_text(_STUBBORN, encoding="utf-8")
    return {"MOCKKMS_COMMAND": f"{sys.executable} {program}"}


_STUBBORN = """\
import sys

from mockkms.cli import main

sys.exit(main([word for word in sys.argv[1:] if word != "--stop-on-eof"]))
"""
KILLED = "did not stop within 10 s and was killed"

BAD_LIMITS = pytest.mark.parametrize("seconds", ["0", "-1", "1m", "nan", "100000"])
REFUSED = "expected seconds, from 0.001 to 86400"


def lines(folder: str, *patterns: str) -> int:
    """The number of lines of a package without its tests."""
    found = {path for pattern in patterns for path in (INTEGRATIONS / folder).glob(pattern)}
    assert found
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in found)
