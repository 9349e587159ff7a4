"""``scripts/test``: what it names exists, and its fast subset is one."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "scripts" / "test"


def test_the_fast_subset() -> None:
    text = SCRIPT.read_text(encoding="utf-8")
    (listed,) = re.findall(r"fast=\((.*?)\)", text, re.DOTALL)
    paths = [word.removeprefix("--ignore=") for word in listed.split()]
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_script_is_valid_and_lists_skips() -> None:
    subprocess.run(["bash", "-n", str(SCRIPT)], check=True, timeout=60)
    assert "-rs" in SCRIPT.read_text(encoding="utf-8").splitlines()[-1]
