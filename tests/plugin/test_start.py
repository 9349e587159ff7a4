"""What is checked once: the servers and worlds of the options, and the markers of all collected tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.conftest import Run

UNUSED = "def test_it(): pass\n"
DEAD = "http://127.0.0.1:1"


def error(result: pytest.RunResult) -> str:
    """The text of a usage error, which is all that a run prints."""
    assert result.ret == pytest.ExitCode.USAGE_ERROR, result.stdout.str() + result.stderr.str()
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    return result.stderr.str()


def test_a_dead_server_ends_the_run_even_if_no_test_uses_it(suite: Run) -> None:
    said = error(suite("--mockkms-url", DEAD, source=UNUSED))
    assert f"--mockkms-url: no server answers at {DEAD}: Connection refused; start it" in said
    assert said.count(DEAD) == 1
    assert f"no server answers at {DEAD}" in error(suite("-n", "2", source=UNUSED, ini=f"mockkms_url = {DEAD}"))
    said = error(suite("--mockkms-upstream", DEAD, source=UNUSED))
    assert f"--mockkms-upstream: no server answers at {DEAD}: Connection refused" in said
    assert "'127.0.0.1' is not a valid server address" in error(suite("--mockkms-url", "127.0.0.1", source=UNUSED))
    suite("--mockkms-url", DEAD, "--collect-only", source=UNUSED).stdout.fnmatch_lines(["*1 test collected*"])


def test_a_seed_that_is_missing_or_bad(suite: Run, pytester: pytest.Pytester) -> None:
    assert "--mockkms-seed: none.yaml: cannot be read: No such file" in error(
        suite("--mockkms-seed", "none.yaml", source=UNUSED)
    )
    assert "cannot be read: File name too long" in error(suite("--mockkms-seed", "n" * 300, source=UNUSED))
    pytester.path.joinpath("bad.yaml").write_text("vault:\n  mounds: {}\n")
    said = error(suite("--mockkms-seed", "bad.yaml", "--mockkms-seed", "none.yaml", source=UNUSED))
    assert "bad.yaml:2:3: " in said
    assert "none.yaml" in said
    using = "def test_it(mockkms): pass\n\ndef test_other(mockkms_server): pass\n"
    result = suite(source=using, ini="mockkms_seed = bad.yaml")
    result.assert_outcomes(errors=2)
    assert "Traceback" not in result.stdout.str()
    assert "spec.py" not in result.stdout.str()
    result.stdout.fnmatch_lines(["invalid world of the session (mockkms_seed): *bad.yaml:2:3: *"])
    suite(source=UNUSED, ini="mockkms_seed = bad.yaml").assert_outcomes(passed=1)


def test_a_report_that_cannot_be_written(suite: Run, tmp_path: Path) -> None:
    assert "cannot be written: the folder" in error(
        suite("--mockkms-report", str(tmp_path / "none" / "report"), source=UNUSED)
    )
    assert "it is a folder" in error(suite("--mockkms-report", str(tmp_path), source=UNUSED))


BAD = """
import pytest

@pytest.mark.mockkms(sead="x", state="shut")
def test_one(mockkms): raise SystemExit(9)

def test_good(mockkms): pass

@pytest.mark.mockkms(faults=[{"answer": 5, "anser": 500}, {"script": [{"expct": "x"}]}], chaos="nosuch")
def test_faults(mockkms): raise SystemExit(9)

@pytest.mark.mockkms(allow_unhandled=["/v1/sys/billing/*"])
class TestTwo:
    def test_two(self, mockkms): raise SystemExit(9)
    def test_three(self, mockkms): raise SystemExit(9)
"""


def test_all_bad_markers_are_named(suite: Run) -> None:
    said = error(suite("-p", "no:randomly", source=BAD))
    assert "3 invalid mockkms markers:" in said
    assert "test_theirs.py::test_faults: mockkms(faults=[{'answer': 5, " in said
    for wrong in (
        "faults[0].answer: ",
        "faults[0]: unknown key 'anser'; did you mean",
        "faults[1].script",
        "mockkms(chaos='nosuch'): unknown",
    ):
        assert wrong in said
    assert "test_theirs.py::test_one: mockkms() has no keyword 'sead'; did you mean 'seed'?" in said
    assert "mockkms(state='shut')" in said
    assert "test_two: mockkms(allow_unhandled=['/v1/sys/billing/*']): paths are written without /v1/: 'sys/bil" in said
    result = suite("-n", "2", source=BAD)
    result.assert_outcomes(passed=1, errors=4)
    assert "INTERNALERROR" not in result.stdout.str()


@pytest.mark.parametrize(
    "selection",
    [
        ("-k", "test_good"),
        ("-m", "fine"),
        ("--deselect", "test_theirs.py::test_one", "--deselect", "test_theirs.py::test_two"),
        ("test_theirs.py::test_good",),
        ("-n", "2", "-k", "test_good"),
    ],
    ids=" ".join,
)
def test_markers_of_tests_that_are_not_selected_are_not_judged(suite: Run, selection: tuple[str, ...]) -> None:
    source = """
import pytest

pytestmark = pytest.mark.mockkms(strict=False)

@pytest.mark.mockkms(sead="x")
def test_one(mockkms): raise SystemExit(9)

@pytest.mark.mockkms(state="shut")
def test_two(mockkms): raise SystemExit(9)

@pytest.mark.fine
def test_good(): pass
"""
    result = suite("-p", "no:randomly", *selection, source=source, ini="markers = fine")
    assert result.parseoutcomes()["passed"] == 1, "nor is the marker of the module, which others of its tests may use"
    assert result.ret == 0
    said = error(suite("-p", "no:randomly", "-k", "test_one or test_two", source=source, ini="markers = fine"))
    assert "2 invalid mockkms markers:" in said


def test_last_failed_says_nothing_of_markers_that_others_use(suite: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_theirs="""
import pytest

