"""Running the test command of a language, with this checkout's server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from mockkms import MockKMS
from tests.clients.toolchain import unreachable
from tests.docs.pages import ROOT

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


@contextmanager
def silent_server() -> Iterator[dict[str, str]]:
    """The variables with which tests use a server that never answers, and wait for one second."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        yield {"MOCKKMS_URL": url, "MOCKKMS_TIMEOUT": "1", "MOCKKMS_COMMAND": "false"}


def lines(folder: str, *patterns: str) -> int:
    """The number of lines of a package without its tests."""
    found = {path for pattern in patterns for path in (INTEGRATIONS / folder).glob(pattern)}
    assert found
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in found)
