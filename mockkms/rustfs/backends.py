"""The backends: names, capabilities and the values they give to keys; and the key of the static backend."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from enum import Enum

CAPABILITIES = (
    "encrypt",
    "decrypt",
    "generate_data_key",
    "rotate",
    "enable_disable",
    "schedule_deletion",
    "versioning",
    "physical_delete",
    "update_key_metadata",
    "rewrap",
    "production_supported",
)


class Existing(Enum):
    """What a backend does when a key is created that exists."""

    REFUSED = "refused"
    REPLACED = "replaced"
    RETURNED = "returned"
    """If it is equal to the requested one, and enabled; otherwise refused."""


class ContextBinding(Enum):
    """Whether data keys are encrypted with their context as associated data; otherwise it is stored only."""

    NEVER = "never"
    IF_GIVEN = "if given"
    ALWAYS = "always"
    """An empty context too."""


@dataclass(frozen=True)
class Backend:
    """One kind of backend: how it differs from the others. Code asks for a member, not for the name."""

    name: str
    """Name in ``/status``, ``/config`` and messages."""
    origin: str
    manager: str
    created_by: str | None
    lacks: frozenset[str]
    one_key: bool = False
    """Whether there is one key, which is configured, and no other can be made or deleted."""
    existing: Existing = Existing.REFUSED
    binding: ContextBinding = ContextBinding.NEVER
    deletes_at_once: bool = False
    """Whether an immediate deletion needs one request; otherwise the first one marks the key."""
    hides_deletion_faults: bool = False
    """Whether every failure to find a key for deletion is "not found"."""
    cancelled_origin: str = ""
    """The origin of a key whose deletion was cancelled, until its next change; empty: its own."""
    notes_versions: bool = False
    """Whether keys have the time of their rotation, and data keys the number of the version that encrypted them."""
    tags_as_metadata: bool = False
    responsibility: str | None = "reference-only"
    """Who is responsible for backups, as ``/backup`` reports it."""

    def can(self, capability: str) -> bool:
        """Return whether the backend has a capability."""
        return capability not in self.lacks

    def capabilities(self) -> dict[str, bool]:
        """Return all capabilities, as ``/status`` shows them."""
        return {name: self.can(name) for name in CAPABILITIES}


BACKENDS = {
    "Local": Backend(
        "local",
        "KMS",
        "CUSTOMER",
        "local-kms",
        frozenset({"rotate", "versioning", "rewrap", "production_supported"}),
        deletes_at_once=True,
        hides_deletion_faults=True,
        cancelled_origin="AWS_KMS",
        tags_as_metadata=True,
        responsibility="full-material",
    ),
    "VaultKV2": Backend(
        "vault-kv2",
        "VAULT",
        "VAULT",
        None,
        frozenset(),
        existing=Existing.REPLACED,
        hides_deletion_faults=True,
        notes_versions=True,
        responsibility="full-material",
    ),
    "VaultTransit": Backend(
        "vault-transit",
        "AWS_KMS",
        "VAULT_TRANSIT",
        None,
        frozenset(),
        existing=Existing.RETURNED,
        binding=ContextBinding.IF_GIVEN,
        tags_as_metadata=True,
        responsibility="metadata-plus-external-root",
    ),
    "Static": Backend(
        "static",
        "EXTERNAL",
        "STATIC",
        None,
        frozenset(CAPABILITIES) - {"encrypt", "decrypt", "generate_data_key"},
        one_key=True,
        binding=ContextBinding.ALWAYS,
    ),
    "AWS": Backend(
        "aws",
        "AWS_KMS",
        "AWS",
        None,
        frozenset({"versioning", "physical_delete", "update_key_metadata", "rewrap"}),
        responsibility=None,
    ),
}
"""By the name of ``KmsSettings.backend``."""


# -- the static backend ----------------------------------------------------------------------------------------------

STATIC_KEY_SIZE = 32
"""Bytes."""


def split_static_key(text: str) -> tuple[str, str]:
    """Return name and base64 key of ``<key-name>:<base64-key>``. Raises ValueError with the server's message."""
    name, colon, secret = text.strip().partition(":")
    if not (name and colon and secret):
        raise ValueError("Static KMS secret key must be in format <key-name>:<base64-key>")
    return name, secret


def decode_static_key(name: str, secret: str) -> bytes:
    """Return the bytes of a base64 key. Raises ValueError with the server's message, which never contains the key."""
    if not name:
        raise ValueError("Static KMS key_id cannot be empty")
    if not secret:
        raise ValueError("Static KMS secret_key cannot be empty")
    try:
        key = base64.b64decode(secret.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError("Static KMS secret key is not valid base64") from None
    if len(key) != STATIC_KEY_SIZE:
        raise ValueError(
            f"Static KMS secret key must be exactly {STATIC_KEY_SIZE} bytes after base64 decoding, got {len(key)} bytes"
        )
    return key
