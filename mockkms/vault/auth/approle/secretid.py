"""Secret ids: generation, lookup, list, destruction (by id or accessor) and tidying."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated

from mockkms.crypto.encoding import b64
from mockkms.json_reading import read_json
from mockkms.vault.auth.approle.model import TIDY_PERIOD, AppRole, AppRoleRole, SecretID, check_subset, engine
from mockkms.vault.auth.approle.role import ROLE_NAME
from mockkms.vault.framework.collections import PAGE, page
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, NotFound, Operation, Response, refusing
from mockkms.vault.framework.records import Record, param
from mockkms.vault.golang.fmt import quote
from mockkms.vault.tokens import cidr
from mockkms.world.clock import ZERO_TIME, rfc3339


@dataclass
class SecretIDRequest(Record):
    """The parameters of a new secret id. An absent number of uses or lifetime is the role's."""

    metadata: Annotated[str, param(Kind.STRING, help="Text by name, as JSON or name=value pairs.")] = ""
    cidr_list: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Address blocks that may log in with it.")] = field(
        default_factory=list
    )
    token_bound_cidrs: Annotated[
        list[str], param(Kind.COMMA_STRINGS, help="Address blocks that may use its tokens.")
    ] = field(default_factory=list)
    num_uses: Annotated[int, param(Kind.INT, help="Number of uses, within the limit of the role.")] = 0
    ttl: Annotated[int, param(Kind.SECONDS, help="Lifetime in seconds, within the limit of the role.")] = 0


_SECRET_ID = {"secret_id": Field(Kind.STRING, help="The secret id.")}
_ACCESSOR = {"secret_id_accessor": Field(Kind.STRING, help="Accessor of the secret id.")}
_BASE = "role/{role_name}"

secret_ids = engine.path(
    f"{_BASE}/secret-id[/]",
    lambda: {**ROLE_NAME, **SecretIDRequest.fields(), **PAGE},
    help="Generate and list secret ids.",
    go_errors=True,
)
custom = engine.path(
    f"{_BASE}/custom-secret-id",
    lambda: {**ROLE_NAME, **_SECRET_ID, **SecretIDRequest.fields()},
    help="Create a secret id with a chosen value.",
    go_errors=True,
)
lookup = engine.path(
    f"{_BASE}/secret-id/lookup[/]", {**ROLE_NAME, **_SECRET_ID}, help="Look up a secret id.", go_errors=True
)
destroy = engine.path(
    f"{_BASE}/secret-id/destroy[/]", {**ROLE_NAME, **_SECRET_ID}, help="Destroy a secret id.", go_errors=True
)
lookup_accessor = engine.path(
    f"{_BASE}/secret-id-accessor/lookup[/]",
    {**ROLE_NAME, **_ACCESSOR},
    help="Look up a secret id by its accessor.",
    go_errors=True,
)
destroy_accessor = engine.path(
    f"{_BASE}/secret-id-accessor/destroy[/]",
    {**ROLE_NAME, **_ACCESSOR},
    help="Destroy a secret id by its accessor.",
    go_errors=True,
)
tidy = engine.path("tidy/secret-id", help="Remove expired secret ids.")


def remove_expired(state: AppRole, call: Call) -> None:
    """Remove expired secret ids, as the real server does once a minute."""
    state.tidy_if_due(call.now() - TIDY_PERIOD)


@secret_ids.on(Operation.LIST)
def list_secret_ids(state: AppRole, call: Call, *, role_name: str, after: str, limit: int) -> Reply:
    """Return the accessors of the valid secret ids of a role. Raises ErrorResponse for an unknown role."""
    role = state.role(call)
    if role is None:
        raise ErrorResponse(f"role {quote(role_name)} does not exist")
    remove_expired(state, call)
    digests = page(sorted(role.secret_ids), after, limit)
    return {"keys": [role.secret_ids[digest].accessor for digest in digests]}


@secret_ids.on(Operation.UPDATE)
def generate(state: AppRole, call: Call, *, role_name: str) -> Reply:
    """Make a secret id, and return it with its accessor. Raises ErrorResponse."""
    return _register(state, call, role_name, call.core.entropy.uuid())


