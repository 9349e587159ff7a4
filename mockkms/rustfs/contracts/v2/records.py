"""The records that the Vault backends keep in KV version 2, where the Vault is the emulated one of the same world."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, Any

from mockkms.rustfs.contracts.v2.errors import BackendError, KeyNotFound, KmsError
from mockkms.rustfs.contracts.v2.shapes import zoned
from mockkms.rustfs.state import KmsKey, KmsSettings
from mockkms.rustfs.store import StoreError, VaultClient
from mockkms.vault.framework.message import Operation, Response

if TYPE_CHECKING:
    from mockkms.rustfs.context import KmsService

TRANSIT_PREFIX = "rustfs/kms/transit-metadata"
"""Where the transit backend keeps what transit does not know of a key."""


class Records:
    """Writes the record of each key that changes; does nothing for other backends and for a Vault that is none."""

    def __init__(self, admin: KmsService, settings: KmsSettings) -> None:
        self.kept = admin.embedded(settings)
        self.transit = settings.backend == "VaultTransit"
        self.client = VaultClient(admin.core, settings.namespace, admin.state.client_token)
        self.mount = settings.kv_mount.strip("/")
        self.prefix = TRANSIT_PREFIX if self.transit else settings.key_path_prefix.strip("/")

    @contextmanager
    def changing(self, key: KmsKey, *, new: bool = False) -> Iterator[None]:
        """Write the record after the change; a key whose record cannot be written stays as it was.

        Raises KeyNotFound where the record of the KV backend is gone, BackendError for what else the Vault refuses.
        """
        before = vars(copy(key)) | {"tags": dict(key.tags), "material": list(key.material)}
        yield
        if not self.kept:
            return
        try:
            self._read(key.name, new)
            if not self.transit and len(key.material) > max(1, len(before["material"])):
                self._versions(key, len(before["material"]))
            failed = "write transit key metadata to Vault KV" if self.transit else "store key in Vault"
            record = self._of_transit(key) if self.transit else self._of_kv2(key)
            self._ask(failed, Operation.UPDATE, self._path("data", key.name), {"data": record})
        except KmsError:
            vars(key).update(before)
            raise

    def ensure(self, key: KmsKey) -> None:
        """Write the record of a key of the KV backend where there is none yet. Raises BackendError."""
        if not self.kept or self.transit:
            return
        path = self._path("data", key.name)
        if self._ask("read key record from Vault", Operation.READ, path) is None:
            self._ask("store key in Vault", Operation.UPDATE, path, {"data": self._of_kv2(key)})

    def forget(self, name: str) -> None:
        """Delete the record for good."""
        if not self.kept:
            return
        if self.transit:
            self._ask("delete transit key metadata from Vault KV", Operation.DELETE, self._path("metadata", name))
            return
        below = self._path("metadata", f"{name}/versions")
        listed = self._ask(f"list key version records in Vault kv_mount '{self.mount}'", Operation.LIST, f"{below}/")
        for number in listed.listed if listed else ():
            self._ask("delete key version record from Vault", Operation.DELETE, f"{below}/{number}")
        self._ask("delete key metadata from Vault", Operation.DELETE, self._path("metadata", name), missing=name)

    def _path(self, kind: str, below: str) -> str:
        return f"{self.mount}/{kind}/{self.prefix}/{below}"

    def _read(self, name: str, new: bool) -> None:
        """Read what is there before it is written, as the server does to notice other writers."""
        metadata, data = self._path("metadata", name), self._path("data", name)
        if self.transit and not new:
            self._ask("read transit key metadata version from Vault KV", Operation.READ, metadata)
            self._ask("read transit key metadata from Vault KV", Operation.READ, data)
        elif new and not self.transit:
            self._ask("read key record from Vault", Operation.READ, data)
        elif not new:
            self._ask("read key metadata from Vault", Operation.READ, metadata, missing=name)
            self._ask("read key record from Vault", Operation.READ, data, missing=name)

    def _ask(
        self, failed: str, operation: Operation, path: str, data: dict[str, Any] | None = None, *, missing: str = ""
    ) -> Response | None:
        """Ask the Vault; None for a record that is not there, which is KeyNotFound where ``missing`` names its key."""
        try:
            return self.client.call(operation, path, data)
        except StoreError as error:
            if error.status == 404 and missing:
                raise KeyNotFound(missing) from None
            if error.status == 404 and operation is not Operation.UPDATE:
                return None
            raise BackendError(f"Failed to {failed}: {error.shown}") from None

    def _versions(self, key: KmsKey, before: int) -> None:
        """A rotated key has a record for every version; the first rotation writes that of version 1 too."""
        for number in range(1 if before <= 1 else before + 1, len(key.material) + 1):
            data = {
                "version": number,
                "encrypted_key_material": _text(key.material[number - 1]),
                "created_at": zoned(key.created if number == 1 else key.rotated_at or key.created),
            }
            path = self._path("data", f"{key.name}/versions/{number}")
            self._ask("store key version record in Vault", Operation.UPDATE, path, {"data": data})

    @staticmethod
    def _of_kv2(key: KmsKey) -> dict[str, Any]:
        return {
            "algorithm": "AES_256",
            "usage": key.usage,
            "created_at": zoned(key.created),
            "status": "Active" if key.status == "Enabled" else key.status,
            "version": max(1, len(key.material)),
            "description": key.description,
            "metadata": {},
            "tags": dict(key.tags),
            "deletion_date": None if key.deletion_date is None else zoned(key.deletion_date),
            "rotated_at": None if key.rotated_at is None else zoned(key.rotated_at),
            "encrypted_key_material": _text(key.material[-1]) if key.material else "",
            "baseline_version": 1 if len(key.material) > 1 else None,
            "wrap_budget_reserved": 0,
        }

    @staticmethod
    def _of_transit(key: KmsKey) -> dict[str, Any]:
        return {
            "key_usage": key.usage,
            "description": key.description,
            "tags": dict(key.tags),
            "key_state": key.status,
            "created_at": zoned(key.created),
            "deletion_date": None if key.deletion_date is None else zoned(key.deletion_date),
            "origin": "VAULT_TRANSIT",
            "created_by": None,
            "current_version": max(1, len(key.material)),
        }


def _text(material: bytes) -> str:
    return base64.b64encode(material).decode()
