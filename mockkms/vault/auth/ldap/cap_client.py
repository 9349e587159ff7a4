"""Vault's client for directories: its binds and searches in their order, and its error texts.

Source: ``github.com/hashicorp/cap/ldap``.
"""

from __future__ import annotations

from mockkms.outside import filters
from mockkms.outside.ldap import BASE, LdapConnection, LdapEntry, LdapError
from mockkms.vault.auth.ldap import directory, ldaputil
from mockkms.vault.auth.ldap.model import LdapConfig
from mockkms.vault.framework.message import BackendError, InvalidCredentials, refusing
from mockkms.vault.golang.fmt import quote

AUTHENTICATE = "ldap.(Client).Authenticate"
CONNECT = "ldap.(Client).connect"
_GROUPS = "unable to get user groups: ldap.(Client).getGroups: ldap.(Client).filterGroupsSearch"
_NO_SUCH_OBJECT = 32
_EVERYTHING = "(objectClass=*)"
_PASSWORDS = ("userpassword", "unicodepwd")
_DEREFERENCES = ("", "never", "searching", "finding", "always")


def check(config: LdapConfig) -> None:
    """Check values that the configuration stores unchecked. Raises BackendError with the client's text."""
    named = config.dereference_aliases
    if named.lower() not in _DEREFERENCES:
        fault = f"invalid dereference_aliases {quote(named)}: invalid parameter"
        raise BackendError(f"ldap.NewClient: ldap.validateDerefAlias: {fault}")


def log_in(config: LdapConfig, connection: LdapConnection, name: str, password: str) -> tuple[list[str], str, str]:
    """Return the user's groups in the directory, the alias, and the user's name in the directory.

    Raises InvalidCredentials, and BackendError with the client's text.
    """
    with refusing(error=InvalidCredentials, of=LdapError, text=ldaputil.REFUSED):
        bound = _bind_dn(config, connection, name)
        connection.bind(bound, password)
    if config.binddn and config.bindpass:
        with refusing(
            f"{AUTHENTICATE}: unable to re-bind with the configuration BindDN user: ", BackendError, of=LdapError
        ):
            connection.bind(config.binddn, config.bindpass)
    dn = _user_dn(config, connection, bound, name)
    attributes = _attributes(connection, dn)
    if config.anonymous_group_search:
        with refusing(f"{AUTHENTICATE}: group search anonymous bind failed: ", BackendError, of=LdapError):
            connection.bind("", "")
    groups = _groups(config, connection, dn, name)
    known = directory.named_in(config, dn) or name
    return groups, known if config.username_as_alias else _alias(config, attributes), known


def _failed(what: str, error: object) -> BackendError:
    return BackendError(f"{AUTHENTICATE}: {what}: {error}")


def _bind_dn(config: LdapConfig, connection: LdapConnection, name: str) -> str:
    """Return the DN with which the user binds. Raises LdapError without one."""
    if directory.searches(config):
        return ldaputil.user(config, connection, name, limit=0).dn
    if not config.upndomain and not config.userdn:
        raise LdapError(_NO_SUCH_OBJECT, "cannot derive UserBindDN based on config")
    return directory.bind_dn(config, name)


def _user_dn(config: LdapConfig, connection: LdapConnection, bound: str, name: str) -> str:
    if not config.upndomain:
        return bound
    written = directory.escaped(name)
    wanted = f"(userPrincipalName={written}@{config.upndomain})"
    if config.enable_samaccountname_login:
        wanted = f"(|{wanted}(sAMAccountName={written}))"
    failure = "failed to get the DN for the authenticated user: ldap.(Client).getUserDN"
    try:
        found = connection.search(config.userdn, wanted, [])
    except LdapError as error:
        at = f"(baseDN: {quote(config.userdn)} / filter: {quote(wanted)})"
        raise _failed(f"{failure}: LDAP search failed for detecting user {at}", error) from None
    if len(found) != 1:
        raise _failed(failure, "LDAP search for user 0 or not unique")
    return found[0].dn


def _attributes(connection: LdapConnection, dn: str) -> dict[str, list[str]]:
    failure = "failed to get user attributes: ldap.(Client).getUserAttributes"
    if not dn:
        raise _failed(f"{failure}: missing user dn", "invalid parameter")
    try:
        found = connection.search(dn, _EVERYTHING, [], scope=BASE)
    except LdapError as error:
        at = f"(baseDN: {quote(dn)} / filter: {quote(_EVERYTHING)})"
        raise _failed(f"{failure}: LDAP search for user attributes failed {at}", error) from None
    if len(found) != 1:
        raise _failed(failure, "LDAP search for user attributes was 0 or not unique")
    return {name: values for name, values in found[0].attributes.items() if name not in _PASSWORDS}


def _groups(config: LdapConfig, connection: LdapConnection, dn: str, name: str) -> list[str]:
    # Only Active Directory has tokenGroups, and it does not run on machines of tests.
    if config.use_token_groups or not config.groupdn:
        return []
    template = config.groupfilter or LdapConfig.groupfilter
    wanted, fault = ldaputil.rendered(template, {"UserDN": filters.escaped(dn), "Username": filters.escaped(name)})
    if fault:
        raise _failed(f"{_GROUPS}: LDAP search failed due to template parsing error", fault)
    attribute = config.groupattr or LdapConfig.groupattr
    try:
        found = connection.search(config.groupdn, wanted, [attribute])
    except LdapError as error:
        if error.code == _NO_SUCH_OBJECT:
            return []
        at = f"(baseDN: {quote(config.groupdn)} / filter: {quote(wanted)})"
        raise _failed(f"{_GROUPS}: LDAP search failed {at}", error) from None
    return list(dict.fromkeys(directory.cn(config, value) for entry in found for value in _names(entry, attribute)))


def _names(entry: LdapEntry, attribute: str) -> list[str]:
    return entry.attributes.get(attribute.lower()) or [entry.dn]


def _alias(config: LdapConfig, attributes: dict[str, list[str]]) -> str:
    values = attributes.get(config.userattr)
    if not values:
        raise BackendError("missing entity alias attribute value")
    if not values[0]:
        raise BackendError("empty entity alias attribute value")
    return values[0]
