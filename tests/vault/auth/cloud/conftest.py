"""Fixtures for cloud methods: ``seeded`` starts a server whose world has one mount of a method."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from mockkms import MockKMS

Seeded = Callable[..., MockKMS]


@pytest.fixture
def seeded() -> Iterator[Seeded]:
    """Return a function that starts a server with one mount: its type, the keys of its section, and the clock."""
    with ExitStack() as stack:

        def start(kind: str, clock: str | None = None, **section: Any) -> MockKMS:
            seed: dict[str, Any] = {"vault": {"auth": {f"{kind}/": {"type": kind, **section}}}}
            if clock is not None:
                seed["clock"] = clock
            return stack.enter_context(MockKMS(seed=seed))

        yield start
