"""Parts of a suite with worlds and certificates of their own, and a world that a program has made."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Run
from tests.plugin.test_marker import ASK

WORLD = """
import pytest

@pytest.fixture(scope="session")
def mockkms_seed():
    secrets = {"of/%s": {"a": "b"}}
    return {"vault": {"mounts": {"secret/": {"type": "kv", "version": 2, "secrets": secrets}}}}
"""
TESTS = (
    ASK
    + """
def test_it(mockkms, mockkms_env):
    found = {name: ask(mockkms, f"/v1/secret/data/of/{name}")[0] for name in ("here", "there", "everywhere")}
    assert found == {"here": 404, "there": 404, "everywhere": 404, NAME: 200}

@pytest.mark.mockkms(flavor="openbao", seed={"vault": {"mounts": {"more/": {"type": "transit"}}}})
def test_with_a_marker(mockkms):
    assert (mockkms.flavor, ask(mockkms, f"/v1/secret/data/of/{NAME}")[0]) == ("openbao", 200)
    assert "more/" in mockkms.dump()
"""
)


@pytest.mark.parametrize("order", ["test_a.py there", "there test_a.py", "there test_a.py -n 2", "there"])
def test_each_part_has_the_world_that_it_overrides(suite: Run, pytester: pytest.Pytester, order: str) -> None:
    pytester.makeconftest(WORLD % "everywhere")
    folder = pytester.mkdir("there")
    (folder / "conftest.py").write_text(WORLD % "there")
    (folder / "test_b.py").write_text(f"NAME = 'there'\n{TESTS}")
    here = WORLD % "here" + f"\nNAME = 'here'\n{TESTS}"
    pytester.makepyfile(test_a=here, test_c=f"NAME = 'everywhere'\n{TESTS}")
    parts = 3 if "test_a.py" in order else 2
    suite(*order.split(), "test_c.py").assert_outcomes(passed=2 * parts)


TRACED = (
    ASK
    + """
def test_assertion(mockkms):
    ask(mockkms, "/v1/sys/health")
    mockkms.journal.assert_called("sys/seal-status")

def test_argument(mockkms):
    mockkms.faults.add("sys/*", answr="sealed")

def test_query(mockkms):
    mockkms.journal.entries("sys/*", statsu=200)

def test_of_another(mockkms):
    assert mockkms is None
"""
)


@pytest.mark.parametrize("style", ["auto", "short", "native"])
def test_a_traceback_ends_at_the_test(suite: Run, style: str) -> None:
    result = suite(f"--tb={style}", source=TRACED)
    result.assert_outcomes(failed=4)
    shown = result.stdout.str()
    assert "/mockkms/" not in shown
    assert "During handling" not in shown
    assert "did you mean 'answer'?" in shown
    assert "did you mean 'status'?" in shown


def test_the_full_trace_shows_all_frames(suite: Run) -> None:
    result = suite("--full-trace", source=TRACED)
    result.stdout.fnmatch_lines(["*mockkms/world/journal/journal.py*", "*mockkms/faults/parsing.py*"])
