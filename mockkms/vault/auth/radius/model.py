"""RADIUS: logins with the password of an authentication server; the state of a mount."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from mockkms.vault.auth.token_params import TokenParams
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.loading import load_endpoints
from mockkms.vault.framework.records import Show, param
from mockkms.vault.products.features import Feature
from mockkms.world.stored import stored


@stored("auth.radius.RadiusConfig")
@dataclass
class RadiusConfig(TokenParams):
    """The authentication server, and the parameters of tokens. Times are seconds."""

    host: Annotated[str, param(Kind.STRING, help="The server's host.")] = ""
    port: Annotated[int, param(Kind.INT, help="The server's port.")] = 1812
    secret: Annotated[str, param(Kind.STRING, help="The secret shared with the server.", show=Show.NEVER)] = ""
    unregistered_user_policies: Annotated[
        str, param(Kind.STRING, help="Policies of users that are not registered, separated by commas.")
    ] = ""
    dial_timeout: Annotated[int, param(Kind.SECONDS, help="Seconds to wait for a connection.")] = 10
    read_timeout: Annotated[int, param(Kind.SECONDS, help="Seconds to wait for a response.")] = 10
    nas_port: Annotated[int, param(Kind.INT, help="NAS port of requests.")] = 10
    nas_identifier: Annotated[str, param(Kind.STRING, help="NAS identifier of requests.")] = ""
    case_insensitive_names: Annotated[
        bool, param(Kind.BOOL, help="User names are the same in any case.", needs=Feature.RADIUS_CASE)
    ] = False

    @property
    def unregistered_policies(self) -> list[str]:
        """The policies of users that are not registered, as sent between commas."""
        return self.unregistered_user_policies.split(",") if self.unregistered_user_policies.strip() else []


@stored("auth.radius.RadiusPerson")
@dataclass
class RadiusPerson:
    """A user of the world's authentication server."""

    password: str


@stored("auth.radius.Radius")
@dataclass
class Radius:
    """One mount."""

    config: RadiusConfig | None = None
    users: dict[str, list[str]] = field(default_factory=dict)
    """Policies by user, under the name as it was written."""
    directory: dict[str, RadiusPerson] = field(default_factory=dict)
    """The server's users by user name. If there are none, the server does not respond."""

    def canonical(self, name: str) -> str:
        """Return a user's name as it is stored."""
        return name.lower() if self.config is not None and self.config.case_insensitive_names else name

    def looked_up(self, call: Call, name: str) -> str:
        """Return the name under which a user is looked up."""
        return self.canonical(name) if call.core.product.has(Feature.RADIUS_EXACT_NAMES) else name.lower()


engine = Engine(
    "radius", kind="auth", new_state=Radius, help="Logins with user name and password of a RADIUS server.", waits=True
)

load_endpoints(__name__, "config", "login", "users")
