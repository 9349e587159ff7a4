"""``kms.tenant("id")``: a handle on one tenant of a server in this process."""

from __future__ import annotations

from mockkms.clock import Clock
from mockkms.faults import RuleBook
from mockkms.journal import Journal
from mockkms.tenants import Tenants
from mockkms.world import Snapshot, World


class Tenant:
    """One tenant: an isolated world behind ``/t/<id>`` of a shared server.

        one, other = kms.tenant("one"), kms.tenant("other")
        one.faults.add("transit/*", answer="sealed")     # the other never sees it
        hvac.Client(url=one.url, token=one.token)

    A tenant that had to make room for others begins anew at its next use.
    """

    def __init__(self, id: str, server_url: str, tenants: Tenants) -> None:
        self.id = id
        self._server_url = server_url
        self._tenants = tenants
        tenants.world(id)

    @property
    def url(self) -> str:
        """The address for clients of both APIs, without a trailing slash."""
        return f"{self._server_url}/t/{self.id}"

    @property
    def world(self) -> World:
        """The world itself."""
        return self._tenants.world(self.id)

    @property
    def token(self) -> str:
        """The root token."""
        return self.world.root_token

    @property
    def faults(self) -> RuleBook:
        """The fault rules of this tenant."""
        return self.world.faults

    @property
    def journal(self) -> Journal:
        """What was asked of this tenant."""
        return self.world.journal

    @property
    def clock(self) -> Clock:
        """This tenant's time."""
        return self.world.clock

    def reset(self) -> None:
        """Back to the baseline: state, clock, faults and journal."""
        self.world.reset()

    def snapshot(self) -> Snapshot:
        """Keep everything."""
        return self.world.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Put back what ``snapshot`` kept."""
        self.world.restore(snapshot)

    def seal(self) -> None:
        """Seal this tenant's Vault."""
        world = self.world
        with world.lock:
            world.core.seal.seal()

    def unseal(self) -> None:
        """Unseal it without asking for keys."""
        world = self.world
        with world.lock:
            world.core.seal.open()

    def forget(self) -> None:
        """Drop the world; the next use makes it anew."""
        self._tenants.forget(self.id)

    def __repr__(self) -> str:
        return f"Tenant({self.id!r}, {self.url!r})"
