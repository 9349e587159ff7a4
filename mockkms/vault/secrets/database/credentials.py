"""``creds/`` and ``static-creds/``: what is handed out, its lease, and its rotation."""

from __future__ import annotations

from typing import Any

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Lease, Operation, Response
from mockkms.vault.golang import cron
from mockkms.vault.golang.fmt import error_list, quote
from mockkms.vault.policy import names as policynames
from mockkms.vault.secrets.database import servers, usernames
from mockkms.vault.secrets.database.engine import (
    CERTIFICATE,
    PASSWORD,
    Connection,
    Database,
    DatabaseFault,
    Role,
    StaticRole,
    engine,
)
from mockkms.vault.secrets.database.passwords import new_password, new_rsa_key
from mockkms.vault.secrets.database.postgres import expiration
from mockkms.vault.tokens import ttl
from mockkms.world.clock import rfc3339

_NAME = {"name": Field(Kind.STRING, help="Name of the role.")}

dynamic = engine.path("creds/{name}", _NAME, help="A new user of a role, with a lease.")
static = engine.path("static-creds/{name}", _NAME, help="The user of a static role and the present password.")
rotate_role = engine.path("rotate-role/{name}", _NAME, help="A new password for the user of a static role, now.")
_MOST_MISSED = 10_000


_GRACE = 5
"""Seconds that a user lives on in the database after its lease."""


@dynamic.on(Operation.READ)
def make_user(state: Database, call: Call) -> Response:
    """Make a user as the role's plugin does. Raises ErrorResponse and BackendError."""
    name = call["name"]
    role = state.roles.get(name)
    if role is None:
        raise ErrorResponse(f"unknown role: {name}")
    connection = _allowed(state, role, name)
    if not _supported(connection, role.credential_type):
        raise ErrorResponse(f"unsupported credential_type: {quote(role.credential_type)}")
    limits = call.core.limits(call.mount)
    lifetime, _ = ttl.calculate(limits, call.now(), ttl=role.default_ttl, max_ttl=role.max_ttl)
    servers.opened(state, call, role.db_name)
    secret = _secret(call, connection, role)
    username = _username(call, connection, name)
    names = {"name": username, "username": username, "password": secret.get("password", "")}
    names["expiration"] = expiration(call.now() + lifetime + _GRACE)
    try:
        servers.of(state, call, connection).create(names, role.creation_statements)
    except DatabaseFault as fault:
        raise BackendError(str(fault)) from None
    internal = {
        "username": username,
        "role": name,
        "db_name": role.db_name,
        "revocation_statements": list(role.revocation_statements),
    }
    data = {"username": username, **secret}
    return Response(data=data, lease=Lease(role.default_ttl, role.max_ttl, renewable=True, internal=internal))


@static.on(Operation.READ)
def read_user(state: Database, call: Call) -> dict[str, Any]:
    """The user and the password, with the seconds until it changes. Raises ErrorResponse and BackendError."""
    role = state.static_roles.get(call["name"])
    if role is None:
        raise ErrorResponse(f"unknown role: {call['name']}")
    _allowed(state, role, call["name"])
    due = next_rotation(role, call.now() if role.rotation_schedule else role.last_rotation)
    word, secret = ("password", role.password) if role.credential_type == PASSWORD else (
        "rsa_private_key", role.private_key)  # fmt: skip
    return {
        "last_vault_rotation": rfc3339(role.last_rotation),
        word: secret,
        **shown_rotation(role),
        "ttl": max(round(due - call.now()), 0) if due is not None else 0,
        "username": role.username,
    }


def next_rotation(role: StaticRole, after: float) -> float | None:
    """Return when the password of a static role changes next, in seconds since the epoch; None for never."""
    if role.rotation_schedule:
        return cron.parse(role.rotation_schedule).next(after)
    return after + role.rotation_period


def shown_rotation(role: StaticRole) -> dict[str, Any]:
    """Return what is shown of a static role's rotation: a period, or a schedule with its window."""
    if not role.rotation_schedule:
        return {"rotation_period": role.rotation_period}
    window = {"rotation_window": role.rotation_window} if role.rotation_window else {}
    return {"rotation_schedule": role.rotation_schedule, **window}


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
    servers.opened(state, call, role.db_name)
    secret = _secret(call, connection, role)
    try:
        _change(state, call, connection, role, secret)
    except DatabaseFault as fault:
        raise BackendError(f"error setting credentials: {fault}") from None
    role.password = secret.get("password", "")
    role.private_key = secret.get("rsa_private_key", "")
    role.last_rotation = call.now()


def _change(state: Database, call: Call, connection: Connection, role: StaticRole, secret: dict[str, str]) -> None:
    """Change the password in the database. Raises DatabaseFault."""
    if role.self_managed_password and state.asks:
        text = "self-managed static roles only available in Vault Enterprise"
        raise DatabaseFault(error_list([f"unable to get static connection from cache: {text}"]))
    if role.credential_type == PASSWORD:
        server = servers.of(state, call, connection)
        server.change_password(role.username, secret["password"], role.rotation_statements)


@engine.catches_up
def catch_up(state: Database, call: Call) -> None:
    """Rotate what is due; where that fails it is tried again with the next request."""
    for name, role in state.static_roles.items():
        due = _last_due(role, call.now())
        if due is None:
            continue
        try:
            rotate(state, call, name, role)
        except BackendError:
            continue
        role.last_rotation = due


def _last_due(role: StaticRole, now: float) -> float | None:
    """Return the latest time at which a rotation was due and is not made; None where there is none."""
    if not role.rotation_schedule:
        missed = int((now - role.last_rotation) // role.rotation_period) if role.rotation_period else 0
        return role.last_rotation + missed * role.rotation_period if missed > 0 else None
    schedule = cron.parse(role.rotation_schedule)
    due = None
    following = schedule.next(role.last_rotation)
    for _ in range(_MOST_MISSED):
        if following is None or following > now:
            return due
        due, following = following, schedule.next(following)
    return now


@engine.renews
def renew(state: Database, call: Call) -> Response:
    """Renew the lease of a user by what its role says now. Raises BackendError."""
    role = state.roles.get(call.raw["role"])
    if role is None:
        raise BackendError(f'error during renew: could not find role with name "{call.raw["role"]}"')
    connection = servers.opened(state, call, role.db_name)
    lease: Lease = call.raw["lease"]
    lease.ttl, lease.max_ttl = role.default_ttl, role.max_ttl
    limits = call.core.limits(call.mount)
    lifetime, _ = ttl.calculate(limits, call.now(), ttl=role.default_ttl, max_ttl=role.max_ttl)
    try:
        server = servers.of(state, call, connection)
        server.extend(call.raw["username"], call.now() + lifetime + _GRACE, role.renew_statements)
    except DatabaseFault as fault:
        raise BackendError(str(fault)) from None
    return Response(lease=lease)


@engine.revokes
def revoke(state: Database, call: Call) -> None:
    """Take the user away. Raises BackendError."""
    role = state.roles.get(call.raw["role"])
    connection = servers.opened(state, call, role.db_name if role is not None else call.raw["db_name"])
    statements = role.revocation_statements if role is not None else call.raw.get("revocation_statements") or []
    try:
        servers.of(state, call, connection).drop(call.raw["username"], statements)
    except DatabaseFault as fault:
        raise BackendError(str(fault)) from None


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
