"""mockkms: a Vault-emulation test double and mock KMS. Public names are imported on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mockkms.version import __version__

if TYPE_CHECKING:
    from mockkms.api import Kms
    from mockkms.cluster import Cluster
    from mockkms.flavors import FLAVORS
    from mockkms.kms import MockKMS
    from mockkms.remote import RemoteError, RemoteKMS
    from mockkms.world.world import NoState
    from mockkms.worldfile.problems import SeedError

__all__ = ["FLAVORS", "Cluster", "Kms", "MockKMS", "NoState", "RemoteError", "RemoteKMS", "SeedError", "__version__"]

_PUBLIC = {
    "FLAVORS": "mockkms.flavors",
    "Cluster": "mockkms.cluster",
    "Kms": "mockkms.api",
    "MockKMS": "mockkms.kms",
    "NoState": "mockkms.world.world",
    "RemoteError": "mockkms.remote",
    "RemoteKMS": "mockkms.remote",
    "SeedError": "mockkms.worldfile.problems",
}


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        value = getattr(import_module(_PUBLIC[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'mockkms' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
