"""The Consul secrets engine: ACL tokens for roles, and its section of world files.

A Consul server on this machine creates and deletes the tokens. Tokens of any other server are made up.

Source: Vault's ``builtin/logical/consul`` and its API documentation; no recording exists.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import quote, urlencode

from mockkms.crypto.encoding import b64
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.golang import fmt
from mockkms.vault.kernel.record_section import named, record_section
from mockkms.vault.products import Product
from mockkms.vault.secrets.issuing import Setting, WithLifetimes, display_name, issued, renewed
from mockkms.vault.secrets.peer import Peer, PeerError, bootstrapped, presented
from mockkms.world.stored import stored

_UNCONFIGURED = (
    "access credentials for the backend itself haven't been configured; please configure them at the '/config/access' "
    "endpoint"
)
_CLIENT, _MANAGEMENT = "client", "management"
_LEGACY, _CURRENT = "", "token_policy"
"""How a token was created, in its lease: before Consul 1.4, or since."""


@stored("consul.ConsulAccess")
@dataclass
class ConsulAccess(Record):
    """The Consul server."""

    address: Annotated[str, param(Kind.STRING, help="Address of the Consul server.")] = ""
    scheme: Annotated[str, param(Kind.STRING, help="Scheme of the address: http or https.")] = "http"
    token: Annotated[str, param(Kind.STRING, help="Token for requests to Consul.", show=Show.NEVER)] = ""
    ca_cert: Annotated[str, param(Kind.STRING, help="CA certificate of the server, PEM.", show=Show.NEVER)] = ""
    client_cert: Annotated[str, param(Kind.STRING, help="Client certificate, PEM.", show=Show.NEVER)] = ""
    client_key: Annotated[str, param(Kind.STRING, help="Key of the client certificate, PEM.", show=Show.NEVER)] = ""

    @property
    def url(self) -> str:
        """The address with its scheme; empty without an address."""
        return self.address if "://" in self.address or not self.address else f"{self.scheme}://{self.address}"


@stored("consul.ConsulRole")
@dataclass
class ConsulRole(WithLifetimes):
    """A role: the permissions of its tokens. Durations are seconds."""

    policy: Annotated[
        str, param(Kind.STRING, help="Policy in base64, before Consul 1.4.", deprecated=True, show=Show.SET)
    ] = ""
    token_type: Annotated[
        str, param(Kind.STRING, help="Type of the tokens, before Consul 1.4: client or management.", deprecated=True)
    ] = _CLIENT
    consul_policies: Annotated[
        list[str], param(Kind.COMMA_STRINGS, help="Consul policies of the tokens.", show=Show.SET)
    ] = field(default_factory=list)
    consul_roles: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Consul roles of the tokens.", show=Show.SET)] = (
        field(default_factory=list)
    )
    service_identities: Annotated[
        list[str], param(Kind.STRING_SLICE, help="Service identities: name, or name:datacenter,….", show=Show.SET)
    ] = field(default_factory=list)
    node_identities: Annotated[
        list[str], param(Kind.STRING_SLICE, help="Node identities: name:datacenter.", show=Show.SET)
    ] = field(default_factory=list)
    local: Annotated[bool, param(Kind.BOOL, help="Tokens are valid in the current datacenter only.")] = False
    consul_namespace: Annotated[str, param(Kind.STRING, help="Consul namespace of the tokens.")] = ""
    partition: Annotated[str, param(Kind.STRING, help="Admin partition of the tokens.")] = ""

    @property
    def legacy(self) -> bool:
        """Whether tokens are those of Consul before 1.4."""
        return bool(self.policy) is (self.token_type == _CLIENT)


@stored("consul.Consul")
@dataclass
class Consul:
    """State of a mount."""

    access: ConsulAccess | None = None
    roles: dict[str, ConsulRole] = field(default_factory=dict)


engine = Engine("consul", kind="secret", new_state=Consul, help="ACL tokens of Consul for roles.", waits=True)
access: Setting[Consul, ConsulAccess] = Setting(
    engine, "config/access", ConsulAccess, "access", help="The Consul server.", missing=_UNCONFIGURED,
    supplies=(Operation.READ,),
)  # fmt: skip


def _shown(role: ConsulRole, product: Product) -> dict[str, object]:
    return {**role.shown(product), "lease": role.ttl}


roles: Collection[Consul, ConsulRole] = Collection(
    engine, "roles/{name}", ConsulRole, lambda state: state.roles, shown=_shown, existence=False,
    name=Field(Kind.STRING, help="Name of the role."), help="A role.", list_help="Names of the roles.",
    extra={
        "policies": Field(Kind.COMMA_STRINGS, help="The former name of consul_policies.", deprecated=True),
        "lease": Field(Kind.SECONDS, help="The former name of ttl.", deprecated=True),
    },
)  # fmt: skip
creds = engine.path(
    "creds/{role}", {"role": Field(Kind.STRING, help="Name of the role.")}, help="Create a token.", go_errors=True
)


@access.write
def write_access(_state: Consul, call: Call, access: ConsulAccess) -> None:
    """Replace the settings; without a token, Consul's ACL system is bootstrapped. Raises ErrorResponse."""
    access.replace_from(call)
    access.token = access.token or bootstrapped(call, _peer(access))


