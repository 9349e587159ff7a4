"""State of an LDAP mount, the engine that its endpoints are declared on, and the passwords of accounts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated

from mockkms.error_context import error_context
from mockkms.vault.directories.settings import DirectorySettings
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.loading import load_endpoints
from mockkms.vault.framework.message import BackendError, refusing
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.framework.storage_keys import refuse_relative
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.directories.accounts import AccountDirectory, Bind, active_directory_password, is_local
from mockkms.vault.secrets.directories.library import LibraryAccount, LibrarySet
from mockkms.vault.secrets.issuing import generated_password
from mockkms.world.stored import stored

SCHEMAS = {"openldap": "cn", "racf": "racfid", "ad": "userPrincipalName"}
"""The schemas of passwords, each with the default of ``userattr``."""
_USER_ATTRIBUTES = frozenset((
    "cn", "displayName", "distinguishedName", "dc", "dn", "name", "objectCategory", "objectClass", "objectGUID",
    "objectSid", "ou", "passwordLastSet", "racfid", "racfPassword", "racfAttributes", "sAMAccountName", "unicodePwd",
    "uid", "userPassword", "userPrincipalName",
))  # fmt: skip
"""The attributes by which the plugin finds the account of a password (its ``client/fieldregistry.go``)."""
_LENGTH = 64
"""Length in characters of a password without a password policy."""


@stored("ldap.LdapSecretsConfig")
@dataclass
class LdapSecretsConfig(DirectorySettings):
    """The directory, and the passwords that are generated. Times are seconds."""

    schema: Annotated[str, param(Kind.STRING, help="How passwords are changed: openldap, ad or racf.")] = "openldap"
    password_policy: Annotated[
        str, param(Kind.STRING, help="Password policy of generated passwords.", show=Show.SET)
    ] = ""
    length: Annotated[int, param(Kind.INT, help="Length of generated passwords.", deprecated=True, show=Show.SET)] = 0
    ttl: Annotated[int, param(Kind.SECONDS, help="Accepted and ignored.", show=Show.NEVER)] = 0
    max_ttl: Annotated[int, param(Kind.SECONDS, help="Accepted and ignored.", show=Show.NEVER)] = 0
    skip_static_role_import_rotation: Annotated[
        bool, param(Kind.BOOL, help="Keep the passwords of accounts for which static roles are created.")
    ] = False
    credential_type: Annotated[
        str, param(Kind.STRING, help="password or, with schema racf, phrase.", needs=Feature.LDAP_FOLDERS)
    ] = "password"


@stored("ldap.StaticLdapRole")
@dataclass
class StaticLdapRole(Record):
    """An existing account whose password rotates. Times are seconds since the epoch."""

    username: Annotated[str, param(Kind.STRING, help="User name of the account.")] = ""
    dn: Annotated[str, param(Kind.STRING, help="DN of the account; without it, it is searched for.")] = ""
    rotation_period: Annotated[int, param(Kind.SECONDS, help="Seconds between rotations, at least 5.")] = 0
    password: str = ""
    last_password: str = ""
    last_rotation: float = 0.0
    """0: the password was never rotated."""
    next_rotation: float = 0.0


@stored("ldap.DynamicLdapRole")
@dataclass
class DynamicLdapRole(Record):
    """How accounts are created and deleted. Durations are seconds."""

    creation_ldif: Annotated[str, param(Kind.STRING, help="LDIF template that creates an account.")] = ""
    deletion_ldif: Annotated[str, param(Kind.STRING, help="LDIF template that deletes an account.")] = ""
    rollback_ldif: Annotated[str, param(Kind.STRING, help="LDIF template that undoes a failed creation.")] = ""
    username_template: Annotated[str, param(Kind.STRING, help="Template of user names.")] = ""
    default_ttl: Annotated[int, param(Kind.SECONDS, help="Default lease of accounts in seconds.")] = 0
    max_ttl: Annotated[int, param(Kind.SECONDS, help="Maximum lease of accounts in seconds.")] = 0


@stored("ldap.LdapSecrets")
@dataclass
class LdapSecrets:
    """State of a mount."""

    config: LdapSecretsConfig | None = None
    previous_bindpass: str = ""
    bindpass_rotated: float = 0.0
    """When the bind password was rotated, seconds since the epoch; 0: never."""
    static_roles: dict[str, StaticLdapRole] = field(default_factory=dict)
    dynamic_roles: dict[str, DynamicLdapRole] = field(default_factory=dict)
    sets: dict[str, LibrarySet] = field(default_factory=dict)
    accounts: dict[str, LibraryAccount] = field(default_factory=dict)

    @property
    def managed(self) -> set[str]:
        """The accounts of static roles and of the library: each has one place only."""
        return {role.username for role in self.static_roles.values()} | {*self.accounts}


engine = Engine(
    "secret/ldap", kind="secret", new_state=LdapSecrets, waits=True,
    help="Accounts of an LDAP directory: static, dynamic, and to be checked out.",
)  # fmt: skip


def configured(state: LdapSecrets, unset: str = "the config is currently unset") -> LdapSecretsConfig:
    """Return the configuration. Raises BackendError with ``unset`` without one."""
    if state.config is None:
        raise BackendError(unset)
    return state.config


def new_password(call: Call, config: LdapSecretsConfig) -> str:
    """Return a generated password. Raises BackendError."""
    refused = "unable to generate password: "
    refuse_relative(call.core.product, config.password_policy, f"{refused}failed to retrieve password policy: ")
    with refusing(refused, BackendError, of=BackendError):
        return generated_password(call, config.password_policy, config.length or _LENGTH)


def directory_of(state: LdapSecrets, call: Call, config: LdapSecretsConfig) -> AccountDirectory | None:
    """Return the directory if it is on this machine."""
    if not is_local(call, config):
        return None
    return AccountDirectory(config, Bind(state.previous_bindpass, state.bindpass_rotated), call.now())


def set_password(state: LdapSecrets, call: Call, *, username: str = "", dn: str = "") -> str:
    """Set a new password for an account and return it. Raises BackendError."""
    config = configured(state)
    password = new_password(call, config)
    attribute = config.userattr or SCHEMAS[config.schema]
    if attribute not in _USER_ATTRIBUTES:
        raise BackendError(f"unsupported userattr {quote(attribute)}")
    directory = directory_of(state, call, replace(config, userattr=attribute))
    if directory is not None:
        values = _attributes(config, password)
        with error_context(raised=BackendError):
            if dn:
                directory.set_dn_password(dn, values)
            else:
                directory.set_user_password(username, values)
    return password


def _attributes(config: LdapSecretsConfig, password: str) -> list[tuple[str, bytes]]:
    """Return the attributes that change a password, by the schema."""
    if config.schema == "ad":
        return active_directory_password(password)
    if config.schema == "racf":
        phrase = config.credential_type == "phrase"
        return [("racfPassPhrase" if phrase else "racfPassword", password.encode()), ("racfAttributes", b"noexpired")]
    return [("userPassword", password.encode())]


load_endpoints(__name__, "library", "config", "dynamic", "static")
