"""User lockout: after too many failed logins in a row a user is refused for a while, even with good credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockkms.vault.kernel.state import FailedLogins
from mockkms.vault.mounts.table import Mount

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Environment

METHODS = frozenset({"userpass", "approle", "ldap"})
"""The auth methods that the real server guards."""
THRESHOLD = 5
DURATION = RESET = 900
"""Seconds."""


class Lockout:
    """Counts failed logins and decides which users are locked out."""

    def __init__(self, core: Environment) -> None:
        self.core = core

    @property
    def _failures(self) -> dict[str, dict[str, FailedLogins]]:
        return self.core.state.lockout.failures

    @staticmethod
    def guards(mount: Mount) -> bool:
        """Return whether logins at this mount are counted."""
        return mount.type in METHODS and not mount.config.user_lockout.get("disable")

    @staticmethod
    def _setting(mount: Mount, name: str, default: int) -> int:
        return int(mount.config.user_lockout.get(name) or default)

    def locked(self, mount: Mount, user: str) -> bool:
        """Return whether this user is refused now."""
        found = self._failures.get(mount.accessor, {}).get(user)
        if found is None or found.count < self._setting(mount, "threshold", THRESHOLD):
            return False
        return self.core.clock.now() - found.last < self._setting(mount, "duration", DURATION)

    def failed(self, mount: Mount, user: str) -> None:
        """Count a failed login; after a pause longer than the reset time the count starts again at one."""
        now = self.core.clock.now()
        users = self._failures.setdefault(mount.accessor, {})
        found = users.get(user)
        if found is None or now - found.last > self._setting(mount, "counter_reset", RESET):
            users[user] = FailedLogins(1, now)
        else:
            found.count, found.last = found.count + 1, now

    def unlock(self, accessor: str, user: str) -> None:
        """Forget the failures of a user: after a good login, or by ``sys/locked-users``."""
        self._failures.get(accessor, {}).pop(user, None)

    def users(self, mount: Mount) -> list[str]:
        """Return the users of a mount that are, or last were, locked; sorted."""
        threshold = self._setting(mount, "threshold", THRESHOLD)
        return sorted(user for user, f in self._failures.get(mount.accessor, {}).items() if f.count >= threshold)
