"""Requests to a directory on this machine: the searches and binds of the real server, in its order."""

from __future__ import annotations

from mockkms.outside import filters
from mockkms.outside.ldap import LdapConnection, LdapEntry, LdapError
from mockkms.vault.auth.ldap import directory
from mockkms.vault.directories.connecting import connect
from mockkms.vault.directories.settings import QUERY_TEMPLATE, DirectorySettings
from mockkms.vault.framework.message import ErrorResponse, InvalidCredentials, refusing
from mockkms.vault.golang.template import Data, GoTemplate

REFUSED = "ldap operation failed: failed to bind as user"
"""The error for unknown names and for wrong passwords."""


class _FilterError(LdapError):
    """A filter whose template cannot be executed."""

    def __init__(self, fault: str) -> None:
        Exception.__init__(self, f"LDAP search failed due to template parsing error: {fault}")
        self.code = 0


def log_in(
    config: DirectorySettings, url: str, connection: LdapConnection, name: str, password: str
) -> tuple[list[str], str]:
    """Return the user's groups in the directory, and the alias. Raises ErrorResponse, InvalidCredentials."""
    with refusing(error=InvalidCredentials, of=LdapError, text=REFUSED):
        dn = user(config, connection, name).dn if directory.searches(config) else directory.bind_dn(config, name)
        connection.bind(dn, password)
    if config.binddn and config.bindpass:
        with refusing(
            error=InvalidCredentials, of=LdapError, text="ldap operation failed: failed to re-bind with the BindDN user"
        ):
            connection.bind(config.binddn, config.bindpass)
    with refusing("LDAP search failed: ", of=LdapError):
        if config.upndomain:
            written = filters.escaped(name)
            wanted = f"(userPrincipalName={written}@{config.upndomain})"
            if config.enable_samaccountname_login:
                wanted = f"(|{wanted}(sAMAccountName={written}))"
            found = connection.search(config.userdn, wanted, [])
            dn = found[-1].dn if found else ""
        return groups(config, url, connection, dn, name), _alias(config, connection, name)


def user(config: DirectorySettings, connection: LdapConnection, name: str, limit: int = 2) -> LdapEntry:
    """Return the entry of a user, found with the configured bind DN. Raises LdapError."""
    connection.bind(config.binddn, config.bindpass)
    written = filters.escaped(name)
    names = {"UserAttr": filters.escaped(config.userattr), "Username": written}
    if config.upndomain:
        names = {"UserAttr": "userPrincipalName", "Username": f"{written}@{config.upndomain}"}
    search_filter, fault = rendered(config.userfilter or "({{.UserAttr}}={{.Username}})", names)
    if fault:
        raise _FilterError(fault)
    found = connection.search(config.userdn, search_filter, [config.userattr] if limit else [], limit=limit)
    if len(found) != 1:
        raise LdapError(32, "0 or not unique")
    return found[0]


def groups(config: DirectorySettings, url: str, connection: LdapConnection, dn: str, name: str) -> list[str]:
    """Return the groups of a user in the directory. Raises LdapError."""
    # Only Active Directory has tokenGroups, and it does not run on machines of tests.
    if config.use_token_groups or not (config.groupfilter and config.groupdn):
        return []
    names = {"UserDN": filters.escaped(dn), "Username": filters.escaped(name)}
    search_filter, _ = rendered(config.groupfilter, names)  # The real server searches by what precedes an error.
    if config.anonymous_group_search:
        failed = "ldap operation failed: failed to connect to LDAP server"
        with refusing(of=OSError, text=failed), connect(config, url) as anonymous:
            found = anonymous.search(config.groupdn, search_filter, [config.groupattr])
    else:
        found = connection.search(config.groupdn, search_filter, [config.groupattr])
    values = [value for entry in found for value in entry.attributes.get(config.groupattr.lower()) or [entry.dn]]
    return list(dict.fromkeys(directory.cn(config, value) for value in values))


def _alias(config: DirectorySettings, connection: LdapConnection, name: str) -> str:
    if config.username_as_alias:
        return name
    if not directory.searches(config):
        return directory.bind_dn(config, name)
    values = user(config, connection, name).attributes
    if len(values) != 1:
        raise ErrorResponse("LDAP attribute missing for entity alias mapping")
    [named] = values.values()
    if len(named) != 1:
        raise ErrorResponse(
            f"LDAP entity alias attribute {config.userattr} empty or not unique for entity alias mapping"
        )
    return named[0]


def rendered(template: str, names: dict[str, str]) -> tuple[str, str]:
    """Return a filter's template filled in with ``names``, up to the first error, and that error; empty if none."""
    declared = f"struct {{ {'; '.join(f'{name} string' for name in names)} }}"
    return GoTemplate(template, {}, QUERY_TEMPLATE).execute(Data(declared, names))
