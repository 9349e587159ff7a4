"""Unmounting and moving: a mount and what hangs on it (leases, tokens, quotas)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockkms.vault.kernel.mounts import Mount

if TYPE_CHECKING:
    from mockkms.vault.kernel.core import Core


def unmount(core: Core, mount: Mount) -> None:
    """Take a mount away with all that is in it."""
    core.leases.revoke_mount(mount)
    core.state.mounts.remove(mount)
    core.quotas.mount_removed(mount.namespace, mount.path)


def move(core: Core, mount: Mount, namespace: str, path: str) -> None:
    """Give a mount another path, within its namespace or another; its leases do not come along, its quotas do."""
    core.leases.revoke_mount(mount)
    core.state.mounts.remove(mount)
    core.quotas.mount_moved(mount.namespace, mount.path, namespace, path)
    mount.namespace, mount.path = namespace, path
    core.state.mounts.add(mount)
