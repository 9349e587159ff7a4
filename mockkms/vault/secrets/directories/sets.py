"""The library of a mount in world files: its sets, with the passwords and borrowers of their accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.shapes.collections import Key, MapOf, RecordShape, Text
from mockkms.vault.framework.world_section import mapping_at
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.record_section import Part, named
from mockkms.vault.mounts.table import Mount
from mockkms.vault.secrets.directories.library import LibraryAccount, LibrarySet, WithLibrary
from mockkms.vault.secrets.issuing import offline_part

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context

S = TypeVar("S", bound=WithLibrary)
_ACCOUNTS = "accounts"


def _account() -> RecordShape:
    return RecordShape(
        {
            "password": Key(Text(), "the current password", required=True),
            "borrower_client_token": Key(Text(), "the hashed token of the client that has checked the account out"),
            "borrower_entity_id": Key(Text(), "the entity of the client that has checked the account out"),
        }
    )


def _add(core: Context, mount: Mount, name: str, spec: Mapping[str, object]) -> None:
    sent = {key: value for key, value in spec.items() if key != _ACCOUNTS}
    seeding.write(core, mount, f"library/{name}", sent)
    state: WithLibrary = mount.state
    accounts = mapping_at(spec, _ACCOUNTS)
    for account in accounts:
        given = mapping_at(accounts, account)
        if account not in state.sets[name.lower()].service_account_names:
            raise ValueError(f"{account!r} is not one of service_account_names")
        token, entity = str(given.get("borrower_client_token", "")), str(given.get("borrower_entity_id", ""))
        state.accounts[account] = LibraryAccount(str(given["password"]), not (token or entity), entity, token)


def _described(_core: Context, mount: Mount, found: LibrarySet) -> dict[str, object]:
    state: WithLibrary = mount.state
    accounts = {}
    for name in found.service_account_names:
        account = state.accounts[name]
        borrower = {"borrower_client_token": account.token, "borrower_entity_id": account.entity}
        accounts[name] = {"password": account.password, **{key: value for key, value in borrower.items() if value}}
    return {**found.changed(), _ACCOUNTS: accounts}


def sets_part(sets: Collection[S, LibrarySet]) -> Part:
    """Return the part of a library's sets."""
    more = {_ACCOUNTS: Key(MapOf(_account()), "accounts of the set by name; those left out get generated passwords")}
    help = "sets of accounts by name, which clients check out and in"
    return offline_part(named("library", help, sets, more=lambda: more, add=_add, describe=_described))
