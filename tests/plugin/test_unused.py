"""Installed but unused, the plugin imports pytest alone and changes nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.plugin.conftest import Run

BARE = """
import sys

def test_nothing_was_imported():
    names = {name.partition(".")[0] for name in sys.modules}
    assert "pytest_mockkms" in names
    assert not names & {"mockkms", "aiohttp", "cryptography", "yaml", "hvac", "trustme"}
"""
NO_PLUGINS = [f"no:{name}" for name in ("aiohttp", "asyncio", "anyio", "randomly", "xdist", "hypothesispytest")]


def test_a_bare_run_imports_nothing_of_ours(suite: Run) -> None:
    without = [word for name in NO_PLUGINS for word in ("-p", name)]
    result = suite(*without, "-o", "addopts=", "-W", "ignore", source=BARE)
    result.assert_outcomes(passed=1)


def test_the_plugin_module_needs_pytest_and_the_standard_library_only() -> None:
    program = (
        "import sys, pytest; before = set(sys.modules); import pytest_mockkms.plugin;"
        "new = {n.partition('.')[0] for n in set(sys.modules) - before} - set(sys.stdlib_module_names);"
        "print(sorted(new))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "['pytest_mockkms']"


def test_switched_off(suite: Run) -> None:
    result = suite("-p", "no:mockkms", source="def test_one(mockkms): pass\n\ndef test_two(): pass\n")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*fixture 'mockkms' not found*"])


def test_what_pytest_lists(suite: Run) -> None:
    shown = suite("--markers")
    shown.stdout.fnmatch_lines(["@pytest.mark.mockkms(seed=None, state=None, faults=*"])
    listed = suite("--fixtures", "-q")
    for name in ("mockkms", "server", "factory", "env", "seed", "tls", "hvac", "client"):
        name = name if name == "mockkms" else f"mockkms_{name}"
        assert any(line.startswith(name) for line in listed.outlines), name
    helped = suite("--help")
    for word in ("url", "token", "seed", "rng", "strict"):
        helped.stdout.fnmatch_lines([f"*--mockkms-{word}*"])
        assert any(line.strip().startswith(f"mockkms_{word}") for line in helped.outlines), word


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        ("sead='x'", "has no keyword 'sead'; did you mean 'seed'?"),
        ("'dev'", "accepts keyword arguments only"),
        ("state='shut'", "one of 'sealed', 'unsealed'"),
        ("faults='sealed'", "expected a list of dicts"),
        ("clock='noon'", "'noon' is not a time: write 2026-01-01T00:00:00Z"),
        ("strict='yes'", "True or False"),
    ],
)
def test_a_wrong_marker_is_a_usage_error(pytester: pytest.Pytester, marker: str, said: str) -> None:
    pytester.makepyfile(f"import pytest\n\n@pytest.mark.mockkms({marker})\ndef test_it(): raise SystemExit(9)\n")
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:randomly", "-W", "ignore")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert said in result.stderr.str()


def test_a_wrong_option_is_a_usage_error(suite: Run) -> None:
    result = suite(ini="mockkms_strict = perhaps", source="def test_it(): pass\n")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*mockkms_strict = perhaps: expected on or off*"])
