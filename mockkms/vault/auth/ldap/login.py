"""``login/{username}``: a token for a password of the directory."""

from __future__ import annotations

from dataclasses import dataclass, field

from mockkms.go_urls import parse_fault, parse_url
from mockkms.outside.ldap import LdapError
from mockkms.vault.auth import NO_USERS
from mockkms.vault.auth.ldap import cap_client, directory, ldaputil
from mockkms.vault.auth.ldap.model import Ldap, engine
from mockkms.vault.directories.connecting import PORTS, connect, connection_fault, url_fault
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import (
    Auth,
    BackendError,
    ErrorResponse,
    InvalidCredentials,
    Operation,
    Response,
    permission_denied,
    refusing,
)
from mockkms.vault.golang.fmt import error_list, quote
from mockkms.vault.policy import names
from mockkms.vault.products.features import Feature
from mockkms.vault.tokens import cidr

login = engine.path(
    "login/{username:some}",
    fields={
        "username": Field(Kind.STRING, help="Name in the directory."),
        "password": Field(Kind.STRING, help="Password in the directory."),
    },
    login=True,
    help="Log in.",
    go_errors=True,
)
engine.open_folders("login")


@dataclass
class _LdapUserFound:
    known: str
    """The user's name in the directory."""
    groups: list[str]
    alias: str
    policies: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@login.on(Operation.UPDATE)
def log_in(state: Ldap, call: Call, *, username: str, password: str) -> Response:
    """Log in. Raises ErrorResponse, BackendError 403 for an address that is not allowed."""
    bounds = state.config.token_bound_cidrs
    if bounds and not cidr.contains(bounds, call.request.remote_address):
        raise permission_denied()
    own_client = call.core.product.has(Feature.LDAP_CLIENT)
    name: str = username if own_client else state.login_name(username)
    found = _ask(state, call, name, password)
    metadata = {"name": name}
    if own_client:
        metadata |= {"rawUsername": name, "effectiveUsername": found.alias}
    auth = Auth(
        metadata={"username": name},
        display_name=name,
        alias={"name": found.alias, "metadata": metadata},
        group_aliases=[{"name": group} for group in found.groups if group],
        internal={"password": password},
    )
    state.config.apply(auth, call.request)
    auth.policies += found.policies
    return Response(data={}, auth=auth, warnings=found.warnings)


@engine.renews
def renew(state: Ldap, call: Call) -> Response:
    """Renew a login while the directory returns the same policies. Raises VaultError."""
    auth = call.login
    with refusing(error=BackendError, of=InvalidCredentials, text="invalid credentials"):
        found = _ask(state, call, (auth.metadata or {}).get("username", ""), call.kept("password"))
    policies = names.appended(state.config.token_policies, found.policies)
    names.check_unchanged(call.core.product, policies, auth.token_policies)
    auth.group_aliases = [{"name": group} for group in found.groups]
    return Response(auth=state.config.renewed(auth), warnings=found.warnings)


def _ask(state: Ldap, call: Call, name: str, password: str) -> _LdapUserFound:
    """Return a user's groups and policies, from the directory and the mount. Raises VaultError.

    In products with Vault's LDAP client, all refusals but that of a wrong password have status 500 (recorded), and
    that one does not mention LDAP.
    """
    own_client = call.core.product.has(Feature.LDAP_CLIENT)
    try:
        found = _request(state, call, name, password)
    except InvalidCredentials:
        if own_client:
            raise InvalidCredentials("invalid credentials") from None
        raise
    except ErrorResponse as error:
        if own_client:
            raise BackendError(*error.errors) from None
        raise
    config = state.config
    if not found.groups and not own_client:
        found.warnings.append(
            f"no LDAP groups found in groupDN {quote(config.groupdn)}; only policies from "
            "locally-defined groups available"
        )
    known = found.known if config.username_as_alias else name
    user = state.users.get(state.canonical(known) if own_client else name)
    found.groups = [*(user.groups if user else []), *found.groups]
    policies = [policy for group in found.groups for policy in state.groups.get(state.canonical(group), [])]
    found.policies = names.distinct([*policies, *(user.policies if user else [])])
    if config.username_as_alias and own_client:
        found.alias = state.canonical(found.alias)
    return found


def _request(state: Ldap, call: Call, name: str, password: str) -> _LdapUserFound:
    """Return a user's data from the first directory that can be reached."""
    own_client = call.core.product.has(Feature.LDAP_CLIENT)
    if not password and (own_client or state.config.deny_null_bind):
        raise ErrorResponse("password cannot be of zero length when passwordless binds are being denied")
    if own_client:
        cap_client.check(state.config)
    faults = []
    for url in state.config.url.split(","):
        fault = _url_fault(url, own_client=own_client)
        if fault:
            faults.append(fault)
        elif state.directory:
            return _LdapUserFound(name, *directory.log_in(state, name, password, by_attribute=own_client))
        else:
            try:
                connection = connect(state.config, url)
            except (OSError, LdapError, ValueError) as error:
                faults.append(f"error connecting to host {quote(url)}: {connection_fault(url, error)}")
                continue
            with connection:
                if own_client:
                    groups, alias, known = cap_client.log_in(state.config, connection, name, password)
                    return _LdapUserFound(known, groups, alias)
                return _LdapUserFound(name, *ldaputil.log_in(state.config, url, connection, name, password))
    call.request.trace.hint = NO_USERS
    if own_client:
        listed = error_list([f"{cap_client.CONNECT}: {fault}" for fault in faults])
        raise ErrorResponse(f"{cap_client.AUTHENTICATE}: failed to connect: {listed}")
    raise ErrorResponse(error_list(faults))


def _url_fault(url: str, *, own_client: bool) -> str:
    if own_client and not parse_fault(url) and parse_url(url).scheme not in PORTS:
        return f"invalid LDAP scheme in url {quote(url)}: invalid parameter"
    return url_fault(url)
