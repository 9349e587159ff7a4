"""Which database answers for a connection: a server on this machine, or nobody but this world.

A database elsewhere is not asked: it is taken as there, and as doing what it is told. So are those on this machine
whose protocol is not spoken here, once something listens at their address.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping, Sequence
from typing import Protocol
from urllib.parse import quote

from mockkms import outside
from mockkms.outside.turn import waiting
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import BackendError
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.database import postgresurl
from mockkms.vault.secrets.database.engine import Connection, Database, DatabaseFault
from mockkms.vault.secrets.database.postgres import Postgres

_POSTGRES = ("postgresql-database-plugin", "redshift-database-plugin")
_MYSQL = re.compile(r"@tcp\(([^):]+)(?::(\d+))?\)/")
_MYSQL_PORT = 3306
_UNESCAPED = "-_.~$&+:=@"
"""What Go's ``url.PathEscape`` leaves, beside letters and digits."""


class Server(Protocol):
    """A database. Every method raises DatabaseFault in the plugin's words."""

    def verify(self) -> None: ...
    def create(self, names: Mapping[str, str], statements: Sequence[str]) -> None: ...
    def change_password(self, username: str, password: str, statements: Sequence[str]) -> None: ...
    def extend(self, username: str, expires: float, statements: Sequence[str]) -> None: ...
    def drop(self, username: str, statements: Sequence[str]) -> None: ...


class Elsewhere:
    """A database that does what it is told."""

    def verify(self) -> None:
        """Connect."""

    def create(self, names: Mapping[str, str], statements: Sequence[str]) -> None:
        """Make a user."""

    def change_password(self, username: str, password: str, statements: Sequence[str]) -> None:
        """Give a user another password."""

    def extend(self, username: str, expires: float, statements: Sequence[str]) -> None:
        """Let a user live longer."""

    def drop(self, username: str, statements: Sequence[str]) -> None:
        """Take a user away."""


class MySql(Elsewhere):
    """A MySQL server on this machine: whether something listens is all that is found out."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    def verify(self) -> None:
        try:
            self._dial()
        except DatabaseFault as fault:
            raise DatabaseFault(f"error verifying - ping: {fault}") from None

    def create(self, names: Mapping[str, str], statements: Sequence[str]) -> None:
        self._dial()

    def change_password(self, username: str, password: str, statements: Sequence[str]) -> None:
        self._dial()

    def drop(self, username: str, statements: Sequence[str]) -> None:
        self._dial()

    def _dial(self) -> None:
        try:
            with waiting():
                socket.create_connection((self._host, self._port), timeout=outside.PATIENCE).close()
        except OSError:
            raise DatabaseFault(outside.refusal(self._host, self._port)) from None


def of(state: Database, call: Call, connection: Connection) -> Server:
    """Return the database of a connection."""
    if not state.asks:
        return Elsewhere()
    url = connection_url(connection)
    if connection.plugin_name in _POSTGRES:
        here = _is_here(url)
        return Postgres(call, connection, url) if here else Elsewhere()
    match = _MYSQL.search(url) if connection.plugin_name.startswith("mysql") else None
    if match is not None and outside.is_here(f"//{match[1]}"):
        return MySql(match[1], int(match[2] or _MYSQL_PORT))
    return Elsewhere()


def _is_here(url: str) -> bool:
    """Whether a connection string leads to this machine, or cannot be read: then that is what there is to say."""
    try:
        target = postgresurl.parse(url, "")
    except postgresurl.UrlFault:
        return True
    return outside.is_here(f"//{target.host}" if ":" not in target.host else f"//[{target.host}]")


def connection_url(connection: Connection) -> str:
    """Return the connection string with user name and password filled in."""
    details = connection.connection_details
    url = str(details.get("connection_url") or "")
    plain = bool(details.get("disable_escaping"))
    for name in ("username", "password"):
        value = str(details.get(name) or "")
        as_it_is = plain or (name == "password" and connection.plugin_name.startswith("mysql"))
        url = url.replace(f"{{{{{name}}}}}", value if as_it_is else quote(value, safe=_UNESCAPED))
    return url


def opened(state: Database, call: Call, name: str) -> Connection:
    """Return a connection whose plugin runs. Raises BackendError where there is none, or it cannot be verified."""
    connection = state.connection(name)
    if not connection.opened:
        # Where the setting is not kept the real server verifies whatever the connection was written with.
        if connection.verify_connection or not call.core.product.has(Feature.DATABASE_ROTATION):
            try:
                of(state, call, connection).verify()
            except DatabaseFault as fault:
                raise BackendError(str(fault)) from None
        connection.opened = True
    return connection
