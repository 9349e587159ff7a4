"""The records of keys that the Vault backends keep in a KV version 2 engine, if the Vault is the embedded one."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING

from mockkms.rustfs.errors import KmsError, KmsFailure
from mockkms.rustfs.state import KmsKey, KmsSettings
from mockkms.rustfs.vault_client import VaultClient
from mockkms.vault.framework.message import Operation, Response

if TYPE_CHECKING:
    from mockkms.rustfs.context import KmsService

TRANSIT_PREFIX = "rustfs/kms/transit-metadata"
"""Path of the records of the transit backend, which hold what transit itself does not have."""


def zoned(moment: float | None) -> str | None:
    """Return an epoch time in RFC 3339 with nanoseconds, offset and zone, as the server writes it; None for None."""
    if moment is None:
        return None
    seconds, fraction = divmod(round(moment * 1_000_000), 1_000_000)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    digits = f".{fraction:06d}000" if fraction else ""
    return f"{text}{digits}+00:00[Etc/UTC]"


class KeyRecords:
    """Writes the record of each key that changes. For other backends, and without an embedded Vault, does nothing."""

    def __init__(self, service: KmsService, settings: KmsSettings) -> None:
        self.kept = service.embedded(settings)
        self.transit = settings.backend == "VaultTransit"
        self.client = VaultClient(service.core, settings.namespace, service.state.client_token)
        self.mount = settings.kv_mount.strip("/")
        self.prefix = TRANSIT_PREFIX if self.transit else settings.key_path_prefix.strip("/")

    @contextmanager
    def changing(self, key: KmsKey, *, new: bool = False) -> Iterator[None]:
        """Write the record of a key after the body has changed it; undo the change if that fails.

        Raises KmsError: KEY_NOT_FOUND if the record of a key of the KV backend is missing, otherwise BACKEND.
        """
        before = vars(copy(key)) | {"tags": dict(key.tags), "material": list(key.material)}
        yield
        if not self.kept:
            return
        try:
            self._read(key.name, new=new)
            if not self.transit and len(key.material) > max(1, len(before["material"])):
                self._versions(key, len(before["material"]))
            failed = "write transit key metadata to Vault KV" if self.transit else "store key in Vault"
            record = self._of_transit(key) if self.transit else self._of_kv2(key)
            self._ask(failed, Operation.UPDATE, self._path("data", key.name), {"data": record})
        except KmsError:
            vars(key).update(before)
            raise

    def check(self, name: str = "") -> None:
        """Raise KmsError if the records of the KV backend cannot be listed, or the one of a key cannot be read."""
        if not self.kept or self.transit:
            return
        if name:
            self._ask("read key record from Vault", Operation.READ, self._path("data", name), missing=name)
        else:
            self._ask(f"list keys in Vault kv_mount '{self.mount}'", Operation.LIST, self._path("metadata", ""))

    def ensure(self, key: KmsKey) -> None:
        """Write the record of a key of the KV backend unless it exists. Raises KmsError."""
        if not self.kept or self.transit:
            return
        path = self._path("data", key.name)
        if self._ask("read key record from Vault", Operation.READ, path) is None:
            self._ask("store key in Vault", Operation.UPDATE, path, {"data": self._of_kv2(key)})

    def forget(self, name: str) -> None:
        """Delete the record of a key with all its versions. Raises KmsError."""
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

    def _read(self, name: str, *, new: bool) -> None:
        """Read the record before writing it, as the server does to notice other writers."""
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
        self,
        doing: str,
        operation: Operation,
        path: str,
        data: Mapping[str, object] | None = None,
        *,
        missing: str = "",
    ) -> Response | None:
        """Send a request; return None if the record does not exist. Raises KmsError.

        With ``missing``, the name of a key, a record that does not exist raises KmsError of kind KEY_NOT_FOUND.
        """
        try:
            return self.client.call(f"Failed to {doing}", operation, path, data)
        except KmsError as error:
            if error.vault_status == 404 and missing:
                raise KmsError(KmsFailure.KEY_NOT_FOUND, missing) from None
            if error.vault_status == 404 and operation is not Operation.UPDATE:
                return None
            raise

    def _versions(self, key: KmsKey, before: int) -> None:
        """Write the records of the versions after ``before``; the first rotation writes that of version 1 as well."""
        for number in range(1 if before <= 1 else before + 1, len(key.material) + 1):
            data = {
                "version": number,
                "encrypted_key_material": _text(key.material[number - 1]),
                "created_at": zoned(key.created if number == 1 else key.rotated_at or key.created),
            }
            path = self._path("data", f"{key.name}/versions/{number}")
            self._ask("store key version record in Vault", Operation.UPDATE, path, {"data": data})

    @staticmethod
    def _of_kv2(key: KmsKey) -> dict[str, object]:
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
    def _of_transit(key: KmsKey) -> dict[str, object]:
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
