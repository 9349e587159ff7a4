"""``--mockkms-replay``: the suite's own server answers from a recording."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mockkms import RemoteKMS
from tests.plugin.conftest import Run

SUITE = """
import pytest
import requests

def test_recorded(mockkms):
    assert requests.get(mockkms.url + "/v1/secret/data/a", headers={"X-Vault-Token": mockkms.token}).status_code == 404

def test_each_test_starts_at_the_beginning(mockkms):
    test_recorded(mockkms)

def test_not_recorded(mockkms):
    requests.get(mockkms.url + "/v1/secret/data/b", headers={"X-Vault-Token": mockkms.token})

@pytest.mark.mockkms(state="sealed")
def test_state(mockkms):
    assert mockkms.state == "sealed"

def test_seal(mockkms):
    mockkms.seal()
"""


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A secret that is not there, written as a server in a process of its own writes it."""
    path = tmp_path / "vault.jsonl"
    asked = {"method": "GET", "path": "/v1/secret/data/a", "token": "(mockkms:token:1)"}
    answer = {"status": 404, "headers": [["Content-Type", "application/json"]], "json": {"errors": []}, "end": "\n"}
    lines: list[dict[str, object]] = [{"mockkms_recording": 1}, {"request": asked, "answer": answer}]
    path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    return path


def test_a_replay_is_strict_and_has_no_state(suite: Run, recording: Path) -> None:
    result = suite("--mockkms-replay", str(recording), source=SUITE)
    result.assert_outcomes(passed=2, failed=1, skipped=2)
    result.stdout.fnmatch_lines(["*not in the recording*nearest recorded request is number 1, GET /v1/secret/data/a*"])


def test_with_the_fallback_the_emulated_server_answers_the_rest(suite: Run, recording: Path) -> None:
    ini = f"mockkms_replay = {recording}\nmockkms_replay_fallback = true"
    suite(source=SUITE, ini=ini).assert_outcomes(passed=5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--mockkms-replay", "missing.jsonl"),
            "*cannot read the recording *missing.jsonl: No such file*",
        ),
        (("--mockkms-replay", "test_theirs.py"), "*--mockkms-replay: *test_theirs.py is not a recording of mockkms*"),
        (("--mockkms-replay-fallback",), "*--mockkms-replay-fallback requires --mockkms-replay*"),
        (
            ("--mockkms-replay", "a", "--mockkms-upstream", "http://127.0.0.1:1"),
            "*--mockkms-replay and --mockkms-upstream cannot be used together*",
        ),
    ],
)
def test_wrong_options_are_usage_errors(suite: Run, options: tuple[str, ...], message: str) -> None:
    result = suite(*options, source="def test_nothing():\n    pass\n")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


COUNTING = """
import requests

def count(mockkms, name):
    headers = {"X-Vault-Token": mockkms.token}
    url = mockkms.url + "/v1/secret/data/" + name
    requests.post(url, json={"data": {"password": "hunter2-of-" + name}}, headers=headers)
    return requests.get(url, headers=headers).json()["data"]["metadata"]["version"]

def test_first(mockkms):
    assert count(mockkms, "one") == 1

def test_second(mockkms):
    assert count(mockkms, "one") == 2
"""


def test_each_test_is_recorded_and_replayed_by_itself(suite: Run, real: RemoteKMS, tmp_path: Path) -> None:
    path = tmp_path / "suite.jsonl"
    upstream = ("--mockkms-upstream", real.url, "--mockkms-token", "theirs", "-p", "no:randomly")
    suite(*upstream, "--mockkms-record", str(path), source=COUNTING).assert_outcomes(passed=2)
    assert "hunter2" not in path.read_text()
    suite("--mockkms-replay", str(path), "-p", "no:randomly").assert_outcomes(passed=2)
    # The second test alone has its own answers, not those of the first.
    suite("--mockkms-replay", str(path), "-k", "second").assert_outcomes(passed=1)
    result = suite(*upstream, "--mockkms-record", str(path))
    result.stderr.fnmatch_lines(["*--mockkms-record: *suite.jsonl exists already; remove it, or name another file*"])
    more = COUNTING + "\n\ndef test_third(mockkms):\n    mockkms.clock\n    count(mockkms, 'one')\n"
    result = suite("--mockkms-replay", str(path), source=more)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*test_theirs.py::test_third in the recording*it has no requests*"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--mockkms-record", "a"), "*--mockkms-record requires --mockkms-upstream*"),
        (
            ("--mockkms-record", "a", "--mockkms-upstream", "http://127.0.0.1:1", "-n", "2"),
            "*--mockkms-record needs all tests in one process*",
        ),
    ],
)
def test_wrong_options_of_recordings(suite: Run, options: tuple[str, ...], message: str) -> None:
    result = suite(*options, source="def test_nothing():\n    pass\n")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])
