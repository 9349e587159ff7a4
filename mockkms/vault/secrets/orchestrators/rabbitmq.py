"""The RabbitMQ secrets engine: users for roles, and its section of world files.

The management API of a RabbitMQ on this machine creates and deletes the users. Users of any other one are made up.

Source: Vault's and OpenBao's ``builtin/logical/rabbitmq`` and their API documentation; no recording exists.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import quote

from mockkms.go_urls import parse_fault
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.golang import json
from mockkms.vault.golang.json import GoJSONError
from mockkms.vault.golang.json_types import STRING, Map, Struct
from mockkms.vault.kernel.record_section import named, record_section
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.issuing import (
    Lifetimes,
    Setting,
    check_template,
    generated_name,
    generated_password,
    issued,
    renewed,
)
from mockkms.vault.secrets.peer import Peer, PeerAnswer, PeerError
from mockkms.world.stored import stored

_TEMPLATE = '{{ printf "%s-%s" (.DisplayName) (uuid) }}'
_METADATA = "rabbitmq.UsernameMetadata"
_PASSWORD = 36
"""Length in characters of a password without a password policy."""
_VHOSTS = Map(Struct("rabbitmq.vhostPermission", dict.fromkeys(("configure", "write", "read"), STRING)))
_ERROR = Struct("rabbithole.ErrorResponse", {"error": STRING, "reason": STRING})
_TOPICS = Map(Map(Struct("rabbitmq.vhostTopicPermission", dict.fromkeys(("write", "read"), STRING))))


@stored("rabbitmq.RabbitConnection")
@dataclass
class RabbitConnection(Record):
    """The management API of the RabbitMQ server."""

    connection_uri: Annotated[str, param(Kind.STRING, help="Address of the management API.")] = ""
    username: Annotated[str, param(Kind.STRING, help="User name of an administrator.")] = ""
    password: Annotated[str, param(Kind.STRING, help="Password of the administrator.", show=Show.NEVER)] = ""
    password_policy: Annotated[str, param(Kind.STRING, help="Password policy of generated passwords.")] = ""
    username_template: Annotated[str, param(Kind.STRING, help="Template of generated user names.")] = ""


@stored("rabbitmq.RabbitRole")
@dataclass
class RabbitRole(Record):
    """The permissions of a role's users."""

    tags: Annotated[str, param(Kind.STRING, help="Comma-separated tags of the users.")] = ""
    vhosts: Annotated[
        str, param(Kind.STRING, help="Permissions by virtual host, in JSON: configure, write, read.", show=Show.NEVER)
    ] = ""
    vhost_topics: Annotated[
        str,
        param(
            Kind.STRING, help="Topic permissions by virtual host and exchange, in JSON: write, read.", show=Show.NEVER
        ),
    ] = ""


@stored("rabbitmq.RabbitMQ")
@dataclass
class RabbitMQ:
    """State of a mount."""

    connection: RabbitConnection | None = None
    lease: Lifetimes | None = None
    roles: dict[str, RabbitRole] = field(default_factory=dict)


def _objects(text: str, name: str, kind: Map) -> dict[str, Any]:
    """Return the permissions of a JSON text; without a text there are none. Raises ErrorResponse."""
    with refusing(f"failed to unmarshal {name}: "):
        found: dict[str, Any] = kind.read(json.decode_first(text) if text else None)
        return found


def _vhosts(role: RabbitRole) -> dict[str, dict[str, str]]:
    """Return permissions by virtual host. Raises ErrorResponse."""
    return _objects(role.vhosts, "vhosts", _VHOSTS)


def _topics(role: RabbitRole) -> dict[str, dict[str, dict[str, str]]]:
    """Return topic permissions by virtual host and exchange. Raises ErrorResponse."""
    return _objects(role.vhost_topics, "vhost_topics", _TOPICS)


def _shown(role: RabbitRole, product: Product) -> Mapping[str, object]:
    unset = not role.vhost_topics and product.has(Feature.RABBITMQ_NO_TOPICS)
    return {"tags": role.tags, "vhosts": _vhosts(role), "vhost_topics": None if unset else _topics(role)}


engine = Engine("rabbitmq", kind="secret", new_state=RabbitMQ, help="Users of RabbitMQ for roles.", waits=True)
connection: Setting[RabbitMQ, RabbitConnection] = Setting(
    engine, "config/connection", RabbitConnection, "connection", help="The management API of the server.",
    extra={"verify_connection": Field(Kind.BOOL, default=True, help="Connect when the settings are written.")},
    supplies=(), go_errors=True,
)  # fmt: skip
lease: Setting[RabbitMQ, Lifetimes] = Setting(
    engine, "config/lease", Lifetimes, "lease", help="Lifetimes of the users.", supplies=(Operation.READ,)
)
roles: Collection[RabbitMQ, RabbitRole] = Collection(
    engine, "roles/{name}", RabbitRole, lambda state: state.roles, shown=_shown, existence=False,
    name=Field(Kind.STRING, help="Name of the role."), help="A role.", list_help="Names of the roles.",
)  # fmt: skip
creds = engine.path(
    "creds/{name}", {"name": Field(Kind.STRING, help="Name of the role.")}, help="Create a user.", go_errors=True
)


