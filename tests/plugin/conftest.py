"""Suites of other people, run in processes of their own: quick, with warnings as errors."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]
INI = """
[pytest]
addopts = --strict-markers --strict-config
filterwarnings =
    error
    ignore:fault .* never fired
asyncio_mode = {mode}
asyncio_default_fixture_loop_scope = function
{more}
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """``suite("-n", "4", source=…, ini=…, mode="strict")`` runs a test file as a user would."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)

    def run(*arguments: str, source: str = "", ini: str = "", mode: str = "strict") -> pytest.RunResult:
        pytester.makeini(INI.format(mode=mode, more=ini))
        if source:
            pytester.makepyfile(test_theirs=source)
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)

    return run
