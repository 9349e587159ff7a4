"""Okta: logins with the password of an Okta organization; its groups have policies. The state of a mount."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from mockkms.vault.auth.token_params import TokenParams
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.loading import load_endpoints
from mockkms.vault.framework.records import Show, param
from mockkms.world.stored import stored

STATUSES = (
    "SUCCESS", "PASSWORD_WARN", "PASSWORD_EXPIRED", "LOCKED_OUT", "MFA_ENROLL", "MFA_ENROLL_ACTIVATE", "MFA_REQUIRED",
)  # fmt: skip
"""Okta's statuses after a correct password."""
PUSHED = ("approve", "deny", "ignore")
"""What a user answers to a push."""


@stored("auth.okta.OktaConfig")
@dataclass
class OktaConfig(TokenParams):
    """The organization, and the parameters of tokens."""

    old_names: ClassVar = ("ttl", "max_ttl")

    org_name: Annotated[str, param(Kind.STRING, help="Name of the organization.")] = ""
    api_token: Annotated[
        str, param(Kind.STRING, help="Okta API token; without it groups are not requested.", show=Show.NEVER)
    ] = ""
    base_url: Annotated[str, param(Kind.STRING, help="Domain of the API; default: okta.com.", show=Show.SET)] = ""
    production: Annotated[
        bool | None, param(Kind.BOOL, deprecated=True, help="False selects oktapreview.com.", show=Show.NEVER)
    ] = None
    bypass_okta_mfa: Annotated[bool, param(Kind.BOOL, help="Do not request second factors.")] = False

    @property
    def address(self) -> str:
        """The address of the organization."""
        usual = "oktapreview.com" if self.production is False else "okta.com"
        return f"https://{self.org_name}.{self.base_url or usual}"


@stored("auth.okta.OktaUser")
@dataclass
class OktaUser:
    """Groups and policies that the mount assigns to a user."""

    groups: list[str] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)


@stored("auth.okta.OktaPerson")
@dataclass
class OktaPerson:
    """A user of the world's Okta organization."""

    password: str
    groups: list[str] = field(default_factory=list)
    status: str = "SUCCESS"
    """One of ``STATUSES``."""
    totp: str = ""
    """Okta Verify's code, right where the status is ``MFA_REQUIRED``; empty: the user has no such factor."""
    google_totp: str = ""
    """Google Authenticator's code, right where the status is ``MFA_REQUIRED``; empty: the user has no such factor."""
    push: str = ""
    """What the user answers to a push of Okta Verify: one of ``PUSHED``; empty: the user has no such factor."""
    number: int = 0
    """The number that the user has to tap for a push; 0 without a number challenge."""


@stored("auth.okta.Okta")
@dataclass
class Okta:
    """One mount."""

    config: OktaConfig | None = None
    users: dict[str, OktaUser] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    """Policies by group."""
    directory: dict[str, OktaPerson] = field(default_factory=dict)
    """Okta's users by user name. If there are none, Okta cannot be reached."""
    numbers: dict[str, int] = field(default_factory=dict)
    """The numbers of logins that wait for the answer to a number challenge, by nonce."""

    def known_group(self, name: str) -> str | None:
        """Return the stored name of a group, or None; Okta ignores case."""
        if name in self.groups:
            return name
        return next((known for known in sorted(self.groups) if known.casefold() == name.casefold()), None)


engine = Engine("okta", kind="auth", new_state=Okta, help="Logins with user name and password at Okta.", waits=True)

load_endpoints(__name__, "config", "entries", "login")
