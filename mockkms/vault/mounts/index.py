"""An index of the mount table: what a new mount could conflict with, accessors, and the engines in use.

Each answer takes as long as its path is, however many mounts there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, Generic, Protocol, TypeVar

_SYSTEM: Final = "sys/"


class Mounted(Protocol):
    """What the index needs of a mount."""

    namespace: str
    path: str
    type: str
    engine: str
    accessor: str


M = TypeVar("M", bound=Mounted)


class MountIndex(Generic[M]):
    """The mounts of a table by several of their properties."""

    def __init__(self, mounts: Iterable[M]) -> None:
        self._places: set[str] = set()
        self._folders: Counter[str] = Counter()
        """How many mounts are at or below a path."""
        self._fronts: Counter[str] = Counter()
        """What precedes ``sys/`` in the paths of mounts: the paths of namespaces, as the real router sees them."""
        self._engines: Counter[str] = Counter()
        self._accessors: dict[str, M] = {}
        self._of_namespace: dict[str, dict[str, M]] = {}
        """By path, in each namespace that has any."""
        for mount in mounts:
            self.add(mount)

    def add(self, mount: M) -> None:
        """Take in a mount of the table."""
        self._count(mount, 1)
        self._places.add(mount.namespace + mount.path)
        self._accessors[mount.accessor] = mount
        self._of_namespace.setdefault(mount.namespace, {})[mount.path] = mount

    def remove(self, mount: M) -> None:
        """Leave out a mount that was taken in."""
        self._count(mount, -1)
        self._places.discard(mount.namespace + mount.path)
        self._accessors.pop(mount.accessor, None)
        there = self._of_namespace[mount.namespace]
        del there[mount.path]
        if not there:
            del self._of_namespace[mount.namespace]

    def _count(self, mount: M, by: int) -> None:
        place = mount.namespace + mount.path
        changes = [(self._engines, mount.engine or mount.type), *((self._folders, one) for one in _folders(place))]
        if place.endswith(_SYSTEM):
            changes.append((self._fronts, place.removesuffix(_SYSTEM)))
        for counts, key in changes:
            counts[key] += by
            if not counts[key]:
                del counts[key]

    @property
    def engines(self) -> Iterable[str]:
        """The names of the engines in use."""
        return self._engines.keys()

    def by_accessor(self, accessor: str) -> M | None:
        """Return the mount that had this accessor when it was taken in."""
        return self._accessors.get(accessor)

    def of_namespace(self, namespace: str) -> Iterable[M]:
        """Return the mounts of a namespace."""
        return self._of_namespace.get(namespace, {}).values()

    def occupied(self, place: str) -> bool:
        """Return whether a mount is at or below a whole path, which ends in a slash."""
        return place in self._folders

    def crowded(self, namespace: str, path: str) -> bool:
        """Return whether a mount is at, above or below a path, or a namespace other than its own is above it."""
        place = namespace + path
        if self.occupied(place) or not self._places.isdisjoint(_folders(place)):
            return True
        return any(place[:end] in self._fronts for end in range(1, len(place) + 1) if place[:end] != namespace)


def _folders(place: str) -> Iterator[str]:
    """Yield the beginnings of a path that end in a slash, the shortest first."""
    slash = place.find("/")
    while slash >= 0:
        yield place[: slash + 1]
        slash = place.find("/", slash + 1)
