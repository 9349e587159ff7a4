"""The mount table: what is mounted where, and which mount answers a path (longest prefix)."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field
from typing import Any

from mockkms.lazy_dataclass import dataclass
from mockkms.vault.framework.agenda import Agenda
from mockkms.vault.framework.cache_bounds import LONGEST_CACHED, MOST_CACHED
from mockkms.vault.mounts.index import MountIndex
from mockkms.world.sharing import Forkable, interruptible_dumps
from mockkms.world.stored import stored


@stored("mounts.MountConfig")
@dataclass
class MountConfig:
    """Tuning of a mount; durations in seconds, 0 means the system's default."""

    default_lease_ttl: int = 0
    max_lease_ttl: int = 0
    force_no_cache: bool = False
    listing_visibility: str = ""
    audit_non_hmac_request_keys: list[str] = field(default_factory=list)
    audit_non_hmac_response_keys: list[str] = field(default_factory=list)
    passthrough_request_headers: list[str] = field(default_factory=list)
    allowed_response_headers: list[str] = field(default_factory=list)
    allowed_managed_keys: list[str] = field(default_factory=list)
    delegated_auth_accessors: list[str] = field(default_factory=list)
    """Accessors of auth methods that the mount may have log in for it."""
    identity_token_key: str = ""
    """Key of the identity store that signs the mount's tokens."""
    trim_request_trailing_slashes: bool = False
    """A write to a path that ends in a slash is one to the path without it."""
    token_type: str = ""
    user_lockout: dict[str, int | bool] = field(default_factory=dict)
    plugin_version: str = ""


@stored("mounts.Mount")
@dataclass
class Mount:
    """One mounted secrets engine or auth method, with its state."""

    path: str
    """Within its namespace, with trailing slash: ``secret/``, ``auth/approle/``."""
    type: str
    accessor: str
    uuid: str
    state: Any
    """The engine's data: plain, picklable."""
    namespace: str = ""
    """``""`` or ``a/b/``."""
    description: str = ""
    local: bool = False
    seal_wrap: bool = False
    external_entropy_access: bool = False
    options: dict[str, str] | None = None
    config: MountConfig = field(default_factory=MountConfig)
    engine: str = ""
    """Name of the implementing engine where it is not the type (``kv`` version 2: ``kv2``)."""

    @property
    def is_auth(self) -> bool:
        """Whether this is an auth method."""
        return self.path.startswith("auth/")

    # Most tests touch few mounts of their world: a restored mount's state stays pickled until it is first read, and is
    # pickled again as it is if it never was.

    def __getstate__(self) -> dict[str, object]:
        kept = self.__dict__.copy()
        if "state" in kept:
            state = kept.pop("state")
            # What can be forked may be large, and is not pickled for snapshots but for files, where time matters less.
            forkable = hasattr(state, "fork")
            kept["_packed"] = interruptible_dumps(state) if forkable else pickle.dumps(state, protocol=5)
        return kept

    def __getattr__(self, name: str) -> Any:
        # Python calls this only for missing attributes: ``state`` while it is packed.
        packed = self.__dict__.get("_packed")
        if name != "state" or packed is None:
            raise AttributeError(f"'Mount' object has no attribute '{name}'")
        self.state = pickle.loads(packed)
        self.__dict__.pop("_packed", None)
        return self.state


@contextmanager
def forks(table: MountTable) -> Iterator[dict[str, Forkable]]:
    """Take forkable states out of their mounts while the table is pickled; yields a fork of each by its mount's key.

    The world's lock must be held.
    """
    taken: dict[str, Forkable] = {}
    for key, mount in table.entries.items():
        state: Any = mount.__dict__.get("state")  # What is packed is pickled already.
        if hasattr(state, "fork"):
            taken[key] = state
    for key in taken:
        del table.entries[key].__dict__["state"]
    try:
        yield {key: state.fork() for key, state in taken.items()}
    finally:
        for key, state in taken.items():
            table.entries[key].state = state


