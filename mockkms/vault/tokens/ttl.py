"""Lifetimes of tokens and leases: the requested one within the limits of role, mount and system."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

from mockkms.vault.framework.message import BackendError
from mockkms.vault.golang.duration import go_duration

S = TypeVar("S", int, float)
"""Seconds: whole ones, unless some of the lifetimes have fractions."""


@dataclass(frozen=True, slots=True)
class Limits:
    """A mount's limits in whole seconds."""

    default: int
    max: int


def calculate(
    limits: Limits,
    now: float,
    *,
    increment: S = 0,
    ttl: S = 0,
    period: S = 0,
    max_ttl: S = 0,
    explicit_max_ttl: S = 0,
    start: float | None = None,
) -> tuple[S, list[str]]:
    """Return the lifetime from ``now`` in seconds, and warnings where it was shortened.

    An ``increment`` or ``ttl`` below zero is none. ``start`` is when the lease was issued (seconds since the epoch;
    None: now). Raises BackendError if the largest lifetime, counted from ``start``, has passed.
    """
    passed = 0 if start is None else math.floor(now) - math.floor(start)
    most: S = limits.max
    for limit in (max_ttl, explicit_max_ttl):
        if 0 < limit < most:
            most = limit
    if most <= 0:
        raise BackendError("max TTL must be greater than zero")
    warnings: list[str] = []
    left: S | None = None
    if period > 0:
        if period > most:
            warnings.append(
                f'period of "{human(period)}" exceeded the effective max_ttl of "{human(most)}"; '
                "period value is capped accordingly"
            )
            period = most
        granted = period
        if explicit_max_ttl > 0:
            left = explicit_max_ttl - passed
    else:
        granted = increment if increment > 0 else ttl if ttl > 0 else limits.default
        left = most - passed
    if left is not None:
        if left <= 0:
            raise BackendError("past the max TTL, cannot renew")
        if granted > left:
            warnings.append(
                f'TTL of "{human(granted)}" exceeded the effective max_ttl of "{human(left)}"; '
                "TTL value is capped accordingly"
            )
            granted = left
    return granted, warnings


def human(seconds: float) -> str:
    """Return a duration without its zero parts: ``768h``, ``1m``, ``1h30m``."""
    text = go_duration(seconds)
    if text.endswith("m0s"):
        text = text[:-2]
    return text.replace("h0m", "h")
