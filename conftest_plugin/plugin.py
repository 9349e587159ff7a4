"""Hooks and options. This module imports pytest only, so that the unused plugin does not slow down other suites."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from . import products, settings
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
    mockkms_tls,
)
from .marker import MARKER, MarkerError, read_marker

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
    settings.flavor(config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test whose marker lists several products once for each."""
    products.generate(metafunc)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Check all markers before the first test; an unknown keyword is a usage error."""
    for item in items:
        for mark in item.iter_markers("mockkms"):
            try:
                read_marker(mark)
            except MarkerError as error:
                raise pytest.UsageError(f"{item.nodeid}: {error}") from None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Check the requests of a passed test, so that errors fail the test itself and not its teardown."""
    try:
        result = yield
    except BaseException as error:
        active = item.stash.get(ACTIVE, None)
        if active is not None:
            active.settled = True
        if settings.upstream(item.config):
            from .upstream import skip_if_out_of_reach

            skip_if_out_of_reach(error)
        raise
    active = item.stash.get(ACTIVE, None)
    if active is not None:
        active.check()
        active.warn()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the requests to the report of a failed test."""
    report = yield
    active = item.stash.get(ACTIVE, None)
    if report.failed and active is not None:
        report.sections.append(("mockkms", active.report()))
    return report
