"""A MySQL or MariaDB server on this machine: users are created there by the statements of their roles.

Statements, transactions and error texts are those of the real plugin (``plugins/database/mysql``).
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import parse_qsl, unquote

from mockkms import outside
from mockkms.error_context import error_context
from mockkms.outside.mysql import MysqlConnection, MysqlError
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.golang.fmt import error_list
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.database.engine import DatabaseConnection, DatabaseError, prefixed
from mockkms.vault.secrets.database.statements import filled, seconds, split

_PORT = 3306
_INVALID = "unable to parse connectionURL: invalid DSN: "
_CHANGE_PASSWORD = "ALTER USER '{{username}}'@'%' IDENTIFIED BY '{{password}}';"
_EXISTS = "SELECT exists (SELECT user FROM mysql.user WHERE user=%s)"
_DROP = "REVOKE ALL PRIVILEGES, GRANT OPTION FROM '{{name}}'@'%'; DROP USER '{{name}}'@'%'"
_PLACES = re.compile(r"tcp\(([^)]+)\)")
_ADDRESS = re.compile(r"(?:\[([^\]]+)\]|([^:\[\]]*))(?::(\d+))?")
_TLS = {"true": True, "skip-verify": False, "preferred": False}
"""Values of the parameter ``tls``, and whether the server's certificate is verified."""


@dataclass(frozen=True)
class MysqlTarget:
    """The parts of a connection string."""

    host: str
    port: int
    user: str
    password: str
    database: str
    tls: bool | None
    """Whether TLS is verified; None without TLS."""
    others: tuple[tuple[str, int], ...] = ()
    """Hosts and ports that are tried in turn if nothing listens there."""

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """All hosts and ports, in their order."""
        return [(self.host, self.port), *self.others]


def parse_several(url: str) -> MysqlTarget:
    """Return the parts of a connection string that may have hosts between commas. Raises DatabaseError like ``parse``.

    Rules and texts are those of OpenBao's plugin.
    """
    places = _PLACES.search(url)
    if places is None or "," not in places[1]:
        return parse(url)
    before, after = url[: places.start(1)], url[places.end(1) :]
    hosts = [host.strip() for host in places[1].split(",") if host.strip()]
    if not hosts:
        raise DatabaseError("error parsing multi-host DSN: no valid hosts found in connection URL", whole=True)
    first, *others = (parse(f"{before}{host}{after}") for host in hosts)
    return replace(first, others=tuple((other.host, other.port) for other in others))


def parse(url: str) -> MysqlTarget:
    """Return the parts of a connection string of Go's driver. Raises DatabaseError with the driver's text."""
    head, slash, rest = url.rpartition("/")
    if not slash:
        raise DatabaseError(f"{_INVALID}missing the slash separating the database name")
    login, _, address = head.rpartition("@")
    protocol, bracket, place = address.partition("(")
    if bracket and not place.endswith(")"):
        raise DatabaseError(f"{_INVALID}network address not terminated (missing closing brace)")
    user, _, password = login.partition(":")
    database, _, parameters = rest.partition("?")
    found = _ADDRESS.fullmatch(place.removesuffix(")"))
    if protocol not in ("", "tcp") or found is None:
        host, port = "", 0
    else:
        host, port = found[1] or found[2] or "127.0.0.1", int(found[3] or _PORT)
    tls = _TLS.get(dict(parse_qsl(parameters)).get("tls", "").lower())
    return MysqlTarget(host, port, user, password, unquote(database), tls)


