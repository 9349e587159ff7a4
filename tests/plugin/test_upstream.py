"""``--mockkms-upstream``: the suite's own server in front of a real one."""

from __future__ import annotations

import pytest

from mockkms import RemoteKMS
from tests.plugin.conftest import Run
from tests.plugin.test_marker import ASK

SOURCE = (
    ASK
    + """
def test_reads(mockkms_env, mockkms_hvac, mockkms):
    mockkms_hvac.secrets.kv.v2.create_or_update_secret("shared", {"n": 1})
    assert ask(mockkms, "/v1/secret/data/shared")[1]["data"]["data"] == {"n": 1}
    mockkms.journal.assert_called("secret/data/shared", times=2)

def test_each_begins_clean(mockkms):
    assert (mockkms.journal.total, len(mockkms.faults)) == (0, 0)
    mockkms.faults.add("sys/*", answer="sealed")
    assert ask(mockkms, "/v1/sys/health")[0] == 503

@pytest.mark.mockkms(faults=[{"match": "sys/*", "answer": 429}])
def test_marked_faults(mockkms):
    assert ask(mockkms, "/v1/sys/health")[0] == 429

@pytest.mark.mockkms(seed={"vault": {}})
def test_marked_seed(mockkms):
    raise SystemExit(9)

@pytest.mark.mockkms(state="sealed")
def test_marked_state(mockkms):
    raise SystemExit(9)

def test_state(mockkms):
    mockkms.seal()
    raise SystemExit(9)
"""
)


@pytest.mark.parametrize("form", ["option", "ini"])
def test_faults_and_journal_work_and_the_state_is_left_alone(suite: Run, real: RemoteKMS, form: str) -> None:
    options = ("--mockkms-upstream", real.url, "--mockkms-token", "theirs") if form == "option" else ()
    ini = f"mockkms_upstream = {real.url}\nmockkms_token = theirs" if form == "ini" else ""
    result = suite(*options, "-rs", source=SOURCE, ini=ini)
    result.assert_outcomes(passed=3, skipped=3)
    result.stdout.fnmatch_lines_random(["*requires an emulated server*", "*seal: a real server answers here*"])
    assert real.journal.count("secret/data/shared") == 2
    assert real.journal.count("sys/health") == 0


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            ("--mockkms-upstream", "http://a", "--mockkms-url", "http://b"),
            "*--mockkms-upstream and --mockkms-url cannot be used together*",
        ),
        (("--mockkms-upstream", "nowhere"), "*--mockkms-upstream: 'nowhere' is not a valid server address*"),
    ],
)
def test_contradicting_options(suite: Run, options: tuple[str, ...], text: str) -> None:
    result = suite(*options, source="def test_it(mockkms):\n    raise SystemExit(9)\n")
    assert result.ret != 0
    result.stderr.fnmatch_lines([text])
