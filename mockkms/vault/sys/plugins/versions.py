"""Versions of plugins: those of the built-in ones, and how versions that are sent are read and compared."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mockkms.vault.framework.message import ErrorResponse, refusing
from mockkms.vault.golang.fmt import quote
from mockkms.vault.golang.integers import parse_int
from mockkms.vault.golang.number import of_digits

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Environment

_WORDS = r"[0-9A-Za-z\-~]*+(?:\.[0-9A-Za-z\-~]++)*+"
_VERSION = re.compile(
    r"v?([0-9]++(?:\.[0-9]++)*+)"
    rf"(?:-([0-9]{_WORDS})|-?([A-Za-z\-~]{_WORDS}))?"
    rf"(?:\+([0-9A-Za-z\-~]{_WORDS}))?"
)


def semantic_version(core: Environment, text: str, *, dashed: bool = False) -> str:
    """Normalise a version with any number of segments to ``v1.2.3``. Raises ErrorResponse.

    ``dashed``: a pre-release requires a dash, so that ``1.2rc1`` is invalid.
    """
    match = _VERSION.fullmatch(text)
    if dashed and match is not None and match[3] and text[match.start(3) - 1] != "-":
        match = None
    refusal = f"version {quote(text)} is not a valid semantic version: "
    if match is None:
        raise ErrorResponse(f"{refusal}{core.product.texts.malformed_version}: {text}")
    segments, number, word, meta = match.groups()
    with refusing(f"{refusal}error parsing version: "):
        numbers = [parse_int(segment) for segment in segments.split(".")]
    pre = number or word
    shown = ".".join(str(part) for part in [*numbers, 0, 0][: max(len(numbers), 3)])
    return f"v{shown}" + (f"-{pre}" if pre else "") + (f"+{meta}" if meta else "")


def version_order(version: str) -> tuple[list[int], bool, list[tuple[bool, int, str]], str]:
    """Return what compares as versions do: a pre-release is lower than its release, its numbers than its words."""
    main, _, metadata = version.removeprefix("v").partition("+")
    numbers, _, release = main.partition("-")
    words = [
        (not word.isdigit(), of_digits(word) if word.isdigit() else 0, word) for word in release.split(".") if word
    ]
    segments = [of_digits(number) for number in numbers.split(".") if number]
    return segments, not words, words, metadata
