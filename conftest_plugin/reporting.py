"""The session's report (``--mockkms-report``), written by the main process with the tests of all workers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mockkms.report.suite import Report


class Reporting:
    """A plugin that gathers what the servers of each test saw."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tests: dict[str, Mapping[str, object]] = {}
        """The data of each test, of its last run."""
        self._report: Report | None = None
        self._error = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what ``pytest_runtest_makereport`` added, here or in a worker."""
        data = getattr(report, "mockkms", None)
        if isinstance(data, Mapping):
            self._tests[report.nodeid] = data

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the report, also of an interrupted session. A report that cannot be written fails the session."""
        from mockkms.report.model import usage_of
        from mockkms.report.suite import report_of
        from mockkms.report.writing import write_report

        exploration = None
        if session.config.pluginmanager.hasplugin("mockkms-explore"):
            from .explore.session import RESULT

            exploration = session.config.stash.get(RESULT, None)
        self._report = report_of(map(usage_of, self._tests.values()), exploration)
        try:
            write_report(self._path, self._report)
        except OSError as error:
            self._error = f"mockkms: the report {self._path} cannot be written: {error.strerror or error}"
            if session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say in one line what was found; nothing if there is nothing to look at, or if the file has policies only."""
        from mockkms.report.writing import SUFFIXES

        if self._error:
            terminalreporter.write_line(self._error, red=True)
        elif self._report is not None and self._report.wrong and self._path.suffix.lower() in SUFFIXES:
            found = ", ".join(map(str, self._report.wrong))
            here = terminalreporter.config.invocation_params.dir
            path = self._path.relative_to(here) if self._path.is_relative_to(here) else self._path
            terminalreporter.write_line(f"mockkms: {found}; see {path}", yellow=True)
