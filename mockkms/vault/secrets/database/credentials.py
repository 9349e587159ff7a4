"""``creds/``, ``static-creds/`` and ``rotate-role/``: credentials of roles, their leases and their rotation."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Lease, Operation, Response, refusing
from mockkms.vault.golang import cron
from mockkms.vault.golang.fmt import error_list, quote
from mockkms.vault.policy import names as policynames
from mockkms.vault.secrets.database import servers
from mockkms.vault.secrets.database.engine import (
    CERTIFICATE,
    PASSWORD,
    CredentialRole,
    Database,
    DatabaseConnection,
    DatabaseError,
    StaticDatabaseRole,
    engine,
)
from mockkms.vault.secrets.database.generated import new_secret, new_username
from mockkms.vault.secrets.database.postgres import expiration
from mockkms.vault.tokens import ttl
from mockkms.world.clock import rfc3339

_NAME = {"name": Field(Kind.STRING, help="Name of the role.")}

dynamic = engine.path("creds/{name}", _NAME, help="Create a user of a role, with a lease.", go_errors=True)
static = engine.path("static-creds/{name}", _NAME, help="The user of a static role and its current password.")
rotate_role = engine.path("rotate-role/{name}", _NAME, help="Rotate the password of a static role's user.")
_MOST_MISSED = 10_000
"""Rotations of a schedule that are looked at after a jump of the clock; with more, the last one was due now."""
_GRACE = 5
"""Seconds that a user remains valid in the database after the end of its lease."""


@dynamic.on(Operation.READ)
def create_user(state: Database, call: Call, *, name: str) -> Response:
    """Create a user as the role's plugin does. Raises ErrorResponse and BackendError."""
    role = state.roles.get(name)
    if role is None:
        raise ErrorResponse(f"unknown role: {name}")
    connection = _allowed(state, call, role, name)
    if not _supported(connection, role.credential_type):
        raise ErrorResponse(f"unsupported credential_type: {quote(role.credential_type)}")
    limits = call.core.limits(call.mount)
    lifetime, _ = ttl.calculate(limits, call.now(), ttl=role.default_ttl, max_ttl=role.max_ttl)
    servers.opened(state, call, role.db_name)
    secret = new_secret(call, connection, role)
    username = new_username(call, connection, name)
    names = {"name": username, "username": username, "password": secret.get("password", "")}
    names["expiration"] = expiration(call.now() + lifetime + _GRACE)
    servers.server_of(state, call, connection).create(names, role.creation_statements)
    internal = {
        "username": username,
        "role": name,
        "db_name": role.db_name,
        "revocation_statements": list(role.revocation_statements),
    }
    data = {"username": username, **secret}
    return Response(data=data, lease=Lease(role.default_ttl, role.max_ttl, renewable=True, internal=internal))


@static.on(Operation.READ)
def read_user(state: Database, call: Call, *, name: str) -> Reply:
    """Return the user, its secret and the seconds until the next rotation. Raises ErrorResponse and BackendError."""
    role = state.static_roles.get(name)
    if role is None:
        raise ErrorResponse(f"unknown role: {name}")
    _allowed(state, call, role, name)
    due = next_rotation(role, call.now() if role.rotation_schedule else role.last_rotation)
    is_password = role.credential_type == PASSWORD
    secret = {"password": role.password} if is_password else {"rsa_private_key": role.private_key}
    return {
        "last_vault_rotation": rfc3339(role.last_rotation),
        **secret,
        **shown_rotation(role),
        "ttl": max(round(due - call.now()), 0) if due is not None else 0,
        "username": role.username,
    }


def next_rotation(role: StaticDatabaseRole, after: float) -> float | None:
    """Return the time of a static role's next rotation, in seconds since the epoch; None for never."""
    if role.rotation_schedule:
        return cron.parse(role.rotation_schedule).next(after)
    return after + role.rotation_period


def shown_rotation(role: StaticDatabaseRole) -> dict[str, object]:
    """Return the rotation settings of a static role as reads show them: a period, or a schedule with its window."""
    if not role.rotation_schedule:
        return {"rotation_period": role.rotation_period}
    window = {"rotation_window": role.rotation_window} if role.rotation_window else {}
    return {"rotation_schedule": role.rotation_schedule, **window}


