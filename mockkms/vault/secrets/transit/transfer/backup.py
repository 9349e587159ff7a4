"""``backup/{name}`` and ``restore[/{name}]``: backups of a key with all its versions."""

from __future__ import annotations

from mockkms.crypto.encoding import b64
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, refusing
from mockkms.vault.golang import json as go_json
from mockkms.vault.golang.fmt import quote
from mockkms.vault.secrets.transit import NAME, engine
from mockkms.vault.secrets.transit.keys.keyring import find
from mockkms.vault.secrets.transit.model import SOFT_DELETED, Event, Transit
from mockkms.vault.secrets.transit.transfer import backup_format

backup = engine.path(
    "backup/{name}",
    {"name": NAME},
    help="Back up a key with all its versions, in plaintext.",
    go_errors=True,
)
restore = engine.path(
    "restore[/{name:some}]",
    {
        "backup": Field(Kind.STRING, help="Output of backup."),
        "name": Field(Kind.STRING, help="Name for the restored key, if not its own."),
        "force": Field(Kind.BOOL, default=False, help="Replace a key of that name."),
    },
    help="Restore a key from a backup.",
    go_errors=True,
)


@backup.on(Operation.READ)
def back_up(state: Transit, call: Call, *, name: str) -> Reply:
    """Return a backup of a key, and record its time in the key."""
    key = find(state, name, call.core)
    if key is None:
        raise BackendError(f'key "{name}" not found')
    if key.soft_deleted:
        raise BackendError(SOFT_DELETED)
    if not key.exportable:
        raise BackendError("exporting is disallowed on the policy")
    if not key.allow_plaintext_backup:
        raise BackendError("plaintext backup is disallowed on the policy")
    key.unsaved = False
    key.backup_info = Event(call.now(), key.latest_version)
    text = go_json.encode(backup_format.dump(key), ordered=True) + "\n"
    return {"backup": b64.encode(text.encode())}


@restore.on(Operation.UPDATE)
def restore_key(state: Transit, call: Call, *, backup: str, name: str, force: bool) -> Reply:
    """Restore a key. Raises ErrorResponse for an invalid backup, on which the real server panics, and BackendError."""
    if not backup:
        raise ErrorResponse("'backup' must be supplied")
    if "/" in name:
        raise BackendError("key names cannot be paths")
    with refusing(error=BackendError):
        document = go_json.decode(b64.decode(backup))
    with refusing("invalid backup: ", of=(ValueError, OverflowError)):
        key = backup_format.load(document)
    key.name = name or key.name
    if key.name in state.keys and not force:
        raise BackendError(f"key {quote(key.name)} already exists")
    with refusing(f"failed to restore the policy {quote(key.name)}: ", BackendError):
        backup_format.check_bounds(key)
    key.restore_info = Event(call.now(), key.latest_version)
    state.keys[key.name] = key
    return None
