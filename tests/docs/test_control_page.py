"""The programs of the page on the control API, each in its language, each on a tenant of one server."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from mockkms import MockKMS
from mockkms.server.control.routing import CONTROL_PREFIX, all_routes
from tests.clients.toolchain import build, run, tool, workshop
from tests.docs.pages import ROOT, blocks

PAGE = "docs/control.md"
LOCAL = {"GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}


def program(language: str) -> str:
    """The page's program of a language: its last block."""
    return blocks(PAGE, language)[-1]


def shell(place: Path) -> list[str]:
    tool("curl")
    (place / "control.sh").write_text(program("sh"), encoding="utf-8")
    return [tool("sh"), str(place / "control.sh")]


def python(place: Path) -> list[str]:
    (place / "control.py").write_text(program("python"), encoding="utf-8")
    return [sys.executable, str(place / "control.py")]


def node(place: Path) -> list[str]:
    (place / "control.mjs").write_text(program("js"), encoding="utf-8")
    return [tool("node"), str(place / "control.mjs")]


def go(place: Path) -> list[str]:
    compiler = tool("go")
    made = workshop("go-control", {"main.go": program("go"), "go.mod": "module control\n\ngo 1.21\n"})
    if not (made / "control").exists():
        build("Go", compiler, "build", "-o", str(made / "control"), ".", cwd=made, env=LOCAL)
    return [str(made / "control")]


def java(place: Path) -> list[str]:
    compiler, machine = tool("javac"), tool("java")
    made = workshop("java-control", {"Control.java": program("java")})
    if not (made / "Control.class").exists():
        build("Java", compiler, "Control.java", cwd=made)
    return [machine, "-cp", str(made), "Control"]


def rust(place: Path) -> list[str]:
    compiler = tool("rustc")
    made = workshop("rust-control", {"control.rs": program("rust")})
    if not (made / "control").exists():
        build("Rust", compiler, "--edition", "2021", "-o", "control", "control.rs", cwd=made)
    return [str(made / "control")]


@pytest.mark.parametrize("made", [shell, python, node, go, java, rust], ids=lambda made: made.__name__)
def test_the_program_says_what_the_page_says(kms: MockKMS, made: Callable[[Path], list[str]], tmp_path: Path) -> None:
    tenant = kms.tenant(made.__name__)
    command = made(tmp_path)
    assert run(*command, env={"VAULT_ADDR": tenant.url, "NO_PROXY": "*", "no_proxy": "*"}).strip() == "503 404 200"
    told = requests.get(f"{tenant.url}{CONTROL_PREFIX}clock", timeout=60).json()
    assert (told["now"], told["frozen"]) == ("2026-01-01T01:00:00Z", True)
    assert (len(tenant.journal), len(tenant.faults)) == (0, 0)  # the snapshot was before both


def test_the_words_of_the_table_are_routes(kms: MockKMS) -> None:
    known = {known.path.partition("/")[0] for known in all_routes()}
    rows = [line for line in (ROOT / PAGE).read_text(encoding="utf-8").splitlines() if line.startswith("| ")][1:]
    named = {
        word.split()[1] for row in rows for word in row.split("`") if word.startswith(("GET ", "POST ", "DELETE "))
    }
    assert named
    assert {path.partition("/")[0].partition("?")[0] for path in named} <= known
