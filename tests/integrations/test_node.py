"""The Node package for tests: its own tests, and the tests in its README under node:test, Vitest and Jest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mockkms import MockKMS
from tests.clients.toolchain import build_once, tool, workshop
from tests.docs.pages import blocks
from tests.integrations.languages import (
    BAD_LIMITS,
    INTEGRATIONS,
    KILLED,
    LATE,
    LIMIT_LINES,
    REFUSED,
    SHARED,
    SLOW_SERVERS,
    TRANSPORTS,
    lines,
    run_tests,
    shared,
    slow_server,
    stubborn_server,
    tenants,
)

FOLDER = INTEGRATIONS / "node"
FRAMEWORKS = {"vitest": "3.2.4", "jest": "29.7.0"}
COMMANDS = {"vitest": ["vitest", "run"], "jest": ["jest", "--ci"]}


def example(marker: str) -> str:
    """The test in the README that has this text."""
    [found] = [block for block in blocks("integrations/node/README.md", "js") if marker in block]
    return found


@TRANSPORTS
def test_its_tests(flags: str) -> None:
    printed = run_tests("Node", tool("node"), "--test", cwd=FOLDER, TEST_FLAGS=flags)
    assert "ok 1 - faults and journal" in printed


@pytest.fixture
def readme(tmp_path: Path) -> Path:
    """A folder with the README's test for node:test."""
    modules = tmp_path / "node_modules"
    modules.mkdir()
    (modules / "mockkms-test").symlink_to(FOLDER)
    (tmp_path / "orders.test.mjs").write_text(example('from "node:test"'), encoding="utf-8")
    return tmp_path


def test_the_test_of_its_readme(readme: Path) -> None:
    assert "# pass 2" in run_tests("Node", tool("node"), "--test", cwd=readme)


@SHARED
def test_it_shares_a_running_server(readme: Path, kms: MockKMS) -> None:
    printed = run_tests("Node", tool("node"), "--test", cwd=readme, **shared(kms))
    assert ("# pass 2" in printed, tenants(kms)) == (True, [])


@SLOW_SERVERS
def test_a_server_that_never_answers_is_an_error(readme: Path, kind: str, tmp_path: Path) -> None:
    with slow_server(kind, tmp_path) as variables, pytest.raises(pytest.fail.Exception, match=LATE):
        run_tests("Node", tool("node"), "--test", cwd=readme, **variables)


@BAD_LIMITS
def test_a_wrong_limit_of_time_is_refused(readme: Path, seconds: str) -> None:
    with pytest.raises(pytest.fail.Exception, match=f"MOCKKMS_TIMEOUT={seconds}: {REFUSED}"):
        run_tests("Node", tool("node"), "--test", cwd=readme, MOCKKMS_TIMEOUT=seconds)


def test_a_server_that_does_not_stop_is_killed(readme: Path, tmp_path: Path) -> None:
    assert KILLED in run_tests("Node", tool("node"), "--test", cwd=readme, **stubborn_server(tmp_path))


@pytest.mark.parametrize(
    ("name", "marker", "file"), [("vitest", 'from "vitest"', "app.test.mjs"), ("jest", "globalThis", "app.test.js")]
)
def test_the_tests_for_frameworks(name: str, marker: str, file: str) -> None:
    npm = tool("npm")
    wanted = {"private": True, "devDependencies": {name: FRAMEWORKS[name]}}
    place = workshop(name, {"package.json": json.dumps(wanted), file: example(marker)})
    program = place / "node_modules" / ".bin" / name
    build_once("Node", npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", cwd=place)
    link = place / "node_modules" / "mockkms-test"
    link.unlink(missing_ok=True)
    link.symlink_to(FOLDER)
    printed = run_tests("Node", str(program), *COMMANDS[name][1:], cwd=place)
    assert "1 passed" in printed


def test_it_is_short() -> None:
    assert lines("node", "index.cjs", "index.mjs", "index.d.ts") < LIMIT_LINES
