"""``roles/`` and ``config/zeroaddress``: who gets which certificates and one-time passwords."""

from __future__ import annotations

import re
from typing import Any

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation
from mockkms.vault.framework.pages import PAGE, page
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.ssh.engine import DEFAULT, ROLE_NAME, SSH, engine
from mockkms.vault.tokens import cidr

SIGNERS = ("ssh-rsa", "rsa-sha2-256", "rsa-sha2-512")
_OTP_SHOWN = ("allowed_users", "cidr_list", "default_user", "exclude_cidr_list", "key_type", "port")
_OWN = Feature.SSH_ISSUERS
_TEXT, _FLAG, _MAP, _TIME = Kind.STRING, Kind.BOOL, Kind.MAP, Kind.SECONDS
_BOTH = {
    "key_type": Field(_TEXT, help="`ca` or `otp`."),
    "default_user": Field(_TEXT, help="User where none is asked for."),
    "allowed_users": Field(_TEXT, help="Users, separated by commas; `*` is anyone."),
}
_OTP = {
    "cidr_list": Field(_TEXT, help="Networks of hosts, separated by commas."),
    "exclude_cidr_list": Field(_TEXT, help="Networks left out of those."),
    "port": Field(Kind.INT, help="Port that is told; 22 where none is."),
}
_CA = {
    "allowed_users_template": Field(_FLAG, help="The users may hold identity templates."),
    "allowed_domains": Field(_TEXT, help="Domains of hosts, separated by commas."),
    "allowed_domains_template": Field(_FLAG, help="The domains may hold identity templates."),
    "default_user_template": Field(_FLAG, help="The user may hold an identity template."),
    "ttl": Field(_TIME, help="Lifetime of certificates."),
    "max_ttl": Field(_TIME, help="Longest lifetime."),
    "allowed_critical_options": Field(_TEXT, help="Critical options that may be asked for; empty is any."),
    "allowed_extensions": Field(_TEXT, help="Extensions that may be asked for; `*` is any."),
    "default_critical_options": Field(_MAP, help="Critical options where none are asked for."),
    "default_extensions": Field(_MAP, help="Extensions where none are asked for."),
    "default_extensions_template": Field(_FLAG, help="The extensions may hold identity templates."),
    "allow_user_certificates": Field(_FLAG, help="Certificates may be for users."),
    "allow_host_certificates": Field(_FLAG, help="Certificates may be for hosts."),
    "allow_bare_domains": Field(_FLAG, help="Lets the domains themselves in."),
    "allow_subdomains": Field(_FLAG, help="Lets names below the domains in."),
    "allow_user_key_ids": Field(_FLAG, help="The key id may be asked for."),
    "allow_commas_in_identity_templates": Field(_FLAG, help="Filled-in templates may hold commas.", needs=_OWN),
    "allow_empty_principals": Field(_FLAG, help="Certificates may be for nobody in particular."),
    "key_id_format": Field(_TEXT, help="The key id, with {{token_display_name}}, {{role_name}}, {{public_key_hash}}."),
    "allowed_user_key_lengths": Field(_MAP, help="Sizes, or a list of them, by type of key."),
    "algorithm_signer": Field(_TEXT, default=DEFAULT, help="How RSA keys sign."),
    "not_before_duration": Field(_TIME, default=30, help="By how much certificates begin before they are made."),
    "issuer_ref": Field(_TEXT, default=DEFAULT, help="Id or name of an issuer, or default.", needs=_OWN),
}
_FIELDS = {"role": Field(_TEXT, help="Name of the role."), **_BOTH, **_OTP, **_CA}

listing = engine.path("roles[/]", PAGE, help="Names of the roles.")
one = engine.path(f"roles/{ROLE_NAME}", _FIELDS, help="A role.")
zero = engine.path(
    "config/zeroaddress", {"roles": Field(Kind.COMMA_STRINGS, help="Names of roles.")},
    help="Roles for which any address will do.", sudo=False,
)  # fmt: skip


@listing.on(Operation.LIST)
def list_roles(state: SSH, call: Call) -> dict[str, Any]:
    """The names, and the kind of each."""
    names = page(sorted(state.roles), call["after"], call["limit"])
    kept = ("key_type", "issuer_ref")
    info = {name: _shown(call.core.product, state.roles[name]) for name in names}
    return {
        "keys": names,
        "key_info": {name: {word: role[word] for word in kept if word in role} for name, role in info.items()},
    }


