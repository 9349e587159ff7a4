"""The client certificates that TLS connections to a world accept: those that its mounts trust."""

from __future__ import annotations

from mockkms.vault.framework import registry
from mockkms.vault.framework.context import Context


def trusted(core: Context) -> frozenset[str]:
    """Return the certificates that the mounts trust: PEM texts with one or more each."""
    found: set[str] = set()
    for mount in core.state.mounts.entries.values():
        certificates = registry.bare_engine(mount.engine or mount.type).trusted_certificates
        if certificates is not None:
            found.update(certificates(mount.state))
    return frozenset(found)
