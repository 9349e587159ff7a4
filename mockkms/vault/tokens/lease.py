"""A lease and the table of leases, as plain data."""

from __future__ import annotations

from dataclasses import field

from mockkms.lazy_dataclass import dataclass
from mockkms.vault.framework.message import Auth
from mockkms.world.stored import stored


@stored("tokens.LeaseEntry")
@dataclass
class LeaseEntry:
    """A lease of a token (``auth`` is set) or of an issued secret. Times are seconds since the epoch."""

    id: str
    path: str
    """Path of the request that created it, without the namespace."""
    namespace: str
    token: str
    """Id of the token that requested it, or whose lifetime it is."""
    issued: float
    expires: float
    """0 is never."""
    renewable: bool = False
    last_renewal: float = 0
    auth: Auth | None = None
    """Set in the lease of a token."""
    ttl: int = 0
    max_ttl: int = 0
    internal: dict[str, object] = field(default_factory=dict)
    """What the engine needs to renew or revoke it."""
    data: dict[str, object] = field(default_factory=dict)
    owner: str = ""
    """Id of the token whose revocation revokes it too; for a batch token, its parent."""
    batch: bool = False
    """Whether a batch token requested it."""
    revoke_error: str = ""
    """Why its revocation failed; such a lease is irrevocable until it is forced."""


@stored("tokens.LeaseState")
@dataclass
class LeaseState:
    """All leases by id, their ids by token, and a heap of (expiry, id)."""

    items: dict[str, LeaseEntry] = field(default_factory=dict)
    by_token: dict[str, dict[str, None]] = field(default_factory=dict)
    """Ids of the secrets' leases by their owner."""
    due: list[tuple[float, str]] = field(default_factory=list)
    """A heap of (when, lease id); an entry that differs from its lease is stale and ignored."""
