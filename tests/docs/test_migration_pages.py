"""The pages of ``docs/migrate/``: what they have under "After" runs, what they have under "Before" parses."""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from mockkms.cli import main
from mockkms.server.control.routing import all_routes
from tests.deploy.commands import parsed

from .pages import ROOT, run_pytest

NAMES = (
    "docs/migrate/vault-container.md", "docs/migrate/testcontainers.md", "docs/migrate/hand-written-mocks.md",
    "docs/migrate/responses.md", "docs/migrate/rustfs.md", "docs/migrate/wiremock.md",
)  # fmt: skip


def examples(name: str, part: str, language: str) -> list[str]:
    """The blocks of one language below ``## Before`` or ``## After``."""
    text = (ROOT / name).read_text(encoding="utf-8")
    below = re.split(rf"^## {part}$", text, maxsplit=1, flags=re.MULTILINE)[1]
    section = re.split(r"^## ", below, maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def test_all_pages_are_tested() -> None:
    assert {str(path.relative_to(ROOT)) for path in (ROOT / "docs" / "migrate").iterdir()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_before(name: str) -> None:
    found = {language: examples(name, "Before", language) for language in ("python", "sh", "json", "rust")}
    assert any(found.values())
    for block in found["python"]:
        ast.parse(block)
    for block in found["sh"]:
        subprocess.run(["sh", "-n", "-c", block], check=True)
    for block in found["json"]:
        json.loads(block)


@pytest.mark.parametrize("name", [name for name in NAMES if examples(name, "After", "python")])
def test_after_in_python(name: str, tmp_path: Path) -> None:
    [block] = examples(name, "After", "python")
    (tmp_path / "test_it.py").write_text(block)
    run = run_pytest(tmp_path)
    assert f"{block.count('def test_')} passed" in run.stdout, run.stdout


@pytest.mark.parametrize("name", [name for name in NAMES if examples(name, "After", "yaml")])
def test_after_in_yaml(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    [world] = examples(name, "After", "yaml")
    file = tmp_path / "world.yaml"
    file.write_text(world)
    assert main(["check", str(file)]) == 0, capsys.readouterr().out
    [commands] = examples(name, "After", "sh")
    for line in commands.splitlines():
        assert parsed(shlex.split(line)[1:], monkeypatch).seed == [file.name]


@pytest.mark.parametrize("name", NAMES)
def test_routes_exist(name: str) -> None:
    known = {(route.method, route.path) for route in all_routes()}
    for method, path in re.findall(r"(GET|POST|DELETE) /_mockkms/([\w/-]+)", (ROOT / name).read_text(encoding="utf-8")):
        assert (method, path) in known
