"""Tenants: additional worlds of a server, one for each id, created from the baseline at their first use.

Tests that share a server, in any language and in parallel, prefix all paths with ``/t/<id>`` and use a world, faults,
journal and clock of their own. The number of tenants is limited; the least recently used one is dropped.
"""

from __future__ import annotations

import copy
import threading
from dataclasses import replace

from mockkms.arguments import TENANT
from mockkms.faults.kinds.connections import TLS_FAULTS
from mockkms.world.journal.journal import Kept
from mockkms.world.world import World

LIMIT = 256
"""Maximum number of tenants."""


class TenantError(ValueError):
    """A tenant cannot be created. ``status``: the HTTP status, 404 for an invalid id, 503 if all tenants are busy."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Tenants:
    """The tenants of one server. Safe to use from any thread."""

    def __init__(self, base: World, limit: int = LIMIT) -> None:
        self.base = base
        self.limit = limit
        self.dropped = 0
        """Number of tenants dropped because of the limit."""
        self._worlds: dict[str, World] = {}
        self._busy: dict[str, int] = {}
        self._lock = threading.Lock()

    def world(self, tenant_id: str, *, now: bool = False) -> World:
        """Return a tenant's world, created if it is new; ``now``: from the current state. Raises TenantError."""
        with self._lock:
            world = self._worlds.pop(tenant_id, None)
            if world is None or now:
                if TENANT.fullmatch(tenant_id) is None:
                    raise TenantError(
                        404, f"{tenant_id!r} is not a valid tenant id: use up to 128 letters, digits and ._~-"
                    )
                self._make_room()
                world = child_of(self.base, now=now)
            self._worlds[tenant_id] = world  # In order of use, the most recent one last.
            return world

    def enter(self, tenant_id: str) -> World:
        """Return a tenant's world and keep it until ``leave`` is called. Raises TenantError."""
        world = self.world(tenant_id)
        with self._lock:
            self._busy[tenant_id] = self._busy.get(tenant_id, 0) + 1
        return world

    def leave(self, tenant_id: str) -> None:
        """End a request that ``enter`` started."""
        with self._lock:
            left = self._busy.get(tenant_id, 0) - 1
            if left > 0:
                self._busy[tenant_id] = left
            else:
                self._busy.pop(tenant_id, None)

    def forget(self, tenant_id: str) -> bool:
        """Drop a tenant; the next use creates a new one. Return False for an unknown id."""
        with self._lock:
            return self._worlds.pop(tenant_id, None) is not None

    def holds(self, tenant_id: str, world: World) -> bool:
        """Return whether a world is the present one of a tenant."""
        return self._worlds.get(tenant_id) is world

    def clear(self) -> None:
        """Drop all tenants."""
        with self._lock:
            self._worlds.clear()

    def names(self) -> list[str]:
        """Return the ids, the least recently used first."""
        return [*self._worlds]

    def __len__(self) -> int:
        return len(self._worlds)

    def _make_room(self) -> None:
        if len(self._worlds) < self.limit:
            return
        idle = next((tenant_id for tenant_id in self._worlds if tenant_id not in self._busy), None)
        if idle is None:
            raise TenantError(503, f"all {self.limit} tenants are busy")
        del self._worlds[idle]
        self.dropped += 1


def child_of(base: World, *, now: bool = False) -> World:
    """Return a new world whose initial state is the baseline of ``base``, or its current state (``now``)."""
    kept = base.snapshot() if now or base.baseline is None else base.baseline
    # Rules store their counts in themselves: each world needs its own copy.
    kept = replace(kept, faults=copy.deepcopy(kept.faults.of_requests()), journal=Kept(redact=kept.journal.redact))
    world = base.sibling()
    world.faults.tls_denied = dict.fromkeys(
        TLS_FAULTS, "a tenant shares the server's connections; add the rule to the server"
    )
    world.faults.denied = {"step_down": "a tenant is a single server; add the rule to the cluster"}
    if base.upstream:
        world.delegate_to(base.upstream, base.mode)
    world.baseline = world.start = kept
    world.restore(kept)
    return world
