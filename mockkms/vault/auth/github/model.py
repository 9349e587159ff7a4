"""What a GitHub mount remembers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from mockkms.vault.auth.token_params import TokenParams
from mockkms.vault.framework.engine import Engine


@dataclass
class Config(TokenParams):
    """The organization, and what logins of its members get."""

    organization: str = ""
    organization_id: int = 0
    base_url: str = ""


@dataclass
class Account:
    """What the GitHub of this world knows of one token."""

    user: str
    org: list[str] = field(default_factory=list)
    """Organizations by name."""
    teams: list[str] = field(default_factory=list)
    """Teams by name, in the organization that the mount asks for."""


@dataclass
class Github:
    """One mount."""

    person: ClassVar = Account
    """What stands in ``directory``."""
    config: Config | None = None
    teams: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Mappings as they were sent, by key in lower case."""
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    directory: dict[str, Account] = field(default_factory=dict)
    """The accounts of this world's GitHub, by token. Where there are none, nobody answers at GitHub's address."""


engine = Engine("github", kind="auth", new_state=Github, help="Logins with GitHub personal access tokens.", waits=True)
