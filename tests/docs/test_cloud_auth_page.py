"""The page on cloud auth methods: each of its examples runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .pages import ROOT, blocks

PAGE = "docs/cloud-auth.md"
EXAMPLES = blocks(PAGE, "python")


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_the_examples_run(tmp_path: Path, example: str) -> None:
    program = tmp_path / "example.py"
    program.write_text(example, encoding="utf-8")
    ran = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr


def test_every_method_has_an_example() -> None:
    for name in ("aws", "azure", "gcp", "alicloud", "cf", "oci", "kerberos"):
        assert any(f'"type": "{name}"' in example for example in EXAMPLES), name


def test_the_navigation_has_the_page() -> None:
    assert "cloud-auth.md" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
