"""``pytest --mockkms-explore``: tests of other people are run again for each failure of their requests."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from conftest_plugin.explore.runner import _users
from mockkms.explore.results import Cell, ExploredTest, Outcome, Wrong, read_results
from tests.plugin.conftest import Run
from tests.serving import heed_interrupts

SUITE = """
import hvac, pytest, requests

LOST = (hvac.exceptions.VaultError, requests.RequestException)

def rotate(client):
    for attempt in range(3):
        try:
            return client.secrets.transit.rotate_key("a")
        except LOST:
            if attempt == 2:
                raise

@pytest.fixture
def transit(mockkms_hvac):
    mockkms_hvac.sys.enable_secrets_engine("transit")
    mockkms_hvac.secrets.transit.create_key("a")
    return mockkms_hvac

def test_rotate(transit):
    rotate(transit)

@pytest.mark.mockkms(explore={"permission-denied": "raises", "sealed@transit/*": ["fails", "raises"]})
def test_encrypt(transit):
    assert transit.secrets.transit.encrypt_data("a", "aGk=")["data"]["ciphertext"].startswith("vault:v1:")

def test_without_server():
    pass

@pytest.mark.mockkms(explore=False)
def test_left_out(mockkms_hvac):
    mockkms_hvac.sys.read_health_status(method="GET")
