"""LDAP: logins with a directory's password; its groups have policies. The state of a mount."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from mockkms.vault.auth.token_params import TokenParams
from mockkms.vault.directories.settings import DirectorySettings
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.loading import load_endpoints
from mockkms.vault.framework.message import Request
from mockkms.vault.framework.records import param
from mockkms.vault.products.features import Feature
from mockkms.world.stored import stored

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Environment


@stored("auth.ldap.LdapConfig")
@dataclass
class LdapConfig(DirectorySettings, TokenParams):
    """The directory, the searches for users and groups, and the parameters of tokens. Times are seconds."""

    use_pre111_group_cn_behavior: Annotated[
        bool | None, param(Kind.BOOL, help="Use only an upper-case CN of a group's DN.")
    ] = False


@stored("auth.ldap.LdapUser")
@dataclass
class LdapUser:
    """Groups and policies that the mount assigns to a user."""

    groups: list[str] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)


@stored("auth.ldap.LdapPerson")
@dataclass
class LdapPerson:
    """A person in the world's directory."""

    password: str
    groups: list[str] = field(default_factory=list)
    """By name (the value of ``groupattr``) or by DN."""
    dn: str = ""
    """Empty: built from ``userattr`` and ``userdn``."""
    attributes: dict[str, str] = field(default_factory=dict)


@stored("auth.ldap.Ldap")
@dataclass
class Ldap:
    """One mount."""

    config: LdapConfig = field(default_factory=LdapConfig)
    users: dict[str, LdapUser] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    """Policies by group."""
    directory: dict[str, LdapPerson] = field(default_factory=dict)
    """The people of this world's directory by user name. Without people, the directory does not respond."""

    def canonical(self, name: str) -> str:
        """Return a name as it is stored."""
        return name if self.config.case_sensitive_names else name.lower()

    def login_name(self, name: str) -> str:
        """Return a user name as logins read it: like directories, without surrounding blanks."""
        return self.canonical(name.strip())


def user_of(core: Environment, request: Request, below: str) -> str:
    """Return the user name for the user lockout."""
    mount = core.state.mounts.match(request.namespace, request.path)
    name = below.removeprefix("login/")
    if mount is None:
        return name
    state: Ldap = mount.state
    return state.canonical(name) if core.product.has(Feature.LDAP_CLIENT) else state.login_name(name)


engine = Engine(
    "auth/ldap",
    kind="auth",
    new_state=Ldap,
    user=user_of,
    help="Logins with the user name and password that an LDAP directory knows.",
    waits=True,
)

load_endpoints(__name__, "config", "entries", "login", "rotateroot")
