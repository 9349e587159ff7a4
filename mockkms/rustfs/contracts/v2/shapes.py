"""Keys in the responses of the current contract."""

from __future__ import annotations

from mockkms.rustfs.backends import Backend
from mockkms.rustfs.records import zoned
from mockkms.rustfs.state import KmsKey


def metadata(key: KmsKey, backend: Backend) -> dict[str, object]:
    """Return ``KeyMetadata``, as the description of a key shows it."""
    return {
        "key_id": key.name,
        "key_state": key.status,
        "key_usage": key.usage,
        "description": key.description,
        "creation_date": zoned(key.created),
        "deletion_date": zoned(key.deletion_date),
        "origin": backend.origin,
        "key_manager": backend.manager,
        "tags": dict(key.tags),
    }


def info(key: KmsKey, backend: Backend, due: str) -> dict[str, object]:
    """Return ``KeyInfo``, an item of a list of keys; ``due`` is why it is due for rotation, empty if it is not."""
    shown: dict[str, object] = {
        "key_id": key.name,
        "description": key.description,
        "algorithm": "AES_256",
        "usage": key.usage,
        "status": "Active" if key.status == "Enabled" else key.status,
        "version": max(1, len(key.material)),
        "metadata": dict(key.tags) if backend.tags_as_metadata else {},
        "tags": dict(key.tags),
        "created_at": zoned(key.created),
        "rotated_at": zoned(key.rotated_at),
        "created_by": backend.created_by,
        "rotation_due": bool(due),
    }
    if reason := due or ("" if backend.can("rotate") else "unsupported"):
        shown["rotation_due_reason"] = reason
    return shown


def rotation_due(key: KmsKey, backend: Backend, max_age: int, now: float) -> str:
    """Return why a key is due for rotation, if it is older than ``max_age`` seconds; empty if it is not.

    The server takes an age of less than an hour as an hour, and 0 as none.
    """
    if not max_age or not backend.can("rotate"):
        return ""
    since = key.created if key.rotated_at is None else key.rotated_at
    if now - since < max(max_age, 3600):
        return ""
    return "never_rotated" if key.rotated_at is None else "age"


def impact(key_id: str, default_key_id: str | None) -> dict[str, object]:
    """Return the references to a key in the configuration; references in buckets are not emulated."""
    references = []
    if default_key_id == key_id:
        references.append(
            {
                "kind": "service-default-key",
                "id": key_id,
                "detail": "the KMS service is configured to use this key as its default key",
            }
        )
    return {
        "key_id": key_id,
        "completeness": "exact",
        "coverage": {
            "scanned": ["bucket-default-encryption", "service-default-key"],
            "not_scanned": ["object-envelopes", "in-progress-multipart-uploads"],
        },
        "references": references,
    }
