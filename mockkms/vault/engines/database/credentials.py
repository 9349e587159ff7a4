"""``creds/`` and ``static-creds/``: what is handed out, its lease, and its rotation."""

from __future__ import annotations

from typing import Any

from mockkms.clock import rfc3339
from mockkms.vault import policynames
from mockkms.vault.endpoint import Call, Field
from mockkms.vault.engines.database import usernames
from mockkms.vault.engines.database.engine import (
    CERTIFICATE,
    PASSWORD,
    Connection,
    Database,
    Role,
    StaticRole,
    engine,
)
from mockkms.vault.engines.database.passwords import new_password, new_rsa_key
from mockkms.vault.fields import Kind
from mockkms.vault.gotext import quote
from mockkms.vault.message import BackendError, ErrorResponse, Lease, Operation, Response

_NAME = {"name": Field(Kind.STRING, help="Name of the role.")}

dynamic = engine.path("creds/{name}", _NAME, help="A new user of a role, with a lease.")
static = engine.path("static-creds/{name}", _NAME, help="The user of a static role and the present password.")
rotate_role = engine.path("rotate-role/{name}", _NAME, help="A new password for the user of a static role, now.")


@dynamic.on(Operation.READ)
def make_user(state: Database, call: Call) -> Response:
    """Make up a user as the role's plugin would. Raises ErrorResponse and BackendError."""
    name = call["name"]
    role = state.roles.get(name)
    if role is None:
        raise ErrorResponse(f"unknown role: {name}")
    connection = _allowed(state, role, name)
    if not _supported(connection, role.credential_type):
        raise ErrorResponse(f"unsupported credential_type: {quote(role.credential_type)}")
    data = {"username": _username(call, connection, name), **_secret(call, connection, role)}
    internal = {"username": data["username"], "role": name, "db_name": role.db_name}
    return Response(data=data, lease=Lease(role.default_ttl, role.max_ttl, renewable=True, internal=internal))


@static.on(Operation.READ)
def read_user(state: Database, call: Call) -> dict[str, Any]:
    """The user and the password, with the seconds until it changes. Raises ErrorResponse and BackendError."""
    role = state.static_roles.get(call["name"])
    if role is None:
        raise ErrorResponse(f"unknown role: {call['name']}")
    _allowed(state, role, call["name"])
    left = round(role.last_rotation + role.rotation_period - call.now())
    word, secret = ("password", role.password) if role.credential_type == PASSWORD else (
        "rsa_private_key", role.private_key)  # fmt: skip
    return {
        "last_vault_rotation": rfc3339(role.last_rotation),
        word: secret,
        "rotation_period": role.rotation_period,
        "ttl": max(left, 0),
        "username": role.username,
    }


@rotate_role.on(Operation.UPDATE)
def rotate_now(state: Database, call: Call) -> None:
    """Change the password of a static role now. Raises ErrorResponse and BackendError."""
    role = state.static_roles.get(call["name"])
    if role is None:
        raise ErrorResponse("no static role found for role name")
    try:
        rotate(state, call, call["name"], role)
    except BackendError as error:
        raise BackendError(
            "unable to finish rotating credentials; retries will continue in the background but it is also safe to "
            f"retry manually: {error.errors[0]}"
        ) from None


def rotate(state: Database, call: Call, name: str, role: StaticRole) -> None:
    """Give a static role a new password or key. Raises BackendError."""
    connection = _allowed(state, role, name)
    if not _supported(connection, role.credential_type):
        raise BackendError(f"unsupported credential_type: {quote(role.credential_type)}")
    secret = _secret(call, connection, role)
    role.password = secret.get("password", "")
    role.private_key = secret.get("rsa_private_key", "")
    role.last_rotation = call.now()


def catch_up(state: Database, call: Call) -> None:
    """Rotate what is due; where that fails it is tried again with the next request."""
    now = call.now()
    for name, role in state.static_roles.items():
        missed = int((now - role.last_rotation) // role.rotation_period) if role.rotation_period else 0
        if missed < 1:
            continue
        due = role.last_rotation + missed * role.rotation_period
        try:
            rotate(state, call, name, role)
        except BackendError:
            continue
        role.last_rotation = due


def renew(state: Database, call: Call) -> Response:
    """Renew the lease of a user by what its role says now. Raises BackendError."""
    role = state.roles.get(call.raw["role"])
    if role is None:
        raise BackendError(f'error during renew: could not find role with name "{call.raw["role"]}"')
    state.connection(role.db_name)
    lease: Lease = call.raw["lease"]
    lease.ttl, lease.max_ttl = role.default_ttl, role.max_ttl
    return Response(lease=lease)


def revoke(state: Database, call: Call) -> None:
    """The user is gone; the real server needs the connection for it. Raises BackendError without one."""
    role = state.roles.get(call.raw["role"])
    state.connection(role.db_name if role is not None else call.raw["db_name"])


def _allowed(state: Database, role: Role | StaticRole, name: str) -> Connection:
    connection = state.connection(role.db_name)
    if not policynames.matches_glob(connection.allowed_roles, name):
        raise BackendError(f'"{name}" is not an allowed role')
    return connection


def _supported(connection: Connection, kind: str) -> bool:
    """Client certificates are not made here, whatever the plugin can."""
    return kind != CERTIFICATE and kind in connection.connection_details.get("supported_credential_types", [PASSWORD])


def _secret(call: Call, connection: Connection, role: Role | StaticRole) -> dict[str, str]:
    if role.credential_type == PASSWORD:
        policy = role.credential_config.get("password_policy") or connection.password_policy
        return {"password": new_password(call, policy)}
    return {"rsa_private_key": new_rsa_key(call, role.credential_config)}


def _username(call: Call, connection: Connection, role: str) -> str:
    client = call.request.client
    names = {"DisplayName": client.display_name if client is not None else "", "RoleName": role}
    template = connection.connection_details.get("username_template") or ""
    template = str(template) or usernames.default_template(connection.plugin_name)
    try:
        return usernames.render(template, names, call.core.entropy, call.now())
    except usernames.TemplateError as error:
        raise BackendError(f"failed to generate username: {error}") from None
