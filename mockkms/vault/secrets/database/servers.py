"""The server behind a connection: contacted if it is on this machine, otherwise assumed.

A database elsewhere is never contacted: it is assumed to exist and to accept every statement. A MySQL server on this
machine is assumed likewise without a driver (extra ``databases``), once something listens at its address. The journal
says why credentials are made up.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from typing import Protocol
from urllib.parse import quote

from mockkms import outside
from mockkms.error_context import error_context
from mockkms.outside.mysql import driver
from mockkms.outside.turn import waiting
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.database import mysql, postgresurl
from mockkms.vault.secrets.database.engine import Database, DatabaseConnection, DatabaseError, prefixed
from mockkms.vault.secrets.database.postgres import PostgresServer

_POSTGRES = ("postgresql-database-plugin", "redshift-database-plugin")
_UNESCAPED = "-_.~$&+:=@"
"""Characters besides letters and digits that Go's ``url.PathEscape`` does not escape."""


class DatabaseServer(Protocol):
    """A database. Every method raises DatabaseError with the plugin's text."""

    def verify(self) -> None: ...
    def create(self, names: Mapping[str, str], statements: Sequence[str]) -> None: ...
    def change_password(self, username: str, password: str, statements: Sequence[str]) -> None: ...
    def extend(self, username: str, expires: float, statements: Sequence[str]) -> None: ...
    def drop(self, username: str, statements: Sequence[str]) -> None: ...


class AssumedServer:
    """A database that is not contacted and accepts everything."""

    def __init__(self, call: Call, why: str = "") -> None:
        """``why`` is what the journal says of a request for which credentials are made up; empty: nothing."""
        self._call, self._why = call, why

    def _made_up(self) -> None:
        if self._why:
            self._call.request.trace.hint = f"{self._why}: nothing was changed in the database"

    def verify(self) -> None:
        """Check the connection."""

    def create(self, names: Mapping[str, str], statements: Sequence[str]) -> None:
        """Create a user."""
        self._made_up()

    def change_password(self, username: str, password: str, statements: Sequence[str]) -> None:
        """Change the password of a user."""
        self._made_up()

    def extend(self, username: str, expires: float, statements: Sequence[str]) -> None:
        """Extend the validity of a user."""

    def drop(self, username: str, statements: Sequence[str]) -> None:
        """Delete a user."""
        self._made_up()


class MisnamedServer(AssumedServer):
    """A MySQL server whose connection string is invalid."""

    def __init__(self, call: Call, fault: DatabaseError) -> None:
        super().__init__(call)
        self._fault = fault

    def verify(self) -> None:
        with prefixed("error verifying - connection: "):
            raise self._fault

    def _made_up(self) -> None:
        raise self._fault


class UndrivenServer(AssumedServer):
    """A MySQL server on this machine, of which only the address is contacted, for lack of a driver."""

    def __init__(self, call: Call, host: str, port: int) -> None:
        super().__init__(call, "PyMySQL is not installed (pip install 'mockkms[databases]')")
        self._host, self._port = host, port

    def verify(self) -> None:
        with prefixed("error verifying - ping: "):
            self._dial()

    def create(self, names: Mapping[str, str], statements: Sequence[str]) -> None:
        self._dial()
        super().create(names, statements)

    def change_password(self, username: str, password: str, statements: Sequence[str]) -> None:
        self._dial()
        super().change_password(username, password, statements)

    def drop(self, username: str, statements: Sequence[str]) -> None:
        self._dial()
        super().drop(username, statements)

    def _dial(self) -> None:
        refused = outside.refusal(self._host, self._port)
        with error_context(raised=DatabaseError, of=OSError, text=refused), waiting():
            socket.create_connection((self._host, self._port), timeout=outside.PATIENCE).close()


def server_of(state: Database, call: Call, connection: DatabaseConnection) -> DatabaseServer:
    """Return the server behind a connection."""
    if not state.contacts_servers:
        return AssumedServer(call)
    url = connection_url(connection)
    elsewhere = AssumedServer(call, "the database is not on this machine")
    if connection.implementation in _POSTGRES:
        return PostgresServer(call, connection, url) if _is_here(url) else elsewhere
    if not connection.implementation.startswith("mysql"):
        return AssumedServer(call, f"databases of {connection.implementation} are not contacted")
    try:
        several = call.core.product.has(Feature.MYSQL_HOSTS)
        target = mysql.parse_several(url) if several else mysql.parse(url)
    except DatabaseError as fault:
        return MisnamedServer(call, fault)
    if not all(outside.is_here(_authority(host)) for host, _ in target.addresses):
        return elsewhere
    if driver() is None:
        return UndrivenServer(call, target.host, target.port)
    return mysql.MysqlServer(call, connection, target)


def _is_here(url: str) -> bool:
    """Return whether a connection string leads to this machine, or is invalid: ``PostgresServer`` reports the error."""
    try:
        target = postgresurl.parse(url, "")
    except postgresurl.ConnectionStringError:
        return True
    return outside.is_here(_authority(target.host))


def _authority(host: str) -> str:
    return f"//{host}" if ":" not in host else f"//[{host}]"


def connection_url(connection: DatabaseConnection) -> str:
    """Return the connection string with user name and password inserted."""
    details = connection.connection_details
    url = str(details.get("connection_url") or "")
    plain = bool(details.get("disable_escaping"))
    for name in ("username", "password"):
        value = str(details.get(name) or "")
        unescaped = plain or (name == "password" and connection.implementation.startswith("mysql"))
        url = url.replace(f"{{{{{name}}}}}", value if unescaped else quote(value, safe=_UNESCAPED))
    return url


def opened(state: Database, call: Call, name: str) -> DatabaseConnection:
    """Return the connection ``name``, its plugin started.

    Raises BackendError if the connection does not exist, DatabaseError if it cannot be verified.
    """
    connection = state.connection(call.core.product, name)
    if not connection.opened:
        # A product that does not store the setting verifies at a restart, whatever the setting was.
        if connection.verify_connection or not call.core.product.has(Feature.DATABASE_ROTATION):
            server_of(state, call, connection).verify()
        connection.opened = True
    return connection
