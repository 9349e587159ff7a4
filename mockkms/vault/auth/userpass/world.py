"""Userpass in world files: users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mockkms.crypto import passwords
from mockkms.vault.auth.userpass.endpoints import UserpassUser, users
from mockkms.vault.framework.captured import STAND_IN
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.record_section import named, record_section

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context
    from mockkms.vault.mounts.table import Mount


def add_user(core: Context, mount: Mount, name: str, spec: Mapping[str, object]) -> None:
    """Write a user: the parameters of the API, of which ``password_hash`` may be a hash of our own from a dump.

    Raises VaultError with the server's text.
    """
    data = dict(spec)
    kept = str(data.get("password_hash") or "")
    own = passwords.is_own(kept)
    if own:
        # The endpoint requires a password; the one it gets here is replaced at once.
        data["password"] = "-"
        del data["password_hash"]
    seeding.write(core, mount, f"{users.folder}/{name}", data)
    if own:
        users.records(mount.state)[name.lower()].password = kept


def _describe(_core: Context, _mount: Mount, user: UserpassUser) -> dict[str, object]:
    changed = user.changed()
    return {"password_hash": changed.pop("password", ""), **changed}


section = record_section(
    named("users", "users by name", users, add=add_user, describe=_describe, stand_in={"password": STAND_IN})
)
