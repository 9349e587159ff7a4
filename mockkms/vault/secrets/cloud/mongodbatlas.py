"""The MongoDB Atlas secrets engine: programmatic API keys for roles, and its section of world files.

Atlas is never contacted: the keys are random and Atlas refuses them.

Source: ``vault-plugin-secrets-mongodbatlas`` and its API documentation; no recording exists.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass, field
from typing import Annotated

from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.kernel.record_section import named, record_section
from mockkms.vault.products import Product
from mockkms.vault.secrets.issuing import Setting, WithLifetimes, issued, renewed
from mockkms.vault.secrets.peer import MADE_UP
from mockkms.world.stored import stored

_UNSET = "empty config entry"
_NO_ROLE = "error retrieving credential: credential is nil"


@stored("mongodbatlas.AtlasConfig")
@dataclass
class AtlasConfig(Record):
    """The API key that creates the others."""

    public_key: Annotated[str, param(Kind.STRING, help="Public part of the API key.")] = ""
    private_key: Annotated[str, param(Kind.STRING, help="Private part of the API key.", show=Show.NEVER)] = ""


@stored("mongodbatlas.AtlasRole")
@dataclass
class AtlasRole(WithLifetimes):
    """A role: the permissions of its API keys. Durations are seconds."""

    project_id: Annotated[str, param(Kind.STRING, help="Project of the keys.")] = ""
    organization_id: Annotated[str, param(Kind.STRING, help="Organization of the keys.")] = ""
    roles: Annotated[list[str] | None, param(Kind.COMMA_STRINGS, help="Roles of the keys in Atlas.")] = None
    project_roles: Annotated[
        list[str] | None, param(Kind.COMMA_STRINGS, help="Roles in the project, for keys of an organization.")
    ] = None
    ip_addresses: Annotated[
        list[str] | None, param(Kind.COMMA_STRINGS, help="Addresses from which the keys may be used.")
    ] = None
    cidr_blocks: Annotated[
        list[str] | None, param(Kind.COMMA_STRINGS, help="Address blocks from which the keys may be used.")
    ] = None


@stored("mongodbatlas.Atlas")
@dataclass
class Atlas:
    """State of a mount."""

    config: AtlasConfig | None = None
    roles: dict[str, AtlasRole] = field(default_factory=dict)


def _shown(role: AtlasRole, product: Product) -> dict[str, object]:
    """Return what a read shows."""
    return {**role.shown(product), "database_name": ""}


engine = Engine("mongodbatlas", kind="secret", new_state=Atlas, help="Random API keys of MongoDB Atlas for roles.")
config: Setting[Atlas, AtlasConfig] = Setting(
    engine, "config", AtlasConfig, "config", help="The API key that creates the others.", supplies=(), go_errors=True
)
roles: Collection[Atlas, AtlasRole] = Collection(
    engine, "roles/{name}", AtlasRole, lambda state: state.roles, shown=_shown, existence=False, lower=True,
    name=Field(Kind.LOWER_STRING, help="Name of the role."), help="A role.", list_help="Names of the roles.",
    paged=False,
)  # fmt: skip
creds = engine.path(
    "creds/{name}", {"name": Field(Kind.LOWER_STRING, help="Name of the role.")}, help="Create an API key.",
    go_errors=True,
)  # fmt: skip


@config.endpoint.on(Operation.READ)
def read_config(state: Atlas, call: Call) -> dict[str, object]:
    """Return the public part of the key. Raises BackendError without one."""
    if state.config is None:
        raise BackendError(_UNSET)
    return state.config.shown(call.core.product)


@config.write
def write_config(_state: Atlas, call: Call, config: AtlasConfig) -> None:
    """Replace the key. Raises BackendError."""
    config.replace_from(call)
    for name in ("public_key", "private_key"):
        if not getattr(config, name):
            raise BackendError(f"{name} is empty")


@roles.write
def write_role(_state: Atlas, call: Call, _name: str, role: AtlasRole) -> Response:
    """Create or update a role. Raises ErrorResponse."""
    role.update_from(call)
    if not role.organization_id and not role.project_id:
        raise ErrorResponse("organization_id or project_id are required")
    if "roles" not in call:
        raise ErrorResponse("roles is required for organization and project keys")
    if "project_roles" not in call and role.organization_id and role.project_id:
        # The plugin names the wrong parameter.
        raise ErrorResponse("roles is required if both organization_id and project_id are supplied")
    role.check_lifetimes(ErrorResponse)
    return Response()


@creds.on(Operation.READ, Operation.UPDATE)
def create_key(state: Atlas, call: Call, *, name: str) -> Response:
    """Create an API key of a role. Raises ErrorResponse and BackendError."""
    role = state.roles.get(name)
    if role is None:
        raise BackendError(_NO_ROLE)
    if state.config is None:
        raise ErrorResponse(_UNSET)
    entropy = call.core.entropy
    call.request.trace.hint = MADE_UP.format("MongoDB Atlas")
    data = {
        "description": f"vault-{re.sub('[^a-zA-Z0-9+=,.@_-]', '_', name)}-{entropy.base62(20)}",
        "private_key": entropy.uuid(),
        "public_key": "".join(string.ascii_lowercase[byte % 26] for byte in entropy.bytes(8)),
    }
    internal = {
        "programmatic_api_key_id": entropy.hex(12), "project_id": role.project_id,
        "organization_id": role.organization_id, "role": name,
    }  # fmt: skip
    limits = call.core.limits(call.mount)
    return issued(data, internal, role.ttl or limits.default, role.max_ttl or limits.max)


@engine.renews
def renew(state: Atlas, call: Call) -> Response:
    """Renew the lease of a key, as the plugin does: by the role's maximum. Raises BackendError."""
    role = state.roles.get(call.kept("role"))
    if role is None:
        raise BackendError(_NO_ROLE)
    limits = call.core.limits(call.mount)
    return renewed(call, role.max_ttl if role.ttl else limits.default, role.max_ttl or limits.max)


section = record_section(
    config.part("config", "the API key that creates the others"), named("roles", "roles by name", roles)
)
