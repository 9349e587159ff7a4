"""Finding compilers, running programs, and keeping what was built between runs."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).parent
GUIDE = HERE / "guide"
"""The programs of the usage guide, as they stand there."""

ADDRESS = "http://localhost:9000"
"""The address all of them use; the one thing that is changed."""


def tool(name: str) -> str:
    """The path of a program; skips the test where it is not installed."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def ruby_with(gem: str) -> str:
    """The path of Ruby; skips the test where it cannot load this gem."""
    ruby = tool("ruby")
    if subprocess.run([ruby, "-r", gem, "-e", ""], capture_output=True, timeout=60, check=False).returncode != 0:
        pytest.skip(f"the gem {gem} is not installed")
    return ruby


def run(*command: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run to the end; its standard output. Fails the test, with what it wrote, where the program fails.

    The variables of the developer's own Vault are not inherited: some programs prefer BAO_ADDR to VAULT_ADDR.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("VAULT_", "BAO_"))}
    done = subprocess.run(
        command, cwd=cwd, env={**inherited, **(env or {})}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def workshop(name: str, sources: Mapping[str, str]) -> Path:
    """A directory that holds ``sources`` and survives the run, so that a build is made once."""
    digest = hashlib.sha256(repr(sorted(sources.items())).encode()).hexdigest()[:16]
    place = Path(tempfile.gettempdir()) / f"mockkms-clients-{os.getuid()}" / f"{name}-{digest}"
    for path, text in sources.items():
        target = place / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_text() != text:
            target.write_text(text)
    return place


@contextmanager
def alone(place: Path) -> Iterator[None]:
    """Keep other processes of a parallel run out of a workshop, where what is half built looks built."""
    import fcntl

    with (place / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build_once(kind: str, *command: str, cwd: Path, env: Mapping[str, str] | None = None) -> None:
    """Run a build tool in a workshop unless it succeeded there before."""
    with alone(cwd):
        done = cwd / ".built"
        if not done.exists():
            build(kind, *command, cwd=cwd, env=env)
            done.touch()


def unreachable(kind: str, done: subprocess.CompletedProcess[str]) -> None:
    """Skip where a build failed because its libraries are neither cached nor to be had."""
    words = ("Could not resolve", "Could not transfer", "dial tcp", "no such host", "offline", "ENOTFOUND", "EAI_AGAIN")
    if any(word in done.stdout + done.stderr for word in words):
        pytest.skip(f"the {kind} libraries are not cached, and there is no network")
    pytest.fail(f"the {kind} build failed\n{done.stdout}\n{done.stderr}")


def build(kind: str, *command: str, cwd: Path, env: Mapping[str, str] | None = None) -> None:
    """Run a build tool; skips without network, fails for any other reason."""
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode != 0:
        unreachable(kind, done)
