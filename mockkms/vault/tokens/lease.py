"""A lease and the table of leases, as plain data."""

from __future__ import annotations

from dataclasses import field, replace

from mockkms.lazy_dataclass import dataclass
from mockkms.vault.framework.message import Auth
from mockkms.world.sharing import ForkedTable
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
class LeaseState(ForkedTable):
    """All leases by id, their ids by token, and a heap of (expiry, id).

    Snapshots share the leases (``fork``), so a stored lease is changed only after ``edit``.
    """

    items: dict[str, LeaseEntry] = field(default_factory=dict)
    by_token: dict[str, dict[str, None]] = field(default_factory=dict)
    """Ids of the secrets' leases by their owner."""
    due: list[tuple[float, str]] = field(default_factory=list)
    """A heap of (when, lease id); an entry that differs from its lease is stale and ignored."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._by_front: dict[str, dict[str, None]] | None = None
        """Ids of the leases by the first part of their paths; None until it is needed."""

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in super().__getstate__().items() if name != "_by_front"}

    def __setstate__(self, state: dict[str, object]) -> None:
        super().__setstate__(state)
        self._by_front = None

    def below(self, prefix: str) -> list[str]:
        """Return the ids of the leases that begin with ``prefix``, sorted; leases of other mounts are not looked at."""
        if self._by_front is None:
            self._by_front = {}
            for lease_id in self.items:
                self._by_front.setdefault(_front(lease_id), {})[lease_id] = None
        front = _front(prefix)
        near = self._by_front.get(front, {}) if prefix.startswith(f"{front}/") else self.items
        return sorted(lease_id for lease_id in near if lease_id.startswith(prefix))

    def fork(self) -> LeaseState:
        """Return an equal table that can change independently, though it shares every lease."""
        by_token = {token: dict(ids) for token, ids in self.by_token.items()}
        forked = LeaseState(dict(self.items), by_token, list(self.due))
        forked._shared = self._shared.fork()
        return forked

    def add(self, entry: LeaseEntry) -> None:
        """Store a new lease."""
        self.items[entry.id] = entry
        if self._by_front is not None:
            self._by_front.setdefault(_front(entry.id), {})[entry.id] = None
        if entry.owner:
            self.by_token.setdefault(entry.owner, {})[entry.id] = None
        self._shared.own(entry.id)

    def edit(self, entry: LeaseEntry) -> LeaseEntry:
        """Return a stored lease for a change: itself, or a copy in its place if snapshots share it."""
        if entry.id in self._shared and self.items.get(entry.id) is entry:
            entry = replace(entry)
            self.items[entry.id] = entry
            self._shared.own(entry.id)
        return entry

    def remove(self, lease_id: str) -> None:
        """Remove a lease, if there is one with this id, but not from its owner's."""
        self.items.pop(lease_id, None)
        if self._by_front is not None:
            front = _front(lease_id)
            near = self._by_front.get(front, {})
            near.pop(lease_id, None)
            if not near:
                self._by_front.pop(front, None)
        self._shared.disown(lease_id)


def _front(lease_id: str) -> str:
    """Return the first part of the path of a lease; of auth methods, the first two."""
    first, _, rest = lease_id.partition("/")
    return first if first != "auth" else f"auth/{rest.partition('/')[0]}"
