"""Keys as the current contract shows them."""

from __future__ import annotations

import time
from typing import Any

from mockkms.rustfs.contracts.v2.backends import Backend
from mockkms.rustfs.state import KmsKey


def zoned(moment: float | None) -> str | None:
    """A time with nanoseconds, an offset and its zone in brackets."""
    if moment is None:
        return None
    seconds, fraction = divmod(round(moment * 1_000_000), 1_000_000)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    digits = f".{fraction:06d}000" if fraction else ""
    return f"{text}{digits}+00:00[Etc/UTC]"


def metadata(key: KmsKey, backend: Backend) -> dict[str, Any]:
    """``KeyMetadata``: what describing a key shows."""
    origin = "AWS_KMS" if key.cancelled and backend.name == "local" else backend.origin
    return {
        "key_id": key.name,
        "key_state": key.status,
        "key_usage": key.usage,
        "description": key.description,
        "creation_date": zoned(key.created),
        "deletion_date": zoned(key.deletion_date),
        "origin": origin,
        "key_manager": backend.manager,
        "tags": dict(key.tags),
    }


def info(key: KmsKey, backend: Backend) -> dict[str, Any]:
    """``KeyInfo``: what a list shows of a key."""
    shown: dict[str, Any] = {
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
        "rotation_due": False,
    }
    if backend.rotation_reason:
        shown["rotation_due_reason"] = "unsupported"
    return shown


def impact(key_id: str, default_key_id: str | None) -> dict[str, Any]:
    """What in the configuration points at a key; the double has no buckets."""
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
