"""State of a database mount, and the engine that its endpoints are declared on."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mockkms.vault.framework.automated_rotation import AutomatedRotation
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.message import BackendError
from mockkms.vault.secrets.database.idle import Idle

PASSWORD, RSA_KEY, CERTIFICATE = "password", "rsa_private_key", "client_certificate"


class DatabaseFault(ValueError):
    """What a database, or the plugin for it, refused."""

    def __init__(self, text: str, *, whole: bool = False) -> None:
        super().__init__(text)
        self.whole = whole
        """The plugin puts this text in place of everything that stood before it."""

    def behind(self, text: str) -> DatabaseFault:
        """Return the fault with what was tried before it."""
        return self if self.whole else DatabaseFault(f"{text}{self}")


@dataclass
class Connection(AutomatedRotation):
    """How a database is reached: ``config/``."""

    plugin_name: str = ""
    plugin_version: str = ""
    connection_details: dict[str, Any] = field(default_factory=dict)
    allowed_roles: list[str] = field(default_factory=list)
    root_credentials_rotate_statements: list[str] = field(default_factory=list)
    password_policy: str = ""
    verify_connection: bool = True
    opened: bool = True
    """The plugin runs; otherwise it begins with the next use, and connects if it verifies."""

    @cached_property
    def idle(self) -> Idle:
        """The plugin's session with the database, as long as it waits: no setting, and in no copy."""
        return Idle()

    def end(self) -> None:
        """End the plugin, and its session with the database."""
        self.opened = False
        self.idle.close()


@dataclass
class Role:
    """What users of a dynamic role are made with. Durations in seconds."""

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
class StaticRole:
    """A user that is there already, whose password rotates. Durations in seconds."""

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

    connections: dict[str, Connection] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    static_roles: dict[str, StaticRole] = field(default_factory=dict)
    asks: bool = True
    """Databases on this machine are asked; False while a world is read."""

    def connection(self, name: str) -> Connection:
        """A connection. Raises BackendError where there is none."""
        found = self.connections.get(name)
        if found is None:
            raise BackendError(f'failed to find entry for connection with name: "{name}"')
        return found


engine = Engine(
    "database",
    kind="secret",
    new_state=Database,
    plugins=lambda state: [("database", connection.plugin_name) for connection in state.connections.values()],
    help="Users of databases, made on demand. A PostgreSQL on this machine is asked; others are taken as there.",
    waits=True,
)
