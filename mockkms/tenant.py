"""``kms.tenant("id")``: one tenant of a server in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from mockkms.environment import ServerEnvironment
from mockkms.handle import Handle
from mockkms.server.tenants.tenants import Tenants
from mockkms.world.world import World

if TYPE_CHECKING:
    from mockkms.api import Kms


Act = Callable[[dict[str, object], str], None]
"""Runs actions, given by their names, in the tenant with this id."""


class Tenant(Handle):
    """One tenant: an isolated world behind ``/t/<id>`` of a shared server.

        one, other = kms.tenant("one"), kms.tenant("other")
        one.faults.add("transit/*", answer="sealed")     # the other one is unaffected
        hvac.Client(url=one.url, token=one.token)

    A tenant that was dropped to make room for others starts from the baseline at its next use.
    """

    def __init__(self, id: str, server_url: str, tenants: Tenants, act: Act, ca_file: str = "") -> None:
        self.id = id
        self.ca_file = ca_file
        """Path of the certificate (PEM) that clients must trust; empty if there is none."""
        self._server_url = server_url
        self._tenants, self._act = tenants, act
        tenants.world(id)

    @property
    def url(self) -> str:
        """The address for clients of both APIs, without a trailing slash."""
        return f"{self._server_url}/t/{self.id}"

    @property
    def rustfs_url(self) -> str:
        """The address for clients of the RustFS admin API."""
        return self.url

    @property
    def world(self) -> World:
        """The world itself."""
        return self._tenants.world(self.id)

    def environment(self) -> ServerEnvironment[Self]:
        """Return a context, usable as a decorator, that sets ``VAULT_ADDR``, ``VAULT_TOKEN``, … and restores them."""
        return ServerEnvironment(self)

    def act(self, **words: object) -> None:
        """Run actions in this tenant, named like the fault kinds: ``act(expire="last")``, ``act(restart="keep")``.

        Raises ValueError for unknown ones, for invalid values, and for what does not exist.
        """
        self._act(words, self.id)

    def forget(self) -> None:
        """Drop the world; the next use starts from the baseline."""
        self._tenants.forget(self.id)

    def __repr__(self) -> str:
        return f"Tenant({self.id!r}, {self.url!r})"


if TYPE_CHECKING:

    def _has_the_whole_interface(one: Tenant) -> Kms:
        return one