"""
ROTATE, ENCRYPT = "test_theirs.py::test_rotate", "test_theirs.py::test_encrypt"


def explored(suite: Run, pytester: pytest.Pytester, *options: str, source: str = SUITE) -> dict[str, ExploredTest]:
    """Run the suite and return its tests by node id."""
    path = pytester.path / "result.json"
    suite("-p", "no:randomly", f"--mockkms-explore-json={path}", *options, source=source)
    return {test.id: test for test in read_results(path).tests}


def one(test: ExploredTest, failure: str) -> Cell:
    """The case of the first request with this failure."""
    found = test.cell(test.requests[0].id, failure)
    assert found is not None, test
    return found


def test_outcomes(suite: Run, pytester: pytest.Pytester) -> None:
    """Requests of the call are explored, with their outcomes; plain results stay those of the plain run."""
    tests = explored(suite, pytester, "--mockkms-explore-set", "smoke")
    assert sorted(tests) == [ENCRYPT, ROTATE]
    rotate, encrypt = tests[ROTATE], tests[ENCRYPT]
    assert [request.id for request in rotate.requests] == ["write transit/keys/{name}/rotate#1"]
    assert one(rotate, "sealed").outcome is Outcome.TOLERATED
    assert one(rotate, "reset-after").kind == Wrong.DOUBLE_WRITE
    assert one(rotate, "rate-limited").kind == Wrong.RETRY_AFTER_IGNORED
    denied = one(encrypt, "permission-denied")
    assert (denied.outcome, denied.accepted) == (Outcome.RAISED, True)
    assert denied.exception == "hvac.exceptions.Forbidden"
    assert denied.where == "test_theirs.py:24"
    assert one(encrypt, "sealed").accepted
    assert not one(encrypt, "reset-before").accepted
    assert "--mockkms-explore-case=sealed@write transit/encrypt/{name}#1" in one(encrypt, "sealed").command


def test_terminal_and_exit_code(suite: Run, pytester: pytest.Pytester) -> None:
    """The matrix, the problems with the commands, the bound beforehand; tests pass, the session fails."""
    result = suite("-p", "no:randomly", "--mockkms-explore", "--mockkms-explore-set=smoke", source=SUITE)
    result.assert_outcomes(passed=4)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([
        f"exploring {ROTATE}: 5 runs, about *, at most *",
        "*= mockkms exploration =*",
        "*write transit/keys/{name}/rotate#1  . W . W .",
        "*write transit/encrypt/{name}#1      r R R R r",
        "WRONG (double-write): reset-after@write transit/keys/{name}/rotate#1",
        f"  again: pytest {ROTATE} --mockkms-explore-set=smoke '--mockkms-explore-case=reset-after@write *",
        "explored: 10 runs of 2 tests in *: 3 tolerated, 5 raised, 2 wrong, 2 accepted",
        "2 outcomes fail the exploration (hung or wrong)",
    ])  # fmt: skip


def test_one_case(suite: Run, pytester: pytest.Pytester) -> None:
    """The command of a case explores it alone and shows requests and rules; an unknown one is an error."""
    case = "--mockkms-explore-case=reset-after@write transit/keys/{name}/rotate#1"
    result = suite(ROTATE, case, source=SUITE)
    result.stdout.fnmatch_lines([
        "*| reset POST /v1/transit/keys/a/rotate <- fault",
        "*|   200 POST /v1/transit/keys/a/rotate (retry)",
        "*rule: - {path: transit/keys/+/rotate, operation: write, times: 1, lose_answer: reset}",
        "explored: 1 run of 1 test in *: 1 wrong",
    ])  # fmt: skip
    result = suite(ROTATE, "--mockkms-explore-case=sealed@write transit/key#1", source=SUITE)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["no case 'sealed@write transit/key#1'; *", "  write transit/keys/{name}/rotate#1"])


def test_baseline(suite: Run, pytester: pytest.Pytester) -> None:
    """With a baseline, new problems fail the session, and known ones do not."""
    first = explored(suite, pytester, "--mockkms-explore-set=smoke")
    assert len(first) == 2
    again = suite("--mockkms-explore-set=smoke", "--mockkms-explore-baseline=result.json", source=SUITE)
    assert again.ret == pytest.ExitCode.OK
    again.stdout.fnmatch_lines(["*10 runs of 2 tests in *2 accepted, 5 known"])
    data = json.loads((pytester.path / "result.json").read_text())
    data["tests"][0]["cells"] = []
    (pytester.path / "result.json").write_text(json.dumps(data))
    again = suite("--mockkms-explore-set=smoke", "--mockkms-explore-baseline=result.json", source=SUITE)
    assert again.ret == pytest.ExitCode.TESTS_FAILED
    again.stdout.fnmatch_lines(["3 outcomes fail the exploration (not in *result.json)"])


def test_workers_and_junit(suite: Run, pytester: pytest.Pytester) -> None:
    """Workers explore their tests; results are those of one process, and are in the JUnit file."""
    alone = explored(suite, pytester, "--mockkms-explore-set=smoke")
    spread = explored(suite, pytester, "--mockkms-explore-set=smoke", "-n2", "--junitxml=junit.xml")

    def matrix(tests: dict[str, ExploredTest]) -> object:
        return [(name, cell.id, cell.outcome, cell.kind) for name in sorted(tests) for cell in tests[name].cells]

    assert matrix(alone) == matrix(spread)
    found = ElementTree.parse(pytester.path / "junit.xml").getroot().iter("testcase")
    properties = {
        case.attrib["name"]: [(one.attrib["name"], one.attrib["value"]) for one in case.iter("property")]
        for case in found
    }
    assert ("mockkms_explore_runs", "5") in properties["test_rotate"]
    assert ("mockkms_explore_wrong", "2") in properties["test_rotate"]
    assert properties["test_without_server"] == []


MARKED = """
import pytest, hvac

@pytest.mark.mockkms(explore="sealed,standby")
def test_marked(mockkms_hvac):
    mockkms_hvac.sys.list_mounted_secrets_engines()

def test_other(mockkms_hvac):
    mockkms_hvac.sys.list_mounted_secrets_engines()
