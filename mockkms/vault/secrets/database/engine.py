"""State of a database mount, and the engine that its endpoints are declared on."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mockkms.vault.framework.automated_rotation import AutomatedRotation
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.message import BackendError
from mockkms.vault.secrets.database.idle import IdleSession

PASSWORD, RSA_KEY, CERTIFICATE = "password", "rsa_private_key", "client_certificate"


class DatabaseError(BackendError):
    """A failure that a database or its plugin reports, with the plugin's text."""

    def __init__(self, text: str, *, whole: bool = False) -> None:
        super().__init__(text)
        self.whole = whole
        """The plugin reports this text without the usual prefixes."""

    def prefixed(self, text: str) -> DatabaseError:
        """Return the error with ``text`` in front, unless the plugin reports it without prefixes."""
        return self if self.whole else DatabaseError(f"{text}{self}")


@dataclass
class DatabaseConnection(AutomatedRotation):
    """A connection of ``config/``: the plugin, and the settings that it connects with."""

    plugin_name: str = ""
    plugin_version: str = ""
    connection_details: dict[str, Any] = field(default_factory=dict)
    allowed_roles: list[str] = field(default_factory=list)
    root_credentials_rotate_statements: list[str] = field(default_factory=list)
    password_policy: str = ""
    verify_connection: bool = True
    opened: bool = True
    """The plugin runs. If it does not, the next use starts it, and verifies the connection if that is enabled."""

    @cached_property
    def idle(self) -> IdleSession:
        """The plugin's idle session with the database. It is not a setting, and copies do not share it."""
        return IdleSession()

    def stop(self) -> None:
        """Stop the plugin and close its session with the database."""
        self.opened = False
        self.idle.close()


@dataclass
class DatabaseRole:
    """A dynamic role: users are created on demand. Durations in seconds."""

    db_name: str = ""
    creation_statements: list[str] = field(default_factory=list)
    revocation_statements: list[str] = field(default_factory=list)
    rollback_statements: list[str] = field(default_factory=list)
    renew_statements: list[str] = field(default_factory=list)
    default_ttl: int = 0
    max_ttl: int = 0
    credential_type: str = PASSWORD
    credential_config: dict[str, Any] = field(default_factory=dict)


@dataclass
class StaticDatabaseRole:
    """A static role: an existing user whose password rotates. Durations in seconds."""

    db_name: str = ""
    username: str = ""
    rotation_period: int = 0
    rotation_schedule: str = ""
    rotation_window: int = 0
    rotation_statements: list[str] = field(default_factory=list)
    self_managed_password: str = ""
    credential_type: str = PASSWORD
    credential_config: dict[str, Any] = field(default_factory=dict)
    password: str = ""
    private_key: str = ""
    last_rotation: float = 0.0
    """Seconds since the epoch."""


@dataclass
class Database:
    """State of a mount."""

    connections: dict[str, DatabaseConnection] = field(default_factory=dict)
    roles: dict[str, DatabaseRole] = field(default_factory=dict)
    static_roles: dict[str, StaticDatabaseRole] = field(default_factory=dict)
    contacts_servers: bool = True
    """Databases on this machine are contacted. False while a world file is loaded."""

    def connection(self, name: str) -> DatabaseConnection:
        """Return the connection ``name``. Raises BackendError if it does not exist."""
        found = self.connections.get(name)
        if found is None:
            raise BackendError(f'failed to find entry for connection with name: "{name}"')
        return found


engine = Engine(
    "database",
    kind="secret",
    new_state=Database,
    plugins=lambda state: [("database", connection.plugin_name) for connection in state.connections.values()],
    help="Database users, created on demand. PostgreSQL on this machine is contacted; other databases are assumed.",
    waits=True,
)