pytestmark = pytest.mark.mockkms(strict=False)

def test_using(mockkms): pass

def test_failed(): assert False
"""
    )
    pytester.makeini("[pytest]")
    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=1, failed=1)
    result = pytester.runpytest_subprocess("-p", "no:randomly", "--lf")
    result.assert_outcomes(failed=1)
    assert "has no effect" not in result.stdout.str()


SEEDS = """
import pytest

@pytest.mark.mockkms(seed={"vault": {"mounds": {}, "state": "shut"}})
def test_dict(mockkms): raise SystemExit(9)

@pytest.mark.mockkms(seed=["good.yaml", "bad.yaml", 3])
def test_files(mockkms): raise SystemExit(9)

@pytest.mark.mockkms(seed="paymens")
class TestNames:
    def test_one(self, mockkms): raise SystemExit(9)
    def test_two(self, mockkms): raise SystemExit(9)
"""
MERGED = """
import pytest

@pytest.mark.mockkms(seed={"vault": {"mounts": {"transit/": {"keys": {"k": {}}}}}})
def test_merged(mockkms):
    assert "transit/" in mockkms.dump()
"""


def test_all_bad_seeds_of_markers_are_named_before_the_first_test(suite: Run, pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("good.yaml").write_text("vault:\n  mounts:\n    transit/: {type: transit}\n")
    pytester.path.joinpath("bad.yaml").write_text("mockkms: 1\nrng: []\n")
    said = error(suite("-p", "no:randomly", source=SEEDS))
    assert "3 invalid mockkms markers:" in said
    for wrong in (
        "test_theirs.py::test_dict: mockkms(seed={'vault': {'mounds': {}, 'state': 'shut'}}): <dict>: vault.mounds",
        '<dict>: vault.state: unknown state "shut"',
        "test_theirs.py::test_files: mockkms(seed=['good.yaml', 'bad.yaml', 3]): ",
        "bad.yaml:2:6: rng: expected a whole number or text, found a list; ",
        "<seed>: a world is a path, a name, or a mapping; found int",
        "TestNames::test_one: mockkms(seed='paymens'): paymens: cannot be read: No such file or directory; did you ",
    ):
        assert wrong in said
    suite("--mockkms-seed", "good.yaml", source=MERGED).assert_outcomes(passed=1)


IDLE = """
import pytest

@pytest.mark.mockkms(state="sealed")
def test_alone(): pass

@pytest.mark.mockkms(state="sealed")
def test_asks_for_it(request): request.getfixturevalue("mockkms")

@pytest.mark.mockkms(state="sealed")
def test_could_have_asked(request): pass

@pytest.mark.mockkms(state="sealed")
class TestNone:
    def test_none(self): pass

@pytest.mark.mockkms(state="sealed")
class TestSome:
    def test_uses(self, mockkms): pass
    def test_does_not(self): pass

@pytest.mark.mockkms(state="sealed")
def test_session_only(mockkms_server): pass

@pytest.mark.mockkms(state="sealed")
@pytest.mark.usefixtures("mockkms_env")
def test_used(): pass
"""


def test_a_marker_without_a_fixture_is_reported(suite: Run) -> None:
    result = suite("-W", "always::pytest_mockkms.collected.MockKMSWarning", source=IDLE)
    result.assert_outcomes(passed=8, warnings=4)
    shown = result.stdout.str()
    for test in ("test_alone", "test_could_have_asked", "test_session_only"):
        assert f"test_theirs.py::{test}: the mockkms marker has no effect, because the test uses none" in shown
    assert "::TestNone: the mockkms marker has no effect, because none of its tests uses" in shown
    assert 'usefixtures("mockkms")' in shown
    quiet = suite("test_theirs.py::TestSome::test_does_not")
    quiet.assert_outcomes(passed=1, warnings=0)


def test_it_is_a_usage_error_where_warnings_are_errors(suite: Run) -> None:
    said = error(suite(source=IDLE))
    assert "2 invalid mockkms markers:" in said
    suite("-n", "2", source=IDLE).assert_outcomes(passed=4, errors=2, failed=2)


ENVIRONMENT = """
import os
import pytest

@pytest.fixture(scope="session")
def connected(mockkms_session_env):
    assert os.environ["VAULT_ADDR"] == os.environ["BAO_ADDR"] == mockkms_session_env.url
    assert "VAULT_NAMESPACE" not in os.environ
    yield os.environ["VAULT_TOKEN"]
    assert os.environ["VAULT_ADDR"] == mockkms_session_env.url

@pytest.mark.mockkms(tls=True)
def test_another_server(connected, mockkms_env):
    assert os.environ["VAULT_ADDR"].startswith("https:") and "VAULT_CACERT" in os.environ

def test_one(connected, mockkms):
    assert os.environ["VAULT_ADDR"] == mockkms.url and connected == mockkms.token
    assert "VAULT_CACERT" not in os.environ
"""
AFTER = """
import os

def pytest_unconfigure():
    assert os.environ["VAULT_ADDR"] == "https://vault.example.org" and os.environ["VAULT_NAMESPACE"] == "team"
    assert "BAO_ADDR" not in os.environ
    print("all restored")
"""


def test_the_environment_of_the_session(suite: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_ADDR", "https://vault.example.org")
    monkeypatch.setenv("VAULT_NAMESPACE", "team")
    monkeypatch.delenv("BAO_ADDR", raising=False)
    pytester.makeconftest(AFTER)
    result = suite("-p", "no:randomly", source=ENVIRONMENT)
    result.assert_outcomes(passed=2)
    assert "all restored" in result.stdout.str()
