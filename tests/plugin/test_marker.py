"""The marker, strictness, and what a failure shows."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Run

WORLD = """
mockkms: 1
vault:
  mounts:
    transit/:
      type: transit
      keys:
        {key}: {{type: aes256-gcm96}}
"""
ASK = """
import json, urllib.request, urllib.error
import pytest

def ask(kms, path, method="GET"):
    asked = urllib.request.Request(kms.url + path, headers={"X-Vault-Token": kms.token}, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.status, json.loads(answer.read() or "null")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or "null")

def keys(kms):
    status, body = ask(kms, "/v1/transit/keys", "LIST")
    return body["data"]["keys"] if status == 200 else status
"""
WORDS = (
    ASK
    + """
import datetime
pytestmark = [
    pytest.mark.mockkms(faults=[{"match": "transit/decrypt/*", "answer": "sealed"}]),
    pytest.mark.filterwarnings("ignore:fault .* never fired"),
]
EXTRA = {"mockkms": 1, "vault": {"mounts": {"transit/": {"type": "transit", "keys": {"extra": {"type": "ed25519"}}}}}}
MOMENT = 1767225600

def test_the_suites_world(mockkms):
    assert keys(mockkms) == ["suite"]
    assert len(mockkms.faults.list()) == 1

@pytest.mark.mockkms(seed="worlds/beside.yaml")
def test_a_file_beside_the_test(mockkms):
    assert keys(mockkms) == ["beside", "suite"]

@pytest.mark.mockkms(seed=EXTRA)
@pytest.mark.mockkms(seed="worlds/beside.yaml")
def test_seeds_are_merged_in_order(mockkms):
    assert keys(mockkms) == ["beside", "extra", "suite"]
    ask(mockkms, "/v1/sys/mounts/transit", "DELETE")

@pytest.mark.mockkms(seed=["worlds/beside.yaml", EXTRA])
def test_a_list_and_the_same_world_again(mockkms):
    assert keys(mockkms) == ["beside", "extra", "suite"]

@pytest.mark.mockkms(seed="payments")
def test_a_ready_made_world(mockkms):
    assert len(mockkms.dump()) > 1000

@pytest.mark.mockkms(state="sealed")
def test_sealed(mockkms):
    assert ask(mockkms, "/v1/sys/seal-status")[1]["sealed"] is True
    assert keys(mockkms) == 503

@pytest.mark.mockkms(state="unsealed", faults=[{"match": "transit/keys*", "answer": "rate-limited", "times": 1}])
def test_faults_add_up(mockkms):
    assert [keys(mockkms), keys(mockkms)] == [429, ["suite"]]
    assert len(mockkms.faults.list()) == 2

