"""Suites of other people, run in processes of their own: quick, with warnings as errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mockkms import RemoteKMS
from tests.serving import served

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


@pytest.fixture
def real(tmp_path: Path) -> Iterator[RemoteKMS]:
    """A server in a process of its own: pytester undoes the imports of a test, which one in here would not survive."""
    flags = ("--root-token", "theirs", "--flavor", "openbao", "--control-token", "let-me")
    with served(tmp_path, *flags) as ready, RemoteKMS(ready["url"], control_token="let-me") as remote:
        yield remote
