"""``roles/`` and ``config/zeroaddress``: who gets which certificates and one-time passwords."""

from __future__ import annotations

from collections.abc import Mapping

from mockkms.vault.framework.collections import Collection, page
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, refusing
from mockkms.vault.golang.fmt import quote, shown
from mockkms.vault.golang.integers import parse_int
from mockkms.vault.products import Product
from mockkms.vault.secrets.ssh.engine import DEFAULT, ROLE_NAME, SSH, SshRole, engine
from mockkms.vault.tokens import cidr

SIGNERS = ("ssh-rsa", "rsa-sha2-256", "rsa-sha2-512")
_OTP = ("allowed_users", "cidr_list", "default_user", "exclude_cidr_list", "key_type", "port")
"""The settings of a role for one-time passwords."""
_OTP_ONLY = ("cidr_list", "exclude_cidr_list", "port")


def _shown(role: SshRole, product: Product) -> dict[str, object]:
    """Return the settings that belong to the type of the role."""
    shown = role.shown(product)
    if role.key_type == "otp":
        return {name: shown[name] for name in _OTP}
    return {name: shown[name] for name in sorted(shown) if name not in _OTP_ONLY}


roles = Collection[SSH, SshRole](
    engine, f"roles/{ROLE_NAME}", SshRole, lambda state: state.roles, existence=False, supplies=(Operation.READ,),
    name=Field(Kind.STRING, help="Name of the role."), help="A role.", list_help="Names of the roles.", shown=_shown,
    go_errors=True,
)  # fmt: skip
zero = engine.path(
    "config/zeroaddress", {"roles": Field(Kind.COMMA_STRINGS, help="Names of roles.")},
    help="Roles that allow any address.", sudo=False,
)  # fmt: skip


@roles.listing.on(Operation.LIST)
def list_roles(state: SSH, call: Call, *, after: str, limit: int) -> Reply:
    """Return the names, with the type and issuer of each role."""
    names = page(sorted(state.roles), after, limit)
    shown = {name: _shown(state.roles[name], call.core.product) for name in names}
    info = {
        name: {setting: role[setting] for setting in ("key_type", "issuer_ref") if setting in role}
        for name, role in shown.items()
    }
    return {"keys": names, "key_info": info}


@roles.one.on(Operation.DELETE)
def delete(state: SSH, _call: Call, *, role: str) -> None:
    """Delete a role, and remove it from the roles that allow any address."""
    state.roles.pop(role, None)
    if state.zero_address is not None:
        state.zero_address = [name for name in state.zero_address if name != role]


@roles.one.on(Operation.UPDATE)
def write(state: SSH, call: Call, *, role: str) -> None:
    """Replace a role. Raises ErrorResponse and BackendError."""
    new = SshRole.from_call(call)
    new.key_type = new.key_type.lower()
    for blocks, text in ((new.cidr_list, "cidr_list"), (new.exclude_cidr_list, "exclude_cidr_list entry")):
        with refusing(f"failed to validate {text}: ", BackendError):
            cidr.check_blocks([part.strip() for part in blocks.lower().split(",") if part.strip()])
    if not new.key_type:
        raise ErrorResponse("missing key type")
    if new.key_type == "dynamic":
        raise ErrorResponse("dynamic key type roles are no longer supported")
    if new.key_type not in ("otp", "ca"):
        raise ErrorResponse("invalid key type")
    new.port = new.port or 22
    if new.key_type == "otp":
        if not new.default_user:
            raise ErrorResponse("missing default user")
        new = SshRole(**{name: getattr(new, name) for name in _OTP})
    else:
        _check_ca(new)
        # A role for certificates has no networks: it allows no address, and is not found by one.
        new.cidr_list = new.exclude_cidr_list = ""
    state.roles[role] = new


def _check_ca(role: SshRole) -> None:
    """Check and normalise the settings of a role for certificates. Raises ErrorResponse and BackendError."""
    if role.algorithm_signer not in ("", DEFAULT, *SIGNERS):
        raise BackendError(f"unknown algorithm signer {quote(role.algorithm_signer)}")
    role.algorithm_signer = role.algorithm_signer or DEFAULT
    if not role.allow_user_certificates and not role.allow_host_certificates:
        raise ErrorResponse("Either 'allow_user_certificates' or 'allow_host_certificates' must be set to 'true'")
    role.default_critical_options = {**texts(role.default_critical_options)}
    role.default_extensions = {**texts(role.default_extensions)}
    with refusing("error processing allowed_user_key_lengths: "):
        role.allowed_user_key_lengths = {name: sizes or None for name, sizes in allowed_sizes(role).items()}
    if 0 < role.max_ttl < role.ttl:
        raise ErrorResponse('"ttl" value must be less than "max_ttl" when both are specified')
    role.issuer_ref = role.issuer_ref or DEFAULT


def texts(values: Mapping[str, object]) -> dict[str, str]:
    """Return the values as Go formats them."""
    return {name: shown(value) for name, value in values.items()}


def allowed_sizes(role: SshRole) -> dict[str, list[int]]:
    """Return the allowed sizes of keys in bits, by type. Raises ValueError with Go's text if one is not a number."""
    return {name: _sizes(value) for name, value in role.allowed_user_key_lengths.items()}


def _sizes(value: object) -> list[int]:
    """Return the sizes of a number, a list without its nulls, or a text with commas.

    Raises ValueError with Go's text.
    """
    items: list[object] = value if isinstance(value, list) else [value]
    if isinstance(value, str):
        items = list(value.split(","))
    found = []
    for item in items:
        if item is None:
            continue
        if isinstance(item, (dict, list)):
            raise ValueError("could not parse value from input")
        text = str(int(item) if isinstance(item, bool) else item).strip()
        found.append(parse_int(text))
    return found


@zero.on(Operation.READ)
def read_zero(state: SSH, _call: Call) -> Reply:
    """Return the roles, or None before any were set."""
    return None if state.zero_address is None else {"roles": list(state.zero_address)}


@zero.on(Operation.UPDATE)
def write_zero(state: SSH, _call: Call, *, roles: list[str]) -> None:
    """Set the roles. Raises ErrorResponse without roles, and for a role that does not exist."""
    if not roles:
        raise ErrorResponse("Missing roles")
    for name in roles:
        if name not in state.roles:
            raise ErrorResponse(f"Role {quote(name)} does not exist")
    state.zero_address = list(roles)


@zero.on(Operation.DELETE)
def delete_zero(state: SSH, _call: Call) -> None:
    """Remove the list."""
    state.zero_address = None