@roles.write
def write_role(
    _state: Consul, call: Call, _name: str, role: ConsulRole, *, policies: list[str], lease: int | None = None
) -> None:
    """Replace a role. Raises ErrorResponse."""
    role.replace_from(call)
    given = (role.policy, policies, role.consul_policies, role.consul_roles, role.service_identities)
    if role.token_type == _CLIENT and not any((*given, role.node_identities)):
        raise ErrorResponse(
            "Use either a policy document, a list of policies or roles, or a set of service or node identities, "
            "depending on your Consul version"
        )
    if role.token_type not in (_CLIENT, _MANAGEMENT):
        raise ErrorResponse('token_type must be "client" or "management"')
    role.consul_policies = role.consul_policies or policies
    _decoded(role.policy)
    if "ttl" not in call and lease is not None:
        role.ttl = lease


def _decoded(policy: str) -> str:
    """Return a policy that was given in base64. Raises ErrorResponse."""
    with refusing("Error decoding policy base64: "):
        return b64.decode(policy).decode("utf-8", "replace")


@creds.on(Operation.READ)
def create_token(state: Consul, call: Call, *, role: str) -> Response:
    """Create a token of a role. Raises ErrorResponse."""
    found = state.roles.get(role)
    if found is None:
        raise ErrorResponse(f"role {fmt.quote(role)} not found")
    if state.access is None:
        raise ErrorResponse(_UNCONFIGURED)
    name = f"Vault {role} {display_name(call)} {int(call.now() * 1e9)}"
    peer = _peer(state.access)
    asked = peer.is_local(call)
    with refusing(of=PeerError):
        if found.legacy:
            token = _legacy_token(call, peer, found, name, asked=asked)
            internal = {"token": token, "role": role, "version": _LEGACY}
            return issued({"token": token}, internal, found.ttl, found.max_ttl)
        data = _asked_token(peer, found, name) if asked else _made_up(call, found)
    internal = {
        "token": str(data["accessor"]), "role": role, "version": _CURRENT,
        "namespace": str(data["consul_namespace"]), "partition": str(data["partition"]),
    }  # fmt: skip
    return issued(data, internal, found.ttl, found.max_ttl)


def _legacy_token(call: Call, peer: Peer, role: ConsulRole, name: str, *, asked: bool) -> str:
    if not asked:
        return call.core.entropy.uuid()
    body = {"Name": name, "Type": role.token_type, "Rules": _decoded(role.policy)}
    return peer.ask("PUT", "/v1/acl/create", body).expected().member("ID")


def _made_up(call: Call, role: ConsulRole) -> dict[str, object]:
    return {
        "token": call.core.entropy.uuid(),
        "accessor": call.core.entropy.uuid(),
        "local": role.local,
        "consul_namespace": role.consul_namespace,
        "partition": role.partition,
    }


def _asked_token(peer: Peer, role: ConsulRole, name: str) -> dict[str, object]:
    """Return a token that Consul created. Raises PeerError."""
    body: dict[str, object] = {"Description": name, "Local": role.local}
    if role.consul_policies:
        body["Policies"] = [{"Name": policy} for policy in role.consul_policies]
    if role.consul_roles:
        body["Roles"] = [{"Name": consul_role} for consul_role in role.consul_roles]
    if role.service_identities:
        body["ServiceIdentities"] = [_service(text) for text in role.service_identities]
    if role.node_identities:
        body["NodeIdentities"] = [_node(text) for text in role.node_identities]
    for name, value in (("Namespace", role.consul_namespace), ("Partition", role.partition)):
        if value:
            body[name] = value
    answer = peer.ask("PUT", "/v1/acl/token", body).expected()
    return {
        "token": answer.member("SecretID"),
        "accessor": answer.member("AccessorID"),
        "local": answer.json().get("Local") is True,
        "consul_namespace": answer.member("Namespace"),
        "partition": answer.member("Partition"),
    }


def _service(text: str) -> dict[str, object]:
    name, *places = text.split(":")
    return {"ServiceName": name, **({"Datacenters": places[0].split(",")} if len(places) == 1 else {})}


def _node(text: str) -> dict[str, object]:
    name, *places = text.split(":")
    return {"NodeName": name, "Datacenter": places[0] if places else ""}


@engine.renews
def renew(state: Consul, call: Call) -> Response:
    """Renew the lease of a token with its role's lifetimes. Raises ErrorResponse if the role was deleted."""
    name = call.kept("role")
    role = state.roles.get(name)
    if role is None:
        raise ErrorResponse(f"issuing role {fmt.quote(name)} not found")
    return renewed(call, role.ttl, role.max_ttl)


@engine.revokes
def revoke(state: Consul, call: Call) -> None:
    """Delete the token of a lease. Raises BackendError."""
    if state.access is None:
        raise BackendError(_UNCONFIGURED)
    peer = _peer(state.access)
    if not peer.is_local(call):
        return
    token = quote(call.kept("token"), safe="")
    places = {"ns": call.kept("namespace"), "partition": call.kept("partition")}
    query = urlencode({name: value for name, value in places.items() if value})
    with refusing(error=BackendError, of=PeerError):
        if call.kept("version") == _LEGACY:
            peer.ask("PUT", f"/v1/acl/destroy/{token}").expected()
        else:
            peer.ask("DELETE", f"/v1/acl/token/{token}{'?' if query else ''}{query}").expected()


def _peer(access: ConsulAccess) -> Peer:
    headers = {"X-Consul-Token": access.token} if access.token else {}
    own = presented(access.client_cert, access.client_key)
    return Peer("the Consul server", access.url, headers, access.ca_cert, own)


section = record_section(access.part("access", "the Consul server"), named("roles", "roles by name", roles))
