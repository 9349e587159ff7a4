"""Worlds as arguments of commands: files, ready-made worlds, and ``-`` for standard input."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mockkms.cli.arguments import CommandError
from mockkms.worldfile.nodes import MAX_BYTES
from mockkms.worldfile.sources import Source, Written

STDIN = "<stdin>"
"""What errors name in place of a file."""


def sources(names: Sequence[str]) -> list[Source]:
    """Return the sources that arguments name; ``-`` is a world in YAML on standard input, which is read here.

    Raises CommandError if ``-`` is given twice.
    """
    if names.count("-") > 1:
        raise CommandError("standard input (-) can be one of the worlds only")
    # One byte more than a world may have is enough to refuse it.
    return [Written(STDIN, sys.stdin.buffer.read(MAX_BYTES + 1)) if name == "-" else name for name in names]
