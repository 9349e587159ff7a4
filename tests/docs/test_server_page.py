"""The page on taking the place of ``vault server``: its commands run, and its lines are the server's."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mockkms import MockKMS
from mockkms.cli import main, server_screen

from .pages import ROOT, blocks

PAGE = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")


def test_the_commands_run(tmp_path: Path) -> None:
    dev, link = blocks("docs/server.md", "sh")
    assert shlex.split(dev)[:3] == ["mockkms", "server", "-dev"]
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "mockkms"
    command.write_text(f"#!{sys.executable}\nimport sys\nfrom mockkms.cli import main\nsys.exit(main())\n")
    command.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VAULT_", "BAO_"))}
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    words = {**kept, "HOME": str(tmp_path), "PATH": path}
    with MockKMS() as free:
        port = free.url.rpartition(":")[2]
    words |= {"VAULT_ADDR": f"http://127.0.0.1:{port}", "VAULT_DEV_LISTEN_ADDRESS": f"127.0.0.1:{port}"}
    script = f"set -e\n{link.replace(':8200', f':{port}')}kill %1; wait %1\n"
    done = subprocess.run(["bash", "-m", "-c", script], env=words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "Root Token: root" in done.stdout
    assert re.search(r"^Sealed +false$", done.stdout, re.MULTILINE)
    assert (tmp_path / ".vault-token").read_text() == "root"


def test_its_flags_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["server", "-h"])
    told = capsys.readouterr().out
    named = set(re.findall(r"`(-[a-z][-0-9a-z]*)`", PAGE))
    assert len(named) > 10
    assert [flag for flag in sorted(named) if f"{flag}," not in told and f"{flag} " not in told] == []


def test_its_lines_are_the_servers() -> None:
    with MockKMS(root_token="root") as kms:
        text = server_screen.started(kms, [], dev=True, ca_file="")
    for line in ("==> Vault server started!", "Api Address: ", "Unseal Key: ", "Root Token: "):
        assert line in PAGE
        assert line in text
    last = text.rstrip().splitlines()[-1]
    assert f"`{last}`" in PAGE
