"""The Nomad secrets engine: ACL tokens for roles, and its section of world files.

A Nomad server on this machine creates and deletes the tokens. Tokens of any other server are made up.

Source: Vault's ``builtin/logical/nomad`` and its API documentation; no recording exists.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import quote

from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.golang import fmt
from mockkms.vault.kernel.record_section import named, record_section
from mockkms.vault.secrets.issuing import Lifetimes, Setting, display_name, issued, renewed
from mockkms.vault.secrets.peer import Peer, PeerError, bootstrapped, presented
from mockkms.world.stored import stored

_LONGEST_NAME = 256
"""Characters of a token's name, unless the configuration has another limit."""


@stored("nomad.NomadAccess")
@dataclass
class NomadAccess(Record):
    """The Nomad server."""

    address: Annotated[str, param(Kind.STRING, help="Address of the Nomad server.")] = ""
    token: Annotated[str, param(Kind.STRING, help="Token for requests to Nomad.", show=Show.NEVER)] = ""
    max_token_name_length: Annotated[
        int, param(Kind.INT, help="Maximum length of the names of tokens; 0: 256 characters.")
    ] = 0
    ca_cert: Annotated[str, param(Kind.STRING, help="CA certificate of the server, PEM.")] = ""
    client_cert: Annotated[str, param(Kind.STRING, help="Client certificate, PEM.")] = ""
    client_key: Annotated[str, param(Kind.STRING, help="Key of the client certificate, PEM.", show=Show.NEVER)] = ""


@stored("nomad.NomadRole")
@dataclass
class NomadRole(Record):
    """A role: the permissions of its tokens."""

    policies: Annotated[list[str] | None, param(Kind.COMMA_STRINGS, help="Nomad policies; for client tokens.")] = None
    type: Annotated[str, param(Kind.STRING, help="Type of the tokens: client or management.")] = "client"
    everywhere: bool = False
    """The parameter ``global``, which no member can be named: tokens are valid in all regions."""

    def changed(self) -> dict[str, object]:
        """Return the parameters that differ from those of a new role."""
        return {**super().changed(), **({"global": True} if self.everywhere else {})}


@stored("nomad.Nomad")
@dataclass
class Nomad:
    """State of a mount."""

    access: NomadAccess | None = None
    lease: Lifetimes | None = None
    roles: dict[str, NomadRole] = field(default_factory=dict)


engine = Engine("nomad", kind="secret", new_state=Nomad, help="ACL tokens of Nomad for roles.", waits=True)
access: Setting[Nomad, NomadAccess] = Setting(
    engine, "config/access", NomadAccess, "access", help="The Nomad server.", existence=True
)
lease: Setting[Nomad, Lifetimes] = Setting(engine, "config/lease", Lifetimes, "lease", help="Lifetimes of the tokens.")
roles: Collection[Nomad, NomadRole] = Collection(
    engine, "role/{name}", NomadRole, lambda state: state.roles,
    name=Field(Kind.STRING, help="Name of the role."), help="A role.", list_help="Names of the roles.",
    extra={"global": Field(Kind.BOOL, help="Tokens are valid in all regions.")},
    shown=lambda role, product: {**role.shown(product), "global": role.everywhere},
)  # fmt: skip
creds = engine.path(
    "creds/{name}", {"name": Field(Kind.STRING, help="Name of the role.")}, help="Create a token.", go_errors=True
)


@access.write
def write_access(_state: Nomad, call: Call, access: NomadAccess) -> None:
    """Change the settings; without a token, Nomad's ACL system is bootstrapped. Raises ErrorResponse."""
    access.update_from(call)
    access.max_token_name_length = call["max_token_name_length"]
    access.token = access.token or bootstrapped(call, _peer(access))


@lease.write
def write_lease(_state: Nomad, call: Call, lease: Lifetimes) -> None:
    """Replace the lifetimes."""
    lease.replace_from(call)


@roles.write
def write_role(_state: Nomad, call: Call, _name: str, role: NomadRole) -> None:
    """Create or update a role. Raises ErrorResponse."""
    role.update_from(call, "policies")
    role.type = call["type"]
    if role.type == "client" and not role.policies:
        raise ErrorResponse("policies cannot be empty when using client tokens")
    if role.type == "management" and role.policies:
        raise ErrorResponse("policies should be empty when using management tokens")
    if role.type not in ("client", "management"):
        raise ErrorResponse('type must be "client" or "management"')
    if "global" in call:
        role.everywhere = call["global"]


@creds.on(Operation.READ)
def create_token(state: Nomad, call: Call, *, name: str) -> Response:
    """Create a token of a role. Raises ErrorResponse and BackendError."""
    role = state.roles.get(name)
    if role is None:
        raise ErrorResponse(f"role {fmt.quote(name)} not found")
    access = state.access or NomadAccess()
    lifetimes = state.lease or Lifetimes()
    longest = access.max_token_name_length if access.max_token_name_length > 0 else _LONGEST_NAME
    token_name = f"vault-{name}-{display_name(call)}-{int(call.now() * 1e9)}"[:longest]
    peer = _peer(access)
    if peer.is_local(call):
        body = {
            "Name": token_name, "Type": role.type, "Policies": role.policies or None, "Global": role.everywhere,
        }  # fmt: skip
        with refusing(error=BackendError, of=PeerError):
            answer = peer.ask("PUT", "/v1/acl/token", body).expected()
        secret, accessor = answer.member("SecretID"), answer.member("AccessorID")
    else:
        secret, accessor = call.core.entropy.uuid(), call.core.entropy.uuid()
    data = {"secret_id": secret, "accessor_id": accessor}
    return issued(data, {"accessor_id": accessor}, lifetimes.ttl, lifetimes.max_ttl)


@engine.renews
def renew(state: Nomad, call: Call) -> Response:
    """Renew the lease of a token with the mount's lifetimes."""
    lifetimes = state.lease or Lifetimes()
    return renewed(call, lifetimes.ttl, lifetimes.max_ttl)


@engine.revokes
def revoke(state: Nomad, call: Call) -> None:
    """Delete the token of a lease. Raises BackendError."""
    peer = _peer(state.access or NomadAccess())
    if peer.is_local(call):
        with refusing(error=BackendError, of=PeerError):
            peer.ask("DELETE", f"/v1/acl/token/{quote(call.kept('accessor_id'), safe='')}").expected()


def _peer(access: NomadAccess) -> Peer:
    headers = {"X-Nomad-Token": access.token} if access.token else {}
    own = presented(access.client_cert, access.client_key)
    return Peer("the Nomad server", access.address, headers, access.ca_cert, own)


section = record_section(
    access.part("access", "the Nomad server"),
    lease.part("lease", "lifetimes of the tokens"),
    named("roles", "roles by name", roles),
)
