"""Hooks and options. This module imports pytest alone: installed but unused, the plugin costs next to nothing."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from .fixtures import (
    ACTIVE,
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
    """Options, each with an ini twin of the same name."""
    group = parser.getgroup("mockkms", "mockkms: an emulated Vault and RustFS KMS")
    group.addoption("--mockkms-url", metavar="URL", help="run the tests against this server instead of an own one")
    group.addoption("--mockkms-token", metavar="TOKEN", help="root token of the server at --mockkms-url")
    group.addoption("--mockkms-seed", metavar="FILE", action="append", help="a world in YAML; later files win")
    group.addoption("--mockkms-rng", metavar="N", type=int, help="repeat every id, key and nonce from this seed")
    group.addoption("--mockkms-strict", choices=("on", "off"), help="a request that nothing emulates fails the test")
    parser.addini("mockkms_url", "run the tests against this server instead of an own one")
    parser.addini("mockkms_token", "root token of the server at mockkms_url")
    parser.addini("mockkms_seed", "worlds in YAML, later files win", type="paths")
    parser.addini("mockkms_rng", "repeat every id, key and nonce from this seed")
    parser.addini("mockkms_strict", "a request that nothing emulates fails the test: on or off", default="on")


def pytest_configure(config: pytest.Config) -> None:
    """Register the one marker."""
    config.addinivalue_line("markers", MARKER)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """An unknown keyword of the marker is a usage error, found before anything runs."""
    for item in items:
        for mark in item.iter_markers("mockkms"):
            try:
                read_marker(mark)
            except MarkerError as error:
                raise pytest.UsageError(f"{item.nodeid}: {error}") from None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """A failed test that used the fixture shows what was asked of the server."""
    report = yield
    active = item.stash.get(ACTIVE, None)
    if report.failed and active is not None:
        report.sections.append(("mockkms", active.report()))
    return report