"""


def test_marker_alone(suite: Run, pytester: pytest.Pytester) -> None:
    """A marker explores its test without an option, in workers too."""
    for options in ([], ["-n1"]):
        result = suite(*options, source=MARKED)
        assert result.ret == pytest.ExitCode.OK
        result.stdout.fnmatch_lines(["*read sys/mounts#1  R R", "explored: 2 runs of 1 test in *: 2 raised"])


def test_setup_and_depth(suite: Run, pytester: pytest.Pytester) -> None:
    """Requests of fixtures are explored on demand, pairs with depth 2."""
    tests = explored(suite, pytester, "--mockkms-explore-set=sealed", "--mockkms-explore-setup")
    assert [request.id for request in tests[ROTATE].requests] == [
        "write sys/mounts/{path}#1", "write transit/keys/{name}#1", "write transit/keys/{name}/rotate#1",
    ]  # fmt: skip
    assert tests[ROTATE].cells[0].detail.startswith("in setup: ")
    source = SUITE + "\ndef test_two(transit):\n    rotate(transit); rotate(transit)\n"
    tests = explored(suite, pytester, "--mockkms-explore-set=sealed", "--mockkms-explore-depth=2", source=source)
    (pair,) = tests["test_theirs.py::test_two"].pairs
    assert pair.outcome is Outcome.TOLERATED
    assert pair.id.endswith(" + sealed@write transit/keys/{name}/rotate#3")


HANGING = """
import asyncio, threading, time, urllib.request
import pytest

def test_sync(mockkms):
    urllib.request.urlopen(f"{mockkms.url}/v1/sys/health").read()

async def test_async(mockkms_client):
    await mockkms_client.get("/v1/sys/health")

def test_stubborn(mockkms):
    while True:
        try:
            urllib.request.urlopen(f"{mockkms.url}/v1/sys/health").read()
            break
        except:
            time.sleep(0.01)
"""


def test_hung_tests_are_interrupted(suite: Run, pytester: pytest.Pytester) -> None:
    """The place where the user's code waits is known, in coroutines too; what catches everything ends as well."""
    path = pytester.path / "result.json"
    options = ["--mockkms-explore-set=timeout", "--mockkms-explore-limit=0.5", f"--mockkms-explore-json={path}"]
    result = suite(*options, "-p", "no:randomly", source=HANGING, mode="auto", ini="timeout = 30")
    result.assert_outcomes(passed=3)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    cells = {test.id.partition("::")[2]: test.cells[0] for test in read_results(path).tests}
    assert {cell.outcome for cell in cells.values()} == {Outcome.HUNG}
    assert cells["test_sync"].where == "test_theirs.py:5"
    assert cells["test_async"].where == "test_theirs.py:8"
    assert cells["test_stubborn"].where == "test_theirs.py:13"


FIXTURES = """
import unittest
import pytest

made = []

@pytest.fixture(scope="module")
def once():
    made.append("module")
    yield
    assert made.count("module") == 1

@pytest.fixture
def each():
    made.append("function")
    yield
    made.append("end")

class TestClass:
    def setup_method(self):
        self.fresh = []

    @pytest.mark.parametrize("number", [1, 2])
    def test_parametrized(self, once, each, number, mockkms_hvac):
        self.fresh.append(number)
        assert self.fresh == [number]
        assert made.count("function") == made.count("end") + 1
        mockkms_hvac.sys.read_seal_status()

class TestUnit(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def client(self, mockkms_hvac):
        self.client = mockkms_hvac

    def setUp(self):
        self.fresh = True

    def tearDown(self):
        assert self.fresh

    def test_unit(self):
        self.client.sys.read_seal_status()

def test_factory(mockkms, mockkms_factory):
    import urllib.request
    urllib.request.urlopen(f"{mockkms_factory().url}/v1/sys/seal-status").read()

def test_end():
    assert made.count("module") == 1
    assert made.count("function") == made.count("end")
"""


def test_fixtures_are_renewed(suite: Run, pytester: pytest.Pytester) -> None:
    """Function fixtures and instances are new in each run, those of the module stay; further servers are explored."""
    path = pytester.path / "result.json"
    options = ["--mockkms-explore-set=sealed,bad-gateway", f"--mockkms-explore-json={path}", "-p", "no:randomly"]
    suite(*options, source=FIXTURES).assert_outcomes(passed=5)
    tests = {test.id.partition("::")[2]: test for test in read_results(path).tests}
    assert not any(test.skipped for test in tests.values()), tests
    assert tests["test_factory"].requests[0].id == "server 1: read sys/seal-status#1"
    assert {len(test.cells) for test in tests.values()} == {2}
    assert tests["TestUnit::test_unit"].cells[1].exception == "hvac.exceptions.BadGateway"


