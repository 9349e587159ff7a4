"""Unmounting and moving a mount together with its leases, tokens and quotas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockkms.vault.kernel.mounts import Mount

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context


def unmount(core: Context, mount: Mount) -> None:
    """Remove a mount with its data, leases and tokens."""
    core.leases.revoke_mount(mount)
    core.state.mounts.remove(mount)
    core.quotas.mount_removed(mount.namespace, mount.path)


def move(core: Context, mount: Mount, namespace: str, path: str) -> None:
    """Move a mount to another path or namespace; its leases are revoked, its quotas move along."""
    core.leases.revoke_mount(mount)
    core.state.mounts.remove(mount)
    core.quotas.mount_moved(mount.namespace, mount.path, namespace, path)
    mount.namespace, mount.path = namespace, path
    core.state.mounts.add(mount)
