"""``sys/locked-users``: listing and unlocking users that are locked out after failed logins."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation
from mockkms.vault.golang.json_text import in_order
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine

unlock = engine.path(
    "locked-users/{mount_accessor:some}/unlock/{alias_identifier:some}",
    {
        "mount_accessor": Field(Kind.STRING, help="Accessor of the auth method's mount."),
        "alias_identifier": Field(Kind.STRING, help="The user name; for AppRole the role id."),
    },
    help="Unlock a user.",
)
listing = engine.path(
    "locked-users",
    {"mount_accessor": Field(Kind.STRING, query=True, help="Only users of the mount with this accessor.")},
    help="The users that are locked out, by namespace and mount.",
)


@unlock.on(Operation.UPDATE)
def unlock_user(_state: object, call: Call, *, mount_accessor: str, alias_identifier: str) -> None:
    """Let a user log in again who is locked out. Raises ErrorResponse for a missing parameter."""
    for name in ("mount_accessor", "alias_identifier"):
        if not call[name]:
            raise ErrorResponse(f"missing {name}")
    call.core.lockout.unlock(mount_accessor, alias_identifier)


@listing.on(Operation.READ)
def list_locked(_state: object, call: Call, *, mount_accessor: str) -> Reply:
    """Return the users who are locked out, by namespace and mount."""
    core, own = call.core, call.request.namespace
    spaces = [own]
    if not mount_accessor:
        spaces += [child.path for child in core.namespaces.children(own, recursive=True)]
    found = [_space(call, path, mount_accessor) for path in spaces]
    if not mount_accessor and core.product.has(Feature.LOCKED_SPACES_ONLY):
        found = [space for space in found if space[0]]
    found.sort(key=lambda space: -space[0])
    return in_order({"by_namespace": [shown for _, shown in found], "total": sum(total for total, _ in found)})


def _space(call: Call, path: str, accessor: str) -> tuple[int, dict[str, object]]:
    """Return the number of locked users in one namespace, and its entry in the answer."""
    core = call.core
    mounts = [m for m in core.state.mounts.of(path, auth=True) if not accessor or m.accessor == accessor]
    users = {mount.accessor: core.lockout.users(mount) for mount in mounts}
    if accessor:
        users.setdefault(accessor, [])
    else:
        users = {name: locked for name, locked in users.items() if locked}
    shown = [
        {"mount_accessor": name, "counts": len(locked), "alias_identifiers": locked or None}
        for name, locked in sorted(users.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    total = sum(len(locked) for locked in users.values())
    entry: dict[str, object] = {
        "namespace_id": core.namespaces.id_of(path),
        "namespace_path": path,
        "counts": total,
        "mount_accessors": shown,
    }
    return total, entry