@connection.write
def write_connection(_state: RabbitMQ, call: Call, connection: RabbitConnection, *, verify_connection: bool) -> None:
    """Replace the settings; a server on this machine is asked whether they are right.

    Raises ErrorResponse and BackendError.
    """
    connection.replace_from(call)
    for name in ("connection_uri", "username", "password"):
        if not getattr(connection, name):
            raise ErrorResponse(f"missing {name}")
    if connection.username_template:
        with refusing():
            check_template(call, connection.username_template, _METADATA)
    if verify_connection:
        with refusing("failed to create client: ", BackendError, of=BackendError):
            peer = _peer(connection)
        if peer.is_local(call):
            with refusing("failed to validate the connection: ", BackendError, of=(PeerError, GoJSONError)):
                _decoded(_sound(peer.ask("GET", "/api/users/")))


@lease.write
def write_lease(_state: RabbitMQ, call: Call, lease: Lifetimes) -> None:
    """Replace the lifetimes."""
    lease.replace_from(call)


@roles.write
def write_role(_state: RabbitMQ, call: Call, _name: str, role: RabbitRole) -> None:
    """Replace a role. Raises ErrorResponse."""
    role.replace_from(call)
    if not role.tags and not role.vhosts:
        raise ErrorResponse("both tags and vhosts not specified")
    _vhosts(role)
    _topics(role)


@creds.on(Operation.READ)
def create_user(state: RabbitMQ, call: Call, *, name: str) -> Response:
    """Create a user of a role. Raises ErrorResponse and BackendError."""
    role = state.roles.get(name)
    if role is None:
        raise ErrorResponse(f"unknown role: {name}")
    connection = state.connection or RabbitConnection()
    with refusing(error=BackendError):
        username = generated_name(call, connection.username_template or _TEMPLATE, name, _METADATA)
    password = generated_password(call, connection.password_policy, _PASSWORD)
    peer = _peer(connection)
    if peer.is_local(call):
        _create(peer, role, username, password)
    lifetimes = state.lease or Lifetimes()
    data = {"username": username, "password": password}
    return issued(data, {"username": username}, lifetimes.ttl, lifetimes.max_ttl)


def _create(peer: Peer, role: RabbitRole, username: str, password: str) -> None:
    """Create a user with its permissions; without all of them it is deleted again. Raises BackendError."""
    user = quote(username, safe="")
    with refusing(text="failed to create a new user with the generated credentials", error=BackendError, of=PeerError):
        _sound(peer.ask("PUT", f"/api/users/{user}", {"password": password, "tags": role.tags}))
    try:
        with refusing(error=BackendError, of=PeerError):
            for vhost, permission in _vhosts(role).items():
                path = f"/api/permissions/{quote(vhost, safe='')}/{user}"
                _sound(peer.ask("PUT", path, permission))
            for vhost, exchanges in _topics(role).items():
                path = f"/api/topic-permissions/{quote(vhost, safe='')}/{user}"
                for exchange, topic in exchanges.items():
                    _sound(peer.ask("PUT", path, {"exchange": exchange, **topic}))
    except BackendError:
        _delete(peer, username)
        raise


def _delete(peer: Peer, username: str) -> PeerAnswer | None:
    """Delete a user, if the server responds."""
    try:
        return peer.ask("DELETE", f"/api/users/{quote(username, safe='')}")
    except PeerError:
        return None


@engine.renews
def renew(state: RabbitMQ, call: Call) -> Response:
    """Renew the lease of a user with the mount's lifetimes."""
    lifetimes = state.lease or Lifetimes()
    return renewed(call, lifetimes.ttl, lifetimes.max_ttl)


@engine.revokes
def revoke(state: RabbitMQ, call: Call) -> None:
    """Delete the user of a lease. Raises BackendError."""
    peer = _peer(state.connection or RabbitConnection())
    if not peer.is_local(call):
        return
    with refusing("could not delete user: ", BackendError, of=PeerError):
        answer = peer.ask("DELETE", f"/api/users/{quote(call.kept('username'), safe='')}")
        if answer.status != 404:
            _sound(answer)


def _peer(connection: RabbitConnection) -> Peer:
    """Return the server. Raises BackendError for an address that is none."""
    fault = parse_fault(connection.connection_uri)
    if fault:
        raise BackendError(fault)
    pair = base64.b64encode(f"{connection.username}:{connection.password}".encode()).decode()
    return Peer("the RabbitMQ server", connection.connection_uri, {"Authorization": f"Basic {pair}"})


def _sound(answer: PeerAnswer) -> PeerAnswer:
    """Return an answer with status 2xx. Raises PeerError with the text of RabbitMQ's client."""
    if answer.status == 401:
        raise PeerError("Error: API responded with a 401 Unauthorized")
    if answer.status >= 400:
        try:
            _ERROR.read(_decoded(answer))
        except GoJSONError as error:
            raise PeerError(f"Error {answer.status} (Error {answer.status} from RabbitMQ: {error}): ") from None
        raise PeerError(f"Error {answer.status} ({answer.member('error')}): {answer.member('reason')}")
    return answer


def _decoded(answer: PeerAnswer) -> object:
    """Return the JSON value of an answer. Raises GoJSONError, also for an empty one."""
    return json.decode_first(answer.body.decode("utf-8", "replace") or " ")


section = record_section(
    connection.part("connection", "the management API of the server"),
    lease.part("lease", "lifetimes of the users"),
    named("roles", "roles by name", roles),
)
