"""A server other than mockkms (``--mockkms-url``): address and token; tests that need mockkms are skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import pytest

from . import settings

if TYPE_CHECKING:
    from .marker import TestWorld


class ExternalKMS:
    """The attributes of MockKMS that every server has."""

    def __init__(self, url: str, token: str) -> None:
        self.url = self.rustfs_url = url.rstrip("/")
        self.token = token
        self.ca_file = settings.ca_file_for(url)

    def refuse(self, world: TestWorld) -> None:
        """Skip a test whose marker uses features of mockkms."""
        for word in world.asked():
            _skip(f"mockkms({word}=…)")

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)
        _skip(f"mockkms.{name}")


def _skip(what: str) -> NoReturn:
    pytest.skip(f"{what} requires mockkms; the server at --mockkms-url is not mockkms")
