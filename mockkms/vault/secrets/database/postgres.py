"""A PostgreSQL server on this machine, which is asked for real: users are made there by the statements of their roles.

The real plugin's statements, transactions and texts; those of a connection are the driver's (``pgx``).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from mockkms import outside
from mockkms.outside import postgres, scram
from mockkms.outside.postgres import ConnectFault, PostgresError
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.fields import Kind, convert
from mockkms.vault.golang.fmt import error_list
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.database import postgresurl
from mockkms.vault.secrets.database.engine import Connection, DatabaseFault
from mockkms.vault.secrets.database.postgresurl import Target, UrlFault

_CHANGE_PASSWORD = "ALTER ROLE \"{{username}}\" WITH PASSWORD '{{password}}';"
_EXTEND = "ALTER ROLE \"{{name}}\" VALID UNTIL '{{expiration}}';"
_FINAL = ("28P01", "3D000", "42501")
"""Codes after which the driver makes no other attempt."""


class Postgres:
    """The server of a connection. Every method raises DatabaseFault in the plugin's words."""

    def __init__(self, call: Call, connection: Connection, url: str) -> None:
        self._call, self._url, self._idle = call, url, connection.idle
        details = connection.connection_details
        self._lifetime = _seconds(details.get("max_connection_lifetime"))
        self._hidden = str(details.get("password") or "")
        self._hashes = details.get("password_authentication") == scram.MECHANISM.lower()
        self._ca = str(details.get("tls_ca") or "")
        self._older = call.core.product.has(Feature.OLDER_POSTGRES_DRIVER)
        self._plain = call.core.product.has(Feature.PLAIN_VERIFICATION)

    def verify(self) -> None:
        """Connect, and no more."""
        ping = "" if self._plain else "ping failed: "
        try:
            with self._session():
                pass
        except DatabaseFault as fault:
            raise fault.behind(f"error verifying connection: {ping}") from None

    def create(self, names: Mapping[str, str], statements: Sequence[str]) -> None:
        """Make a user: ``names`` are ``name``, ``username``, ``password`` and ``expiration`` of the statements."""
        if not statements:
            raise DatabaseFault("empty creation statements")
        with self._transaction("unable to start transaction: ") as session:
            self._run(session, statements, self._with_hash(names), "failed to execute query: ")

    def change_password(self, username: str, password: str, statements: Sequence[str]) -> None:
        """Give a user another password. The faults stand in a list."""
        names = self._with_hash({"name": username, "username": username, "password": password})
        with _listed(), self._transaction("user does not appear to exist: ") as session:
            self._run(session, statements or [_CHANGE_PASSWORD], names, "failed to execute query: ")

    def extend(self, username: str, expires: float, statements: Sequence[str]) -> None:
        """Let a user live until ``expires``, in seconds since the epoch. The faults stand in a list."""
        names = {"name": username, "username": username, "expiration": expiration(expires)}
        with _listed(), self._transaction("") as session:
            self._run(session, statements or [_EXTEND], names, "")

    def drop(self, username: str, statements: Sequence[str]) -> None:
        """Take a user away, by the role's statements or with everything that was granted to it."""
        if statements:
            with self._transaction("") as session:
                self._run(session, statements, {"name": username, "username": username}, "")
            return
        with self._session() as session:
            try:
                self._drop_all(session, username)
            except PostgresError as error:
                raise self._fault(error) from None

    def _drop_all(self, session: postgres.Connection, username: str) -> None:
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
            raise self._fault(last, "could not perform all revocation statements: ")
        session.query(f"DROP ROLE IF EXISTS {name}")

    # -- sessions ------------------------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self, unreachable: str) -> Iterator[postgres.Connection]:
        """A transaction, which a fault undoes; ``unreachable`` stands before what keeps it from beginning."""
        with self._session(unreachable) as session:
            try:
                session.query("BEGIN")
                yield session
                session.query("COMMIT")
            except (PostgresError, DatabaseFault) as error:
                with suppress(PostgresError):
                    session.query("ROLLBACK")
                raise error if isinstance(error, DatabaseFault) else self._fault(error) from None

    @contextmanager
    def _session(self, unreachable: str = "") -> Iterator[postgres.Connection]:
        """The plugin's session, or a new one, which then waits for the next use."""
        now = self._call.now()
        try:
            session, since = self._idle.take(now, self._lifetime) or (self._connected(), now)
        except DatabaseFault as fault:
            raise fault.behind(unreachable) from None
        try:
            yield session
        except OSError as error:
            session.close()
            raise DatabaseFault(str(error)) from None
        finally:
            if not session.closed:
                self._idle.keep(session, since)

    def _connected(self) -> postgres.Connection:
        """Log in, attempt by attempt."""
        target = self._target()
        address = "127.0.0.1" if target.host == "localhost" else target.host
        faults: list[ConnectFault] = []
        for over_tls in target.tls:
            try:
                return self._attempt(target, address, over_tls)
            except ConnectFault as fault:
                faults.append(fault)
                if fault.code in _FINAL:
                    break
            except OSError:
                faults.append(ConnectFault("dial error", outside.refusal(address, target.port)))
        raise DatabaseFault(self._shown(self._unconnected(target, address, faults)))

    def _attempt(self, target: Target, address: str, over_tls: bool) -> postgres.Connection:
        if target.port in self._call.core.own_ports:
            raise ConnectFault("failed to receive message", "unexpected EOF")
        tls = self._context(target) if over_tls else None
        nonce = self._call.core.entropy.hex(12)
        place = (address, target.port)
        return postgres.Connection(place, target.settings, target.password, nonce, tls, target.host)

    def _context(self, target: Target) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if not target.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context
        try:
            context.load_verify_locations(cafile=target.root or None, cadata=self._ca or None)
        except (OSError, TypeError) as error:
            raise ConnectFault("tls error", error) from None
        return context

    def _unconnected(self, target: Target, address: str, faults: Sequence[ConnectFault]) -> str:
        user, database, last = target.user, target.database, faults[-1]
        if self._older:
            where = f"host={target.host} user={user} database={database}"
            return f"failed to connect to `{where}`: {last.stage} ({last.cause})"
        named = f"[{address}]" if ":" in address else address
        lines = [f"{named}:{target.port} ({target.host}): {fault}" for fault in faults]
        listed = f" {lines[0]}" if len(lines) == 1 else "".join(f"\n\t{line}" for line in lines)
        return f"failed to connect to `user={user} database={database}`:{listed}"

    def _target(self) -> Target:
        url = self._url
        if postgresurl.is_url(url):
            url += f"{'&' if '?' in url else '?'}timezone=UTC"
            if "application_name" not in url:
                url += "&application_name=vault"
        try:
            return postgresurl.parse(url, "DSN" if self._older else "keyword/value")
        except UrlFault as fault:
            if fault.url or not (self._older or self._plain):
                raise DatabaseFault("unable to parse connection url", whole=True) from None
            if self._older:
                raise DatabaseFault(f"cannot parse `{postgresurl.redacted(url)}`: {fault}") from None
            raise DatabaseFault(f"cannot parse connection url: {fault.cause}", whole=True) from None

    # -- statements ----------------------------------------------------------------------------------------------

    def _run(
        self, session: postgres.Connection, statements: Sequence[str], names: Mapping[str, str], before: str
    ) -> None:
        for statement in statements:
            for query in [statement] if _spans_lines(statement) else split(statement):
                try:
                    session.query(_filled(query, names))
                except PostgresError as error:
                    raise self._fault(error, before) from None

    def _with_hash(self, names: Mapping[str, str]) -> dict[str, str]:
        if not self._hashes:
            return dict(names)
        salt = self._call.core.entropy.bytes(16)
        return {**names, "password": scram.verifier(names["password"], salt)}

    def _fault(self, error: Exception, before: str = "") -> DatabaseFault:
        return DatabaseFault(self._shown(f"{before}{error}"))

    def _shown(self, text: str) -> str:
        return text.replace(self._hidden, "[password]") if self._hidden else text


