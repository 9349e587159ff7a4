"""``config/acme``: settings of ACME."""

from __future__ import annotations

import ipaddress
import re

from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import BackendError, Operation, Response, refusing
from mockkms.vault.golang.addresses import parse_ip
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.issuers import references
from mockkms.vault.secrets.pki.model import PKI, engine
from mockkms.vault.secrets.pki.settings import AcmeConfig

_EAB = ("not-required", "new-account-required", "always-required")
_ROLE, _EXTERNAL = "role:", "external-policy"
_NO_PATH = "ACME feature requires local cluster 'path' field configuration to be set"
_EMPTY = (
    "{0} must take a non-zero length value; specify '*' as the value to allow anything or specify enabled=false to "
    "disable ACME entirely"
)

config = engine.path("config/acme", fields=AcmeConfig.fields, help="Settings of ACME.", go_errors=True)


@config.on(Operation.READ)
def read(state: PKI, call: Call) -> Response:
    """Return the settings, with a warning if ACME lacks the mount's own address."""
    lacking = state.acme.enabled and not state.cluster.path
    return Response(data=state.acme.shown(call.core.product), warnings=[_NO_PATH] if lacking else [])


@config.on(Operation.UPDATE)
def write(state: PKI, call: Call) -> Response:
    """Change the parameters that are sent. Raises BackendError for invalid settings."""
    wanted = state.acme.copy()
    wanted.update_from(call)
    for name in ("allowed_roles", "allowed_issuers"):
        if not getattr(wanted, name):
            raise BackendError(_EMPTY.format(name))
    _check_resolver(wanted.dns_resolver)
    for text in (*wanted.challenge_permitted_ip_ranges, *wanted.challenge_excluded_ip_ranges):
        with refusing(error=BackendError, text=f"invalid CIDR or IP address: {text}"):
            ipaddress.ip_network(text, strict=False)
    wanted.eab_policy = wanted.eab_policy.strip().lower()
    if wanted.eab_policy not in _EAB:
        raise BackendError(f"invalid eab policy name provided, valid values are '{_EAB[0]}', '{_EAB[1]}', '{_EAB[2]}'")
    if wanted.max_ttl <= 0:
        raise BackendError("invalid max_ttl value, must be greater than 0")
    _check_roles(state, call, wanted)
    if wanted.allowed_issuers != ["*"]:
        _check_issuers(state, wanted.allowed_issuers)
    if wanted.enabled and not state.cluster.path:
        raise BackendError(_NO_PATH)
    state.acme = wanted
    return Response(data=wanted.shown(call.core.product))


def _check_resolver(address: str) -> None:
    if not address:
        return
    front = "failed to parse DNS resolver address: "
    host, colon, _ = address.rpartition(":")
    if not colon:
        raise BackendError(f"{front}address {address}: missing port in address")
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        raise BackendError(f"{front}address {address}: too many colons in address")
    if not host.strip("[]"):
        raise BackendError(f"{front}got empty address")
    with refusing(error=BackendError, text=f"{front}expected IPv4/IPv6 address, likely got hostname"):
        parse_ip(host.strip("[]"))


def _default_role(call: Call, policy: str) -> str:
    """Return the role of requests without a role, or an empty string. Raises BackendError."""
    fault = f"string {policy} not a valid Default Directory Policy"
    if policy in ("forbid", "sign-verbatim"):
        return ""
    if policy.startswith(_ROLE):
        if policy != _ROLE:
            return policy.removeprefix(_ROLE)
        fault = f"no role specified by policy {policy}"
    elif policy.startswith(_EXTERNAL) and call.core.product.has(Feature.ACME_ACCOUNTS):
        rest = policy.removeprefix(_EXTERNAL)
        if rest in ("", ":") or re.search(r"\w", rest[1:], re.ASCII):
            raise BackendError("external-policy is only available in enterprise versions of Vault")
        fault = f"invalid characters within external-policy name: {policy}"
    raise BackendError(f"invalid default_directory_policy: {fault}")


def _check_roles(state: PKI, call: Call, wanted: AcmeConfig) -> None:
    policy, allowed = wanted.default_directory_policy, wanted.allowed_roles
    usual = _default_role(call, policy)
    fault = _unfit(state, usual) if usual else ""
    if fault:
        raise BackendError(f"default directory policy role {usual} is not a valid ACME role: {fault}")
    if allowed == ["*"]:
        return
    for at, name in enumerate(allowed):
        if name == "*":
            raise BackendError(f"cannot use '*' as role name at index {at}")
        fault = _unfit(state, name)
        if fault:
            raise BackendError(f"allowed_role {name} is not a valid acme role: {fault}")
    if usual and usual not in allowed:
        raise BackendError(
            f"default directory policy {policy} was not specified in allowed_roles: [{' '.join(allowed)}]"
        )


def _unfit(state: PKI, name: str) -> str:
    """Return why ACME cannot use a role, or an empty string."""
    role = state.roles.get(name)
    if role is None:
        return "the request message was malformed: role does not exist"
    if role.no_store:
        return "the server experienced an internal error: role can not be used as NoStore is set to true"
    return ""


def _check_issuers(state: PKI, allowed: list[str]) -> None:
    for at, name in enumerate(allowed):
        if name == "*":
            raise BackendError(f"cannot use '*' as issuer name at index {at}")
        fault = f"failed validating allowed_issuers: unable to fetch issuer: {name}: "
        with refusing(fault, BackendError, of=BackendError):
            references.issuer(state, name)
