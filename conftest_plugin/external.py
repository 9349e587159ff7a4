"""A server that somebody else runs (``--mockkms-url``): an address and a token; what needs our insides skips."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from .marker import TestWorld


class ExternalKMS:
    """The part of MockKMS that any server has."""

    def __init__(self, url: str, token: str) -> None:
        self.url = self.rustfs_url = url.rstrip("/")
        self.token = token
        self.ca_file = ""

    def refuse(self, world: TestWorld) -> None:
        """Skip a test whose marker asks for what only mockkms can do."""
        asked = [name for name in ("seeds", "state", "faults", "clock") if getattr(world, name)]
        if asked:
            _skip(f"the marker's {asked[0].removesuffix('s') if asked[0] == 'seeds' else asked[0]}")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        _skip(f"mockkms.{name}")


def _skip(what: str) -> NoReturn:
    pytest.skip(f"{what} needs a mockkms server; --mockkms-url names another one")