@one.on(Operation.READ)
def read(state: SSH, call: Call) -> dict[str, Any] | None:
    """The role, by what its kind has."""
    role = state.roles.get(call["role"])
    return _shown(call.core.product, role) if role is not None else None


def _shown(product: Product, role: dict[str, Any]) -> dict[str, Any]:
    if role["key_type"] == "otp":
        return {name: role[name] for name in _OTP_SHOWN}
    hidden = {name for name, field in _CA.items() if not field.known_to(product)}
    return {name: role[name] for name in sorted({*_BOTH, *_CA} - hidden)}


@one.on(Operation.DELETE)
def delete(state: SSH, call: Call) -> None:
    """Delete, and forget that any address would do."""
    state.roles.pop(call["role"], None)
    if state.zero_address is not None:
        state.zero_address = [name for name in state.zero_address if name != call["role"]]


@one.on(Operation.UPDATE)
def write(state: SSH, call: Call) -> None:
    """Write a role anew. Raises ErrorResponse and BackendError."""
    for name, text in (("cidr_list", "cidr_list"), ("exclude_cidr_list", "exclude_cidr_list entry")):
        try:
            cidr.check_blocks(_split(call[name]))
        except ValueError as error:
            raise BackendError(f"failed to validate {text}: {error}") from None
    kind = call["key_type"].lower()
    if not kind:
        raise ErrorResponse("missing key type")
    if kind == "dynamic":
        raise ErrorResponse("dynamic key type roles are no longer supported")
    if kind not in ("otp", "ca"):
        raise ErrorResponse("invalid key type")
    if kind == "otp" and not call["default_user"]:
        raise ErrorResponse("missing default user")
    role = {name: call[name] for name in _FIELDS if name != "role"}
    role |= {"key_type": kind, "port": call["port"] or 22}
    if kind == "ca":
        _check_ca(role)
    state.roles[call["role"]] = role


def _check_ca(role: dict[str, Any]) -> None:
    if role["algorithm_signer"] not in ("", DEFAULT, *SIGNERS):
        raise BackendError(f"unknown algorithm signer {quote(role['algorithm_signer'])}")
    role["algorithm_signer"] = role["algorithm_signer"] or DEFAULT
    if not role["allow_user_certificates"] and not role["allow_host_certificates"]:
        raise ErrorResponse("Either 'allow_user_certificates' or 'allow_host_certificates' must be set to 'true'")
    for name in ("default_critical_options", "default_extensions"):
        role[name] = texts(role[name])
    try:
        role["allowed_user_key_lengths"] = {
            name: _sizes(value) for name, value in role["allowed_user_key_lengths"].items()
        }
    except ValueError as error:
        raise ErrorResponse(f"error processing allowed_user_key_lengths: {error}") from None
    if 0 < role["max_ttl"] < role["ttl"]:
        raise ErrorResponse('"ttl" value must be less than "max_ttl" when both are specified')
    role["issuer_ref"] = role["issuer_ref"] or DEFAULT


def texts(values: dict[str, Any]) -> dict[str, str]:
    """Values as Go prints them."""
    return {name: _text(value) for name, value in values.items()}


def _text(value: Any) -> str:
    if value is None:
        return "<nil>"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _sizes(value: Any) -> list[int]:
    found = []
    for item in value if isinstance(value, list) else str(value).split(",") if isinstance(value, str) else [value]:
        text = str(item).strip()
        if re.fullmatch(r"[+-]?\d+", text, re.ASCII) is None:
            raise ValueError(f"strconv.ParseInt: parsing {quote(text)}: invalid syntax")
        found.append(int(text))
    return found


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


@zero.on(Operation.READ)
def read_zero(state: SSH, _call: Call) -> dict[str, Any] | None:
    """The roles, once there was a list."""
    return None if state.zero_address is None else {"roles": list(state.zero_address)}


@zero.on(Operation.UPDATE)
def write_zero(state: SSH, call: Call) -> None:
    """Set the roles. Raises ErrorResponse for none, and for one that is not there."""
    if not call["roles"]:
        raise ErrorResponse("Missing roles")
    for name in call["roles"]:
        if name not in state.roles:
            raise ErrorResponse(f"Role {quote(name)} does not exist")
    state.zero_address = list(call["roles"])


@zero.on(Operation.DELETE)
def delete_zero(state: SSH, _call: Call) -> None:
    """Forget the list."""
    state.zero_address = None
