"""Libraries of service accounts, which clients check out and in: shared by the LDAP and Active Directory engines.

An account gets a new password whenever it is checked in, by a client or by the end of the lease of its check-out.

Source: ``path_checkout_sets.go`` and ``path_checkouts.go`` of both plugins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Annotated, Generic, Protocol, TypeVar

from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Endpoint, Field, Reply
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response
from mockkms.vault.framework.records import Record, param
from mockkms.vault.golang.duration import SECOND
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.issuing import issued, renewed
from mockkms.world.stored import stored

_DAY = 24 * 60 * 60
_ACCOUNTS = Field(Kind.COMMA_STRINGS, help="Names of the accounts to check in.")


@stored("library.LibrarySet")
@dataclass
class LibrarySet(Record):
    """A set of accounts. Durations are seconds."""

    service_account_names: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Names of the accounts.")] = field(
        default_factory=list
    )
    ttl: Annotated[int, param(Kind.SECONDS, help="Seconds until a check-out ends.")] = _DAY
    max_ttl: Annotated[int, param(Kind.SECONDS, help="Seconds until a check-out ends at the latest.")] = _DAY
    disable_check_in_enforcement: Annotated[
        bool, param(Kind.BOOL, help="Anybody may check in, not only the client that checked out.")
    ] = False


@stored("library.LibraryAccount")
@dataclass
class LibraryAccount:
    """An account of a set: its password, and who has checked it out."""

    password: str
    available: bool = True
    entity: str = ""
    token: str = ""
    """The token of the client, hashed as the server hashes it for its engines."""


class WithLibrary(Protocol):
    """State of a mount with a library."""

    sets: dict[str, LibrarySet]
    accounts: dict[str, LibraryAccount]


S = TypeVar("S", bound=WithLibrary)


class Library(Generic[S]):
    """The endpoints of a library, in the order in which paths are tried: check-outs before sets."""

    def __init__(
        self,
        engine: Engine,
        sets: Callable[[Callable[[S], dict[str, LibrarySet]]], Collection[S, LibrarySet]],
        name: str,
        *,
        configured: Callable[[S, Call, str], None],
        managed: Callable[[S], Iterable[str]],
        new_password: Callable[[S, Call, str], str],
        taken: str,
    ) -> None:
        """Declare the endpoints.

        Args:
            engine: Their engine.
            sets: Declares the collection of the sets, whose records its argument returns.
            name: The template of a set's name in paths.
            configured: Raises VaultError if the mount is not configured; the text is the operation.
            managed: Returns the names of all accounts of a mount.
            new_password: Sets a new password for an account and returns it. Raises BackendError.
            taken: The error for an account that is managed already, after its name.
        """
        self._configured, self._managed, self._new_password, self._taken = configured, managed, new_password, taken
        self._path(engine, f"library/manage/{name}/check-in", "Check accounts in, of any client.").on(Operation.UPDATE)(
            lambda state, call: self._check_in(state, call, force=True)
        )
        self._path(engine, f"library/{name}/check-in", "Check accounts in.").on(Operation.UPDATE)(
            lambda state, call: self._check_in(state, call, force=False)
        )
        check_out = engine.path(
            f"library/{name}/check-out",
            {
                "name": Field(Kind.LOWER_STRING, help="Name of the set."),
                "ttl": Field(Kind.SECONDS, help="Seconds until the check-out ends, if less than the set says."),
            },
            help="Check an account out.",
            go_errors=True,
        )
        check_out.on(Operation.UPDATE)(self._check_out)
        engine.path(
            f"library/{name}/status", {"name": Field(Kind.LOWER_STRING, help="Name of the set.")},
            help="Who has checked the accounts out.", go_errors=True,
        ).on(Operation.READ)(self._status)  # fmt: skip
        self.sets = sets(lambda state: state.sets)
        self.sets.one.on(Operation.DELETE)(self._delete)
        self.sets.write(self._write)

    def _path(self, engine: Engine, template: str, help: str) -> Endpoint:
        fields = {"name": Field(Kind.LOWER_STRING, help="Name of the set."), "service_account_names": _ACCOUNTS}
        return engine.path(template, fields, help=help, go_errors=True)

    def _write(self, state: S, call: Call, name: str, found: LibrarySet) -> None:
        """Create or update a set; new accounts get new passwords. Raises ErrorResponse and BackendError."""
        new = name not in state.sets
        self._configured(state, call, "create" if new else "update")
        before = found.service_account_names
        found.update_from(call)
        if new and not found.service_account_names:
            raise ErrorResponse(f"{_parameter(call)} must be provided")
        added = [one for one in dict.fromkeys(found.service_account_names) if one not in before]
        gone = [one for one in before if one not in found.service_account_names]
        managed = set(self._managed(state))
        for account in added:
            if account in managed:
                raise ErrorResponse(f"{quote(account)} {self._taken}")
        self._refuse_checked_out(state, gone)
        _validate(found)
        for account in added:
            state.accounts[account] = LibraryAccount(self._new_password(state, call, account))
        for account in gone:
            state.accounts.pop(account, None)

    def _delete(self, state: S, call: Call) -> None:
        """Delete a set, unless an account is checked out. Raises ErrorResponse."""
        found = self.sets.find(state, call)
        if found is None:
            return
        self._refuse_checked_out(state, found.service_account_names)
        for account in found.service_account_names:
            state.accounts.pop(account, None)
        del state.sets[self.sets.name_in(call)]

    def _refuse_checked_out(self, state: S, accounts: Iterable[str]) -> None:
        for name in accounts:
            account = state.accounts.get(name)
            if account is not None and not account.available:
                raise ErrorResponse(f"\"{name}\" can't be deleted because it is currently checked out'")

    def _of(self, state: S, call: Call) -> LibrarySet:
        name = self.sets.name_in(call)
        found = state.sets.get(name)
        if found is None:
            raise ErrorResponse(f"{quote(name)} doesn't exist")
        return found

    def _check_out(self, state: S, call: Call) -> Response:
        found = self._of(state, call)
        requested: int | None = call.get("ttl")
        ttl = found.ttl
        if requested is not None and (requested < ttl if ttl > 0 else requested > 0):
            ttl = requested
        for name in found.service_account_names:
            account = state.accounts.get(name)
            if account is None:
                raise BackendError("not found")
            if account.available:
                account.available = False
                account.entity, account.token = _borrower(call)
                data = {"service_account_name": name, "password": account.password}
                internal = {"service_account_name": name, "set_name": self.sets.name_in(call)}
                return issued(data, internal, ttl, found.max_ttl)
        raise ErrorResponse("No service accounts available for check-out.")

    def _check_in(self, state: S, call: Call, *, force: bool) -> Reply:
        self._configured(state, call, "check-in")
        found = self._of(state, call)
        force = force or found.disable_check_in_enforcement
        given: list[str] = call["service_account_names"]
        names = []
        for name in given or found.service_account_names:
            account = state.accounts.get(name)
            if account is None:
                raise BackendError("not found")
            if account.available:
                continue
            if force or _is_borrower(call, account):
                names.append(name)
            elif given:
                raise ErrorResponse(f"{quote(name)} can't be checked in because it wasn't checked out by the caller")
        if not given and len(names) > 1:
            several = "when multiple service accounts are checked out"
            raise ErrorResponse(f"{several}, the {_parameter(call)} to check in must be provided")
        for name in names:
            state.accounts[name] = LibraryAccount(self._new_password(state, call, name))
        return {"check_ins": names}

    def _status(self, state: S, call: Call) -> Reply:
        shown: dict[str, object] = {}
        for name in self._of(state, call).service_account_names:
            account = state.accounts.get(name)
            if account is None:
                raise BackendError("not found")
            borrower = {"borrower_client_token": account.token, "borrower_entity_id": account.entity}
            shown[name] = {"available": account.available, **{key: value for key, value in borrower.items() if value}}
        return shown

    def is_check_out(self, call: Call) -> bool:
        """Return whether the lease that ends or is renewed is that of a check-out."""
        return bool(call.kept("set_name"))

    def renew(self, state: S, call: Call) -> Response:
        """Renew a check-out with the lifetimes of its set. Raises ErrorResponse and BackendError."""
        found = state.sets.get(call.kept("set_name"))
        if found is None:
            raise ErrorResponse(f"{quote(call.kept('set_name'))} doesn't exist")
        name = call.kept("service_account_name")
        account = state.accounts.get(name)
        if account is None:
            raise BackendError("not found")
        if account.available:
            raise ErrorResponse(f"{name} is already checked in, please call check-out to regain it")
        return renewed(call, found.ttl, found.max_ttl)

    def revoke(self, state: S, call: Call) -> None:
        """Check an account in at the end of a lease. Raises BackendError."""
        name = call.kept("service_account_name")
        password = self._new_password(state, call, name)
        if name in state.accounts:
            state.accounts[name] = LibraryAccount(password)


def _parameter(call: Call) -> str:
    quoted = '"' if call.core.product.has(Feature.LDAP_FOLDERS) else "'"
    return f"{quoted}service_account_names{quoted}"


def _validate(found: LibrarySet) -> None:
    if not found.service_account_names:
        raise ErrorResponse("at least one service account must be configured")
    if "" in found.service_account_names:
        raise ErrorResponse("service account name must not be empty")
    if 0 < found.max_ttl < found.ttl:
        # The plugin prints Go durations as plain numbers, which are nanoseconds.
        most, ttl = found.max_ttl * SECOND, found.ttl * SECOND
        raise ErrorResponse(f"max_ttl ({most} seconds) may not be less than ttl ({ttl} seconds)")


def _borrower(call: Call) -> tuple[str, str]:
    """Return the entity and the hashed token of the client."""
    client = call.request.client
    if client is None:
        return "", ""
    return client.entity_id, hashlib.sha1(f"{call.mount.uuid}{client.id}".encode()).hexdigest()


def _is_borrower(call: Call, account: LibraryAccount) -> bool:
    entity, token = _borrower(call)
    return bool(entity and entity == account.entity) or bool(token and token == account.token)
