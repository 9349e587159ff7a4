"""What an LDAP mount remembers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from mockkms.vault.auth.token_params import TokenParams
from mockkms.vault.framework.automated_rotation import AutomatedRotation
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.message import Request
from mockkms.vault.products.features import Feature

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context


@dataclass
class Config(TokenParams, AutomatedRotation):
    """The directory, how users and groups are found there, and what logins get. Times are seconds."""

    url: str = "ldap://127.0.0.1"
    userdn: str = ""
    anonymous_group_search: bool = False
    groupdn: str = ""
    groupfilter: str = "(|(memberUid={{.Username}})(member={{.UserDN}})(uniqueMember={{.UserDN}}))"
    groupattr: str = "cn"
    upndomain: str = ""
    username_as_alias: bool = False
    userfilter: str = "({{.UserAttr}}={{.Username}})"
    userattr: str = "cn"
    certificate: str = ""
    client_tls_cert: str = ""
    client_tls_key: str = ""
    insecure_tls: bool = False
    starttls: bool = False
    binddn: str = ""
    bindpass: str = ""
    deny_null_bind: bool = True
    discoverdn: bool = False
    tls_min_version: str = "tls12"
    tls_max_version: str = "tls12"
    use_token_groups: bool = False
    use_pre111_group_cn_behavior: bool = False
    request_timeout: int = 90
    connection_timeout: int = 30
    dereference_aliases: str = "never"
    max_page_size: int = 0
    case_sensitive_names: bool = False
    enable_samaccountname_login: bool = False
    password_policy: str = ""
    rotation_url: str = ""
    schema: str = "openldap"


@dataclass
class User:
    """Groups and policies that the mount itself gives a user."""

    groups: list[str] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)


@dataclass
class Person:
    """Who stands in the directory of this world."""

    password: str
    groups: list[str] = field(default_factory=list)
    """By name (the value of ``groupattr``) or by DN."""
    dn: str = ""
    """Empty: made of ``userattr`` and ``userdn``."""
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass
class Ldap:
    """One mount."""

    person: ClassVar = Person
    """What stands in ``directory``."""
    config: Config = field(default_factory=Config)
    users: dict[str, User] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    """Policies by group."""
    directory: dict[str, Person] = field(default_factory=dict)
    """The people of this world's directory by user name. Where there are none, no directory answers."""

    def canonical(self, name: str) -> str:
        """A name as it is kept."""
        return name if self.config.case_sensitive_names else name.lower()

    def login_name(self, name: str) -> str:
        """A user name as logins read it: directories, too, overlook blanks around it."""
        return self.canonical(name.strip())


def user_of(core: Context, request: Request, below: str) -> str:
    """Whose failed logins the lockout counts."""
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
