"""``static-role/``, ``static-cred/`` and ``rotate-role/``: existing accounts, whose passwords rotate."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, refusing
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.directories.folders import NAME, FolderCollection, checked_name
from mockkms.vault.secrets.directories.ldap.model import LdapSecrets, StaticLdapRole, engine, set_password
from mockkms.world.clock import rfc3339

_SHORTEST = 5
_RETRY = 10
"""Seconds after which a failed rotation is retried."""
_NEVER = "0001-01-01T00:00:00Z"
_NAMED = {"name": Field(Kind.LOWER_STRING, help="Name of the static role.")}


def _shown(role: StaticLdapRole, product: Product) -> dict[str, object]:
    shown = role.shown(product)
    return {**shown, "last_vault_rotation": rfc3339(role.last_rotation)} if role.last_rotation else shown


roles: FolderCollection[LdapSecrets, StaticLdapRole] = FolderCollection(
    engine, "static-role", StaticLdapRole, lambda state: state.static_roles, shown=_shown, go_errors=True,
    help="A role of an existing account.", list_help="Names of the static roles.", deletes=False,
    extra={"skip_import_rotation": Field(Kind.BOOL, help="Keep the account's password when the role is created.")},
)  # fmt: skip
creds = engine.path(f"static-cred/{NAME}", _NAMED, help="The account of a static role and its current password.")
rotate_role = engine.path(
    f"rotate-role/{NAME}",
    {"name": Field(Kind.STRING, help="Name of the role, in lower case.")},
    help="Rotate the password of a static role's account.",
    go_errors=True,
)


@roles.write
def write(
    state: LdapSecrets, call: Call, name: str, role: StaticLdapRole, *, dn: str | None = None,
    rotation_period: int | None = None, username: str | None = None, skip_import_rotation: bool | None = None,
) -> None:  # fmt: skip
    """Create or update a static role; a new one gets a new password. Raises ErrorResponse and BackendError."""
    new = name not in state.static_roles
    _set_username(state, role, username, new=new)
    if dn is not None:
        if not new and dn and dn != role.dn:
            raise ErrorResponse("cannot update static account distinguished name (dn)")
        role.dn = dn
    _set_period(role, rotation_period, new=new)
    if skip_import_rotation is not None and not new:
        raise ErrorResponse("skip_import_rotation has no effect on updates")
    if new and skip_import_rotation is None:
        skip_import_rotation = _skips(state, call)
    if new and not skip_import_rotation:
        rotate(state, call, role)
    else:
        role.next_rotation = (role.last_rotation or call.now()) + role.rotation_period


def _set_username(state: LdapSecrets, role: StaticLdapRole, username: str | None, *, new: bool) -> None:
    if username is None:
        if new:
            raise ErrorResponse("username is a required field to manage a static account")
        return
    if not username:
        raise ErrorResponse("username must not be empty")
    if new and username in state.managed:
        raise ErrorResponse(f"{quote(username)} is already managed by the secrets engine")
    if not new and username != role.username:
        raise ErrorResponse("cannot update static account username")
    role.username = username


def _set_period(role: StaticLdapRole, seconds: int | None, *, new: bool) -> None:
    if seconds is None:
        if new:
            raise ErrorResponse("rotation_period is required to create static accounts")
        return
    if seconds < _SHORTEST:
        raise ErrorResponse(f"rotation_period must be {_SHORTEST} seconds or more")
    role.rotation_period = seconds


@roles.one.on(Operation.DELETE)
def delete(state: LdapSecrets, call: Call) -> None:
    """Delete a static role. Raises BackendError for an absent one, in products that look for its rotation first."""
    if state.static_roles.pop(roles.name_in(call), None) is None and call.core.product.has(Feature.LDAP_QUEUE_FIRST):
        raise BackendError("queue is empty")


def _skips(state: LdapSecrets, call: Call) -> bool:
    """Return whether passwords are kept when roles are created. Raises ErrorResponse and BackendError."""
    if state.config is not None:
        return state.config.skip_static_role_import_rotation
    if call.core.product.has(Feature.LDAP_FOLDERS):
        raise ErrorResponse("missing LDAP configuration")
    raise BackendError("couldn't find configuration for this create operation's endpoint")


def rotate(state: LdapSecrets, call: Call, role: StaticLdapRole) -> None:
    """Set a new password for the account of a role. Raises BackendError."""
    password = set_password(state, call, username=role.username, dn=role.dn)
    role.last_password, role.password = role.password, password
    role.last_rotation = call.now()
    role.next_rotation = role.last_rotation + role.rotation_period


@creds.on(Operation.READ)
def read_account(state: LdapSecrets, call: Call, *, name: str) -> Reply:
    """Return the account, its password and the seconds until the next rotation. Raises ErrorResponse."""
    role = state.static_roles.get(checked_name(call, name))
    if role is None:
        raise ErrorResponse(f"unknown role: {name}")
    # Without the time of the next rotation a product counts from the last one, which a kept password never had.
    due = role.next_rotation if role.last_rotation or call.core.product.has(Feature.LDAP_FOLDERS) else 0.0
    return {
        "dn": role.dn,
        "last_password": role.last_password,
        "last_vault_rotation": rfc3339(role.last_rotation) if role.last_rotation else _NEVER,
        "password": role.password,
        "rotation_period": role.rotation_period,
        "ttl": max(round(due - call.now()), 0),
        "username": role.username,
    }


@rotate_role.on(Operation.UPDATE)
def rotate_now(state: LdapSecrets, call: Call, *, name: str) -> None:
    """Rotate the password of a static role. Raises ErrorResponse and BackendError."""
    checked_name(call, name)
    role = state.static_roles.get(name)  # The real server does not lower this name.
    if role is None:
        raise ErrorResponse(f"role doesn't exist: {name}")
    refusal = (
        "unable to finish rotating credentials; retries will continue in the background but it is also safe to retry "
        "manually: "
    )
    with refusing(refusal, BackendError, of=BackendError):
        rotate(state, call, role)


def _next_due(role: StaticLdapRole) -> float | None:
    return role.next_rotation if role.rotation_period else None


@engine.catches_up
def catch_up(state: LdapSecrets, call: Call) -> None:
    """Rotate the static roles that are due. A failed rotation is retried later."""
    agenda = call.core.state.mounts.agenda(call.mount)
    names = (str(call.raw.get("name", "")).lower(),)
    for name in agenda.due(state.static_roles, _next_due, call.now(), names):
        role = state.static_roles.get(name)
        if role is None:
            continue
        missed = int((call.now() - role.next_rotation) // role.rotation_period) if role.rotation_period else -1
        if missed < 0:
            continue
        due = role.next_rotation + missed * role.rotation_period
        # Other requests are answered while the directory is asked: they are not to rotate the password once more.
        role.next_rotation = due + role.rotation_period
        try:
            rotate(state, call, role)
        except BackendError:
            role.next_rotation = call.now() + _RETRY
            continue
        role.last_rotation, role.next_rotation = due, due + role.rotation_period
