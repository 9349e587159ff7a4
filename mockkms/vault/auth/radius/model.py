"""What a RADIUS mount remembers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from mockkms.vault.auth.token_params import TokenParams
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.engine import Engine
from mockkms.vault.products.features import Feature


@dataclass
class Config(TokenParams):
    """The authentication server, and what logins get. Times are seconds."""

    host: str = ""
    port: int = 1812
    secret: str = ""
    unregistered_user_policies: list[str] = field(default_factory=list)
    """As sent between commas."""
    dial_timeout: int = 10
    read_timeout: int = 10
    nas_port: int = 10
    nas_identifier: str = ""
    case_insensitive_names: bool = False


@dataclass
class Person:
    """Who the authentication server of this world knows."""

    password: str


@dataclass
class Radius:
    """One mount."""

    person: ClassVar = Person
    """What stands in ``directory``."""
    config: Config | None = None
    users: dict[str, list[str]] = field(default_factory=dict)
    """Policies by user, under the name as it was written."""
    directory: dict[str, Person] = field(default_factory=dict)
    """Whom the authentication server knows, by user name. Where it knows nobody, no server answers."""

    def canonical(self, name: str) -> str:
        """Return a user's name as it is kept."""
        return name.lower() if self.config is not None and self.config.case_insensitive_names else name

    def looked_up(self, call: Call, name: str) -> str:
        """Return the name under which a user is looked for."""
        return self.canonical(name) if call.core.product.has(Feature.RADIUS_EXACT_NAMES) else name.lower()


engine = Engine(
    "radius", kind="auth", new_state=Radius, help="Logins with user name and password of a RADIUS server.", waits=True
)