def _seconds(setting: object) -> float:
    try:
        return float(convert(Kind.SECONDS, setting)[1]) if setting is not None else 0
    except ValueError:
        return 0


@contextmanager
def _listed() -> Iterator[None]:
    try:
        yield
    except DatabaseFault as fault:
        raise fault if fault.whole else DatabaseFault(error_list([str(fault)])) from None


def expiration(expires: float) -> str:
    """Return a time, in seconds since the epoch, as statements have it."""
    return datetime.fromtimestamp(int(expires), UTC).strftime("%Y-%m-%d %H:%M:%S+0000")


def _filled(query: str, names: Mapping[str, str]) -> str:
    for name, value in names.items():
        query = query.replace(f"{{{{{name}}}}}", value)
    return query


def _spans_lines(statement: str) -> bool:
    """Whether a statement has to be run as it stands: a block ends in it."""
    rest = statement
    for literal in [*re.findall(r'".*?"', statement), *re.findall(r"'.*?'", statement)]:
        # The real plugin takes out the last one only.
        rest = statement.replace(literal, "")
    return re.search(r"\bEND\b", rest) is not None


def split(statement: str) -> list[str]:
    """Return the statements in a text: parted by semicolons, or a list in JSON, either of them in base64 too."""
    text = statement.strip()
    with suppress(binascii.Error, ValueError):
        text = base64.b64decode(text, validate=True).decode()
    parts: Any
    try:
        parts = json.loads(text)
    except ValueError:
        parts = None
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        parts = text.split(";")
    return [part.strip() for part in parts if part.strip()]
