"""The Terraform Cloud secrets engine: API tokens for roles, and its section of world files.

A server on this machine creates and deletes the tokens. Tokens of any other one are made up.

Source: ``vault-plugin-secrets-terraform`` and its API documentation; no recording exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.record_section import named, record_section
from mockkms.vault.products import Product
from mockkms.vault.secrets.issuing import Setting, WithLifetimes, issued, offline_part, renewed
from mockkms.vault.secrets.peer import Peer, PeerAnswer, PeerError
from mockkms.world.clock import rfc3339
from mockkms.world.stored import stored

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context
    from mockkms.vault.framework.shapes.collections import Key
    from mockkms.vault.mounts.table import Mount

_USER, _ORGANIZATION, _TEAM_LEGACY, _TEAM = "user", "organization", "team_legacy", "team"
_KEPT = (_ORGANIZATION, _TEAM_LEGACY)
"""Types of which Terraform has one token at a time: it is created with the role."""


@stored("terraform.TerraformConfig")
@dataclass
class TerraformConfig(Record):
    """Terraform Cloud or Enterprise."""

    address: Annotated[str, param(Kind.STRING, help="Address of the server.")] = "https://app.terraform.io"
    base_path: Annotated[str, param(Kind.STRING, help="Path of the API.")] = "/api/v2/"
    token: Annotated[str, param(Kind.STRING, help="Token for requests to the server.", show=Show.NEVER)] = ""


@stored("terraform.TerraformRole")
@dataclass
class TerraformRole(WithLifetimes):
    """Whose tokens a role has. Durations are seconds."""

    organization: Annotated[str, param(Kind.STRING, help="Organization of the token.", show=Show.SET)] = ""
    team_id: Annotated[str, param(Kind.STRING, help="Team of the tokens.", show=Show.SET)] = ""
    user_id: Annotated[str, param(Kind.STRING, help="User of the tokens.", show=Show.SET)] = ""
    description: Annotated[str, param(Kind.STRING, help="Description of the tokens.", show=Show.SET)] = ""
    credential_type: Annotated[
        str, param(Kind.STRING, help="user, organization, team or team_legacy.", show=Show.SET)
    ] = ""
    name: str = ""
    token: str = ""
    token_id: str = ""


@stored("terraform.Terraform")
@dataclass
class Terraform:
    """State of a mount."""

    config: TerraformConfig | None = None
    roles: dict[str, TerraformRole] = field(default_factory=dict)


@dataclass(frozen=True)
class _TerraformToken:
    """A new token."""

    id: str
    token: str
    description: str = ""
    expires: str = ""


def _shown(role: TerraformRole, product: Product) -> dict[str, object]:
    shown = {"name": role.name, **role.shown(product)}
    shown.pop("credential_type", None)
    if role.user_id:
        shown["credential_type"] = _USER
    elif role.team_id:
        # With an organization, the plugin reports legacy tokens as ``team`` as well.
        legacy = not role.organization and role.credential_type in ("", _TEAM_LEGACY)
        shown["credential_type"] = _TEAM_LEGACY if legacy else _TEAM
    return shown


engine = Engine("terraform", kind="secret", new_state=Terraform, help="API tokens of Terraform for roles.", waits=True)
config: Setting[Terraform, TerraformConfig] = Setting(
    engine, "config", TerraformConfig, "config", help="Terraform Cloud or Enterprise.", existence=True
)
roles: Collection[Terraform, TerraformRole] = Collection(
    engine, "role/{name}", TerraformRole, lambda state: state.roles, shown=_shown, existence=False, lower=True,
    name=Field(Kind.LOWER_STRING, help="Name of the role."), help="A role.", list_help="Names of the roles.",
    paged=False, go_errors=True,
)  # fmt: skip
creds = engine.path(
    "creds/{name}", {"name": Field(Kind.LOWER_STRING, help="Name of the role.")},
    help="The token of a role, or a new one.", go_errors=True,
)  # fmt: skip
rotate = engine.path(
    "rotate-role/{name}", {"name": Field(Kind.STRING, help="Name of the role.")}, help="Replace the token of a role.",
    go_errors=True,
)  # fmt: skip


@config.write
def write_config(_state: Terraform, call: Call, config: TerraformConfig) -> None:
    """Replace the address; the token is kept unless another one is sent."""
    config.address, config.base_path = call["address"], call["base_path"]
    config.update_from(call, "token")


@roles.write
def write_role(state: Terraform, call: Call, name: str, role: TerraformRole) -> None:
    """Create or update a role; that of an organization or a legacy team gets its token. Raises ErrorResponse."""
    role.update_from(call)
    role.name = name
    if "credential_type" in call and role.credential_type not in (_USER, *_KEPT, _TEAM):
        raise ErrorResponse(f"unrecognized credential type: {role.credential_type}")
    for member, kind in (("organization", _ORGANIZATION), ("user_id", _USER), ("team_id", _TEAM_LEGACY)):
        if member in call:
            role.credential_type = role.credential_type or kind
    if role.user_id and (role.organization or role.team_id):
        raise ErrorResponse("cannot provide a user_id in combination with organization or team_id")
    if not (role.user_id or role.organization or role.team_id):
        raise ErrorResponse("must provide an organization name, team id, or user id")
    if role.max_ttl and role.ttl > role.max_ttl:
        raise ErrorResponse("ttl cannot be greater than max_ttl")
    if role.credential_type == _TEAM_LEGACY and (role.description or role.ttl or role.max_ttl):
        raise ErrorResponse(
            "cannot provide description, ttl, or max_ttl with credential_type = team_legacy, try credential_type = "
            "team."
        )
    if role.credential_type in _KEPT:
        made = _create(state, call, role)
        role.token, role.token_id = made.token, made.id


@creds.on(Operation.READ, Operation.UPDATE)
def read_token(state: Terraform, call: Call, *, name: str) -> Reply:
    """Return the token of an organization or legacy team, or a new one with a lease. Raises BackendError."""
    role = state.roles.get(name)
    if role is None:
        raise BackendError("error retrieving role: role is nil")
    if role.credential_type in _KEPT:
        described = {"description": role.description} if role.description else {}
        return {
            "organization": role.organization, "role": role.name, "team_id": role.team_id, "token": role.token,
            "token_id": role.token_id, **described,
        }  # fmt: skip
    made = _create(state, call, role)
    data = {
        "token": made.token,
        "token_id": made.id,
        **({"description": made.description} if made.description else {}),
        **({"expired_at": made.expires} if made.expires else {}),
    }
    return issued(data, {"token_id": made.id, "role": role.name}, role.ttl, role.max_ttl)


@rotate.on(Operation.UPDATE)
def rotate_token(state: Terraform, call: Call, *, name: str) -> None:
    """Replace the token of an organization or legacy team. Raises ErrorResponse and BackendError."""
    role = state.roles.get(name)
    if role is None:
        raise ErrorResponse("missing role entry")
    if role.user_id:
        raise ErrorResponse("cannot rotate credentials for user roles")
    if role.team_id and role.credential_type == _TEAM:
        raise ErrorResponse(
            "cannot rotate credentials for credential_type = team token roles. Only works for credential_type = "
            "team_legacy."
        )
    role.token = _create(state, call, role).token


def _create(state: Terraform, call: Call, role: TerraformRole) -> _TerraformToken:
    """Create a token. Raises BackendError."""
    if state.config is None:
        raise BackendError("client configuration was nil")
    several = role.credential_type == _TEAM and role.team_id
    description, expires = role.description, ""
    if several:
        description = f"{role.description}({call.core.entropy.below(10000)})"
        expires = rfc3339(int(call.now()) + max(role.max_ttl, call.core.limits(call.mount).max))
    peer = _peer(state.config)
    if not peer.is_local(call):
        entropy = call.core.entropy
        token = f"{entropy.base62(14)}.atlasv1.{entropy.base62(67)}"
        return _TerraformToken(f"at-{entropy.base62(16)}", token, description, expires)
    attributes = {name: value for name, value in (("description", description), ("expired-at", expires)) if value}
    body = {"data": {"type": "authentication-tokens", "attributes": attributes}}
    with refusing("error creating Terraform token: ", BackendError, of=PeerError):
        if (role.organization and not role.team_id) or (role.team_id and not several):
            owner = _owner(role)
            _sound(peer.ask("GET", owner))
            answer = _sound(peer.ask("POST", f"{owner}/authentication-token", body))
        else:
            answer = _sound(peer.ask("POST", f"{_owner(role)}/authentication-tokens", body))
    return _TerraformToken(
        answer.member("data", "id"), answer.member("data", "attributes", "token"),
        description if several else answer.member("data", "attributes", "description"),
        answer.member("data", "attributes", "expired-at") if several else "",
    )  # fmt: skip


def _owner(role: TerraformRole) -> str:
    """Return the path of the organization, team or user that the tokens of a role belong to."""
    if role.team_id:
        return f"teams/{quote(role.team_id, safe='')}"
    if role.organization:
        return f"organizations/{quote(role.organization, safe='')}"
    return f"users/{quote(role.user_id, safe='')}"


@engine.renews
def renew(state: Terraform, call: Call) -> Response:
    """Renew the lease of a token with its role's lifetimes. Raises BackendError."""
    role = state.roles.get(call.kept("role"))
    if role is None:
        raise BackendError("error retrieving role: role is nil")
    lease = call.lease
    return renewed(call, role.ttl or lease.ttl, role.max_ttl or lease.max_ttl)