def test_resume_and_dry_run(suite: Run, pytester: pytest.Pytester) -> None:
    """A dry run makes no case; outcomes in the file are not explored again."""
    result = suite("--mockkms-explore-dry-run", "--mockkms-explore-set=smoke", source=SUITE)
    result.stdout.fnmatch_lines(["10 runs planned"])
    kept = pytester.path / "kept.jsonl"
    suite(f"--mockkms-explore-resume={kept}", "--mockkms-explore-set=smoke", "--mockkms-explore-runs=2", source=SUITE)
    assert len(kept.read_text().splitlines()) == 4
    result = suite(f"--mockkms-explore-resume={kept}", "--mockkms-explore-set=smoke", source=SUITE)
    assert len(kept.read_text().splitlines()) == 10
    result.stdout.fnmatch_lines(["explored: 10 runs of 2 tests*"])


def said(result: pytest.RunResult) -> str:
    """The text of a usage error."""
    text = result.stdout.str() + result.stderr.str()
    assert result.ret == pytest.ExitCode.USAGE_ERROR, text
    assert "Traceback" not in text
    return text


STUBBORN = """
import time, urllib.request
from pytest_mockkms.explore import interrupt

def test_stubborn(mockkms):
    interrupt._PATIENCE = 1.0
    try:
        urllib.request.urlopen(f"{mockkms.url}/v1/sys/health").read()
    except BaseException:
        while True:
            try:
                time.sleep(1)
            except BaseException:
                pass
"""


def test_what_cannot_be_interrupted_ends_the_process(suite: Run, pytester: pytest.Pytester) -> None:
    """A test that catches every interruption is named, with the stacks of its threads; nothing waits for ever."""
    kept = pytester.path / "kept.jsonl"
    options = [
        "--mockkms-explore-set=sealed,timeout",
        "--mockkms-explore-limit=0.5",
        f"--mockkms-explore-resume={kept}",
    ]
    result = suite(*options, source=STUBBORN.replace("sys/health", "sys/seal-status"))
    assert result.ret == 3
    text = result.stderr.str()
    assert "test_theirs.py::test_stubborn with {'path': 'sys/seal-status'" in text
    assert "not interrupted 1 s after its limit" in text
    assert "test_theirs.py" in text.partition("most recent call first")[2]


@pytest.mark.parametrize("workers", [[], ["-n1"]], ids=["alone", "worker"])
def test_an_interruption_keeps_what_is_known(suite: Run, pytester: pytest.Pytester, workers: list[str]) -> None:
    """SIGINT shows the outcomes so far; those in the file are not explored again."""
    kept = pytester.path / "kept.jsonl"
    suite("--collect-only", source=HANGING)
    command = [
        sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", *workers, "-k", "test_sync",
        # The interrupted request leaves its connection open.
        "-W", "ignore::pytest.PytestUnraisableExceptionWarning",
        "--mockkms-explore-set=sealed,timeout", "--mockkms-explore-limit=60", f"--mockkms-explore-resume={kept}",
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=pytester.path, preexec_fn=heed_interrupts
    ) as process:
        until = time.monotonic() + 60
        while not (kept.exists() and kept.stat().st_size) and time.monotonic() < until:
            time.sleep(0.1)
        time.sleep(0.5)  # By then the next run waits for its answer.
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, out
    if not workers:
        assert "explored: 1 run of 1 test" in out
        assert "1 planned run left out" in out
    assert len(kept.read_text().splitlines()) == 1


INTERRUPTED = """
import gc, os, signal, urllib.request
import pytest

class Finalized:
    \"\"\"Is interrupted while the garbage collector ends it.\"\"\"

    def __init__(self):
        self.itself = self

    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass

@pytest.fixture(scope="class")
def torn():
    yield
    if WHERE == "fixture":
        os.kill(os.getpid(), signal.SIGINT)

runs = []

class TestRead:
    def test_read(self, mockkms, torn):
        urllib.request.urlopen(f"{mockkms.url}/v1/sys/seal-status").read()
        runs.append(1)
        if WHERE == "finalizer" and len(runs) == 2:
            gc.disable()
            Finalized()

def test_other():
    pass
"""


