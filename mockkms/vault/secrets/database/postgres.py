"""A PostgreSQL server on this machine: users are created there by the statements of their roles.

Statements, transactions and error texts are the real plugin's; errors of a connection are the driver's (``pgx``).
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial

from mockkms import outside
from mockkms.error_context import error_context
from mockkms.outside import postgres, scram
from mockkms.outside.postgres import ConnectFault, PostgresError
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.golang.fmt import error_list
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.database import postgresurl
from mockkms.vault.secrets.database.engine import DatabaseConnection, DatabaseError, prefixed, reworded
from mockkms.vault.secrets.database.postgresurl import ConnectionStringError, PostgresTarget
from mockkms.vault.secrets.database.statements import filled, seconds, split

_CHANGE_PASSWORD = "ALTER ROLE \"{{username}}\" WITH PASSWORD '{{password}}';"
_EXTEND = "ALTER ROLE \"{{name}}\" VALID UNTIL '{{expiration}}';"
_FINAL = ("28P01", "3D000", "42501")
"""Error codes after which the driver does not try again."""


class PostgresServer:
    """The server of a connection. Every method raises DatabaseError with the plugin's text."""

    def __init__(self, call: Call, connection: DatabaseConnection, url: str) -> None:
        self._call, self._url, self._idle = call, url, connection.idle
        details = connection.connection_details
        self._lifetime = seconds(details.get("max_connection_lifetime"))
        self._hidden = str(details.get("password") or "")
        self._hashes = details.get("password_authentication") == scram.MECHANISM.lower()
        self._ca = str(details.get("tls_ca") or "")
        self._older = call.core.product.has(Feature.OLDER_POSTGRES_DRIVER)
        self._plain = call.core.product.has(Feature.PLAIN_VERIFICATION)

    def verify(self) -> None:
        """Connect."""
        ping = "" if self._plain else "ping failed: "
        with prefixed(f"error verifying connection: {ping}"), self._session():
            pass

    def create(self, names: Mapping[str, str], statements: Sequence[str]) -> None:
        """Create a user. ``names`` are the values of ``name``, ``username``, ``password`` and ``expiration``."""
        if not statements:
            raise DatabaseError("empty creation statements")
        with self._transaction("unable to start transaction: ") as session:
            self._run(session, statements, self._with_hash(names), "failed to execute query: ")

    def change_password(self, username: str, password: str, statements: Sequence[str]) -> None:
        """Change the password of a user. Errors are formatted as a list."""
        names = self._with_hash({"name": username, "username": username, "password": password})
        with _listed(), self._transaction("user does not appear to exist: ") as session:
            self._run(session, statements or [_CHANGE_PASSWORD], names, "failed to execute query: ")

    def extend(self, username: str, expires: float, statements: Sequence[str]) -> None:
        """Extend the validity of a user to ``expires``, seconds since the epoch. Errors are formatted as a list."""
        names = {"name": username, "username": username, "expiration": expiration(expires)}
        with _listed(), self._transaction("") as session:
            self._run(session, statements or [_EXTEND], names, "")

    def drop(self, username: str, statements: Sequence[str]) -> None:
        """Delete a user: by the role's statements, or after everything granted to it is revoked."""
        if statements:
            with self._transaction("") as session:
                self._run(session, statements, {"name": username, "username": username}, "")
            return
        with self._session() as session, self._reported():
            self._drop_all(session, username)

    def _drop_all(self, session: postgres.PostgresConnection, username: str) -> None:
        value, name = postgres.literal(username), postgres.identifier(username)
        if session.query(f"SELECT exists (SELECT rolname FROM pg_roles WHERE rolname={value})") != [["t"]]:
            return
        granted = session.query(
            f"SELECT DISTINCT table_schema FROM information_schema.role_column_grants WHERE grantee={value}"
        )
        [[database]] = session.query("SELECT current_database()")
        schemas = [postgres.identifier(schema or "") for [schema] in granted]
        revoked = [
            *(f"ALL PRIVILEGES ON ALL TABLES IN SCHEMA {schema}" for schema in schemas),
            *(f"USAGE ON SCHEMA {schema}" for schema in schemas),
            "ALL PRIVILEGES ON ALL TABLES IN SCHEMA public",
            "ALL PRIVILEGES ON ALL SEQUENCES IN SCHEMA public",
            "USAGE ON SCHEMA public",
            f"CONNECT ON DATABASE {postgres.identifier(database or '')}",
        ]
        last: PostgresError | None = None
        for what in revoked:
            try:
                session.query(f"REVOKE {what} FROM {name}")
            except PostgresError as error:
                last = error
        if last is not None:
            raise self._error(f"could not perform all revocation statements: {last}")
        session.query(f"DROP ROLE IF EXISTS {name}")

    # -- sessions ------------------------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self, unreachable: str) -> Iterator[postgres.PostgresConnection]:
        """Run the body in a transaction. ``unreachable`` is the prefix of errors of the connection."""
        with self._session(unreachable) as session:
            try:
                session.query("BEGIN")
                yield session
                session.query("COMMIT")
            except (PostgresError, DatabaseError) as error:
                with suppress(PostgresError):
                    session.query("ROLLBACK")
                raise error if isinstance(error, DatabaseError) else self._error(str(error)) from None

    @contextmanager
    def _session(self, unreachable: str = "") -> Iterator[postgres.PostgresConnection]:
        """Lend the plugin's idle session, or a new one, and store it for the next use."""
        now = self._call.now()
        with prefixed(unreachable):
            kept = self._idle.take(postgres.PostgresConnection, now, self._lifetime)
            session, since = kept or (self._connected(), now)
        try:
            yield session
        except OSError as error:
            session.close()
            raise DatabaseError(str(error)) from None
        finally:
            if not session.closed:
                self._idle.keep(session, since)

    def _connected(self) -> postgres.PostgresConnection:
        """Log in: one attempt for each TLS setting of the target."""
        target = self._target()
        address = "127.0.0.1" if target.host == "localhost" else target.host
        faults: list[ConnectFault] = []
        for over_tls in target.tls:
            try:
                return self._attempt(target, address, over_tls=over_tls)
            except ConnectFault as fault:
                faults.append(fault)
                if fault.code in _FINAL:
                    break
            except OSError:
                faults.append(ConnectFault("dial error", outside.refusal(address, target.port)))
        raise DatabaseError(self._shown(self._unconnected(target, address, faults)))

    def _attempt(self, target: PostgresTarget, address: str, *, over_tls: bool) -> postgres.PostgresConnection:
        if target.port in self._call.core.server.ports:
            raise ConnectFault("failed to receive message", "unexpected EOF")
        tls = self._context(target) if over_tls else None
        nonce = self._call.core.entropy.hex(12)
        place = (address, target.port)
        return postgres.PostgresConnection(place, target.settings, target.password, nonce, tls, target.host)

    def _context(self, target: PostgresTarget) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if not target.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context
        with error_context(raised=partial(ConnectFault, "tls error"), of=(OSError, TypeError)):
            context.load_verify_locations(cafile=target.root or None, cadata=self._ca or None)
        return context

    def _unconnected(self, target: PostgresTarget, address: str, faults: Sequence[ConnectFault]) -> str:
        user, database, last = target.user, target.database, faults[-1]
        if self._older:
            where = f"host={target.host} user={user} database={database}"
            return f"failed to connect to `{where}`: {last.stage} ({last.cause})"
        named = f"[{address}]" if ":" in address else address
        lines = [f"{named}:{target.port} ({target.host}): {fault}" for fault in faults]
        listed = f" {lines[0]}" if len(lines) == 1 else "".join(f"\n\t{line}" for line in lines)
        return f"failed to connect to `user={user} database={database}`:{listed}"

    def _target(self) -> PostgresTarget:
        url = self._url
        if postgresurl.is_url(url):
            url += f"{'&' if '?' in url else '?'}timezone=UTC"
            if "application_name" not in url:
                url += "&application_name=vault"
        try:
            return postgresurl.parse(url, "DSN" if self._older else "keyword/value")
        except ConnectionStringError as fault:
            if self._plain:
                raise DatabaseError(f"cannot parse connection url: {fault.cause}", whole=True) from None
            if fault.url or not self._older:
                raise DatabaseError("unable to parse connection url", whole=True) from None
            raise DatabaseError(f"cannot parse `{postgresurl.redacted(url)}`: {fault}") from None

    # -- statements ----------------------------------------------------------------------------------------------

    def _run(
        self, session: postgres.PostgresConnection, statements: Sequence[str], names: Mapping[str, str], before: str
    ) -> None:
        for statement in statements:
            for query in [statement] if _spans_lines(statement) else split(statement):
                with self._reported(before):
                    session.query(filled(query, names))

    def _with_hash(self, names: Mapping[str, str]) -> dict[str, str]:
        if not self._hashes:
            return dict(names)
        salt = self._call.core.entropy.bytes(16)
        return {**names, "password": scram.verifier(names["password"], salt)}

    def _reported(self, before: str = "") -> error_context:
        """Return a context manager that turns an error of the server into one of the plugin."""
        return error_context(before, self._error, of=PostgresError)

    def _error(self, text: str) -> DatabaseError:
        return DatabaseError(self._shown(text))

    def _shown(self, text: str) -> str:
        return text.replace(self._hidden, "[password]") if self._hidden else text


def _listed() -> AbstractContextManager[None]:
    """Format an error of the body as a list."""
    return reworded(lambda text: error_list([text]))


def expiration(expires: float) -> str:
    """Return a time, in seconds since the epoch, as it is written in statements."""
    return datetime.fromtimestamp(int(expires), UTC).strftime("%Y-%m-%d %H:%M:%S+0000")


def _spans_lines(statement: str) -> bool:
    """Return whether a statement contains the end of a block, and so must not be split at semicolons."""
    literals = re.findall(r"'.*?'", statement) or re.findall(r'".*?"', statement)
    # The real plugin removes only the last literal.
    rest = statement.replace(literals[-1], "") if literals else statement
    return re.search(r"\bEND\b", rest) is not None
