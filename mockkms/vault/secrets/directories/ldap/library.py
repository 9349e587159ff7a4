"""``library/`` of LDAP mounts: accounts that clients check out and in, and the end of all leases of a mount."""

from __future__ import annotations

from collections.abc import Callable

from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import BackendError, ErrorResponse, Response
from mockkms.vault.secrets.directories.folders import NAME, FolderCollection
from mockkms.vault.secrets.directories.ldap import dynamic
from mockkms.vault.secrets.directories.ldap.model import LdapSecrets, engine, set_password
from mockkms.vault.secrets.directories.library import Library, LibrarySet


def _sets(records: Callable[[LdapSecrets], dict[str, LibrarySet]]) -> FolderCollection[LdapSecrets, LibrarySet]:
    return FolderCollection(
        engine, "library", LibrarySet, records, help="A set of accounts.", list_help="Names of the sets.",
        go_errors=True, deletes=False,
    )  # fmt: skip


def _configured(state: LdapSecrets, _call: Call, purpose: str) -> None:
    if state.config is None:
        if purpose == "check-in":
            raise BackendError("missing LDAP configuration")
        raise ErrorResponse(f"config must exist to {purpose} a library")


library: Library[LdapSecrets] = Library(
    engine, _sets, NAME, configured=_configured, managed=lambda state: state.managed,
    new_password=lambda state, call, name: set_password(state, call, username=name),
    taken="is already managed by the secrets engine",
)  # fmt: skip


@engine.renews
def renew(state: LdapSecrets, call: Call) -> Response:
    """Renew the lease of a check-out or of a dynamic account. Raises ErrorResponse and BackendError."""
    return library.renew(state, call) if library.is_check_out(call) else dynamic.renew(state, call)


@engine.revokes
def revoke(state: LdapSecrets, call: Call) -> None:
    """Check an account in, or delete a dynamic account. Raises BackendError."""
    if library.is_check_out(call):
        library.revoke(state, call)
    else:
        dynamic.revoke(state, call)
