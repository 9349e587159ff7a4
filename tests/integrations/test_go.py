"""The Go package for tests: its own tests, and the test in its README."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockkms import MockKMS
from tests.clients.toolchain import tool
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

FOLDER = INTEGRATIONS / "go"
LOCAL = {"GOTOOLCHAIN": "local", "GOPROXY": "off", "GOFLAGS": "-mod=mod"}


@TRANSPORTS
def test_its_tests(flags: str) -> None:
    printed = run_tests("Go", tool("go"), "test", "-count=1", "-v", ".", cwd=FOLDER, TEST_FLAGS=flags, **LOCAL)
    assert "--- PASS: TestWorldsAreSeparate" in printed


def test_it_is_formatted() -> None:
    assert run_tests("Go", tool("gofmt"), "-l", ".", cwd=FOLDER) == ""
    run_tests("Go", tool("go"), "vet", ".", cwd=FOLDER, **LOCAL)


@pytest.fixture
def readme(tmp_path: Path) -> Path:
    """A module with the README's test."""
    [requirement] = [block for block in blocks("integrations/go/README.md", "") if "replace" in block]
    requirement = requirement.replace("../mockkms/integrations/go", str(FOLDER))
    (tmp_path / "go.mod").write_text(f"module orders\n\ngo 1.21\n\n{requirement}", encoding="utf-8")
    [program] = blocks("integrations/go/README.md", "go")
    (tmp_path / "orders_test.go").write_text(program, encoding="utf-8")
    return tmp_path


def test_the_test_of_its_readme(readme: Path) -> None:
    printed = run_tests("Go", tool("go"), "test", "-count=1", "-v", ".", cwd=readme, **LOCAL)
    assert printed.count("--- PASS") == 2


@SHARED
def test_it_shares_a_running_server(readme: Path, kms: MockKMS) -> None:
    printed = run_tests("Go", tool("go"), "test", "-count=1", "-v", ".", cwd=readme, **LOCAL, **shared(kms))
    assert (printed.count("--- PASS"), tenants(kms)) == (2, [])


@SLOW_SERVERS
def test_a_server_that_never_answers_is_an_error(readme: Path, kind: str, tmp_path: Path) -> None:
    with slow_server(kind, tmp_path) as variables, pytest.raises(pytest.fail.Exception, match=LATE):
        run_tests("Go", tool("go"), "test", "-count=1", ".", cwd=readme, **LOCAL, **variables)


@BAD_LIMITS
def test_a_wrong_limit_of_time_is_refused(readme: Path, seconds: str) -> None:
    given = {**LOCAL, "MOCKKMS_TIMEOUT": seconds}
    with pytest.raises(pytest.fail.Exception, match=f"MOCKKMS_TIMEOUT={seconds}: {REFUSED}"):
        run_tests("Go", tool("go"), "test", "-count=1", ".", cwd=readme, **given)


def test_a_server_that_does_not_stop_is_killed(readme: Path, tmp_path: Path) -> None:
    command = (tool("go"), "test", "-count=1", "-v", ".")
    assert KILLED in run_tests("Go", *command, cwd=readme, **LOCAL, **stubborn_server(tmp_path))


def test_it_is_short() -> None:
    assert lines("go", "mockkms.go", "server.go") < LIMIT_LINES
