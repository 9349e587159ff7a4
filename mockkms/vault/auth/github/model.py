"""GitHub: logins with personal access tokens; teams have policies. The state of a mount."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from mockkms.vault.auth.token_params import TokenParams
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.loading import load_endpoints
from mockkms.vault.framework.records import param
from mockkms.world.stored import stored

Mappings = dict[str, dict[str, object]]
"""Policies by team or user, as they were sent, by key in lower case."""


@stored("auth.github.GithubConfig")
@dataclass
class GithubConfig(TokenParams):
    """The organization, and the parameters of its members' tokens."""

    old_names: ClassVar = ("ttl", "max_ttl")

    organization: Annotated[str, param(Kind.STRING, help="The organization that users must be members of.")] = ""
    organization_id: Annotated[int, param(Kind.INT64, help="The organization's id; looked up if absent.")] = 0
    base_url: Annotated[str, param(Kind.STRING, help="The API's address, of GitHub Enterprise or a substitute.")] = ""


@stored("auth.github.GithubAccount")
@dataclass
class GithubAccount:
    """The account of the world's GitHub that a token belongs to."""

    user: str
    org: list[str] = field(default_factory=list)
    """Organizations by name."""
    teams: list[str] = field(default_factory=list)
    """Teams by name, in the organization of the mount's configuration."""


@stored("auth.github.Github")
@dataclass
class Github:
    """One mount."""

    config: GithubConfig | None = None
    teams: Mappings = field(default_factory=dict)
    users: Mappings = field(default_factory=dict)
    directory: dict[str, GithubAccount] = field(default_factory=dict)
    """The accounts of the world's GitHub, by token. If there are none, GitHub cannot be reached."""


engine = Engine("github", kind="auth", new_state=Github, help="Logins with GitHub personal access tokens.", waits=True)

load_endpoints(__name__, "config", "login", "maps")
