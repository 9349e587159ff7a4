"""Kerberos: logins with tickets (SPNEGO); groups of an LDAP directory have policies. The state of a mount.

Source: https://github.com/hashicorp/vault-plugin-auth-kerberos, and the API page of the method.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from mockkms.vault.auth.token_params import TokenParams
from mockkms.vault.directories.settings import DirectorySettings
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.loading import load_endpoints
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.products.features import Feature
from mockkms.world.stored import stored


@stored("auth.kerberos.KerberosConfig")
@dataclass
class KerberosConfig(Record):
    """The service."""

    keytab: Annotated[str, param(Kind.STRING, help="Keytab of the service, base64.", show=Show.NEVER)] = ""
    service_account: Annotated[str, param(Kind.STRING, help="Principal of the service in the keytab.")] = ""
    add_group_aliases: Annotated[bool, param(Kind.BOOL, help="Groups of the directory become group aliases.")] = False
    remove_instance_name: Annotated[
        bool, param(Kind.BOOL, help="Use only the first component of principals, in the keytab and the directory.")
    ] = False
    decode_pac: Annotated[
        bool,
        param(Kind.BOOL, help="Read the PAC of tickets; it is never used.", needs=Feature.KERBEROS_DECODES_PAC),
    ] = True


@stored("auth.kerberos.KerberosLdap")
@dataclass
class KerberosLdap(DirectorySettings, TokenParams):
    """The directory in which groups are found, and the parameters of tokens. Times are seconds."""


@stored("auth.kerberos.KerberosPerson")
@dataclass
class KerberosPerson:
    """A person in the world's directory."""

    groups: list[str] = field(default_factory=list)
    """By name (the value of ``groupattr``) or by DN."""


@stored("auth.kerberos.Kerberos")
@dataclass
class Kerberos:
    """One mount."""

    config: KerberosConfig | None = None
    ldap: KerberosLdap | None = None
    groups: dict[str, list[str]] = field(default_factory=dict)
    """Policies by group."""
    directory: dict[str, KerberosPerson] = field(default_factory=dict)
    """The people of this world's directory. Without any, a directory on this machine is asked."""
    seen: dict[str, float] = field(default_factory=dict)
    """Requests that logged in, which may not be sent again, and until when each is remembered."""


engine = Engine(
    "auth/kerberos", kind="auth", new_state=Kerberos, help="Logins with Kerberos tickets (SPNEGO).", waits=True
)

load_endpoints(__name__, "config", "login")
