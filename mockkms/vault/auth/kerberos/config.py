"""``config``, ``config/ldap`` and ``groups``: the service's keytab, the directory, and policies of its groups."""

from __future__ import annotations

from mockkms.crypto.encoding import b64
from mockkms.vault.auth.kerberos import keytab as keytabs
from mockkms.vault.auth.kerberos.model import Kerberos, KerberosConfig, KerberosLdap, engine
from mockkms.vault.directories.settings import check
from mockkms.vault.framework.collections import PAGE, page
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.folders import walk
from mockkms.vault.framework.message import ErrorResponse, Operation, refusing
from mockkms.vault.policy import names

config = engine.path("config", KerberosConfig.fields, help="The service's keytab.")
ldap = engine.path("config/ldap", KerberosLdap.fields, help="The directory, and the parameters of tokens.")
groups = engine.path(
    "groups/{name:some}",
    {
        "name": Field(Kind.STRING, help="Name in the directory."),
        "policies": Field(Kind.COMMA_STRINGS, help="Policies."),
    },
    help="Policies of a group.",
)
group_list = engine.path("groups[/]", fields=PAGE, help="The names of all groups.")


@config.on(Operation.READ)
def read(state: Kerberos, call: Call) -> Reply:
    """Return the settings without the keytab."""
    return None if state.config is None else state.config.shown(call.core.product)


@config.on(Operation.UPDATE)
def write(state: Kerberos, call: Call, *, service_account: str, keytab: str) -> None:
    """Replace the settings. Raises ErrorResponse."""
    if not service_account:
        raise ErrorResponse("data does not contain service_account")
    if not keytab:
        raise ErrorResponse("data does not contain keytab")
    with refusing("invalid keytab: "):
        keytabs.parse(b64.decode(keytab))
    state.config = KerberosConfig.from_call(call)


@ldap.on(Operation.READ)
def read_ldap(state: Kerberos, call: Call) -> Reply:
    """Return the settings without passwords."""
    return None if state.ldap is None else state.ldap.shown(call.core.product)


@ldap.on(Operation.UPDATE)
def write_ldap(state: Kerberos, call: Call) -> None:
    """Change the settings that were sent. Raises ErrorResponse."""
    made = state.ldap.copy() if state.ldap else KerberosLdap()
    made.update_own(call)
    made.url, made.userattr = made.url.lower(), made.userattr.lower()
    with refusing():
        check(made)
        made.parse(call)
    state.ldap = made


@groups.on(Operation.READ)
def read_group(state: Kerberos, _call: Call, *, name: str) -> Reply:
    """Return a group."""
    found = state.groups.get(name)
    return None if found is None else {"policies": found}


@groups.on(Operation.UPDATE)
def write_group(state: Kerberos, _call: Call, *, name: str, policies: list[str]) -> None:
    """Create or replace a group."""
    state.groups[name] = names.sanitize(policies)


@groups.on(Operation.DELETE)
def delete_group(state: Kerberos, _call: Call, *, name: str) -> None:
    """Delete a group."""
    state.groups.pop(name, None)


@group_list.on(Operation.LIST)
def list_groups(state: Kerberos, _call: Call, *, after: str, limit: int) -> Reply:
    """Return the names of all groups."""
    return {"keys": page(walk(state.groups), after, limit)}
