"""Failed logins, which the user lockout counts: plain data."""

from __future__ import annotations

from dataclasses import field

from mockkms.lazy_dataclass import dataclass


@dataclass
class FailedLogins:
    """Failed logins of one user in a row."""

    count: int
    last: float
    """Seconds since the epoch."""


@dataclass
class LockoutState:
    """Failed logins by mount accessor and user name (of AppRole: role id)."""

    failures: dict[str, dict[str, FailedLogins]] = field(default_factory=dict)
