"""The plugin that explores the tests of a session: after each test that passes, in the process that ran it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator, Sequence
from dataclasses import replace

import pytest

from mockkms import __version__
from mockkms.explore import ExploreError
from mockkms.explore.baseline import compared
from mockkms.explore.explorer import Explorer, NoWatcher, Watcher
from mockkms.explore.matrix import render
from mockkms.explore.members import Members
from mockkms.explore.progress import LineWatcher
from mockkms.explore.results import Exploration, ExploredTest, Outcome
from mockkms.explore.resuming import ResumeFile
from mockkms.world.clock import rfc3339

from .. import WRONG
from .options import ExploreOptions, read_options
from .runner import ItemRunner, RunOfTest

NAME = "mockkms-explore"
"""Name of the plugin."""
RESULT: pytest.StashKey[Exploration] = pytest.StashKey()
"""The result, in the stash of the configuration, from the end of the session on."""
PROBLEMS: pytest.StashKey[list[str]] = pytest.StashKey()
"""Lines about a result that cannot be written, and named cases that no test has."""
ATTRIBUTE = "mockkms_explored"
"""Attribute of a test's last report: the result as JSON, which reaches the main process from workers of xdist."""


class ExplorePlugin:
    """Explores tests, collects the results of all processes, and reports them."""

    def __init__(self, config: pytest.Config, options: ExploreOptions) -> None:
        self._config, self._options = config, options
        self._run: RunOfTest | None = None
        """The run that is going on."""
        self._tests: list[ExploredTest] = []
        self._started = time.time()
        self._kept = ResumeFile(options.resume)
        self._is_worker = hasattr(config, "workerinput")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Check the markers of all tests."""
        self.check(items)

    def check(self, items: Sequence[pytest.Item]) -> None:
        """Fail tests whose marker names a failure that is not known."""
        for item in items:
            try:
                self._options.of(item)
            except ValueError as error:
                item.stash[WRONG] = f"mockkms(explore=…): {error}"

    # -- running -------------------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Run a test, log its reports, and explore it if it has passed and used a server."""
        try:
            wanted = self._options.of(item)
        except ValueError:
            return None  # The test fails at its set-up.
        if wanted is None or not isinstance(item, pytest.Function):
            return None
        settings, acceptances = wanted
        file, *parts = item.nodeid.split("::")
        name = "::".join([os.path.relpath(self._config.rootpath / file, self._config.invocation_params.dir), *parts])
        runner = ItemRunner(item, self._enter, lambda case: self._options.command(name, case))
        hook = item.ihook
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        reports, verdict, seen = runner.first()
        *before, last = reports
        for report in before:
            hook.pytest_runtest_logreport(report=report)
        interrupted = False
        if all(report.passed for report in reports) and seen.states:
            if hasattr(hook, "pytest_timeout_cancel_timer"):
                hook.pytest_timeout_cancel_timer(item=item)  # pytest-timeout's limit is that of one run.
            explorer = Explorer(settings, self._watcher(), self._kept)
            found = explorer.explore(item.nodeid, runner, (verdict, seen), acceptances)
            interrupted = explorer.interrupted
            vars(last)[ATTRIBUTE] = json.dumps(found.data())
            last.user_properties.extend(_properties(found))
        end = runner.end(nextitem)
        if end.excinfo is not None and end.excinfo.errisinstance(KeyboardInterrupt):
            interrupted = True
        elif end.excinfo is not None and last.passed:
            kept = last.user_properties
            attribute = vars(last).get(ATTRIBUTE)
            last = hook.pytest_runtest_makereport(item=item, call=end)
            last.user_properties = kept
            if attribute is not None:
                vars(last)[ATTRIBUTE] = attribute
        hook.pytest_runtest_logreport(report=last)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        if interrupted:
            raise KeyboardInterrupt
        return True

    def _enter(self, run: RunOfTest | None) -> None:
        self._run = run

    def _watcher(self) -> Watcher:
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None or self._is_worker or self._config.option.verbose < 0:
            return NoWatcher()

        def write(line: str) -> None:
            reporter.ensure_newline()
            reporter.write_line(line)

        def rewrite(line: str) -> None:
            reporter.rewrite(line, erase=True)

        return LineWatcher(write, rewrite if reporter.isatty else None)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_setup(self) -> Generator[None, object, object]:
        """Limit the set-up of an explored run."""
        return (yield from self._limited())

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        """Limit the call of an explored run, and keep the state in which it leaves its servers."""
        if self._run is not None:
            self._run.observer.phase = "call"
        try:
            return (yield from self._limited())
        finally:
            if self._run is not None:
                self._run.observer.finish()

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_teardown(self) -> Generator[None, object, object]:
        """Limit the teardown of an explored run."""
        return (yield from self._limited())

    def _limited(self) -> Generator[None, object, object]:
        if self._run is None or self._run.interrupter is None:
            return (yield)
        with self._run.interrupter.armed():
            return (yield)

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport | None:
        """Take note of exceptions of an explored run, whose reports are not shown."""
        if self._run is None or self._run.interrupter is None:
            return None
        return self._run.report(item, call)

    # -- results -------------------------------------------------------------------------------------------------

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the result of a test, in the main process."""
        text = vars(report).get(ATTRIBUTE)
        if text is not None and not self._is_worker:
            self._tests.append(ExploredTest.from_data(Members(json.loads(text))))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Compare the result with the baseline, write it, and fail the session if there is a new problem."""
        if self._is_worker:
            return
        options = self._options
        result = Exploration(
            tuple(sorted(self._tests, key=lambda test: test.id)),
            tuple(failure.shown() for failure in options.failures),
            options.settings.depth,
            rfc3339(float(int(self._started))),
            round(time.time() - self._started, 3),
            __version__,
            options.fails_on,
        )
        result = compared(result, options.baseline)
        self._config.stash[RESULT] = result
        problems: list[str] = []
        if options.json is not None and not options.settings.dry_run:
            try:
                result.write(options.json)
            except ExploreError as error:
                problems.append(str(error))
        problems += self._missing(result)
        if problems:
            self._config.stash[PROBLEMS] = problems
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        elif result.failing() and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _missing(self, result: Exploration) -> list[str]:
        """Return what to say of named cases that no test has; empty if there are none."""
        names = [cell.id for _, cell in result.cells()]
        missing = [case for case in self._options.settings.cases if case not in names]
        if not missing or self._options.settings.dry_run:
            return []
        requests = [f"  {request.id}" for test in result.tests for request in test.requests]
        return [f"no case {missing[0]!r}; a case is FAILURE@REQUEST, the requests are:", *dict.fromkeys(requests)]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show the matrices and problems."""
        result = self._config.stash.get(RESULT, None)
        if result is None:
            return
        terminalreporter.write_sep("=", "mockkms exploration")
        if self._options.settings.dry_run:
            planned = sum(test.planned for test in result.tests)
            result = replace(result, tests=())
            terminalreporter.write_line(f"{planned} runs planned")
            return
        verbose = self._config.option.verbose > 1 or bool(self._options.settings.cases)
        for line in render(result, verbose=verbose):
            terminalreporter.write_line(line)
        if self._options.baseline is not None:
            for line in self._options.baseline.news(result):
                terminalreporter.write_line(line)
        for line in self._config.stash.get(PROBLEMS, ()):
            terminalreporter.write_line(line)


def register(config: pytest.Config) -> ExplorePlugin | None:
    """Register the plugin; return None if it was registered before. Raises UsageError."""
    if config.pluginmanager.hasplugin(NAME):
        return None
    try:
        plugin = ExplorePlugin(config, read_options(config))
    except ExploreError as error:
        raise pytest.UsageError(f"mockkms exploration: {error}") from None
    config.pluginmanager.register(plugin, NAME)
    return plugin


def _properties(test: ExploredTest) -> list[tuple[str, object]]:
    """Return the properties of a test in JUnit files."""
    found: list[tuple[str, object]] = [("mockkms_explore_runs", len(test.cells))]
    for outcome in Outcome:
        cells = [cell for cell in test.cells if cell.outcome is outcome]
        if cells:
            found.append((f"mockkms_explore_{outcome}", len(cells)))
        found += [
            (f"mockkms_explore_{cell.outcome}_case", f"{cell.id}: {cell.kind or cell.exception or cell.detail}")
            for cell in cells
            if cell.problem
        ]
    if test.skipped:
        found.append(("mockkms_explore_skipped", test.skipped))
    return found
