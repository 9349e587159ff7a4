"""``keys/{name}/soft-delete`` and its undoing: a key that stays but refuses to work."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Operation, Response
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.transit.engine import engine
from mockkms.vault.secrets.transit.keys.keyring import find
from mockkms.vault.secrets.transit.keys.reading import shown
from mockkms.vault.secrets.transit.model import Transit

_FIELDS = {"name": Field(Kind.STRING, help="Name of the key.")}

delete = engine.path(
    "keys/{name}/soft-delete", _FIELDS, help="Put a key out of use without losing it.", needs=Feature.TRANSIT_ADDITIONS
)
restore = engine.path(
    "keys/{name}/soft-delete-restore", _FIELDS, help="Put a key back into use.", needs=Feature.TRANSIT_ADDITIONS
)


@delete.on(Operation.DELETE)
def soft_delete(state: Transit, call: Call) -> Reply:
    """Mark the key as deleted; its configuration may still be changed."""
    return _mark(state, call, True, "key was already marked as soft deleted")


@restore.on(Operation.UPDATE)
def soft_delete_restore(state: Transit, call: Call) -> Reply:
    """Take the mark away."""
    return _mark(state, call, False, "key was already restored")


def _mark(state: Transit, call: Call, deleted: bool, already: str) -> Reply:
    key = find(state, call["name"], call.core)
    if key is None:
        return None
    warnings = [already] if key.soft_deleted == deleted else []
    key.soft_deleted = deleted
    return Response(data=shown(key, call.core.product), warnings=warnings)
