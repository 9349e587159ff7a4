"""The records that the Vault backends keep in KV version 2, where the Vault is the emulated one of the same world."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, Any

from mockkms.rustfs.state import Key, Settings
from mockkms.rustfs.store import StoreError, VaultClient
from mockkms.rustfs.v2.errors import BackendError
from mockkms.rustfs.v2.shapes import zoned
from mockkms.vault.message import Operation

if TYPE_CHECKING:
    from mockkms.rustfs.admin import RustfsAdmin

TRANSIT_PREFIX = "rustfs/kms/transit-metadata"
"""Where the transit backend keeps what transit does not know of a key."""


class Records:
    """Writes the record of each key that changes; does nothing for other backends and for a Vault that is none."""

    def __init__(self, admin: RustfsAdmin, settings: Settings) -> None:
        self.kept = admin.embedded(settings)
        self.transit = settings.backend == "VaultTransit"
        self.client = VaultClient(admin.core, settings.namespace, admin.state.client_token)
        self.mount = settings.kv_mount.strip("/")
        self.prefix = TRANSIT_PREFIX if self.transit else settings.key_path_prefix.strip("/")

    @contextmanager
    def changing(self, key: Key) -> Iterator[None]:
        """Write the record after the change; a key whose record cannot be written stays as it was. BackendError."""
        before = vars(copy(key)) | {"tags": dict(key.tags), "material": list(key.material)}
        yield
        if not self.kept:
            return
        try:
            self._write(self._path("data", key.name), self._of_transit(key) if self.transit else self._of_kv2(key))
            if not self.transit and len(key.material) > max(1, len(before["material"])):
                self._versions(key, len(before["material"]))
        except StoreError as error:
            vars(key).update(before)
            raise BackendError(error.text) from None

    def forget(self, name: str) -> None:
        """Delete the record for good."""
        if self.kept:
            try:
                self.client.call(Operation.DELETE, self._path("metadata", name))
            except StoreError as error:
                raise BackendError(error.text) from None

    def _path(self, kind: str, below: str) -> str:
        return f"{self.mount}/{kind}/{self.prefix}/{below}"

    def _write(self, path: str, data: dict[str, Any]) -> None:
        self.client.call(Operation.UPDATE, path, {"data": data})

    def _versions(self, key: Key, before: int) -> None:
        """A rotated key has a record for every version; the first rotation writes that of version 1 too."""
        for number in range(1 if before <= 1 else before + 1, len(key.material) + 1):
            data = {
                "version": number,
                "encrypted_key_material": _text(key.material[number - 1]),
                "created_at": zoned(key.created if number == 1 else key.rotated_at or key.created),
            }
            self._write(self._path("data", f"{key.name}/versions/{number}"), data)

    @staticmethod
    def _of_kv2(key: Key) -> dict[str, Any]:
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
    def _of_transit(key: Key) -> dict[str, Any]:
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
