"""A session with a MySQL or MariaDB server on this machine, by the driver PyMySQL (extra ``databases``).

Errors have the texts of Go's driver, ``go-sql-driver/mysql``.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from threading import Timer
from typing import Any

from mockkms.outside import PATIENCE
from mockkms.outside.turn import Abandoned, waiting

_STATES = {
    1044: "42000", 1045: "28000", 1049: "42000", 1050: "42S01", 1051: "42S02", 1054: "42S22", 1062: "23000",
    1064: "42000", 1115: "42000", 1141: "42000", 1142: "42000", 1143: "42000", 1146: "42S02", 1147: "42000",
    1149: "42000", 1227: "42000", 1231: "42000", 1286: "42000", 1305: "42000", 1698: "28000",
}  # fmt: skip
"""SQLSTATE by error number, which PyMySQL does not keep; HY000 for others. Source: MySQL's error reference."""
_MOST = 1 << 20
"""Bytes that the server may send in answer to a login or a statement: small rows take forty times their size."""
_OF_CLIENT = range(2000, 3000)
"""Numbers of the driver's own errors: the connection is lost, or the server is not one."""


class MysqlError(Exception):
    """An error of the server."""


@cache
def driver() -> Any:
    """Return the module ``pymysql``; None if it is not installed."""
    with suppress(ImportError):
        return import_module("pymysql")
    return None


@cache
def _bounded_driver() -> Any:
    """Return the driver's connection, limited in what it reads."""
    base = driver().connections.Connection

    class LimitedConnection(base):  # type: ignore[misc, valid-type]
        """Reads at most ``allowance`` bytes; each call of ``MysqlConnection`` resets it."""

        allowance = _MOST

        def _read_bytes(self, num_bytes: int) -> object:
            self.allowance -= num_bytes
            if self.allowance < 0:
                raise OSError("response too large")
            return super()._read_bytes(num_bytes)

    return LimitedConnection


class MysqlConnection:
    """A session. Each call takes at most ``PATIENCE`` seconds, and reads at most ``_MOST`` bytes."""

    def __init__(
        self, address: tuple[str, int], user: str, password: str, database: str, tls: ssl.SSLContext | None = None
    ) -> None:
        """Log in. Raises OSError without a server, and MysqlError."""
        self.closed = False
        with waiting():
            connection = socket.create_connection(address, timeout=PATIENCE)
        self._second = connection.dup()
        """The same connection: the driver may wrap the first socket in TLS."""
        self._session: Any = None
        try:
            with self._bounded():
                self._session = _bounded_driver()(
                    host=address[0], port=address[1], user=user, password=password, database=database or None,
                    ssl=tls, defer_connect=True, read_timeout=PATIENCE, write_timeout=PATIENCE, charset="utf8mb4",
                )  # fmt: skip
                self._session.connect(connection)
        except BaseException:
            connection.close()
            self.close()
            raise

    def query(self, statement: str) -> None:
        """Run a statement. Raises MysqlError, and OSError if the connection is lost or the answer is too large."""
        with self._bounded():
            self._session.allowance = _MOST
            self._session.query(statement)

    def selected(self, statement: str, *values: str) -> list[tuple[object, ...]]:
        """Return the rows of a statement in which each ``%s`` stands for a value. Raises like ``query``."""
        with self._bounded():
            self._session.allowance = _MOST
            with self._session.cursor() as cursor:
                cursor.execute(statement, values)
                return list(cursor.fetchall())

    def alive(self) -> bool:
        """Return whether the session still answers."""
        try:
            self.query("DO 0")
        except (OSError, MysqlError):
            return False
        return True

    def close(self) -> None:
        """Close the session."""
        self.closed = True
        self._cut()
        # A socket that was shut down and stays open keeps a server waiting that still sends.
        if self._session is not None and self._session.open:
            self._session.close()
        self._second.close()

    def _cut(self) -> None:
        with suppress(OSError):
            self._second.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def _bounded(self) -> Iterator[None]:
        """Release the world meanwhile, end what takes too long, and translate the driver's errors."""
        timer = Timer(PATIENCE, self._cut)
        timer.daemon = True
        timer.start()
        try:
            with waiting():
                yield
        except (OSError, Abandoned):
            raise
        except Exception as error:  # noqa: BLE001 - given garbage, the driver raises whatever its parsing does
            number, text = (*error.args, "", "")[:2]
            if not isinstance(error, driver().err.MySQLError) or not isinstance(number, int) or number in _OF_CLIENT:
                raise OSError("invalid connection") from None
            raise MysqlError(f"Error {number} ({_STATES.get(number, 'HY000')}): {text}") from None
        finally:
            timer.cancel()
