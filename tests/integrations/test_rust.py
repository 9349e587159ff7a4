"""The Rust package for tests: its own tests, and the test in its README."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from mockkms import MockKMS
from tests.clients.toolchain import build, tool, workshop
from tests.docs.pages import blocks
from tests.integrations.languages import (
    BAD_LIMITS,
    INTEGRATIONS,
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
    tenants,
)

FOLDER = INTEGRATIONS / "rust"
README = "integrations/rust/README.md"
TEST = ("cargo", "test", "--offline", "--locked")
TLS = ("--features", "tls")


@pytest.fixture
def project() -> tuple[Path, dict[str, str]]:
    """A copy of the package with the README's test, and the environment in which it is built."""
    [program] = blocks(README, "rust")
    files = [*FOLDER.glob("*.toml"), FOLDER / "Cargo.lock", *FOLDER.glob("src/*.rs"), *FOLDER.glob("tests/*.rs")]
    sources = {str(path.relative_to(FOLDER)): path.read_text(encoding="utf-8") for path in files}
    place = workshop("rust-integration", {**sources, "tests/readme.rs": program})
    # A folder that builds of other sources share would be up to date for those that were written before its last build.
    environment = {"CARGO_TARGET_DIR": str(place / "target"), "CARGO_INCREMENTAL": "0"}
    for features in ([], TLS):
        build("Rust", tool("cargo"), "test", "--quiet", "--locked", "--no-run", *features, cwd=place, env=environment)
    return place, environment


def test_its_tests_and_that_of_its_readme(project: tuple[Path, dict[str, str]]) -> None:
    place, environment = project
    printed = run_tests("Rust", *TEST, cwd=place, MOCKKMS_FLAGS="", **environment)
    assert "6 passed" in printed
    assert "2 passed" in printed


@TRANSPORTS
def test_its_tests_with_tls(project: tuple[Path, dict[str, str]], flags: str) -> None:
    """The feature serves both kinds of addresses."""
    place, environment = project
    printed = run_tests("Rust", *TEST, *TLS, "--test", "worlds", cwd=place, MOCKKMS_FLAGS=flags, **environment)
    assert "7 passed" in printed


def test_tls_without_the_feature_is_an_error_that_names_it(project: tuple[Path, dict[str, str]]) -> None:
    place, environment = project
    tests = ["--test", "readme", "expired"]
    with pytest.raises(pytest.fail.Exception, match="TLS needs the feature tls of mockkms-test"):
        run_tests("Rust", *TEST, *tests, cwd=place, MOCKKMS_FLAGS="--tls", **environment)


@SHARED
def test_it_shares_a_running_server(project: tuple[Path, dict[str, str]], kms: MockKMS) -> None:
    place, environment = project
    printed = run_tests("Rust", *TEST, "--test", "readme", cwd=place, **environment, **shared(kms))
    assert ("2 passed" in printed, tenants(kms)) == (True, [])


@pytest.mark.server(control_token="of-the-control-api", tls=True)
def test_it_shares_a_running_server_with_tls(project: tuple[Path, dict[str, str]], kms: MockKMS) -> None:
    place, environment = project
    given = {**environment, **shared(kms), "MOCKKMS_CACERT": kms.ca_file or ""}
    printed = run_tests("Rust", *TEST, *TLS, "--test", "worlds", cwd=place, **given)
    assert "7 passed" in printed


@SLOW_SERVERS
def test_a_server_that_never_answers_is_an_error(
    project: tuple[Path, dict[str, str]], kind: str, tmp_path: Path
) -> None:
    place, environment = project
    with slow_server(kind, tmp_path) as variables, pytest.raises(pytest.fail.Exception, match=LATE):
        run_tests("Rust", *TEST, "--test", "readme", "expired", cwd=place, **environment, **variables)


@BAD_LIMITS
def test_a_wrong_limit_of_time_is_refused(project: tuple[Path, dict[str, str]], kms: MockKMS, seconds: str) -> None:
    place, environment = project
    given = {**environment, "MOCKKMS_URL": kms.url, "MOCKKMS_TIMEOUT": seconds}
    with pytest.raises(pytest.fail.Exception, match=f"MOCKKMS_TIMEOUT={seconds}: {REFUSED}"):
        run_tests("Rust", *TEST, "--test", "readme", "expired", cwd=place, **given)


def test_it_is_formatted() -> None:
    run_tests("Rust", tool("cargo"), "fmt", "--check", cwd=FOLDER)


def test_the_dependency_of_its_readme_is_its_name() -> None:
    [dependency] = blocks(README, "toml")
    manifest = tomllib.loads((FOLDER / "Cargo.toml").read_text(encoding="utf-8"))
    assert list(tomllib.loads(dependency)["dev-dependencies"]) == [manifest["package"]["name"]]


def test_it_is_short() -> None:
    assert lines("rust", "src/*.rs") < LIMIT_LINES