@stored("mounts.MountTable")
@dataclass
class MountTable:
    """All mounts by namespace and path."""

    entries: dict[str, Mount] = field(default_factory=dict)
    """Key: namespace + path."""

    def __post_init__(self) -> None:
        self._found: dict[str, Mount | None] = {}
        self.matches: dict[tuple[str, str, str], Any] = {}
        """Which endpoint answers a path, by namespace, path and product: cached by ``matching``."""
        self.targets: dict[tuple[str, str, str], Any] = {}
        """How the target of an HTTP request is read, by method, target and product: cached by the codec."""
        self.waits: bool | None = None
        """Requests to some mount may wait for another server; None: not determined yet (``matching.may_wait``)."""
        self._index: MountIndex[Mount] | None = None
        self._agendas: dict[str, Agenda] = {}
        """By the mount's accessor."""

    def __getstate__(self) -> dict[str, object]:
        return {"entries": self.entries}

    def __setstate__(self, state: dict[str, dict[str, Mount]]) -> None:
        self.entries = state["entries"]
        self.__post_init__()

    def add(self, mount: Mount) -> None:
        """Add ``mount``, replacing a mount at the same path."""
        key = mount.namespace + mount.path
        if self._index is not None:
            replaced = self.entries.get(key)
            if replaced is not None:
                self._index.remove(replaced)
            self._index.add(mount)
        self.entries[key] = mount
        self._route_anew()

    def remove(self, mount: Mount) -> None:
        """Remove ``mount`` from the table."""
        removed = self.entries.pop(mount.namespace + mount.path, None)
        if self._index is not None and removed is not None:
            self._index.remove(removed)
        self._agendas.pop(mount.accessor, None)
        self._route_anew()

    def agenda(self, mount: Mount) -> Agenda:
        """Return the agenda of a mount, for engines with one kind of records that are due by the clock."""
        return self._agendas.setdefault(mount.accessor, Agenda())

    def changed(self) -> None:
        """Drop what is cached; to be called after a change of a mount's engine."""
        self._index = None
        self._route_anew()

    @property
    def index(self) -> MountIndex[Mount]:
        """The index of the mounts, made when it is first needed."""
        if self._index is None:
            self._index = MountIndex(self.entries.values())
        return self._index

    def _route_anew(self) -> None:
        self._found.clear()
        self.matches.clear()
        self.targets.clear()
        self.waits = None

    def get(self, namespace: str, path: str) -> Mount | None:
        """Return the mount at exactly this path (with trailing slash)."""
        return self.entries.get(namespace + path)

    def match(self, namespace: str, path: str) -> Mount | None:
        """Return the mount that answers ``path``: the longest mounted prefix in this namespace."""
        key = namespace + path
        try:
            return self._found[key]
        except KeyError:
            pass
        found = None
        # Each prefix is copied: of a long path, none that is longer than every mount's is tried.
        slash = len(path) if len(path) <= LONGEST_CACHED else min(len(path), max(map(len, self.entries), default=0))
        while slash > 0:
            slash = path.rfind("/", 0, slash)
            if slash < 0:
                break
            found = self.entries.get(namespace + path[: slash + 1])
            if found is not None:
                break
        if found is None and not path.endswith("/"):
            # The real router also finds a mount by its path without the trailing slash.
            found = self.entries.get(key + "/")
        if len(self._found) >= MOST_CACHED:
            self._found.clear()
        if len(key) <= LONGEST_CACHED:
            self._found[key] = found
        return found

    def of(self, namespace: str, *, auth: bool | None = None) -> list[Mount]:
        """Return the mounts of one namespace in the order of their paths; ``auth`` picks auth methods or the rest."""
        return sorted(
            (m for m in self.index.of_namespace(namespace) if auth is None or m.is_auth == auth), key=lambda m: m.path
        )

    def by_accessor(self, accessor: str) -> Mount | None:
        """Return the mount whose accessor ``accessor`` begins with: as the real server's router, the longest one."""
        exact = self.index.by_accessor(accessor)
        if exact is not None and exact.accessor == accessor:
            return exact
        found = [m for m in self.entries.values() if m.accessor and accessor.startswith(m.accessor)]
        return max(found, key=lambda m: len(m.accessor), default=None)
