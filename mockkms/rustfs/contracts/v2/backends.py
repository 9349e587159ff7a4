"""What sets the backends apart: names, abilities, and the marks they leave on keys."""

from __future__ import annotations

from dataclasses import dataclass

ABILITIES = (
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


@dataclass(frozen=True)
class Backend:
    """One kind of backend."""

    name: str
    """In ``/status``, ``/config`` and texts."""
    origin: str
    manager: str
    created_by: str | None
    lacks: frozenset[str]
    tags_as_metadata: bool = False
    rotation_reason: bool = False
    """Lists say that rotation is unsupported."""
    responsibility: str | None = "reference-only"
    """Whose duty a backup is."""

    def can(self, ability: str) -> bool:
        """Whether the backend has an ability."""
        return ability not in self.lacks

    def capabilities(self) -> dict[str, bool]:
        """All abilities, as ``/status`` shows them."""
        return {name: self.can(name) for name in ABILITIES}


BACKENDS = {
    "Local": Backend(
        "local",
        "KMS",
        "CUSTOMER",
        "local-kms",
        frozenset({"rotate", "versioning", "rewrap", "production_supported"}),
        tags_as_metadata=True,
        rotation_reason=True,
        responsibility="full-material",
    ),
    "VaultKV2": Backend("vault-kv2", "VAULT", "VAULT", None, frozenset(), responsibility="full-material"),
    "VaultTransit": Backend(
        "vault-transit",
        "AWS_KMS",
        "VAULT_TRANSIT",
        None,
        frozenset(),
        tags_as_metadata=True,
        responsibility="metadata-plus-external-root",
    ),
    "Static": Backend(
        "static",
        "EXTERNAL",
        "STATIC",
        None,
        frozenset(ABILITIES) - {"encrypt", "decrypt", "generate_data_key"},
        rotation_reason=True,
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
