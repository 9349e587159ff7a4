"""The contribution of a type of mount to world files: its keys, how they fill a mount, and how a mount is dumped.

A type exports a ``WorldSection`` named ``section`` from the ``world.py`` of its folder; the table in ``registry`` says
where. The module is imported when a world file has a mount of the type, or when such a mount is dumped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from mockkms.vault.framework.shapes.collections import Key

if TYPE_CHECKING:
    from mockkms.vault.framework.captured import Capture
    from mockkms.vault.framework.context import Context
    from mockkms.vault.mounts.table import Mount

Steps = tuple[str | int, ...]
"""The path to a value of a world file: keys of mappings and indexes of lists."""


def mapping_at(spec: Mapping[str, object], key: str) -> Mapping[str, object]:
    """Return the mapping under ``key`` of a description that its shape has read; an empty one if it is absent."""
    found = spec.get(key)
    return found if isinstance(found, Mapping) else {}


def list_at(spec: Mapping[str, object], key: str) -> Sequence[object]:
    """Return the list under ``key`` of a description that its shape has read; an empty one if it is absent."""
    found = spec.get(key)
    return found if isinstance(found, list) else ()


def mappings_at(spec: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    """Return the list of mappings under ``key`` of a description that its shape has read; empty if it is absent."""
    return [one for one in list_at(spec, key) if isinstance(one, Mapping)]


def items_at(spec: Mapping[str, object], key: str) -> list[tuple[int, Mapping[str, object]]]:
    """Return the mappings of the list under ``key``, each with its index: other items are errors of the world."""
    return [(index, one) for index, one in enumerate(list_at(spec, key)) if isinstance(one, Mapping)]


class SpecFault(ValueError):
    """An invalid description; ``path`` is the invalid member, such as ``versions[1].material``."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


class Filling(Protocol):
    """The world that is being filled. Steps lead from the value that the section describes."""

    @property
    def core(self) -> Context:
        """The emulated Vault."""

    def fault(self, steps: Steps, message: str, *, alone: bool = True) -> None:
        """Report a problem with the value at ``steps``; not ``alone``: values beside it may be the cause."""

    def guard(self, *steps: str | int) -> AbstractContextManager[None]:
        """Report VaultError, SpecFault, ValueError and TypeError as problems with the value at ``steps``."""

    def below(self, *steps: str | int) -> Filling:
        """Return the same world, with steps that lead from the value at ``steps``."""


@dataclass(frozen=True)
class WorldSection:
    """The section of a type of mount in world files."""

    keys: Callable[[str], Mapping[str, Key]]
    """The keys of a mount, by the type as users name it; types of several names may differ (``kv``, ``kv-v1``)."""
    fill: Callable[[Filling, Mount, Mapping[str, object]], None]
    """Apply a description that was read with ``keys`` to a new mount, reporting problems to the first argument."""
    dump: Callable[[Context, Mount], Mapping[str, object]]
    """Describe a mount as ``fill`` reads it. Default and empty values are left out."""
    check: Callable[[Mount, Mapping[str, object]], Iterable[tuple[Steps, str]]] | None = None
    """Check a filled mount more thoroughly than loading, which must be fast: steps and message of each problem."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Keys that are options of the mount and select its implementation, each with its default."""
    help: str = ""
    """The subject of the section, for a type whose section is not among the mounts."""
    capture: Capture | None = None
    """Describe a mount of a running server as ``fill`` reads it, without secrets. None: its API shows too little."""
