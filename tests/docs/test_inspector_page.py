"""The page on the inspector: its commands answer as it says, views and pictures exist."""

from __future__ import annotations

import json
import os
import re
import subprocess

from mockkms import MockKMS

from .pages import ROOT, blocks

PAGE = (ROOT / "docs" / "inspector.md").read_text(encoding="utf-8")


def test_the_commands() -> None:
    (script,) = blocks("docs/inspector.md", "sh")
    with MockKMS(seed="payments") as kms:
        done = subprocess.run(
            ["bash", "-e", "-c", script], env={**os.environ, "VAULT_ADDR": kms.url}, capture_output=True, text=True,
            timeout=60, check=True,
        )  # fmt: skip
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        overview, keys, refused = (json.loads(line) for line in lines)
        assert overview["product"] == "Vault"
        assert "cards" in keys["data"]["keys"]
        assert "no token has the accessor 'none'" in refused["message"]
        assert "retry: 1000" in done.stdout
        assert kms.journal.total == 0


def test_the_views() -> None:
    script = (ROOT / "mockkms" / "inspector" / "main.js").read_text(encoding="utf-8")
    views = re.findall(r'^  \w+: \["([^"]+)", \w+\],$', script, re.MULTILINE)
    assert re.findall(r"^\| ([A-Z][^|]*?) \|", PAGE, re.MULTILINE) == views


def test_the_pictures() -> None:
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", PAGE)
    assert pictures
    assert all((ROOT / "docs" / picture).is_file() for picture in pictures)