@rotate_role.on(Operation.UPDATE)
def rotate_now(state: Database, call: Call, *, name: str) -> None:
    """Rotate the password of a static role. Raises ErrorResponse and BackendError."""
    role = state.static_roles.get(name)
    if role is None:
        raise ErrorResponse("no static role found for role name")
    refusal = (
        "unable to finish rotating credentials; retries will continue in the background but it is also safe to retry "
        "manually: "
    )
    with refusing(refusal, BackendError, of=BackendError):
        rotate(state, call, name, role)


def rotate(state: Database, call: Call, name: str, role: StaticDatabaseRole) -> None:
    """Set a new password or key for a static role. Raises BackendError."""
    connection = _allowed(state, call, role, name)
    if not _supported(connection, role.credential_type):
        raise BackendError(f"unsupported credential_type: {quote(role.credential_type)}")
    servers.opened(state, call, role.db_name)
    secret = new_secret(call, connection, role)
    with refusing("error setting credentials: ", BackendError, of=DatabaseError):
        _change(state, call, connection, role, secret)
    role.password = secret.get("password", "")
    role.private_key = secret.get("rsa_private_key", "")
    role.last_rotation = call.now()


def _change(
    state: Database, call: Call, connection: DatabaseConnection, role: StaticDatabaseRole, secret: dict[str, str]
) -> None:
    """Change the password in the database. Raises DatabaseError."""
    if role.self_managed_password and state.contacts_servers:
        text = "self-managed static roles only available in Vault Enterprise"
        raise DatabaseError(error_list([f"unable to get static connection from cache: {text}"]))
    if role.credential_type == PASSWORD:
        server = servers.server_of(state, call, connection)
        server.change_password(role.username, secret["password"], role.rotation_statements)


@engine.catches_up
def catch_up(state: Database, call: Call) -> None:
    """Rotate the static roles that are due. A failed rotation is retried with the next request."""
    agenda = call.core.state.mounts.agenda(call.mount)
    names = (str(call.raw.get("name", "")),)
    for name in agenda.due(state.static_roles, _next_due, call.now(), names):
        role = state.static_roles.get(name)
        due = None if role is None else _last_due(role, call.now())
        if role is None or due is None:
            continue
        try:
            rotate(state, call, name, role)
        except BackendError:
            continue
        role.last_rotation = due


def _next_due(role: StaticDatabaseRole) -> float | None:
    """Return the time of the rotation that follows the last one, in seconds since the epoch; None for never."""
    return next_rotation(role, role.last_rotation) if role.rotation_schedule or role.rotation_period else None


def _last_due(role: StaticDatabaseRole, now: float) -> float | None:
    """Return the latest time at which a rotation was due that was not made, seconds since the epoch; None without."""
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
    """Renew the lease of a user with the current settings of its role. Raises BackendError."""
    role = state.roles.get(call.kept("role"))
    if role is None:
        raise BackendError(f'error during renew: could not find role with name "{call.kept("role")}"')
    connection = servers.opened(state, call, role.db_name)
    lease = call.lease
    lease.ttl, lease.max_ttl = role.default_ttl, role.max_ttl
    limits = call.core.limits(call.mount)
    lifetime, _ = ttl.calculate(limits, call.now(), ttl=role.default_ttl, max_ttl=role.max_ttl)
    server = servers.server_of(state, call, connection)
    server.extend(call.kept("username"), call.now() + lifetime + _GRACE, role.renew_statements)
    return Response(lease=lease)


@engine.revokes
def revoke(state: Database, call: Call) -> None:
    """Delete the user of a lease. Raises BackendError."""
    role = state.roles.get(call.kept("role"))
    connection = servers.opened(state, call, role.db_name if role is not None else call.kept("db_name"))
    kept = call.raw.get("revocation_statements")
    statements = role.revocation_statements if role is not None else kept if isinstance(kept, list) else []
    servers.server_of(state, call, connection).drop(call.kept("username"), statements)


def _allowed(state: Database, call: Call, role: CredentialRole, name: str) -> DatabaseConnection:
    connection = state.connection(call.core.product, role.db_name)
    if not policynames.matches_glob(connection.allowed_roles, name):
        raise BackendError(f'"{name}" is not an allowed role')
    return connection


def _supported(connection: DatabaseConnection, kind: str) -> bool:
    """Return whether credentials of ``kind`` are generated; client certificates never are, whatever the plugin can."""
    supported = connection.connection_details.get("supported_credential_types", [PASSWORD])
    return kind != CERTIFICATE and isinstance(supported, list) and kind in supported