@pytest.mark.parametrize("turn", [
    pytest.param(turn, marks=pytest.mark.mockkms(clock=clock)) for turn, clock in enumerate([
        "2026-01-01", "2026-01-01T00:00:00Z", MOMENT, datetime.date(2026, 1, 1), datetime.datetime(2026, 1, 1),
        datetime.datetime(2026, 1, 1, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
    ])
])
def test_clock(mockkms, turn):
    assert mockkms.clock.now() == MOMENT and mockkms.clock.frozen
    assert mockkms.clock.advance(datetime.timedelta(minutes=1)) == MOMENT + 60

@pytest.mark.mockkms(chaos={"plan": "sealed=30s normal=30s", "seed": 3}, clock="2026-01-01")
def test_chaos(mockkms):
    assert (mockkms.chaos.phase, keys(mockkms)) == ("sealed", 503)
    mockkms.clock.advance(30)
    assert (mockkms.chaos.phase, keys(mockkms)) == ("normal", ["suite"])

def test_chaos_is_over(mockkms):
    assert not mockkms.chaos.active

def test_clock_runs_again(mockkms):
    assert not mockkms.clock.frozen and mockkms.clock.now() > MOMENT
"""
)


def test_the_words_of_the_marker(suite: Run, pytester: pytest.Pytester) -> None:
    pytester.mkdir("worlds").joinpath("beside.yaml").write_text(WORLD.format(key="beside"))
    pytester.path.joinpath("suite.yaml").write_text(WORLD.format(key="suite"))
    suite(source=WORDS, ini="mockkms_seed = suite.yaml").assert_outcomes(passed=16)
    over = ASK + "\ndef test_it(mockkms):\n    assert keys(mockkms) == ['beside']\n"
    result = suite("--mockkms-seed", "worlds/beside.yaml", source=over, ini="mockkms_seed = suite.yaml")
    result.assert_outcomes(passed=1)


VERDICTS = (
    ASK
    + """
NOWHERE = "/v1/transit/nowhere/at/all"

@pytest.fixture
def asks_late(mockkms):
    yield
    ask(mockkms, NOWHERE + "/late")

def test_strict(mockkms):
    ask(mockkms, NOWHERE)

@pytest.mark.mockkms(strict=False)
def test_loose(mockkms):
    ask(mockkms, NOWHERE)

def test_late(asks_late, mockkms_factory):
    pass

def test_factory(mockkms_factory):
    ask(mockkms_factory(), NOWHERE)

@pytest.mark.mockkms(faults=[{"script": [{"expect": "sys/health", "answer": "sealed"}]}])
def test_script_left_over(mockkms):
    pass

@pytest.mark.mockkms(faults=[{"path": "sys/*", "answer": 500}, {"tls": "expired"}])
def test_wrong_fault(mockkms):
    pass

@pytest.mark.mockkms(seed={"mockkms": 1, "vault": {"tokens": [{"entity": "nobody"}]}})
def test_wrong_seed(mockkms):
    pass

def test_fails_by_itself(mockkms):
    ask(mockkms, "/v1/sys/health")
    mockkms.faults.add("never/*", answer="sealed")
    assert 1 == 2

def test_fails_without(pytestconfig):
    assert 1 == 3
"""
)


def sections(text: str) -> dict[str, str]:
    """The output of each failed test by its name; the summary, which repeats parts of it, by the empty name."""
    parts: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        bare = line.strip("_ ")
        if line.startswith("___") and "test_" in bare:
            name = bare.split()[-1]
        elif line.startswith("===") and "short test summary info" in line:
            name = ""
        parts[name] = parts.get(name, "") + line + "\n"
    return parts


def test_verdicts_and_reports(suite: Run) -> None:
    seed = {"mockkms": 1, "vault": {"mounts": {"transit/": {"type": "transit"}}}}
    source = f"{VERDICTS}\n@pytest.fixture(scope='session')\ndef mockkms_seed():\n    return {seed!r}\n"
    result = suite("-p", "no:randomly", "--mockkms-rng", "42", source=source)
    # Late: the test itself passed, what its fixture did afterwards is an error.
    result.assert_outcomes(passed=2, failed=5, errors=3)
    shown = sections(result.stdout.str())
    assert "not emulated" in shown["test_strict"]
    assert "transit/nowhere/at/all" in shown["test_strict"]
    assert "transit/nowhere/at/all/late" in shown["test_late"]
    assert "transit/nowhere/at/all" in shown["test_factory"]
    assert "rng 42" in shown["test_strict"]
    assert "rng 42/1" in shown["test_factory"]
    assert "left over" in shown["test_script_left_over"]
    assert "test_theirs.py::test_wrong_fault: mockkms(faults=…): faults[1]" in shown["test_wrong_fault"]
    assert (
        "test_theirs.py::test_wrong_seed: mockkms(seed=…): <dict>: vault.tokens[0].entity: " in shown["test_wrong_seed"]
    )
    assert "During handling" not in result.stdout.str()
    assert "nobody" in shown["test_wrong_seed"]
    assert "Traceback" not in shown["test_wrong_seed"]
    assert "never/*" in shown["test_fails_by_itself"]
    assert "sys/health" in shown["test_fails_by_itself"]
    assert "mockkms" not in shown["test_fails_without"].partition("short test summary")[0]
    assert "test_loose" not in shown


def test_loose_by_option_and_ini(suite: Run) -> None:
    source = ASK + (
        "\ndef test_it(mockkms):\n    ask(mockkms, '/v1/sys/nowhere')\n"
        "\n@pytest.mark.mockkms(strict=True)\ndef test_strict(mockkms):\n    ask(mockkms, '/v1/sys/nowhere')\n"
    )
    suite(source=source, ini="mockkms_strict = off").assert_outcomes(passed=1, failed=1)
    suite("--mockkms-strict=on", source=source, ini="mockkms_strict = off").assert_outcomes(failed=2)


PRINTED = (
    ASK
    + """
def test_it(mockkms, mockkms_factory):
    ask(mockkms, "/v1/sys/health")
    ask(mockkms, "/v1/sys/nowhere")
    ask(mockkms_factory(), "/v1/sys/elsewhere")
"""
)


def test_a_strict_failure_is_printed_once(suite: Run) -> None:
    # In CI, pytest repeats whole messages in its summary.
    shown = suite(source=PRINTED).stdout.str().partition("short test summary info")[0]
    for line in ("GET /v1/sys/nowhere", "GET /v1/sys/elsewhere", "GET /v1/sys/health"):
        assert shown.count(line) == 1, shown
    assert "another exception occurred" not in shown
    assert "1 request was not expected or not emulated:" in shown


ALLOWED = (
    ASK
    + """
@pytest.mark.mockkms(allow_unhandled=["sys/nowhere/*"])
class TestAllowed:
    def test_matches(self, mockkms): ask(mockkms, "/v1/sys/nowhere/at/all")
    def test_another_path(self, mockkms): ask(mockkms, "/v1/sys/elsewhere")

    @pytest.mark.mockkms(allow_unhandled=["sys/elsewhere"])
    def test_both(self, mockkms_factory):
        kms = mockkms_factory()
        ask(kms, "/v1/sys/elsewhere")
        ask(kms, "/v1/sys/nowhere/at/all")

@pytest.mark.mockkms(allow_unhandled=["*"], faults=[{"script": [{"expect": "sys/health", "answer": "sealed"}]}])
def test_a_script_is_still_checked(mockkms): pass

def test_without(mockkms): ask(mockkms, "/v1/sys/nowhere/at/all")
"""
)


def test_paths_that_may_be_unhandled(suite: Run) -> None:
    suite(source=ALLOWED).assert_outcomes(passed=2, failed=3)
    suite(source=ALLOWED, ini="mockkms_allow_unhandled =\n    sys/nowhere/*\n    nothing").assert_outcomes(
        passed=3, failed=2
    )
    suite("--mockkms-allow-unhandled", "sys/*", source=ALLOWED).assert_outcomes(passed=4, failed=1)
    refused = suite("--mockkms-allow-unhandled", "v1/sys/*", source=ALLOWED)
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["*--mockkms-allow-unhandled: paths are written without /v1/: 'sys/?'*"])
