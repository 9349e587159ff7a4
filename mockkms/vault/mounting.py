"""Unmounting and moving: a mount and what hangs on it (leases, tokens, quotas)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockkms.vault.mounts import Mount

if TYPE_CHECKING:
    from mockkms.vault.core import Core


def revoke_below(core: Core, mount: Mount) -> None:
    """Revoke every lease below a mount and, for an auth method, the tokens its logins made."""
    core.leases.revoke_prefix(mount.namespace, mount.path)
    if not mount.is_auth:
        return
    for token in list(core.state.tokens.by_id.values()):
        if token.namespace == mount.namespace and token.path.startswith(mount.path):
            core.tokens.revoke(token)


def unmount(core: Core, mount: Mount) -> None:
    """Take a mount away with all that is in it."""
    revoke_below(core, mount)
    core.state.mounts.remove(mount)
    core.quotas.mount_removed(mount.namespace, mount.path)


def move(core: Core, mount: Mount, namespace: str, path: str) -> None:
    """Give a mount another path, within its namespace or another; its leases do not come along, its quotas do."""
    revoke_below(core, mount)
    core.state.mounts.remove(mount)
    core.quotas.mount_moved(mount.namespace, mount.path, namespace, path)
    mount.namespace, mount.path = namespace, path
    core.state.mounts.add(mount)
