"""The JUnit extension: its own tests, together with the test in its README."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mockkms import MockKMS
from tests.clients.toolchain import alone, tool, workshop
from tests.docs.pages import blocks
from tests.integrations.languages import (
    INTEGRATIONS,
    KILLED,
    LATE,
    LIMIT_LINES,
    REFUSED,
    SHARED,
    TRANSPORTS,
    lines,
    run_tests,
    shared,
    slow_server,
    stubborn_server,
    tenants,
)

FOLDER = INTEGRATIONS / "java"
SOURCES = "src/main/java/mockkms/junit"
BOTH = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>both</groupId>
  <artifactId>both</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <modules>
    <module>package</module>
    <module>orders</module>
  </modules>
</project>
"""


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
        _set_flags(project, flags)
        goals = ["-q", "-B", *(["-o"] if reports.exists() else []), "test", f"-Dtest={chosen}"]
        run_tests("Java", maven, *goals, cwd=project, TEST_FLAGS=flags)
        [found] = reports.glob(f"*{chosen.split(',')[-1]}.txt")
        report = found.read_text(encoding="utf-8")
    assert f"Tests run: {4 if flags else 2}, Failures: 0, Errors: 0, Skipped: 0" in report


@SHARED
def test_it_shares_a_running_server(project: Path, kms: MockKMS) -> None:
    with alone(project):
        run_tests("Java", *_test_of_readme(project), cwd=project, **shared(kms))
    assert tenants(kms) == []


@pytest.mark.parametrize("kind", ["slow", "starting"])  # Two of them: Maven takes seconds to start.
def test_a_server_that_never_answers_is_an_error(project: Path, kind: str, tmp_path: Path) -> None:
    with alone(project), slow_server(kind, tmp_path) as variables, pytest.raises(pytest.fail.Exception, match=LATE):
        run_tests("Java", *_test_of_readme(project), cwd=project, **variables)


@pytest.mark.parametrize("seconds", ["0", "1m"])
def test_a_wrong_limit_of_time_is_refused(project: Path, seconds: str) -> None:
    message = f"MOCKKMS_TIMEOUT={seconds}: {REFUSED}"
    with alone(project), pytest.raises(pytest.fail.Exception, match=message):
        run_tests("Java", *_test_of_readme(project), cwd=project, MOCKKMS_TIMEOUT=seconds)


def test_a_server_that_does_not_stop_is_killed(project: Path, tmp_path: Path) -> None:
    with alone(project):
        assert KILLED in run_tests("Java", *_test_of_readme(project), cwd=project, **stubborn_server(tmp_path))


def _test_of_readme(project: Path) -> list[str]:
    """The command that runs the test in the README, which is for plain HTTP: another test may have set flags."""
    _set_flags(project, "")
    return [tool("mvn"), "-q", "-B", "test", "-Dtest=OrdersTest"]


def _set_flags(project: Path, flags: str) -> None:
    """Set the flags of the server that the package starts."""
    resources = project / "src" / "test" / "resources"
    resources.mkdir(exist_ok=True)
    (resources / "junit-platform.properties").write_text(f"mockkms.flags = {flags}\n", encoding="utf-8")


def test_a_new_project_of_its_readme() -> None:
    """What a reader without JUnit copies, built together with the package, so that nothing is installed."""
    _, pom = blocks("integrations/java/README.md", "xml")
    [program] = blocks("integrations/java/README.md", "java")
    main = {f"package/{SOURCES}/{path.name}": path.read_text(encoding="utf-8") for path in (FOLDER / SOURCES).iterdir()}
    own = {"orders/pom.xml": pom, "orders/src/test/java/OrdersTest.java": program}
    package = {"package/pom.xml": (FOLDER / "pom.xml").read_text(encoding="utf-8"), **main}
    place = workshop("java-new-project", {"pom.xml": BOTH, **package, **own})
    reports = place / "orders" / "target" / "surefire-reports"
    with alone(place):
        run_tests("Java", tool("mvn"), "-q", "-B", *(["-o"] if reports.exists() else []), "test", cwd=place)
    [report] = reports.glob("*OrdersTest.txt")
    assert "Tests run: 2, Failures: 0, Errors: 0, Skipped: 0" in report.read_text(encoding="utf-8")


def test_the_dependency_of_its_readme_is_that_of_its_project() -> None:
    dependency, pom = blocks("integrations/java/README.md", "xml")
    project = (FOLDER / "pom.xml").read_text(encoding="utf-8")
    wanted = [line.strip() for line in dependency.splitlines()[1:4]]
    assert all(line in project and line in pom for line in wanted)
    versions = re.findall(r"<artifactId>(?:junit-jupiter|maven-.*)</artifactId>\s*<version>.*</version>", pom)
    assert len(versions) == 3
    assert all(version in project.replace("junit-jupiter-api", "junit-jupiter") for version in versions)


def test_it_is_short() -> None:
    assert lines("java", f"{SOURCES}/*.java") < LIMIT_LINES
