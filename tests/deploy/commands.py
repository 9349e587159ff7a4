"""Command lines of ``mockkms`` in files and pages, read by the parsers of the command itself."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

import pytest

from mockkms.cli import parsers

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"


def parsed(words: list[str], monkeypatch: pytest.MonkeyPatch) -> argparse.Namespace:
    """The options of a command line without its first word. Fails the test if the command would refuse it."""

    def refuse(self: argparse.ArgumentParser, status: int = 0, message: str | None = None) -> NoReturn:
        pytest.fail(f"{words}: {message}")

    with monkeypatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "exit", refuse)
        options: argparse.Namespace = parsers()[0].parse_args(words)
    return options
