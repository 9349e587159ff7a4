"""Proxy mode and replays: faults and journal work, tests that need emulated state are skipped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from . import settings

if TYPE_CHECKING:
    from mockkms import MockKMS
    from mockkms.api import Kms
    from mockkms.server.wire.tls import Tls

    from .marker import TestWorld


_OF_STATE = ("seed", "state", "clock", "flavor")
"""Keywords of the marker that need emulated state."""


def proxy(config: pytest.Config, url: str, tls: Tls | None) -> MockKMS:
    """Return a proxy for the server at ``url``, not yet started. Raises UsageError for an invalid address."""
    from mockkms import MockKMS

    token = settings.token(config)
    ca_file = settings.ca_file_for(url)
    try:
        return MockKMS(
            upstream=url, upstream_ca=ca_file, root_token=token, rng=settings.rng(config), tls=tls,
            record=settings.record(config) if tls is None else None,
        )  # fmt: skip
    except ValueError as error:
        raise pytest.UsageError(f"--mockkms-upstream: {error}") from None


def replayed(config: pytest.Config, recording: Path, tls: Tls | None) -> MockKMS:
    """Return a server that answers from a recording alone, not yet started. Raises UsageError."""
    from mockkms import MockKMS

    token = settings.token(config)
    try:
        return MockKMS(replay=recording, root_token=token, rng=settings.rng(config), tls=tls)
    except ValueError as error:
        raise pytest.UsageError(f"--mockkms-replay: {error}") from None


def refuse(world: TestWorld, option: str) -> None:
    """Skip a test whose marker sets state, which ``option`` takes out of reach."""
    for word in world.asked():
        if word in _OF_STATE:
            pytest.skip(f"mockkms({word}=…) requires an emulated server and cannot be used with {option}")


def skip_if_out_of_reach(error: BaseException) -> None:
    """Skip a test that failed because it needs emulated state."""
    from mockkms import NoState

    if isinstance(error, NoState):
        pytest.skip(str(error))


def begin_section(server: Kms, test: str) -> None:
    """Record the requests of a test as a section, or replay those of this test alone."""
    from mockkms import MockKMS

    if isinstance(server, MockKMS):
        server.section(test)
