"""The linter and the least-privilege report as options of the plugin."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]
WARN = ("-W", "default")
LEAVES_A_TOKEN = """
import pytest, requests

def test_leaves_a_token(mockkms):
    requests.post(mockkms.url + "/v1/auth/token/create", json={}, headers={"X-Vault-Token": mockkms.token}, timeout=60)
"""


def test_findings_warn(suite: Run) -> None:
    result = suite("--mockkms-lint=warn", *WARN, source=LEAVES_A_TOKEN)
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*lint: token-left: made at auth/token/create*"])


def test_findings_fail_by_the_ini_twin_unless_the_marker_says_no(suite: Run) -> None:
    marked = LEAVES_A_TOKEN.replace("def test", "@pytest.mark.mockkms(lint='off')\ndef test")
    result = suite(source=LEAVES_A_TOKEN + marked.replace("leaves", "may_leave"), ini="mockkms_lint = error")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*token-left: made at auth/token/create*"])


def test_rules_that_never_fired_warn_and_scripts_that_are_left_fail(suite: Run) -> None:
    idle = "def test_idle(mockkms):\n    mockkms.faults.add('transit/*', id='idle', answer=503)\n"
    left = "def test_left(mockkms):\n    mockkms.faults.script([503])\n"
    result = suite(*WARN, source=idle + left)
    result.assert_outcomes(passed=1, failed=1, warnings=1)
    result.stdout.fnmatch_lines_random(["*fault 'idle' never fired*", "*left over: step 1*"])


def test_a_script_that_is_not_followed_is_explained_once(suite: Run) -> None:
    source = (
        "import urllib.request\nfrom contextlib import suppress\n"
        "def test_other(mockkms):\n    mockkms.faults.script([{'expect': 'secret/data/app', 'answer': 503}])\n"
        "    with suppress(OSError):\n        urllib.request.urlopen(mockkms.url + '/v1/sys/health')\n"
    )
    result = suite(source=source)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["the script was not followed:"])
    assert "not expected or not emulated" not in result.stdout.str()


def test_the_report_of_needed_policies(suite: Run, pytester: pytest.Pytester) -> None:
    suite("--mockkms-report=needed.hcl", source=LEAVES_A_TOKEN).assert_outcomes(passed=1)
    text = (pytester.path / "needed.hcl").read_text()
    assert "::test_leaves_a_token" in text
    assert 'path "auth/token/create" {' in text
