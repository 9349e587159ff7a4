"""The client certificates that TLS connections to a world accept: those trusted by its cert mounts."""

from __future__ import annotations

from mockkms.vault.framework.context import Context


def trusted(core: Context) -> frozenset[str]:
    """Return the certificates of every role of every cert mount: PEM texts with one or more each."""
    mounts = [mount for mount in core.state.mounts.entries.values() if mount.type == "cert"]
    return frozenset(role.certificate for mount in mounts for role in mount.state.roles.values())
