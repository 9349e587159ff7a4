"""The JUnit extension: its own tests, together with the test in its README."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockkms import MockKMS
from tests.clients.toolchain import alone, tool, workshop
from tests.docs.pages import blocks
from tests.integrations.languages import (
    INTEGRATIONS,
    LIMIT_LINES,
    SHARED,
    TRANSPORTS,
    lines,
    run_tests,
    shared,
    tenants,
)

FOLDER = INTEGRATIONS / "java"
SOURCES = "src/main/java/mockkms/junit"


@pytest.fixture
def project() -> Path:
    """A copy of the package with the README's test, built once."""
    sources = {str(path.relative_to(FOLDER)): path.read_text(encoding="utf-8") for path in FOLDER.glob("src/**/*.java")}
    [program] = blocks("integrations/java/README.md", "java")
    return workshop(
        "java-integration",
        {
            "pom.xml": (FOLDER / "pom.xml").read_text(encoding="utf-8"),
            **sources,
            "src/test/java/OrdersTest.java": program,
        },
    )


@TRANSPORTS
def test_its_tests_and_that_of_its_readme(project: Path, flags: str) -> None:
    maven = tool("mvn")
    chosen = "MockKMSTest" if flags else "MockKMSTest,OrdersTest"  # The README's test is for plain HTTP.
    reports = project / "target" / "surefire-reports"
    with alone(project):
        resources = project / "src" / "test" / "resources"
        resources.mkdir(exist_ok=True)
        (resources / "junit-platform.properties").write_text(f"mockkms.flags = {flags}\n", encoding="utf-8")
        goals = ["-q", "-B", *(["-o"] if reports.exists() else []), "test", f"-Dtest={chosen}"]
        run_tests("Java", maven, *goals, cwd=project, TEST_FLAGS=flags)
        [found] = reports.glob(f"*{chosen.split(',')[-1]}.txt")
        report = found.read_text(encoding="utf-8")
    assert f"Tests run: {4 if flags else 2}, Failures: 0, Errors: 0, Skipped: 0" in report


@SHARED
def test_it_shares_a_running_server(project: Path, kms: MockKMS) -> None:
    maven = tool("mvn")
    with alone(project):
        run_tests("Java", maven, "-q", "-B", "test", "-Dtest=OrdersTest", cwd=project, **shared(kms))
    assert tenants(kms) == []


def test_the_dependency_of_its_readme_is_that_of_its_project() -> None:
    [dependency] = blocks("integrations/java/README.md", "xml")
    project = (FOLDER / "pom.xml").read_text(encoding="utf-8")
    wanted = [line.strip() for line in dependency.splitlines()[1:4]]
    assert all(line in project for line in wanted)


def test_it_is_short() -> None:
    assert lines("java", f"{SOURCES}/*.java") < LIMIT_LINES
