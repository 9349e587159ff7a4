"""The mounts that every namespace has; unmounting and moving a mount with its leases, tokens and quotas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockkms.vault.mounts.table import Mount, MountConfig
from mockkms.vault.products.features import Feature

if TYPE_CHECKING:
    from typing import Protocol

    from mockkms.vault.framework.context import Environment, Mounting, Policies, Quotas, WithTokens

    class MountServices(Environment, Mounting, WithTokens, Protocol):
        """What mounting and unmounting need of the server."""

        @property
        def policies(self) -> Policies: ...
        @property
        def quotas(self) -> Quotas: ...


_DEFAULT_MOUNTS = (
    ("sys/", "system", "system endpoints used for control, policy and debugging", ("Accept",)),
    ("identity/", "identity", "identity store", ("Authorization",)),
    ("cubbyhole/", "cubbyhole", "per-token private secret storage", ()),
    ("auth/token/", "token", "token based credentials", ()),
)
"""Path, type, description and passed-on request headers of what every namespace has."""
_AGENT_MOUNT = ("agent-registry/", "agent_registry", "agent registry", ("Authorization",))
"""The same for the mount of products with agents."""


def mount_defaults(core: MountServices, namespace: str) -> None:
    """Mount what every namespace has, and write its predefined policies."""
    agents = core.product.has(Feature.AGENT_REGISTRY)
    located = ["Location"] if core.product.has(Feature.IDENTITY_LOCATION) else []
    for path, mount_type, description, headers in (*_DEFAULT_MOUNTS, *([_AGENT_MOUNT] if agents else [])):
        core.mount(
            namespace,
            path,
            mount_type if not namespace else f"ns_{mount_type}",
            description=description,
            config=MountConfig(
                passthrough_request_headers=list(headers),
                allowed_response_headers=located if mount_type == "identity" else [],
            ),
            local=mount_type == "cubbyhole",
            seal_wrap=mount_type == "system",
        )
    core.policies.write_defaults(namespace)


def unmount(core: MountServices, mount: Mount) -> None:
    """Remove a mount with its data, leases and tokens."""
    core.leases.revoke_mount(mount)
    core.state.mounts.remove(mount)
    core.quotas.mount_removed(mount.namespace, mount.path)
    if mount.is_auth:
        path = mount.path.removeprefix("auth/")
        core.log.info("core", "disabled credential backend", namespace=mount.namespace, path=path)
    else:
        core.log.info("core", "successfully unmounted", namespace=mount.namespace, path=mount.path)


def move(core: MountServices, mount: Mount, namespace: str, path: str) -> None:
    """Move a mount to another path or namespace; its leases are revoked, its quotas move along."""
    core.leases.revoke_mount(mount)
    core.state.mounts.remove(mount)
    core.quotas.mount_moved(mount.namespace, mount.path, namespace, path)
    mount.namespace, mount.path = namespace, path
    core.state.mounts.add(mount)
