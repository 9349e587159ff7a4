"""The Rust package for tests: its own tests, and the test in its README."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from mockkms import MockKMS
from tests.clients.toolchain import build, tool, workshop
from tests.docs.pages import blocks
from tests.integrations.languages import INTEGRATIONS, LIMIT_LINES, SHARED, lines, run_tests, shared, tenants

FOLDER = INTEGRATIONS / "rust"
README = "integrations/rust/README.md"


@pytest.fixture
def project() -> tuple[Path, dict[str, str]]:
    """A copy of the package with the README's test, and the environment in which it is built."""
    [program] = blocks(README, "rust")
    files = [*FOLDER.glob("Cargo.*"), *FOLDER.glob("src/*.rs"), *FOLDER.glob("tests/*.rs")]
    sources = {str(path.relative_to(FOLDER)): path.read_text(encoding="utf-8") for path in files}
    place = workshop("rust-integration", {**sources, "tests/readme.rs": program})
    environment = {"CARGO_TARGET_DIR": str(place.parent / "rust-integration"), "CARGO_INCREMENTAL": "0"}
    build("Rust", tool("cargo"), "test", "--quiet", "--locked", "--no-run", cwd=place, env=environment)
    return place, environment


@pytest.mark.parametrize("flags", ["", "--flavor openbao"])
def test_its_tests_and_that_of_its_readme(project: tuple[Path, dict[str, str]], flags: str) -> None:
    place, environment = project
    command = [tool("cargo"), "test", "--offline", "--locked"]
    printed = run_tests("Rust", *command, cwd=place, MOCKKMS_FLAGS=flags, **environment)
    assert "5 passed" in printed
    assert "2 passed" in printed


@SHARED
def test_it_shares_a_running_server(project: tuple[Path, dict[str, str]], kms: MockKMS) -> None:
    place, environment = project
    command = [tool("cargo"), "test", "--offline", "--locked", "--test", "readme"]
    printed = run_tests("Rust", *command, cwd=place, **environment, **shared(kms))
    assert ("2 passed" in printed, tenants(kms)) == (True, [])


def test_it_is_formatted() -> None:
    run_tests("Rust", tool("cargo"), "fmt", "--check", cwd=FOLDER)


def test_the_dependency_of_its_readme_is_its_name() -> None:
    [dependency] = blocks(README, "toml")
    manifest = tomllib.loads((FOLDER / "Cargo.toml").read_text(encoding="utf-8"))
    assert list(tomllib.loads(dependency)["dev-dependencies"]) == [manifest["package"]["name"]]


def test_it_is_short() -> None:
    assert lines("rust", "src/*.rs") < LIMIT_LINES