class MysqlServer:
    """The server of a connection. Every method raises DatabaseError with the plugin's text."""

    def __init__(self, call: Call, connection: DatabaseConnection, target: MysqlTarget) -> None:
        self._call, self._target, self._idle = call, target, connection.idle
        details = connection.connection_details
        self._lifetime = seconds(details.get("max_connection_lifetime"))
        self._hidden = str(details.get("password") or "")
        self._ca = str(details.get("tls_ca") or "")
        self._verified = details.get("tls_skip_verify") not in (True, "true", "1")

    def verify(self) -> None:
        """Connect."""
        with prefixed("error verifying - ping: "), self._session():
            pass

    def create(self, names: Mapping[str, str], statements: Sequence[str]) -> None:
        """Create a user. ``names`` are the values of ``name``, ``username``, ``password`` and ``expiration``."""
        if not statements:
            raise DatabaseError("empty creation statements")
        self._run(statements, names)

    def change_password(self, username: str, password: str, statements: Sequence[str]) -> None:
        """Change the password of a user."""
        names = {"name": username, "username": username, "password": password}
        with prefixed("failed to change password: "):
            self._run(statements or [_CHANGE_PASSWORD], names)

    def extend(self, username: str, expires: float, statements: Sequence[str]) -> None:
        """Do nothing: a user of MySQL has no time at which it ends."""

    def drop(self, username: str, statements: Sequence[str]) -> None:
        """Delete a user."""
        names = {"name": username, "username": username}
        if statements or not self._call.core.product.has(Feature.MYSQL_FINDS_USERS):
            self._run(statements or [_DROP], names)
            return
        with self._transaction() as session:
            if session.selected(_EXISTS, username) == [(1,)]:
                _execute(session, [_DROP], names)

    def _run(self, statements: Sequence[str], names: Mapping[str, str]) -> None:
        with self._transaction() as session:
            _execute(session, statements, names)

    @contextmanager
    def _transaction(self) -> Iterator[MysqlConnection]:
        """Run the body in a transaction."""
        with self._session() as session:
            try:
                session.query("START TRANSACTION")
                yield session
                session.query("COMMIT")
            except MysqlError as error:
                with suppress(MysqlError):
                    session.query("ROLLBACK")
                raise self._error(error) from None

    @contextmanager
    def _session(self) -> Iterator[MysqlConnection]:
        """Lend the plugin's idle session, or a new one, and store it for the next use."""
        now = self._call.now()
        with error_context(raised=self._error, of=MysqlError):
            session, since = self._idle.take(MysqlConnection, now, self._lifetime) or (self._connected(), now)
        try:
            yield session
        except OSError as error:
            session.close()
            raise DatabaseError(str(error)) from None
        finally:
            if not session.closed:
                self._idle.keep(session, since)

    def _connected(self) -> MysqlConnection:
        refused: list[str] = []
        for host, port in self._target.addresses:
            try:
                return self._connected_to("127.0.0.1" if host == "localhost" else host, port)
            except ConnectionRefusedError:
                refused.append(outside.refusal(host, port))
        if not self._target.others:
            raise DatabaseError(refused[0])
        tried = zip(self._target.addresses, refused, strict=True)
        raise DatabaseError(error_list([f"failed to connect to {_place(*address)}: {why}" for address, why in tried]))

    def _connected_to(self, host: str, port: int) -> MysqlConnection:
        """Raise ConnectionRefusedError if nothing listens there, DatabaseError for other errors of the connection."""
        target = self._target
        if port in self._call.core.server.ports:
            raise DatabaseError("unexpected EOF")
        try:
            return MysqlConnection((host, port), target.user, target.password, target.database, self._tls())
        except ConnectionRefusedError:
            raise
        except OSError as error:
            raise DatabaseError(str(error)) from None

    def _tls(self) -> ssl.SSLContext | None:
        if not self._ca and self._target.tls is None:
            return None
        failed = "failed to append CA to client options"
        with error_context(raised=partial(DatabaseError, whole=True), of=OSError, text=failed):
            context = ssl.create_default_context(cadata=self._ca or None)
        if self._target.tls is False or not self._verified:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def _error(self, error: object) -> DatabaseError:
        text = str(error)
        return DatabaseError(text.replace(self._hidden, "[password]") if self._hidden else text)


def _execute(session: MysqlConnection, statements: Sequence[str], names: Mapping[str, str]) -> None:
    for statement in statements:
        for query in split(statement):
            session.query(filled(query, names))


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
