"""``login``: a token for the ticket in an ``Authorization: Negotiate`` header.

As with the real server, the header reaches the mount only if it is tuned so (``passthrough_request_headers``), and the
challenge the client (``allowed_response_headers``). The ticket is decrypted with the mount's keytab: no KDC is asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mockkms.crypto.encoding import b64
from mockkms.error_context import error_context
from mockkms.outside.ldap import LdapConnection, LdapError
from mockkms.vault.auth import NO_USERS
from mockkms.vault.auth.kerberos import keytab, messages
from mockkms.vault.auth.kerberos.keytab import KeytabEntry
from mockkms.vault.auth.kerberos.model import Kerberos, KerberosConfig, KerberosLdap, engine
from mockkms.vault.auth.ldap import directory, ldaputil
from mockkms.vault.directories.connecting import connect, connection_fault
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Auth, BackendError, Operation, Response, permission_denied, refusing
from mockkms.vault.golang.fmt import error_list, quote
from mockkms.vault.policy import names
from mockkms.vault.tokens import cidr

_NEGOTIATE = "Negotiate "
_UNAUTHORISED = "Unauthorised.\n\n"
"""The body of gokrb5's refusals, as the real server shows it."""
_REMEMBERED = 10_000
"""Maximum number of requests that are remembered, so that none logs in twice."""

login = engine.path(
    "login",
    {"authorization": Field(Kind.STRING, help="Not used: the token is in the header Authorization.")},
    login=True,
    help="Log in with a ticket.",
    go_errors=True,
)


def _among(name: str, known: Iterable[str]) -> bool:
    return any(name == one.strip().lower() for one in known)


@login.on(Operation.READ)
def challenge(_state: Kerberos, call: Call) -> None:
    """Ask for a ticket. Raises BackendError with status 401."""
    shown = _among("www-authenticate", call.mount.config.allowed_response_headers)
    headers = {"WWW-Authenticate": "Negotiate"} if shown else {}
    raise BackendError("authentication required", status=401, headers=headers)


@login.on(Operation.UPDATE)
def log_in(state: Kerberos, call: Call, *, authorization: str) -> Response:
    """Log in. Raises BackendError."""
    if state.config is None:
        raise BackendError("backend kerberos not configured")
    if state.ldap is None:
        raise BackendError("ldap backend not configured")
    bounds = state.ldap.token_bound_cidrs
    if bounds and not cidr.contains(bounds, call.request.remote_address):
        raise permission_denied()
    passed = _among("authorization", call.mount.config.passthrough_request_headers)
    header = call.request.headers.get("authorization", "") if passed else ""
    if not passed:
        call.request.trace.hint = "tune the mount: passthrough_request_headers must contain Authorization"
    if not (header or authorization).startswith(_NEGOTIATE):
        challenge(state, call)
    try:
        client = _client(state, call, state.config, header)
    except ValueError as fault:
        call.request.trace.hint = call.request.trace.hint or f"the ticket is refused: {fault}"
        return Response(status=401, warnings=[_UNAUTHORISED])
    domain = state.ldap.upndomain
    if domain and client.realm != domain:
        text = f"identity domain of {quote(client.realm)} doesn't match LDAP upndomain of {quote(domain)}"
        return Response(status=400, warnings=[text])
    name = client.name.partition("/")[0] if state.config.remove_instance_name else client.name
    found = _groups(state, call, state.ldap, name)
    policies = names.distinct(policy for group in found for policy in state.groups.get(group, []))
    auth = Auth(
        metadata={"user": client.name, "domain": client.realm},
        display_name=client.name,
        alias={"name": client.name},
    )
    state.ldap.apply(auth, call.request)
    # The plugin replaces all lease options, lifetimes included, to get a token that cannot be renewed.
    auth.renewable, auth.ttl, auth.max_ttl = False, 0, 0
    auth.policies += policies
    if state.config.add_group_aliases:
        auth.group_aliases = [{"name": group} for group in found if group]
    return Response(auth=auth)


def _client(state: Kerberos, call: Call, config: KerberosConfig, header: str) -> messages.KerberosClient:
    """Return who sent a ticket, once. Raises ValueError."""
    if not header:
        raise ValueError("the header Authorization does not reach the mount")
    with error_context("error in base64 decoding negotiation header: "):
        token = b64.decode(header.removeprefix(_NEGOTIATE))
    entries = keytab.parse(b64.decode(config.keytab))
    if config.remove_instance_name:
        entries = [_first_component(entry) for entry in entries]
    now = call.now()
    client = messages.accept(token, entries, config.service_account, call.request.remote_address, now)
    state.seen = {request: until for request, until in state.seen.items() if until > now}
    if client.request in state.seen:
        raise ValueError("replay detected")
    if len(state.seen) >= _REMEMBERED:
        del state.seen[next(iter(state.seen))]
    state.seen[client.request] = now + messages.SKEW
    return client


def _first_component(entry: KeytabEntry) -> KeytabEntry:
    return replace(entry, components=entry.components[:1])


def _groups(state: Kerberos, call: Call, config: KerberosLdap, name: str) -> list[str]:
    """Return the groups of a user in the directory: the world's, or one on this machine. Raises BackendError."""
    if state.directory:
        found = next((one for known, one in state.directory.items() if known.casefold() == name.casefold()), None)
        if found is not None:
            return directory.groups_of(config, found)
        if directory.searches(config):
            raise BackendError("unable to get user binddn: LDAP search for binddn 0 or not unique")
        return []
    faults = []
    for url in config.url.split(","):
        try:
            connection = connect(config, url)
        except (OSError, LdapError, ValueError) as error:
            faults.append(f"error connecting to host {quote(url)}: {connection_fault(url, error)}")
            continue
        with connection:
            return _searched(config, url, connection, name)
    call.request.trace.hint = NO_USERS
    raise BackendError(f"could not connect to LDAP: {error_list(faults)}")


def _searched(config: KerberosLdap, url: str, connection: LdapConnection, name: str) -> list[str]:
    with refusing("LDAP bind failed: ", BackendError, of=LdapError):
        connection.bind(config.binddn, config.bindpass)
    with refusing("unable to get user binddn: ", BackendError, of=LdapError):
        searched = directory.searches(config)
        dn = ldaputil.user(config, connection, name).dn if searched else directory.bind_dn(config, name)
    with refusing("unable to get ldap groups: ", BackendError, of=LdapError):
        return ldaputil.groups(config, url, connection, dn, name)
