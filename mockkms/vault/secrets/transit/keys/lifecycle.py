"""``keys/{name}/rotate``, ``trim`` and ``soft-delete``: new versions, deletion of old ones, and disabled keys."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Reply
from mockkms.vault.framework.message import ErrorResponse, Operation, Response
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.transit import MANAGED_KEY, NAME, engine
from mockkms.vault.secrets.transit.keys import keyring
from mockkms.vault.secrets.transit.keys.reading import shown
from mockkms.vault.secrets.transit.model import Transit, TransitKey

rotate = engine.path(
    "keys/{name}/rotate",
    {
        "name": NAME,
        **MANAGED_KEY,
    },
    help="Add a version to a key.",
    go_errors=True,
)
_NAMED = {"name": NAME}
delete = engine.path(
    "keys/{name}/soft-delete", _NAMED, help="Disable a key without deleting it.", needs=Feature.TRANSIT_ADDITIONS
)
restore = engine.path(
    "keys/{name}/soft-delete-restore", _NAMED, help="Enable a soft-deleted key.", needs=Feature.TRANSIT_ADDITIONS
)
trim = engine.path(
    "keys/{name}/trim",
    lambda: {"name": NAME, **TransitKey.fields("min_available_version")},
    help="Delete old versions of a key.",
)


@rotate.on(Operation.UPDATE)
def rotate_key(state: Transit, call: Call, *, name: str) -> Reply:
    """Add a version; older versions still decrypt."""
    key = keyring.existing(state, name, call.core, "key not found")
    keyring.rotate(key, call.now(), call.core)
    return shown(key, call.core.product)


@delete.on(Operation.DELETE)
def soft_delete(state: Transit, call: Call) -> Reply:
    """Mark the key as deleted; its configuration may still be changed."""
    return _mark(state, call, deleted=True, already="key was already marked as soft deleted")


@restore.on(Operation.UPDATE)
def soft_delete_restore(state: Transit, call: Call) -> Reply:
    """Remove the mark of a soft deletion."""
    return _mark(state, call, deleted=False, already="key was already restored")


def _mark(state: Transit, call: Call, *, deleted: bool, already: str) -> Reply:
    """Mark a key as soft deleted, or remove the mark; ``already`` is the warning if that changes nothing."""
    key = keyring.find(state, call["name"], call.core)
    if key is None:
        return None
    warnings = [already] if key.soft_deleted == deleted else []
    if key.soft_deleted != deleted:
        key.soft_deleted, key.unsaved = deleted, False
    return Response(data=shown(key, call.core.product), warnings=warnings)


@trim.on(Operation.UPDATE)
def trim_key(state: Transit, call: Call, *, name: str, min_available_version: int) -> Reply:
    """Delete the versions below ``min_available_version`` for good."""
    key = keyring.existing(state, name, call.core, "invalid key name")
    if "min_available_version" not in call:
        raise ErrorResponse("missing min_available_version")
    wanted = min_available_version
    refusal = _refusal(key, wanted)
    if refusal:
        raise ErrorResponse(refusal)
    key.min_available_version, key.unsaved = wanted, False
    key.versions = {number: version for number, version in key.versions.items() if number >= wanted}
    return shown(key, call.core.product)


def _refusal(key: TransitKey, wanted: int) -> str:
    """Return why versions below ``wanted`` cannot be trimmed; empty if they can."""
    if wanted < key.min_available_version:
        return "minimum available version cannot be decremented"
    if key.min_encryption_version == 0:
        return "minimum available version cannot be set when minimum encryption version is not set"
    if wanted > key.min_encryption_version:
        return "minimum available version cannot be greater than minmum encryption version"
    if wanted > key.min_decryption_version:
        return "minimum available version cannot be greater than minimum decryption version"
    return "minimum available version should be positive" if wanted == 0 else ""
