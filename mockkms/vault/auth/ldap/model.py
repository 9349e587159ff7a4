"""LDAP: logins with a directory's password; its groups have policies. The state of a mount."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from mockkms.vault.auth.token_params import TokenParams
from mockkms.vault.framework.automated_rotation import AutomatedRotation
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.loading import load_endpoints
from mockkms.vault.framework.message import Request
from mockkms.vault.framework.records import Show, param
from mockkms.vault.products.features import Feature
from mockkms.world.stored import stored

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Environment


@stored("auth.ldap.LdapConfig")
@dataclass
class LdapConfig(TokenParams, AutomatedRotation):
    """The directory, the searches for users and groups, and the parameters of tokens. Times are seconds."""

    url: Annotated[
        str, param(Kind.STRING, help="Address of the directory, or several with commas, tried in order.")
    ] = "ldap://127.0.0.1"
    userdn: Annotated[str, param(Kind.STRING, help="Base DN of the search for users.")] = ""
    anonymous_group_search: Annotated[bool, param(Kind.BOOL, help="Search for groups anonymously.")] = False
    groupdn: Annotated[
        str,
        param(Kind.STRING, help="Base DN of the search for groups; without it the directory's groups are not used."),
    ] = ""
    groupfilter: Annotated[str, param(Kind.STRING, help="Go template of the query for a user's groups.")] = (
        "(|(memberUid={{.Username}})(member={{.UserDN}})(uniqueMember={{.UserDN}}))"
    )
    groupattr: Annotated[str, param(Kind.STRING, help="Attribute that names a group.")] = "cn"
    upndomain: Annotated[str, param(Kind.STRING, help="Log in as user@upndomain.")] = ""
    username_as_alias: Annotated[bool, param(Kind.BOOL, help="The alias is the user name.")] = False
    userfilter: Annotated[str, param(Kind.STRING, help="Go template of the query for a user.")] = (
        "({{.UserAttr}}={{.Username}})"
    )
    userattr: Annotated[str, param(Kind.STRING, help="Attribute that names a user.")] = "cn"
    certificate: Annotated[str, param(Kind.STRING, help="CA certificate of the directory, PEM.")] = ""
    client_tls_cert: Annotated[str, param(Kind.STRING, help="Client certificate, PEM.", show=Show.NEVER)] = ""
    client_tls_key: Annotated[str, param(Kind.STRING, help="Its key, PEM.", show=Show.NEVER)] = ""
    insecure_tls: Annotated[bool, param(Kind.BOOL, help="Do not verify the directory's certificate.")] = False
    starttls: Annotated[bool, param(Kind.BOOL, help="Start TLS within the connection.")] = False
    binddn: Annotated[str, param(Kind.STRING, help="DN for searches.")] = ""
    bindpass: Annotated[str, param(Kind.STRING, help="Password of binddn.", show=Show.NEVER)] = ""
    deny_null_bind: Annotated[bool, param(Kind.BOOL, help="Refuse empty passwords.")] = True
    discoverdn: Annotated[bool, param(Kind.BOOL, help="Find a user's DN by an anonymous search.")] = False
    tls_min_version: Annotated[str, param(Kind.STRING, help="tls10, tls11, tls12 or tls13.")] = "tls12"
    tls_max_version: Annotated[str, param(Kind.STRING, help="tls10, tls11, tls12 or tls13.")] = "tls12"
    use_token_groups: Annotated[bool, param(Kind.BOOL, help="Groups by Active Directory's tokenGroups.")] = False
    use_pre111_group_cn_behavior: Annotated[
        bool, param(Kind.BOOL, help="Use only an upper-case CN of a group's DN.")
    ] = False
    request_timeout: Annotated[int, param(Kind.SECONDS, help="Seconds to wait for a response.")] = 90
    connection_timeout: Annotated[int, param(Kind.SECONDS, help="Seconds to wait for a connection.")] = 30
    dereference_aliases: Annotated[str, param(Kind.STRING, help="never, finding, searching or always.")] = "never"
    max_page_size: Annotated[int, param(Kind.INT, help="Largest page of a search; 0 disables paging.")] = 0
    case_sensitive_names: Annotated[bool, param(Kind.BOOL, help="Names of users and groups differ by case.")] = False
    enable_samaccountname_login: Annotated[
        bool, param(Kind.BOOL, help="Log in by sAMAccountName too.", needs=Feature.LDAP_ROTATION)
    ] = False
    password_policy: Annotated[
        str, param(Kind.STRING, help="Password policy for a new bindpass.", needs=Feature.LDAP_ROTATION)
    ] = ""
    rotation_url: Annotated[
        str, param(Kind.STRING, help="Address for changes of bindpass; default: url.", needs=Feature.LDAP_ROTATION)
    ] = ""
    schema: Annotated[
        str, param(Kind.STRING, help="How bindpass is changed: openldap or ad.", needs=Feature.LDAP_SCHEMA)
    ] = "openldap"

    def changed(self) -> dict[str, object]:
        """Return the parameters that are not as a new configuration has them."""
        return super().changed() | self.changed_rotation()


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
