"""Caches of parsed bytes or text, bounded in bytes: long input is parsed each time."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

Input = TypeVar("Input", bytes, str)
Parsed = TypeVar("Parsed")


def remembered(most: int, longest: int) -> Callable[[Callable[[Input], Parsed]], Callable[[Input], Parsed]]:
    """Remember the last ``most`` results of a function, for input of at most ``longest`` bytes or characters."""

    def decorate(function: Callable[[Input], Parsed]) -> Callable[[Input], Parsed]:
        kept = lru_cache(maxsize=most)(function)

        @wraps(function)
        def call(data: Input) -> Parsed:
            return kept(data) if len(data) <= longest else function(data)

        return call

    return decorate
