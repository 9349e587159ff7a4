"""Lifetimes of tokens and leases: the requested one within the limits of role, mount and system."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mockkms.vault.framework.message import BackendError
from mockkms.vault.golang.duration import go_duration


@dataclass(frozen=True, slots=True)
class Limits:
    """A mount's limits in whole seconds."""

    default: int
    max: int


def calculate(
    limits: Limits,
    now: float,
    *,
    increment: int = 0,
    ttl: int = 0,
    period: int = 0,
    max_ttl: int = 0,
    explicit_max_ttl: int = 0,
    start: float | None = None,
) -> tuple[int, list[str]]:
    """Return the lifetime from ``now`` in whole seconds, and warnings where it was shortened.

    An ``increment`` or ``ttl`` below zero is none. ``start`` is when the lease was issued (seconds since the epoch;
    None: now). Raises BackendError if the largest lifetime, counted from ``start``, has passed.
    """
    moment = math.floor(now)
    issued = moment if start is None else math.floor(start)
    most = min([limits.max, *(limit for limit in (max_ttl, explicit_max_ttl) if limit > 0)])
    if most <= 0:
        raise BackendError("max TTL must be greater than zero")
    warnings: list[str] = []
    last: int | None = None
    if period > 0:
        if period > most:
            warnings.append(
                f'period of "{human(period)}" exceeded the effective max_ttl of "{human(most)}"; '
                "period value is capped accordingly"
            )
            period = most
        granted = period
        if explicit_max_ttl > 0:
            last = issued + explicit_max_ttl
    else:
        granted = next((asked for asked in (increment, ttl) if asked > 0), limits.default)
        last = issued + most
    if last is not None:
        left = last - moment
        if left <= 0:
            raise BackendError("past the max TTL, cannot renew")
        if granted > left:
            warnings.append(
                f'TTL of "{human(granted)}" exceeded the effective max_ttl of "{human(left)}"; '
                "TTL value is capped accordingly"
            )
            granted = left
    return granted, warnings


def human(seconds: int) -> str:
    """Return a duration without its zero parts: ``768h``, ``1m``, ``1h30m``."""
    text = go_duration(seconds)
    if text.endswith("m0s"):
        text = text[:-2]
    return text.replace("h0m", "h")
