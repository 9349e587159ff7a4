"""``delete/``, ``undelete/`` and ``destroy/{path}``: mark, restore and erase versions by their numbers."""

from __future__ import annotations

from collections.abc import Iterator

from mockkms.vault.framework.endpoint import Call, Endpoint, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation
from mockkms.vault.secrets.kv.v2.engine import author, engine
from mockkms.vault.secrets.kv.v2.model import KV2, SecretMetadata, Version


def _endpoint(action: str, help: str, versions: str) -> Endpoint:
    fields = {
        "path": Field(Kind.STRING, help="Path of the secret."),
        "versions": Field(Kind.COMMA_INTS, help=versions),
    }
    return engine.path(action + "/{path:all}", fields=fields, help=help)


delete = _endpoint("delete", "Mark versions as deleted; this can be undone.", "The versions to mark.")
undelete = _endpoint("undelete", "Take the mark of deletion off versions.", "The versions to restore.")
destroy = _endpoint("destroy", "Erase the data of versions for good.", "The versions to erase.")


@delete.on(Operation.CREATE, Operation.UPDATE)
def delete_versions(state: KV2, call: Call) -> None:
    """Mark each version that is neither deleted nor destroyed."""
    now, by = call.now(), author(call)
    for _, _, version in _chosen(state, call, "No version number provided"):
        if not version.gone(now):
            version.deleted, version.deleted_by = now, by
    _updated(state, call, by)


@undelete.on(Operation.CREATE, Operation.UPDATE)
def undelete_versions(state: KV2, call: Call) -> None:
    """Restore each version that is not destroyed; its time to expiry starts again."""
    for key, _, version in _chosen(state, call, "No version number provided"):
        if not version.destroyed:
            version.deleted = state.expiry(key, call.now())
            version.deleted_by = None
    _updated(state, call, author(call, "undelete"))


def _updated(state: KV2, call: Call, by: dict[str, str] | None) -> None:
    key = state.edit(call["path"])
    if key is not None:
        key.updated_by = by


@destroy.on(Operation.CREATE, Operation.UPDATE)
def destroy_versions(state: KV2, call: Call, *, path: str) -> None:
    """Erase each version's payload; its metadata stays."""
    for _, number, version in _chosen(state, call, "no version number provided"):
        version.destroyed = True
        state.payloads.pop((path, number), None)


def _chosen(state: KV2, call: Call, missing: str) -> Iterator[tuple[SecretMetadata, int, Version]]:
    numbers = call["versions"]
    if not numbers:
        raise ErrorResponse(missing)
    key = state.edit(call["path"])
    for number in numbers if key else ():
        version = key.versions.get(number) if key else None
        if key and version:
            yield key, number, version