@pytest.mark.parametrize("where", ["fixture", "finalizer"])
def test_an_interruption_while_a_run_is_cleaned_up(suite: Run, pytester: pytest.Pytester, where: str) -> None:
    """SIGINT ends the session also while fixtures of the class end, and in a finalizer, whose exceptions get lost."""
    suite("--collect-only", source=f"WHERE = {where!r}\n{INTERRUPTED}")
    command = [
        sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", "-W", "error",
        "--mockkms-explore-set=sealed", "--mockkms-explore",
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=pytester.path, preexec_fn=heed_interrupts, timeout=120
    )
    assert done.returncode == pytest.ExitCode.INTERRUPTED, done.stdout + done.stderr
    assert "KeyboardInterrupt" in done.stdout
    assert "1 passed" in done.stdout, done.stdout


def test_commands_suit_the_working_directory(
    suite: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in pytest's own summary, names of files are relative to where pytest was started."""
    monkeypatch.chdir(pytester.mkdir("sub"))
    result = suite("--mockkms-explore-case=reset-after@write transit/keys/{name}/rotate#1", "..", source=SUITE)
    result.stdout.fnmatch_lines(["  again: pytest ../test_theirs.py::test_rotate *"])


def test_the_script_of_pytest_is_not_the_users_code(tmp_path: Path) -> None:
    """A run that hangs in a coroutine hangs in the test's file, not in ``bin/pytest``."""
    script = Path(sys.executable).with_name("pytest")
    assert not _users(str(script))
    assert _users(str(tmp_path / "test_theirs.py"))


def test_the_debugger_does_not_stop(suite: Run, pytester: pytest.Pytester) -> None:
    """Failures of explored runs are outcomes, not failures that ``--pdb`` or ``-x`` react to."""
    result = suite("--pdb", "-x", "--mockkms-explore-set=smoke", "--mockkms-explore", source=SUITE)
    result.assert_outcomes(passed=4)
    assert "(Pdb)" not in result.stdout.str()


def test_wrong_options(suite: Run, tmp_path: Path) -> None:
    """Each wrong option is a usage error that says what would be right."""

    def run(*options: str, source: str = SUITE) -> str:
        return said(suite("--mockkms-explore", *options, source=source))

    assert "no failure 'smok'; did you mean 'smoke'?" in run("--mockkms-explore-set=smok")
    assert "expected a number of seconds" in run("--mockkms-explore-limit=soon")
    assert "a whole number from 1 to 2" in run("--mockkms-explore-depth=3")
    assert "no outcome 'hang' to fail on; did you mean 'hung'?" in run("--mockkms-explore-fail-on=hang")
    assert "write it with: pytest --mockkms-explore-json FILE" in run("--mockkms-explore-baseline=none.json")
    assert "cannot be written: the folder" in run(f"--mockkms-explore-json={tmp_path}/none/a.json")
    (tmp_path / "notes.txt").write_text("hello\n")
    assert "does not contain outcomes of" in run(f"--mockkms-explore-resume={tmp_path}/notes.txt")
    assert "/proc/kept cannot be written" in run("--mockkms-explore-resume=/proc/kept")
    assert "/proc/a.json cannot be written" in run("--mockkms-explore-json=/proc/a.json", "-k", "without_server")
    for other in ("url=http://127.0.0.1:1", "upstream=http://127.0.0.1:1", "replay=a.jsonl"):
        assert f"emulated server of their process: not with --mockkms-{other.partition('=')[0]}" in run(
            f"--mockkms-{other}"
        )
    assert "a dry run has no result" in run("--mockkms-explore-dry-run", "--mockkms-explore-json=a.json")
    marked = MARKED.replace('"sealed,standby"', '{"seled": "raises"}')
    assert "no failure 'seled'; did you mean 'sealed'?" in run(source=marked)
