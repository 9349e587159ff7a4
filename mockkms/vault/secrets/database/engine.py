"""State of a database mount, and the engine that its endpoints are declared on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated

from mockkms.vault.framework.automated_rotation import AutomatedRotation
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.framework.storage_keys import refuse_relative
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.database.idle import IdleSession
from mockkms.world.stored import stored

PASSWORD, RSA_KEY, CERTIFICATE = "password", "rsa_private_key", "client_certificate"


class DatabaseError(BackendError):
    """A failure that a database or its plugin reports, with the plugin's text."""

    def __init__(self, text: str, *, whole: bool = False) -> None:
        super().__init__(text)
        self.whole = whole
        """The plugin reports this text without the usual prefixes."""


@contextmanager
def reworded(form: Callable[[str], str]) -> Iterator[None]:
    """Context manager: apply ``form`` to the text of a DatabaseError, unless the plugin reports it unchanged."""
    try:
        yield
    except DatabaseError as fault:
        raise fault if fault.whole else DatabaseError(form(str(fault))) from None


def prefixed(text: str) -> AbstractContextManager[None]:
    """Put ``text`` in front of a DatabaseError of the body, unless the plugin reports it as a whole."""
    return reworded(text.__add__)


@stored("database.DatabaseConnection")
@dataclass
class DatabaseConnection(AutomatedRotation, Record):
    """A connection of ``config/``: the plugin, and the settings that it connects with."""

    plugin_name: Annotated[str, param(Kind.STRING, help="The plugin, such as `postgresql-database-plugin`.")] = ""
    plugin_version: Annotated[str, param(Kind.STRING, help="Version of the plugin; only the built-in one exists.")] = ""
    verify_connection: Annotated[bool, param(Kind.BOOL, help="Connect when the connection is written.")] = True
    allowed_roles: Annotated[
        list[str], param(Kind.COMMA_STRINGS, help="Roles that may use the connection: names, globs, or `*`.")
    ] = field(default_factory=list)
    root_rotation_statements: Annotated[
        list[str], param(Kind.STRING_SLICE, help="Statements that rotate the root user's password.")
    ] = field(default_factory=list)
    password_policy: Annotated[str, param(Kind.STRING, help="Password policy of generated passwords.")] = ""
    connection_details: dict[str, object] = field(default_factory=dict)
    """All other parameters: what the plugin connects with."""
    opened: bool = True
    """The plugin runs. If it does not, the next use starts it, and verifies the connection if that is enabled."""

    answers: str = ""
    """The built-in plugin that answers for an external one; empty for a built-in plugin."""

    @property
    def implementation(self) -> str:
        """The built-in plugin whose checks and statements apply."""
        return self.answers or self.plugin_name

    @cached_property
    def idle(self) -> IdleSession:
        """The plugin's idle session with the database. It is not a setting, and copies do not share it."""
        return IdleSession()

    def stop(self) -> None:
        """Stop the plugin and close its session with the database."""
        self.opened = False
        self.idle.close()


@dataclass
class CredentialRole(Record):
    """What dynamic and static roles have in common."""

    db_name: Annotated[str, param(Kind.STRING, help="Name of the connection.")] = ""
    credential_type: Annotated[
        str, param(Kind.STRING, help="`password`, `rsa_private_key` or `client_certificate`.")
    ] = PASSWORD
    credential_config: Annotated[
        dict[str, object],
        param(Kind.KV_PAIRS, help="Settings of the credential type, such as `password_policy`.", show=Show.SET),
    ] = field(default_factory=dict)

    def changed(self) -> dict[str, object]:
        """Return the parameters that are not as a new role has them, the settings of credentials as texts."""
        changed = super().changed()
        if "credential_config" in changed:
            changed["credential_config"] = {name: str(value) for name, value in self.credential_config.items()}
        return changed


@stored("database.DatabaseRole")
@dataclass
class DatabaseRole(CredentialRole):
    """A dynamic role: users are created on demand. Durations in seconds."""

    default_ttl: Annotated[int, param(Kind.SECONDS, help="Default lease of users in seconds.")] = 0
    max_ttl: Annotated[int, param(Kind.SECONDS, help="Maximum lease of users in seconds.")] = 0
    creation_statements: Annotated[list[str], param(Kind.STRING_SLICE, help="Statements that create a user.")] = field(
        default_factory=list
    )
    revocation_statements: Annotated[list[str], param(Kind.STRING_SLICE, help="Statements that delete a user.")] = (
        field(default_factory=list)
    )
    rollback_statements: Annotated[
        list[str], param(Kind.STRING_SLICE, help="Statements that undo a failed creation.")
    ] = field(default_factory=list)
    renew_statements: Annotated[list[str], param(Kind.STRING_SLICE, help="Statements that extend a user.")] = field(
        default_factory=list
    )


@stored("database.StaticDatabaseRole")
@dataclass
class StaticDatabaseRole(CredentialRole):
    """A static role: an existing user whose password rotates. Durations in seconds."""

    username: Annotated[str, param(Kind.STRING, help="Name of the user.")] = ""
    rotation_period: Annotated[
        int, param(Kind.SECONDS, help="Seconds between rotations of the password, at least 5.")
    ] = 0
    rotation_statements: Annotated[list[str], param(Kind.STRING_SLICE, help="Statements that rotate the password.")] = (
        field(default_factory=list)
    )
    rotation_schedule: Annotated[
        str, param(Kind.STRING, help="Schedule of rotations in cron format.", needs=Feature.DATABASE_ROTATION)
    ] = ""
    rotation_window: Annotated[
        int,
        param(Kind.SECONDS, help="Seconds after a scheduled time in which to rotate.", needs=Feature.DATABASE_ROTATION),
    ] = 0
    self_managed_password: Annotated[
        str,
        param(
            Kind.STRING,
            help="The user's current password; for the enterprise edition only.",
            needs=Feature.DATABASE_ROTATION,
        ),
    ] = ""
    password: str = ""
    private_key: str = ""
    last_rotation: float = 0.0
    """Seconds since the epoch."""


@stored("database.Database")
@dataclass
class Database:
    """State of a mount."""

    connections: dict[str, DatabaseConnection] = field(default_factory=dict)
    roles: dict[str, DatabaseRole] = field(default_factory=dict)
    static_roles: dict[str, StaticDatabaseRole] = field(default_factory=dict)
    contacts_servers: bool = True
    """Databases on this machine are contacted. False while a world file is loaded."""

    def connection(self, product: Product, name: str) -> DatabaseConnection:
        """Return the connection ``name``. Raises BackendError if it does not exist."""
        refuse_relative(product, name, "failed to read connection configuration: ")
        found = self.connections.get(name)
        if found is None:
            raise BackendError(f"failed to find entry for connection with name: {quote(name)}")
        return found


engine = Engine(
    "database",
    kind="secret",
    new_state=Database,
    plugins=lambda state: [("database", connection.plugin_name) for connection in state.connections.values()],
    help="Database users, created on demand. PostgreSQL on this machine is contacted; other databases are assumed.",
    waits=True,
)
