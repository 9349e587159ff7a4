"""Hooks and options. This module imports pytest only, so that the unused plugin does not slow down other suites."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import pytest

from . import collected, products, settings
from .fixtures import (
    ACTIVE,
    _mockkms_flavor,
    _mockkms_servers,
    mockkms,
    mockkms_client,
    mockkms_env,
    mockkms_factory,
    mockkms_hvac,
    mockkms_seed,
    mockkms_server,
    mockkms_session_env,
    mockkms_tls,
)
from .marker import MARKER

__all__ = [
    "_mockkms_flavor",
    "_mockkms_servers",
    "mockkms",
    "mockkms_client",
    "mockkms_env",
    "mockkms_factory",
    "mockkms_hvac",
    "mockkms_seed",
    "mockkms_server",
    "mockkms_session_env",
    "mockkms_tls",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options; each has an ini setting of the same name."""
    settings.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and check the options; an invalid option is a usage error."""
    config.addinivalue_line("markers", MARKER)
    settings.strict(config)
    settings.lint(config)
    settings.upstream(config)
    settings.record(config)
    settings.replay(config)
    settings.flavor(config)
    settings.allow_unhandled(config)
    report = settings.report(config)
    if report is not None and not hasattr(config, "workerinput") and not config.getoption("collectonly", False):
        from .reporting import Reporting

        config.pluginmanager.register(Reporting(report), "mockkms-report")
    if settings.explores(config) and not config.getoption("collectonly", False):
        _explore(config)
    elif not hasattr(config, "workerinput"):
        config.pluginmanager.register(_ExploredByWorkers(config))


class _ExploredByWorkers:
    """Starts to collect results when a worker of pytest-xdist has explored a test because of its marker."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Register the plugin of the exploration upon the first result."""
        if "mockkms_explored" in vars(report):
            from .explore.session import register

            plugin = register(self._config)
            if plugin is not None:
                plugin.pytest_runtest_logreport(report)


def _explore(config: pytest.Config, items: Sequence[pytest.Item] = ()) -> None:
    """Register the plugin of the exploration, once; ``items`` were collected before. Raises UsageError."""
    from .explore.session import register

    plugin = register(config)
    if plugin is not None:
        plugin.check(items)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Check the servers and worlds of the options, once, before tests are collected."""
    config = session.config
    listing = ("collectonly", "showfixtures", "show_fixtures_per_test")
    if hasattr(config, "workerinput") or any(config.getoption(name, False) for name in listing):
        return
    named = ("mockkms_url", "mockkms_upstream", "mockkms_replay")
    if any(settings.option(config, name) for name in named) or config.getoption("mockkms_seed"):
        from . import start

        start.check(config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test whose marker lists several products once for each."""
    products.generate(metafunc)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Check all markers before the first test; invalid ones are a usage error that names all of them."""
    collected.check(items, partial=any("::" in str(argument) for argument in config.args))
    if any(collected.explores(item) for item in items) and not config.getoption("collectonly", False):
        _explore(config, items)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail a test with an invalid marker in a worker of pytest-xdist, which cannot report usage errors."""
    wrong = item.stash.get(collected.WRONG, None)
    if wrong is not None:
        pytest.fail(wrong, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Check the requests of a passed test, so that errors fail the test itself and not its teardown."""
    try:
        result = yield
    except BaseException as error:
        active = item.stash.get(ACTIVE, None)
        if active is not None:
            active.settled = True
        if settings.in_front(item.config):
            from .upstream import skip_if_out_of_reach

            skip_if_out_of_reach(error)
        raise
    active = item.stash.get(ACTIVE, None)
    if active is not None:
        active.check()
        active.warn()
    collected.check_used(item)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the requests to the report of a failed test, and what the session's report says about the test."""
    report = yield
    active = item.stash.get(ACTIVE, None)
    if (
        report.when == "call"
        and active is not None
        and not active.explored
        and settings.option(item.config, "mockkms_report")
    ):
        # Attributes of a report reach the main process from a worker of pytest-xdist, even if it crashes later.
        vars(report)["mockkms"] = active.observed(item.nodeid, report.outcome)
    if report.failed and active is not None:
        report.sections.append(("mockkms", active.report()))
    return report
