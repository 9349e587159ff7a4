"""The server behind a connection: contacted if it is on this machine, otherwise assumed.

A database elsewhere is never contacted: it is assumed to exist and to accept every statement. A MySQL on this machine
is assumed likewise, once something listens at its address.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping, Sequence
from typing import Protocol
from urllib.parse import quote

from mockkms import outside
from mockkms.error_context import error_context
from mockkms.outside.turn import waiting
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.database import postgresurl
from mockkms.vault.secrets.database.engine import Database, DatabaseConnection, DatabaseError, prefixed
from mockkms.vault.secrets.database.postgres import PostgresServer

_POSTGRES = ("postgresql-database-plugin", "redshift-database-plugin")
_MYSQL = re.compile(r"@tcp\(([^):]+)(?::(\d+))?\)/")
_MYSQL_PORT = 3306
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

    def verify(self) -> None:
        """Check the connection."""

    def create(self, names: Mapping[str, str], statements: Sequence[str]) -> None:
        """Create a user."""

    def change_password(self, username: str, password: str, statements: Sequence[str]) -> None:
        """Change the password of a user."""

    def extend(self, username: str, expires: float, statements: Sequence[str]) -> None:
        """Extend the validity of a user."""

    def drop(self, username: str, statements: Sequence[str]) -> None:
        """Delete a user."""


class MysqlServer(AssumedServer):
    """A MySQL server on this machine, of which only the address is contacted."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    def verify(self) -> None:
        with prefixed("error verifying - ping: "):
            self._dial()

    def create(self, names: Mapping[str, str], statements: Sequence[str]) -> None:
        self._dial()

    def change_password(self, username: str, password: str, statements: Sequence[str]) -> None:
        self._dial()

    def drop(self, username: str, statements: Sequence[str]) -> None:
        self._dial()

    def _dial(self) -> None:
        refused = outside.refusal(self._host, self._port)
        with error_context(raised=DatabaseError, of=OSError, text=refused), waiting():
            socket.create_connection((self._host, self._port), timeout=outside.PATIENCE).close()


def server_of(state: Database, call: Call, connection: DatabaseConnection) -> DatabaseServer:
    """Return the server behind a connection."""
    if not state.contacts_servers:
        return AssumedServer()
    url = connection_url(connection)
    if connection.plugin_name in _POSTGRES:
        here = _is_here(url)
        return PostgresServer(call, connection, url) if here else AssumedServer()
    match = _MYSQL.search(url) if connection.plugin_name.startswith("mysql") else None
    if match is not None and outside.is_here(f"//{match[1]}"):
        return MysqlServer(match[1], int(match[2] or _MYSQL_PORT))
    return AssumedServer()


def _is_here(url: str) -> bool:
    """Return whether a connection string leads to this machine, or is invalid: ``PostgresServer`` reports the error."""
    try:
        target = postgresurl.parse(url, "")
    except postgresurl.ConnectionStringError:
        return True
    return outside.is_here(f"//{target.host}" if ":" not in target.host else f"//[{target.host}]")


def connection_url(connection: DatabaseConnection) -> str:
    """Return the connection string with user name and password inserted."""
    details = connection.connection_details
    url = str(details.get("connection_url") or "")
    plain = bool(details.get("disable_escaping"))
    for name in ("username", "password"):
        value = str(details.get(name) or "")
        unescaped = plain or (name == "password" and connection.plugin_name.startswith("mysql"))
        url = url.replace(f"{{{{{name}}}}}", value if unescaped else quote(value, safe=_UNESCAPED))
    return url


def opened(state: Database, call: Call, name: str) -> DatabaseConnection:
    """Return the connection ``name``, its plugin started.

    Raises BackendError if the connection does not exist, DatabaseError if it cannot be verified.
    """
    connection = state.connection(name)
    if not connection.opened:
        # A product that does not store the setting verifies at a restart, whatever the setting was.
        if connection.verify_connection or not call.core.product.has(Feature.DATABASE_ROTATION):
            server_of(state, call, connection).verify()
        connection.opened = True
    return connection
