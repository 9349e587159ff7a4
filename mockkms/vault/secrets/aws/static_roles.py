"""``static-roles/{name}`` and ``static-creds/{name}``: users of IAM whose access keys are rotated."""

from __future__ import annotations

import base64
import hashlib
from contextlib import suppress

from mockkms.vault.amazon import query
from mockkms.vault.amazon.query import AwsAccess, AwsFault, text_in
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, refusing
from mockkms.vault.products import Product
from mockkms.vault.secrets.aws import users
from mockkms.vault.secrets.aws.model import AwsSecrets, StaticAwsRole, access, engine
from mockkms.world.clock import rfc3339

_SHORTEST = 60
"""Seconds between two rotations at least."""
_MOST_KEYS = 2
"""Access keys that a user of IAM may have."""
_BACKOFF = 10
"""Seconds until a rotation that failed is tried again."""
_PAID = ("assume_role_arn", "assume_role_session_name", "external_id")


def _shown(role: StaticAwsRole, product: Product) -> dict[str, object]:
    return {**role.shown(product), "id": role.id, **dict.fromkeys(_PAID, "")}


roles = Collection[AwsSecrets, StaticAwsRole](
    engine, "static-roles/{name:at}", StaticAwsRole, lambda state: state.static_roles, paged=False, existence=False,
    supplies=(Operation.LIST,), go_errors=True, name=Field(Kind.STRING, help="Name of the role."),
    help="A user whose access key is rotated.", list_help="Names of the static roles.",
)  # fmt: skip
creds = engine.path(
    "static-creds/{name:at}", {"name": Field(Kind.STRING, help="Name of the role.")}, help="The present access key."
)


@roles.write
def write_role(state: AwsSecrets, call: Call, name: str, role: StaticAwsRole) -> Reply:
    """Create or update a role, with an access key if it is new. Raises ErrorResponse and BackendError."""
    if any(paid in call.raw for paid in _PAID):
        raise BackendError("cross-account static roles are only supported in Vault Enterprise")
    fresh = not role.access_key
    role.update_from(call)
    if fresh and "username" not in call:
        raise ErrorResponse('missing "username" parameter')
    iam = access(state, call, "iam")
    if "username" in call:
        with refusing(error=BackendError):
            role.id = _user_id(iam, call, role, fresh=fresh)
    if "rotation_period" in call:
        if role.rotation_period < _SHORTEST:
            raise BackendError(f"role rotation period out of range: must be greater than {_SHORTEST:.2f} seconds")
    elif fresh:
        raise ErrorResponse('missing "rotation_period" parameter')
    if fresh:
        with refusing(f'failed to create new credentials for role "{name}": ', BackendError, of=AwsFault):
            _rotate(iam, call, role)
        role.expiration = role.due = call.now() + role.rotation_period
    else:
        # The real server, too, shows the former expiration until the next rotation.
        role.due = call.now() + role.rotation_period
    return {"name": name, **_shown(role, call.core.product)}


@roles.one.on(Operation.READ)
def read_role(state: AwsSecrets, call: Call, *, name: str) -> Reply:
    """Return a role."""
    found = state.static_roles.get(name)
    return None if found is None else {"name": name, **_shown(found, call.core.product)}


@roles.one.on(Operation.DELETE)
def delete_role(state: AwsSecrets, call: Call, *, name: str) -> None:
    """Delete a role and its access key. Raises BackendError."""
    found = state.static_roles.get(name)
    if found is None:
        return
    iam = access(state, call, "iam")
    if iam is not None:
        failed = f'failed to clean credentials while deleting role "{name}": couldn\'t delete from IAM: '
        with refusing(failed, BackendError, of=AwsFault):
            iam.ask(call, "DeleteAccessKey", UserName=found.username, AccessKeyId=found.access_key)
    del state.static_roles[name]


@creds.on(Operation.READ)
def read_creds(state: AwsSecrets, _call: Call, *, name: str) -> Reply:
    """Return the present access key of a role's user."""
    found = state.static_roles.get(name)
    if found is None:
        return None
    key = {"access_key": found.access_key, "secret_key": found.secret_key}
    return {**key, "expiration": rfc3339(found.expiration)}


def _user_id(iam: AwsAccess | None, call: Call, role: StaticAwsRole, *, fresh: bool) -> str:
    """Return the unique id of a role's user. Raises ValueError with the server's text."""
    if iam is None:
        digest = base64.b32encode(hashlib.sha256(role.username.encode()).digest()).decode()
        return f"AIDA{digest[:17]}"
    try:
        user = iam.ask(call, "GetUser", UserName=role.username)
    except AwsFault as fault:
        raise ValueError(f'unable to validate username "{role.username}": {fault}') from None
    id_ = text_in(user, "UserId")
    if not fresh and id_ != role.id:
        ids = f'"{role.id}" was requested, but "{id_}" was returned'
        raise ValueError(f"AWS GetUser returned a user, but the ID did not match: {ids}")
    return id_


def _rotate(iam: AwsAccess | None, call: Call, role: StaticAwsRole) -> None:
    """Give a role's user a new access key; the oldest is deleted if there are too many. Raises AwsFault."""
    if iam is None:
        entropy = call.core.entropy
        role.access_key, role.secret_key = query.key_id(entropy, "AKIA"), query.secret_key(entropy)
        return
    listed = iam.ask(call, "ListAccessKeys", UserName=role.username)
    keys = list(listed.iterfind(".//{*}AccessKeyMetadata/{*}member"))
    if len(keys) >= _MOST_KEYS:
        oldest = min(keys, key=lambda member: text_in(member, "CreateDate"))
        iam.ask(call, "DeleteAccessKey", UserName=role.username, AccessKeyId=text_in(oldest, "AccessKeyId"))
    role.access_key, role.secret_key = users.create_key(iam, call, role.username)


@engine.catches_up
def rotate_expired(state: AwsSecrets, call: Call) -> None:
    """Rotate the keys whose period is over, as the real server does every minute."""
    now, agenda = call.now(), call.core.state.mounts.agenda(call.mount)
    for name in agenda.due(state.static_roles, lambda role: role.due, now, (str(call.raw.get("name", "")),)):
        role = state.static_roles.get(name)
        if role is None:
            continue
        hint = call.request.trace.hint
        overdue = now + _BACKOFF
        with suppress(AwsFault):
            _rotate(access(state, call, "iam"), call, role)
            missed = int((now - role.due) // role.rotation_period) + 1
            overdue = role.expiration = role.due + missed * role.rotation_period
        role.due = overdue
        call.request.trace.hint = hint
