"""The directory behind a mount: passwords are changed and LDIF is executed if it is on this machine.

A directory elsewhere is never contacted: it is assumed to exist and to accept every change. So is that of a mount whose
settings name none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from mockkms import outside
from mockkms.error_context import error_context
from mockkms.outside import filters
from mockkms.outside.ldap import BASE, SUBTREE, LdapConnection, LdapError
from mockkms.outside.ldif import LdifRecord
from mockkms.vault.directories import connecting
from mockkms.vault.directories.connecting import connect, connection_fault, url_fault
from mockkms.vault.directories.settings import DirectorySettings
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.golang.fmt import error_list
from mockkms.vault.secrets.peer import is_offline

_GRACE = 600
"""Seconds after a rotation of the bind password in which the directory may still expect the previous one."""
_ANY = "(objectClass=*)"


@dataclass
class Bind:
    """The bind password's last rotation."""

    previous: str = ""
    at: float = 0.0
    """Seconds since the epoch; 0: never."""


def is_local(call: Call, settings: DirectorySettings) -> bool:
    """Return whether the directory is to be asked. If not, the journal says that it is assumed.

    It is asked if it is on this machine, and if its address is none: then the plugin's text says so.
    """
    if is_offline():
        return False
    urls = settings.url.split(",")
    here = settings.url != DirectorySettings.url and (
        any(map(outside.is_here, urls)) or all(map(connecting.is_unusable, urls))
    )
    if not here:
        call.request.trace.hint = "the directory is not on this machine: it is assumed to accept the change"
    return here


@dataclass(frozen=True)
class AccountDirectory:
    """A directory on this machine. Every method raises ValueError with the plugin's text."""

    settings: DirectorySettings
    bind: Bind
    now: float

    @contextmanager
    def bound(self) -> Iterator[LdapConnection]:
        """Connect to the first directory that responds, and bind."""
        faults = []
        for url in self.settings.url.split(","):
            fault = url_fault(url)
            if fault:
                faults.append(fault)
                continue
            try:
                connection = connect(self.settings, url)
            except (OSError, LdapError, ValueError) as error:
                faults.append(f'error connecting to host "{url}": {connection_fault(url, error)}')
                continue
            with connection:
                self._bind(connection)
                yield connection
            return
        raise ValueError(error_list(faults))

    def _bind(self, connection: LdapConnection) -> None:
        settings = self.settings
        if not settings.bindpass:
            raise ValueError("unable to bind due to lack of configured password")
        name = settings.binddn
        if settings.upndomain:
            name = f"{filters.escaped(settings.binddn)}@{settings.upndomain}"
        elif not name:
            raise ValueError("must provide binddn or upndomain")
        faults = []
        try:
            return connection.bind(name, settings.bindpass)
        except LdapError as error:
            faults.append(str(error))
        if not self.bind.previous or self.bind.at + _GRACE <= self.now:
            raise ValueError(f"failed to bind with current password: {error_list(faults)}")
        try:
            return connection.bind(name, self.bind.previous)
        except LdapError as error:
            faults.append(str(error))
        raise ValueError(f"failed to bind with current and prior password: {error_list(faults)}")

    def set_dn_password(self, dn: str, values: Sequence[tuple[str, bytes]]) -> None:
        """Replace attributes of the entry ``dn``."""
        settings = self.settings
        if settings.userattr.lower() == "userprincipalname" and settings.upndomain:
            wanted = f"(&{_ANY}(userPrincipalName={filters.escaped(dn)}@{settings.upndomain}))"
            self._replace(settings.userdn, SUBTREE, wanted, values)
        else:
            self._replace(dn, BASE, _ANY, values)

    def set_user_password(self, username: str, values: Sequence[tuple[str, bytes]]) -> None:
        """Replace attributes of the entry below ``userdn`` whose ``userattr`` is ``username``."""
        settings = self.settings
        self._replace(settings.userdn, SUBTREE, f"({settings.userattr}={username})", values)

    def _replace(self, base: str, scope: int, wanted: str, values: Sequence[tuple[str, bytes]]) -> None:
        with self.bound() as connection:
            with error_context("failed to search ldap server: ", of=LdapError):
                found = connection.search(base, wanted, ["dn"], scope)
            if len(found) != 1:
                raise ValueError(f"expected one matching entry, but received {len(found)}")
            with error_context(of=LdapError):
                connection.modify(found[0].dn, [("replace", name, [value]) for name, value in values])

    def execute(self, records: Sequence[LdifRecord], *, all_of_them: bool) -> None:
        """Execute LDIF; ``all_of_them``: also what follows a change that fails."""
        faults = []
        with self.bound() as connection:
            for record in records:
                try:
                    _run(connection, record)
                except ValueError as error:
                    if not all_of_them:
                        raise
                    faults.append(str(error))
        if faults:
            raise ValueError(error_list(faults))


def _run(connection: LdapConnection, record: LdifRecord) -> None:
    name = {"add": "Add", "modify": "Modify", "delete": "Del"}[record.kind]
    with error_context(f"failed to run {name}Request: ", of=LdapError):
        match record.kind:
            case "add":
                connection.add(record.dn, record.attributes)
            case "modify":
                connection.modify(record.dn, record.changes)
            case _:
                connection.delete(record.dn)


def active_directory_password(password: str) -> list[tuple[str, bytes]]:
    """Return the attribute that Active Directory reads a new password from."""
    return [("unicodePwd", f'"{password}"'.encode("utf-16-le"))]