@custom.on(Operation.UPDATE)
def register_custom(state: AppRole, call: Call, *, role_name: str, secret_id: str) -> Reply:
    """Register a secret id that the client has chosen, and return it with its accessor. Raises ErrorResponse."""
    return _register(state, call, role_name, secret_id)


def _register(state: AppRole, call: Call, role_name: str, secret_id: str) -> dict[str, object]:
    if not secret_id:
        raise ErrorResponse("missing secret_id")
    role = state.role(call)
    if role is None:
        raise ErrorResponse(f"role {quote(role_name)} does not exist", status=404)
    if not role.bind_secret_id:
        raise ErrorResponse("bind_secret_id is not set on the role")
    requested = SecretIDRequest.from_call(call)
    entry = SecretID(id=secret_id, accessor="")
    entry.cidr_list = _blocks(requested.cidr_list, "CIDR blocks", role.secret_id_bound_cidrs)
    own = cidr.reread(role.token_bound_cidrs or [])
    entry.token_bound_cidrs = _blocks(requested.token_bound_cidrs, "token CIDR blocks", own)
    entry.num_uses = _uses(requested.num_uses, role) if "num_uses" in call else role.secret_id_num_uses
    entry.ttl = _ttl(requested.ttl, role) if "ttl" in call else role.secret_id_ttl
    with refusing("failed to parse metadata: "):
        entry.metadata = parse_metadata(requested.metadata)
    remove_expired(state, call)
    granted = add_secret_id(state, call, role, entry)
    return {
        "secret_id": secret_id,
        "secret_id_accessor": entry.accessor,
        "secret_id_ttl": granted,
        "secret_id_num_uses": entry.num_uses,
    }


def add_secret_id(state: AppRole, call: Call, role: AppRoleRole, entry: SecretID) -> int:
    """Store a secret id with a new accessor; return its lifetime in seconds. Raises BackendError if it exists."""
    digest = role.digest(entry.id)
    if digest in role.secret_ids:
        raise BackendError("failed to store secret_id: SecretID is already registered")
    now = call.now()
    granted = min(entry.ttl, call.core.max_ttl(call.mount))
    entry.accessor = call.core.entropy.uuid()
    entry.created = entry.updated = now
    entry.expires = now + granted if granted else 0
    role.secret_ids[digest] = entry
    state.added(entry)
    state.accessors[entry.accessor] = (role.name, digest)
    return granted


def _blocks(blocks: list[str], what: str, outer: list[str] | None) -> list[str]:
    with refusing(f"failed to validate {what}: ", BackendError):
        cidr.check_blocks(blocks)
    check_subset(blocks, outer)
    return list(blocks)


def _uses(uses: int, role: AppRoleRole) -> int:
    most = role.secret_id_num_uses
    if uses < 0:
        raise ErrorResponse("num_uses cannot be negative")
    if most > 0 and (uses == 0 or uses > most):
        raise ErrorResponse("num_uses cannot be higher than the role's secret_id_num_uses")
    return uses


def _ttl(ttl: int, role: AppRoleRole) -> int:
    most = role.secret_id_ttl
    if most > 0 and (ttl == 0 or ttl > most):
        raise ErrorResponse("ttl cannot be longer than the role's secret_id_ttl")
    return ttl


def parse_metadata(text: str) -> dict[str, str]:
    """Return metadata sent as JSON, as ``name=value`` pairs, or either in base64.

    Raises ValueError with the server's text.
    """
    text = text.strip()
    if not text:
        return {}
    with suppress(ValueError):
        text = b64.decode(text).decode("utf-8", "replace")
    parsed: object = ""
    with suppress(ValueError):
        parsed = read_json(text)
    if parsed is None:
        return {}
    members = parsed if isinstance(parsed, dict) else {}
    found = {name: value if isinstance(value, str) else "" for name, value in members.items()}
    if not isinstance(parsed, dict) or not all(value is None or isinstance(value, str) for value in members.values()):
        found |= _pairs(text)
    for name, value in found.items():
        if name and not value:
            raise ValueError(f'invalid value for key "{name}"')
    return found


