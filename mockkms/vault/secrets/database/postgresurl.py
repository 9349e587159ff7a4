"""Connection strings of PostgreSQL, URLs or keywords with values, parsed as by the driver ``pgx``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import parse_qsl, unquote

from mockkms import outside
from mockkms.error_context import error_context
from mockkms.go_urls import parse_fault, parse_url
from mockkms.vault.golang.integers import parse_uint

_SCHEMES = ("postgres://", "postgresql://")
_NAMES = {"dbname": "database"}
_TLS = {
    "disable": (False,),
    "allow": (False, True),
    "prefer": (True, False),
    "require": (True,),
    "verify-ca": (True,),
    "verify-full": (True,),
}
"""For each ``sslmode``, whether each attempt to connect uses TLS."""
_OURS = frozenset(
    (
        "host", "port", "database", "user", "password", "passfile", "connect_timeout", "sslmode", "sslkey", "sslcert",
        "sslrootcert", "sslnegotiation", "sslpassword", "sslsni", "krbspn", "krbsrvname", "target_session_attrs",
        "service", "servicefile",
    )
)  # fmt: skip
"""Settings of the driver. All others are parameters of the session."""


class ConnectionStringError(ValueError):
    """An invalid connection string: ``what`` failed and its ``cause``; ``url`` if it cannot be parsed as a URL."""

    def __init__(self, what: str, cause: str, *, url: bool = False) -> None:
        super().__init__(f"{what} ({cause})")
        self.what, self.cause, self.url = what, cause, url


@dataclass(frozen=True)
class PostgresTarget:
    """The address of a server and the parameters of a session with it."""

    host: str
    port: int
    user: str
    password: str
    database: str
    tls: tuple[bool, ...]
    """Whether each attempt uses TLS."""
    verify: bool = False
    """The server's certificate must be valid for the host."""
    root: str = ""
    """Path of a file with the trusted root certificates (PEM)."""
    session: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, str]:
        """Return the parameters of the startup message."""
        database = {"database": self.database} if self.database else {}
        return {**self.session, "user": self.user, **database}


def is_url(text: str) -> bool:
    """Return whether a connection string is a URL rather than keywords with values."""
    return text.startswith(_SCHEMES)


def parse(text: str, keywords: str) -> PostgresTarget:
    """Parse a connection string. ``keywords`` is the driver's name of the keyword form in its errors.

    Raises ConnectionStringError.
    """
    found = _url(text) if is_url(text) else _keywords(text, keywords)
    mode = found.get("sslmode") or "prefer"
    port = found.get("port") or "5432"
    with error_context(raised=partial(ConnectionStringError, "invalid port")):
        if not parse_uint(port, bits=16):
            raise ValueError("outside range")
    if mode not in _TLS:
        raise ConnectionStringError("failed to configure TLS", "sslmode is invalid")
    return PostgresTarget(
        host=found.get("host", ""),
        port=int(port),
        user=found.get("user", ""),
        password=found.get("password", ""),
        database=found.get("database", ""),
        tls=_TLS[mode],
        verify=mode == "verify-full",
        root=found.get("sslrootcert", ""),
        session={name: value for name, value in found.items() if name not in _OURS},
    )


def _url(text: str) -> dict[str, str]:
    fault = parse_fault(text)
    if fault:
        raise ConnectionStringError("failed to parse as URL", fault.rpartition('": ')[2], url=True)
    parts = parse_url(text)
    found = {
        "host": unquote(parts.hostname or ""),
        "port": outside.port_of(text),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "database": unquote(parts.path.lstrip("/")),
    }
    found |= {_NAMES.get(name, name): value for name, value in parse_qsl(parts.query, keep_blank_values=True)}
    return {name: value for name, value in found.items() if value}


_PAIR = re.compile(r"\s*([^=\s]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|([^\s']*))(?=\s|$)")


def _keywords(text: str, named: str) -> dict[str, str]:
    found: dict[str, str] = {}
    place = 0
    while text[place:].strip():
        match = _PAIR.match(text, place)
        if match is None:
            raise ConnectionStringError(f"failed to parse as {named}", f"invalid {named}".lower())
        name, quoted, plain = match.groups()
        value = quoted if quoted is not None else plain
        found[_NAMES.get(name, name)] = re.sub(r"\\(.)", r"\1", value)
        place = match.end()
    return found


def redacted(text: str) -> str:
    """Return a connection string with its password replaced, as the driver prints it."""
    if is_url(text):
        return re.sub(r"(://[^:/@]*:)[^@]*@", r"\1xxxxx@", text, count=1)
    return re.sub(r"password='[^']*'|password=[^ ]*", "password=xxxxx", text)
