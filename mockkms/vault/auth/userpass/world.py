"""Userpass in world files: users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mockkms.crypto import passwords
from mockkms.vault.auth.userpass.endpoints import Userpass
from mockkms.vault.framework.shapes.collections import Key, MapOf
from mockkms.vault.framework.shapes.parameters import written
from mockkms.vault.framework.world_section import Filling, WorldSection
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.mounts import Mount

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context


def _keys(_type: str) -> dict[str, Key]:
    return {"users": Key(MapOf(written("userpass", "users/x")), "users by name")}


def _fill(to: Filling, mount: Mount, spec: Mapping[str, Any]) -> None:
    for name, user in (spec.get("users") or {}).items():
        with to.guard("users", name):
            add_user(to.core, mount, name, user)


def _dump(_core: Context, mount: Mount) -> dict[str, Any]:
    return {"users": dump_users(mount.state)}


def add_user(core: Context, mount: Mount, name: str, spec: Mapping[str, Any]) -> None:
    """Write a user: the parameters of the API; ``password_hash`` may also be what ``dump_users`` gave.

    Raises VaultError with the server's text.
    """
    data = dict(spec)
    kept = str(data.get("password_hash") or "")
    own = passwords.is_own(kept)
    if own:
        # The endpoint wants a password; the one it gets here is replaced at once.
        data["password"] = "-"
        del data["password_hash"]
    seeding.write(core, mount, f"users/{name}", data)
    if own:
        mount.state.users[name.lower()].password = kept


def dump_users(state: Userpass) -> dict[str, dict[str, Any]]:
    """Return every user as ``add_user`` reads it."""
    return {
        name: {
            "password_hash": user.password,
            **{key: value for key, value in user.changed().items() if key != "password"},
        }
        for name, user in sorted(state.users.items())
    }


section = WorldSection(_keys, _fill, _dump)
