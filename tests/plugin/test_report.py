"""``--mockkms-report``: one file for all tests and workers, and a line on the terminal if there is something in it."""

from __future__ import annotations

import json
import re

import pytest

from tests.plugin.conftest import Run

ASK = """
import pytest, requests

def ask(kms, method, path, body=None):
    requests.request(method, f"{kms.url}/v1/{path}", json=body, headers={"X-Vault-Token": kms.token}, timeout=60)
"""
TIDY = ASK + "def test_tidy(mockkms):\n    ask(mockkms, 'GET', 'sys/health')\n"
SOURCE = (
    ASK
    + """
@pytest.mark.parametrize("number", range(4))
def test_leaves_a_token(mockkms, number):
    ask(mockkms, "POST", "auth/token/create", {})
    ask(mockkms, "GET", f"secret/data/{number}")

def test_fails(mockkms, mockkms_factory):
    ask(mockkms_factory(), "GET", "secret/data/other-server")
    assert 1 == 2

@pytest.mark.mockkms(lint="off")
def test_may_leave_a_token(mockkms):
    ask(mockkms, "POST", "auth/token/create", {})

@pytest.mark.mockkms(strict=False, faults=[{"path": "sys/health", "answer": 503, "id": "of-the-marker"}])
def test_not_emulated(mockkms):
    ask(mockkms, "GET", "sys/no-such-path")

@pytest.fixture
def broken(mockkms):
    raise RuntimeError

def test_never_begins(broken):
    pass

def test_without_a_server():
    pass
"""
)


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["one process", "two workers"])
def test_all_tests_are_in_one_file(suite: Run, pytester: pytest.Pytester, options: tuple[str, ...]) -> None:
    result = suite("--mockkms-report=out.json", *options, source=SOURCE)
    result.assert_outcomes(passed=7, failed=1, errors=1)
    found = "4 bad habits of the client, 1 request that is not emulated, 1 fault rule that never fired"
    assert result.stdout.str().count("mockkms: ") == 1
    result.stdout.fnmatch_lines([f"mockkms: {found}; see out.json"])
    data = json.loads((pytester.path / "out.json").read_text())
    outcomes = {re.sub(r".*::", "", test["name"]): test["outcome"] for test in data["tests"]}
    assert outcomes == {
        **{f"test_leaves_a_token[{number}]": "passed" for number in range(4)},
        "test_fails": "failed", "test_may_leave_a_token": "passed", "test_not_emulated": "passed",
    }  # fmt: skip
    assert [finding["rule"] for finding in data["findings"]] == ["token-left"] * 4
    assert [one["rule"].partition(":")[0] for one in data["unfired"]] == ["of-the-marker"]
    assert 'path "secret/data/other-server"' in data["policy"]


def test_nothing_is_printed_without_findings(suite: Run, pytester: pytest.Pytester) -> None:
    plain = suite("-p", "no:randomly", source=TIDY)
    reported = suite("-p", "no:randomly", "--mockkms-report=out.html", source=TIDY)
    timeless = [re.sub(r"[\d.]+s", "", "\n".join(result.outlines[-3:])) for result in (plain, reported)]
    assert timeless[0] == timeless[1]
    text = (pytester.path / "out.html").read_text()
    assert "1 test used a server" in text


def test_a_suite_without_servers_has_a_report_too(suite: Run, pytester: pytest.Pytester) -> None:
    suite(source="def test_it(): pass\n", ini="mockkms_report = out.html").assert_outcomes(passed=1)
    assert "No test used a server." in (pytester.path / "out.html").read_text()
    (pytester.path / "out.html").unlink()
    suite("--collect-only", source="def test_it(): pass\n", ini="mockkms_report = out.html")
    assert not (pytester.path / "out.html").exists()


def test_tests_before_an_interruption_are_reported(suite: Run, pytester: pytest.Pytester) -> None:
    stops = TIDY + "def test_stops(mockkms):\n    raise KeyboardInterrupt\n\ndef test_unreached(mockkms):\n    pass\n"
    result = suite("-p", "no:randomly", "--mockkms-report=out.json", source=stops)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    data = json.loads((pytester.path / "out.json").read_text())
    assert [test["name"] for test in data["tests"]] == ["test_theirs.py::test_tidy"]


def test_a_worker_that_crashes_loses_no_finished_test(suite: Run, pytester: pytest.Pytester) -> None:
    crash = TIDY + "def test_crash(mockkms):\n    import os\n    os._exit(3)\n"
    suite("-p", "no:randomly", "-n", "1", "--mockkms-report=out.json", source=crash)
    data = json.loads((pytester.path / "out.json").read_text())
    assert [test["name"] for test in data["tests"]] == ["test_theirs.py::test_tidy"]


def test_a_report_that_cannot_be_written_fails_the_session(suite: Run, pytester: pytest.Pytester) -> None:
    (pytester.path / "reports").mkdir()
    gone = "def test_it(mockkms):\n    import shutil\n    shutil.rmtree('reports')\n"
    result = suite("--mockkms-report=reports/out.html", source=gone)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["mockkms: the report * cannot be written: No such file or directory"])


def test_a_misspelled_suffix_is_a_usage_error(suite: Run) -> None:
    result = suite("--mockkms-report=out.htlm", source=TIDY)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "--mockkms-report: 'out.htlm' has an unknown suffix: did you mean '.html'?" in result.stderr.str()
