"""Which certificates of clients the connections to a world take: those that its cert mounts trust."""

from __future__ import annotations

from mockkms.vault.kernel.core import Core


def trusted(core: Core) -> frozenset[str]:
    """The certificates (PEM, each text with one or more) of every role of every cert mount."""
    mounts = [mount for mount in core.state.mounts.entries.values() if mount.type == "cert"]
    return frozenset(role.certificate for mount in mounts for role in mount.state.roles.values())
