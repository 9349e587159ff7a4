"""The page on ACME: its worlds load, its commands run, on free ports."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from cryptography import x509

from mockkms import MockKMS
from tests.cli.conftest import Served, serve
from tests.docs.pages import blocks

__all__ = ["serve"]

PAGE = "docs/acme.md"
WORLD, BINDINGS = blocks(PAGE, "yaml")
(COMMANDS,) = blocks(PAGE, "sh")
(PROGRAM,) = blocks(PAGE, "python")
RENEW = ["renew", "--force-renewal", "--no-random-sleep-on-renew"]


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        port: int = made.getsockname()[1]
    return port


def test_certbot_gets_and_revokes_a_certificate(serve: Callable[..., Served], tmp_path: Path) -> None:
    certbot = shutil.which("certbot", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])))
    if certbot is None:
        pytest.skip("certbot is not installed")
    start, issue = COMMANDS.splitlines()
    port, challenges = free_port(), free_port()

    def moved(text: str) -> str:
        return text.replace("127.0.0.1:8200", f"127.0.0.1:{port}").replace("5002", str(challenges))

    (tmp_path / "acme.yaml").write_text(moved(WORLD))
    serve("--port", str(port), "--seed", str(tmp_path / shlex.split(start)[-1]))
    command = [certbot, *shlex.split(moved(issue))[1:]]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    chain = tmp_path / "certbot" / "live" / "www.example.test" / "fullchain.pem"
    leaf, root = x509.load_pem_x509_certificates(chain.read_bytes())
    leaf.verify_directly_issued_by(root)
    folders = command[command.index("--config-dir") : command.index("--agree-tos")]
    for words in (RENEW, ["revoke", "--cert-name", "www.example.test"], ["unregister"]):
        server = ["--server", f"http://127.0.0.1:{port}/v1/pki/acme/directory"] if words[0] != "renew" else []
        again = [certbot, *words, *server, *folders]
        done = subprocess.run(again, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_program_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme.yaml").write_text(WORLD)
    monkeypatch.chdir(tmp_path)
    exec(compile(PROGRAM, PAGE, "exec"), {})


def test_the_bindings_load() -> None:
    with MockKMS(seed=yaml.safe_load(BINDINGS)) as kms:
        assert "id: ci" in kms.dump()
