"""One namespace, and the table of all of them: plain data."""

from __future__ import annotations

from dataclasses import field

from mockkms.lazy_dataclass import dataclass
from mockkms.vault.seals.barrier import Barrier


@dataclass
class Namespace:
    """One namespace."""

    path: str
    """From the root, with trailing slash."""
    id: str
    """The ending of its tokens, leases and accessors: six letters or digits."""
    uuid: str
    custom_metadata: dict[str, str] = field(default_factory=dict)
    locked: bool = False
    unlock_key: str = ""
    tainted: bool = False
    barrier: Barrier | None = None
    """The barrier of a sealable namespace."""

    @property
    def parent(self) -> str:
        """The path of the namespace above."""
        return self.path[: self.path.rstrip("/").rfind("/") + 1]


@dataclass
class NamespaceState:
    """All namespaces but the root, by path."""

    items: dict[str, Namespace] = field(default_factory=dict)
