"""``login/{username}``: a password that the directory accepts becomes a token."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from mockkms import outside
from mockkms.outside.ldap import LdapError
from mockkms.vault import cidr, policynames
from mockkms.vault.auth.ldap import asked, directory
from mockkms.vault.auth.ldap.model import Ldap, engine
from mockkms.vault.endpoint import Call, Field
from mockkms.vault.fields import Kind
from mockkms.vault.gotext import error_list
from mockkms.vault.message import (
    Auth,
    BackendError,
    ErrorResponse,
    InvalidCredentials,
    Operation,
    Response,
    permission_denied,
)

_HINT = "the world names nobody: people stand under `directory` of this mount"
_PORTS = {"ldap": 389, "ldaps": 636}

login = engine.path(
    "login/{username:some}",
    fields={
        "username": Field(Kind.STRING, help="Name in the directory."),
        "password": Field(Kind.STRING, help="Password in the directory."),
    },
    login=True,
    help="Log in.",
)


@dataclass
class _Found:
    alias: str
    groups: list[str]
    policies: list[str]
    warnings: list[str] = field(default_factory=list)


@login.on(Operation.UPDATE)
def log_in(state: Ldap, call: Call) -> Response:
    """Log in. Raises ErrorResponse, BackendError 403 for an address that is not allowed."""
    bounds = state.config.token_bound_cidrs
    if bounds and not cidr.contains(bounds, call.request.remote_address):
        raise permission_denied()
    name, password = state.login_name(call["username"]), call["password"]
    found = _ask(state, call, name, password)
    auth = Auth(
        metadata={"username": name},
        display_name=name,
        alias={"name": found.alias, "metadata": {"name": name}},
        group_aliases=[{"name": group} for group in found.groups if group],
        internal={"password": password},
    )
    state.config.apply(auth, call.request)
    auth.policies += found.policies
    return Response(data={}, auth=auth, warnings=found.warnings)


def renew(state: Ldap, call: Call) -> Response:
    """Renew a login as long as the directory says the same. Raises VaultError."""
    auth: Auth = call.raw["auth"]
    try:
        found = _ask(state, call, (auth.metadata or {}).get("username", ""), str(call.raw.get("password") or ""))
    except InvalidCredentials:
        raise BackendError("invalid credentials") from None
    policies = [*(state.config.token_policies or []), *found.policies]
    if not policynames.equivalent(policies, auth.token_policies):
        raise BackendError("policies have changed, not renewing")
    auth.group_aliases = [{"name": group} for group in found.groups]
    return Response(auth=state.config.renewed(auth), warnings=found.warnings)


engine.renew = renew


def _ask(state: Ldap, call: Call, name: str, password: str) -> _Found:
    config = state.config
    if config.deny_null_bind and not password:
        raise ErrorResponse("password cannot be of zero length when passwordless binds are being denied")
    theirs, alias = _asked(state, call, name, password)
    warnings = []
    if not theirs:
        warnings.append(
            f'no LDAP groups found in groupDN "{config.groupdn}"; only policies from locally-defined groups available'
        )
    user = state.users.get(name)
    groups = [*(user.groups if user else []), *theirs]
    policies = [policy for group in groups for policy in state.groups.get(state.canonical(group), [])]
    policies += user.policies if user else []
    return _Found(alias, groups, policynames.distinct(policies), warnings)


def _asked(state: Ldap, call: Call, name: str, password: str) -> tuple[list[str], str]:
    """The groups and the alias that the directory tells of a user: the first one that can be reached."""
    faults = []
    for url in state.config.url.split(","):
        fault = outside.parse_fault(url)
        if fault:
            faults.append(f'error parsing url "{url}": {fault}')
            continue
        parts = urlsplit(url)
        if parts.scheme not in _PORTS:
            host, _, port = (
                parts.netloc.rpartition(":") if re.search(r":\d+$", parts.netloc) else (parts.netloc, "", "")
            )
            faults.append(f'invalid LDAP scheme in url "{host}:{port}"')
        elif state.directory:
            return directory.log_in(state, name, password)
        else:
            try:
                connection = asked.connect(state.config, url)
            except (OSError, LdapError, ValueError) as error:
                faults.append(f'error connecting to host "{url}": {_fault(url, error)}')
                continue
            with connection:
                return asked.log_in(state.config, url, connection, name, password)
    call.request.trace.hint = _HINT
    raise ErrorResponse(error_list(faults))


def _fault(url: str, error: Exception) -> str:
    if isinstance(error, LdapError):
        return str(error)
    if isinstance(error, ssl.SSLError):
        return f'LDAP Result Code 200 "Network Error": {error.reason or error}'
    parts = urlsplit(url)
    refusal = outside.refusal(parts.hostname or "", parts.port or _PORTS[parts.scheme])
    return f'LDAP Result Code 200 "Network Error": {refusal}'