@engine.revokes
def revoke(state: Terraform, call: Call) -> None:
    """Delete the token of a lease. Raises BackendError."""
    if state.config is None:
        raise BackendError("error getting client: client configuration was nil")
    peer = _peer(state.config)
    if peer.is_local(call):
        with refusing("error revoking user token: ", BackendError, of=PeerError):
            _sound(peer.ask("DELETE", f"authentication-tokens/{quote(call.kept('token_id'), safe='')}"))


def _peer(config: TerraformConfig) -> Peer:
    url = f"{config.address.rstrip('/')}/{config.base_path.strip('/')}/"
    return Peer("the Terraform server", url, {"Authorization": f"Bearer {config.token}"}, kind=_JSON_API)


_JSON_API = "application/vnd.api+json"


def _sound(answer: PeerAnswer) -> PeerAnswer:
    """Return an answer with status 2xx. Raises PeerError with the text of Terraform's client."""
    if answer.ok:
        return answer
    texts = {401: "unauthorized", 404: "resource not found"}
    faults = answer.json().get("errors")
    first = faults[0] if isinstance(faults, list) and faults and isinstance(faults[0], dict) else {}
    detail = f"{first.get('title')}\n\n{first.get('detail')}" if first.get("detail") else str(first.get("title") or "")
    raise PeerError(texts.get(answer.status) or detail or str(answer.status))


def _add_role(core: Context, mount: Mount, name: str, spec: Mapping[str, object]) -> None:
    tokens = ("token", "token_id")
    seeding.write(core, mount, f"role/{name}", {key: value for key, value in spec.items() if key not in tokens})
    role: TerraformRole = mount.state.roles[name.lower()]
    role.token, role.token_id = (str(spec.get(key) or getattr(role, key)) for key in tokens)


def _described_role(_core: Context, _mount: Mount, role: TerraformRole) -> dict[str, object]:
    tokens = {"token": role.token, "token_id": role.token_id}
    return {**role.changed(), **{name: value for name, value in tokens.items() if value}}


def _token_keys() -> dict[str, Key]:
    # Imported here, because a server starts without world files.
    from mockkms.vault.framework.shapes.collections import Key, Text

    return {
        "token": Key(Text(), "the token of an organization or legacy team; generated if it is missing"),
        "token_id": Key(Text(), "its id"),
    }


section = record_section(
    config.part("config", "Terraform Cloud or Enterprise"),
    offline_part(named("roles", "roles by name", roles, more=_token_keys, add=_add_role, describe=_described_role)),
)