def _pairs(text: str) -> dict[str, str]:
    pairs = {}
    for item in sorted({part.strip().lower() for part in text.split(",") if part.strip()}):
        name, equals, value = (part.strip() for part in item.partition("="))
        if not equals or "=" in value:
            raise ValueError("failed to parse the input: invalid <key,value> format")
        if not name or not value:
            raise ValueError(
                f"failed to parse the input: invalid <key,value> pair: key: {quote(name)} value: {quote(value)}"
            )
        pairs[name] = value
    return pairs


def _role(state: AppRole, call: Call, needed: str) -> AppRoleRole:
    if not call[needed]:
        raise ErrorResponse(f"missing {needed}")
    role = state.role(call)
    if role is None:
        raise BackendError(f"role {quote(call['role_name'])} does not exist")
    remove_expired(state, call)
    return role


def _shown(entry: SecretID) -> dict[str, object]:
    return {
        "secret_id_accessor": entry.accessor,
        "secret_id_num_uses": entry.num_uses,
        "secret_id_ttl": entry.ttl,
        "creation_time": rfc3339(entry.created),
        "expiration_time": rfc3339(entry.expires) if entry.expires else ZERO_TIME,
        "last_updated_time": rfc3339(entry.updated),
        "metadata": dict(entry.metadata),
        "cidr_list": list(entry.cidr_list),
        "token_bound_cidrs": list(entry.token_bound_cidrs),
    }


@lookup.on(Operation.UPDATE)
def look_up(state: AppRole, call: Call, *, secret_id: str) -> Reply:
    """Return the properties of a secret id, or None. Raises ErrorResponse for an unknown role."""
    role = _role(state, call, "secret_id")
    entry = role.secret_ids.get(role.digest(secret_id))
    return None if entry is None else _shown(entry)


@destroy.on(Operation.UPDATE, Operation.DELETE)
def destroy_secret_id(state: AppRole, call: Call, *, secret_id: str) -> None:
    """Delete a secret id; succeed if it does not exist. Raises ErrorResponse for an unknown role."""
    role = _role(state, call, "secret_id")
    state.drop_secret(role, role.digest(secret_id))


def _no_accessor(call: Call) -> str:
    return f"failed to find accessor entry for secret_id_accessor: {quote(call['secret_id_accessor'])}"


@lookup_accessor.on(Operation.UPDATE)
def look_up_accessor(state: AppRole, call: Call, *, secret_id_accessor: str) -> Reply:
    """Return the properties of the secret id with this accessor. Raises NotFound and ErrorResponse."""
    role = _role(state, call, "secret_id_accessor")
    if not state.knows(role, secret_id_accessor):
        raise NotFound(data={"error": _no_accessor(call)})
    found = state.accessors.get(secret_id_accessor)
    entry = role.secret_ids.get(found[1]) if found is not None and found[0] == role.name else None
    return None if entry is None else _shown(entry)


@destroy_accessor.on(Operation.UPDATE, Operation.DELETE)
def destroy_by_accessor(state: AppRole, call: Call, *, secret_id_accessor: str) -> None:
    """Delete the secret id with this accessor. Raises BackendError and ErrorResponse."""
    role = _role(state, call, "secret_id_accessor")
    if not state.knows(role, secret_id_accessor):
        raise BackendError(_no_accessor(call))
    found = state.accessors.get(secret_id_accessor)
    if found is None or found[0] != role.name or found[1] not in role.secret_ids:
        raise ErrorResponse("invalid secret id accessor", status=403)
    state.drop_secret(role, found[1])


@tidy.on(Operation.UPDATE)
def tidy_secret_ids(state: AppRole, call: Call) -> Response:
    """Delete the secret ids that have expired; 202 with a warning that points to the logs."""
    state.tidy(call.now())
    return Response(status=202, warnings=[call.core.product.texts.tidy_started])
