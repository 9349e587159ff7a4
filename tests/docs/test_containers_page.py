"""The page on containers and CI: its commands exist, and say what the files in ``deploy/`` say."""

from __future__ import annotations

import re
import shlex

import pytest

from tests.deploy.commands import DEPLOY, ROOT, parsed

from .pages import blocks

PAGE = (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")
LINES = [line for block in blocks("docs/containers.md", "sh") for line in block.splitlines()]
WITH_VALUE = {"-p", "-v", "-e", "--tmpfs"}
"""Flags of ``docker run`` that have a value."""


def test_the_files_are_there() -> None:
    named = set(re.findall(r"^\| `(deploy/[\w./-]+)`", PAGE, re.MULTILINE))
    assert named == {str(path.relative_to(ROOT)) for path in DEPLOY.rglob("*") if path.is_file()}


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("docker run")])
def test_commands_in_the_image_exist(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = shlex.split(line)[2:]
    while words[0] != "mockkms":
        flag = words.pop(0)
        assert flag in {"--rm", *WITH_VALUE}, flag
        if flag in WITH_VALUE:
            words.pop(0)
    if words[1:]:
        parsed(words[1:], monkeypatch)


def test_all_other_commands_are_those_of_the_examples() -> None:
    texts = [path.read_text(encoding="utf-8") for path in DEPLOY.iterdir() if path.is_file()]
    others = [line for line in LINES if not line.startswith("docker run")]
    assert len(others) == 3
    for line in others:
        assert any(line in text for text in texts), line
