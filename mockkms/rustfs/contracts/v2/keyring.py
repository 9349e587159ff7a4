"""The keys of a running service, whatever route asks: create, find, change, delete, and wrap data keys."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mockkms.rustfs.contracts.v2.backends import BACKENDS
from mockkms.rustfs.contracts.v2.errors import (
    BackendError,
    InvalidKey,
    InvalidOperation,
    KeyExists,
    KeyNotFound,
    KmsError,
    Unsupported,
    ValidationFailed,
)
from mockkms.rustfs.contracts.v2.records import Records
from mockkms.rustfs.contracts.v2.shapes import zoned
from mockkms.rustfs.state import PROBE, KmsKey, KmsSettings
from mockkms.rustfs.store import StoreError, TransitStore, new_key_id
from mockkms.rustfs.typed import quoted
from mockkms.vault.framework.message import Operation

if TYPE_CHECKING:
    from mockkms.rustfs.context import KmsService

DAY = 86400
WINDOW = (7, 30, 30)
"""Days a deletion waits: least, most, default."""

SPECS = {"Aes256": (32, "AES_256"), "Aes128": (16, "AES_128"), "ChaCha20": (32, "ChaCha20")}
"""Bytes of a data key, and the name of its kind in envelopes."""


def ensure_probe(admin: KmsService) -> None:
    """The key of its own that a started service tries to have; a Vault that refuses it does not end the start."""
    settings = admin.state.settings
    if settings is not None and settings.backend != "Static" and PROBE not in admin.state.keys:
        with suppress(KmsError):
            Keyring(admin, settings).create(PROBE, "EncryptDecrypt", None, {})


def check_id(key_id: str) -> None:
    """Refuse what could not be one file or path segment."""
    if not key_id:
        raise InvalidKey("key identifier must not be empty")
    if any(letter in key_id for letter in "/\\\0"):
        raise InvalidKey(f"key identifier must not contain path separators or NUL: {quoted(key_id)}")
    if key_id in (".", ".."):
        raise InvalidKey(f"key identifier must name a single file: {quoted(key_id)}")


class Keyring:
    """Operations on keys; every failure is a KmsError."""

    def __init__(self, admin: KmsService, settings: KmsSettings) -> None:
        self.admin, self.settings = admin, settings
        self.state, self.keys = admin.state, admin.state.keys
        self.backend = BACKENDS[settings.backend]
        self.now = admin.core.clock.now()
        self.entropy = admin.core.entropy
        self.records = Records(admin, settings)

    # -- finding -----------------------------------------------------------------------------------------------

    def get(self, key_id: str) -> KmsKey:
        """One key."""
        check_id(key_id)
        key = self.keys.get(key_id)
        if key is None or (key.deletion_date is not None and key.deletion_date <= self.now):
            self.keys.pop(key_id, None)
            raise KeyNotFound(key_id)
        return key

    def page(self, limit: int | None, marker: str) -> tuple[list[KmsKey], bool]:
        """Keys after ``marker`` in the order of their ids, and whether more follow."""
        for key in list(self.keys.values()):
            if key.deletion_date is not None and key.deletion_date <= self.now:
                del self.keys[key.name]
        size = min(100 if limit is None else limit, 1000)
        names = sorted((name for name in self.keys if name and name > marker), key=lambda name: name.encode())
        return [self.keys[name] for name in names[:size]], size > 0 and len(names) > size

    # -- making ------------------------------------------------------------------------------------------------

    def create(self, name: str | None, usage: str, description: str | None, tags: dict[str, str]) -> KmsKey:
        """Make a key; without a name it gets a UUID."""
        if name is None:
            name = new_key_id(self.entropy).removeprefix("rustfs-key-")
        elif not name.strip():
            raise ValidationFailed("key name must not be empty or whitespace")
        check_id(name)
        if self.backend.name == "static":
            if name == self.settings.key_id:
                raise KeyExists(name)
            raise InvalidOperation("Static KMS is read-only: cannot create new keys")
        if name in self.keys:
            return self._again(self.keys[name], usage, description, tags)
        self._look_before_creating(name)
        self._vault(
            f"Failed to create Vault Transit key {name}", Operation.UPDATE, f"keys/{name}", {"type": "aes256-gcm96"}
        )
        key = KmsKey(
            name=name,
            key_id=new_key_id(self.entropy),
            created=self.now,
            usage=usage,
            description=description,
            tags=dict(tags),
            material=[self.entropy.bytes(32)],
        )
        with self.records.changing(key, new=True):
            pass
        self.keys[name] = key
        return key

    def _again(self, key: KmsKey, usage: str, description: str | None, tags: dict[str, str]) -> KmsKey:
        """What creating a key that is there does: refused, the same again, or replaced, by backend."""
        if self.backend.name == "vault-kv2":
            with self.records.changing(key):
                key.usage, key.description, key.tags = usage, description, dict(tags)
            return key
        same = (key.usage, key.description, key.tags, key.status) == (usage, description, tags, "Enabled")
        if self.backend.name == "vault-transit" and same:
            return key
        raise KeyExists(key.name)

    # -- changing ----------------------------------------------------------------------------------------------

    def permit(self, key: KmsKey, doing: str, *, when_disabled: bool) -> None:
        """The matrix of key state and operation."""
        if key.status == "PendingDeletion":
            raise InvalidOperation(f"Key {key.name} is pending deletion: {doing} is not allowed")
        if key.status == "Disabled" and not when_disabled:
            raise InvalidOperation(f"Key {key.name} is disabled: {doing} is not allowed")

    def enable(self, key_id: str) -> None:
        """Also a key that is enabled."""
        self._able("enable_disable", "enable_key", "backend without enable/disable support")
        key = self.get(key_id)
        self.permit(key, "enabling", when_disabled=True)
        with self.records.changing(key):
            key.status = "Enabled"

    def disable(self, key_id: str) -> None:
        """Also a key that is disabled."""
        self._able("enable_disable", "disable_key", "backend without enable/disable support")
        key = self.get(key_id)
        self.permit(key, "disabling", when_disabled=True)
        with self.records.changing(key):
            key.status = "Disabled"

    def rotate(self, key_id: str) -> None:
        """A new version; old data keys still open."""
        self._able("rotate", "rotate_key", "backend without rotation support")
        key = self.get(key_id)
        self.permit(key, "rotation", when_disabled=False)
        self._vault(f"Failed to rotate Vault Transit key {key_id}", Operation.UPDATE, f"keys/{key_id}/rotate", {})
        self._material(key)
        with self.records.changing(key):
            key.material.append(self.entropy.bytes(32))
            if self.backend.name == "vault-kv2":
                key.rotated_at = self.now

    def describe_anew(self, key_id: str, description: str) -> None:
        """Another description; an empty one takes it away."""
        self._able("update_key_metadata", "update_key_description", "backend without key metadata updates")
        key = self.get(key_id)
        with self.records.changing(key):
            key.description = description or None

    def tag(self, key_id: str, tags: dict[str, str]) -> None:
        """Set tags beside those that are there."""
        self._able("update_key_metadata", "tag_key", "backend without key metadata updates")
        self._mutable(tags)
        key = self.get(key_id)
        with self.records.changing(key):
            key.tags.update(tags)

    def untag(self, key_id: str, names: list[str]) -> None:
        """Remove tags; unknown ones are ignored."""
        self._able("update_key_metadata", "untag_key", "backend without key metadata updates")
        self._mutable(names)
        key = self.get(key_id)
        with self.records.changing(key):
            for name in names:
                key.tags.pop(name, None)

    @staticmethod
    def _mutable(names: Any) -> None:
        if "name" in names:
            raise InvalidOperation("Tag 'name' identifies the key and cannot be updated or removed")

    # -- deleting ----------------------------------------------------------------------------------------------

    def delete(self, request: dict[str, Any]) -> float | None:
        """Schedule a deletion, or delete at once where the server allows it; when the key will be gone."""
        key_id, immediate = request["key_id"], bool(request["force_immediate"])
        least, most, default = WINDOW
        days = default if request["pending_window_in_days"] is None else request["pending_window_in_days"]
        if not immediate and not least <= days <= most:
            raise InvalidOperation(f"pending_window_in_days must be between {least} and {most}")
        if immediate:
            self._confirm(key_id, request["confirm_key_id"])
        if self.backend.name == "static":
            self._static(key_id, "delete keys")
        key = self._found_for_deletion(key_id)
        if immediate:
            self._vault(
                f"Failed to allow deletion of Vault Transit key {key_id}",
                Operation.UPDATE, f"keys/{key_id}/config", {"deletion_allowed": True},
            )  # fmt: skip
            self._vault(f"Failed to delete Vault Transit key {key_id}", Operation.DELETE, f"keys/{key_id}", {})
            self.records.forget(key_id)
            del self.keys[key_id]
            return None
        self.permit(key, "deletion scheduling", when_disabled=True)
        with self.records.changing(key):
            key.status, key.deletion_date = "PendingDeletion", self.now + days * DAY
        return key.deletion_date

    def _confirm(self, key_id: str, confirmed: str | None) -> None:
        if not self.state.environment.immediate_deletion:
            raise InvalidOperation(
                f"immediate deletion of key {key_id} is not allowed; schedule the deletion and wait out the pending "
                "window, or set RUSTFS_KMS_ALLOW_IMMEDIATE_DELETION=true on the server"
            )
        if confirmed != key_id:
            raise InvalidOperation(f"immediate deletion of key {key_id} requires confirm_key_id to match the key id")

    def cancel(self, key_id: str) -> KmsKey:
        """Take a scheduled deletion back; the key is enabled."""
        if self.backend.name == "static":
            self._static(key_id, "cancel key deletion")
        key = self._found_for_deletion(key_id)
        if key.status != "PendingDeletion":
            raise InvalidOperation(f"Key {key_id} is not pending deletion")
        with self.records.changing(key):
            key.status, key.deletion_date, key.cancelled = "Enabled", None, True
        return key

    def _static(self, key_id: str, what: str) -> None:
        if key_id != self.settings.key_id:
            raise KeyNotFound(key_id)
        raise InvalidOperation(f"Static KMS is read-only: cannot {what}")

    def _found_for_deletion(self, key_id: str) -> KmsKey:
        try:
            return self.get(key_id)
        except KeyNotFound:
            raise KeyNotFound(f"Key {key_id} not found") from None

    # -- using -------------------------------------------------------------------------------------------------

    def data_key(self, key_id: str, spec: str, context: dict[str, str]) -> tuple[bytes, bytes]:
        """A fresh data key: itself, and wrapped in a JSON envelope."""
        key = self.get(key_id)
        self.permit(key, "data key generation", when_disabled=False)
        size, kind = SPECS[spec]
        plaintext = self.entropy.bytes(size)
        bound = self._bound(context)
        sent = {"plaintext": base64.b64encode(plaintext).decode()}
        if bound:
            sent["associated_data"] = base64.b64encode(bound).decode()
        wrapped = self._vault(
            f"Vault Transit encrypt failed for key {key.name}", Operation.UPDATE, f"encrypt/{key.name}", sent,
            missing=key.name,
        )  # fmt: skip
        if wrapped is not None:
            nonce, sealed = b"", str(wrapped["ciphertext"]).encode()
        else:
            nonce = self.entropy.bytes(12)
            sealed = AESGCM(self._material(key)[-1]).encrypt(nonce, plaintext, bound)
        envelope: dict[str, Any] = {
            "key_id": self.entropy.uuid(),
            "master_key_id": key.name,
            "key_spec": kind,
            "encrypted_key": list(sealed),
            "nonce": list(nonce),
            "encryption_context": context,
            "created_at": zoned(self.now),
        }
        if self.backend.name == "vault-kv2":
            envelope["master_key_version"] = len(self._material(key))
        return plaintext, json.dumps(envelope, separators=(",", ":")).encode()

    def _bound(self, context: dict[str, str]) -> bytes:
        """What the wrapping authenticates of the context: all of it, or nothing in the backends that only note it."""
        if self.backend.name == "static" or (context and self.backend.name == "vault-transit"):
            return json.dumps(context, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        return b""

    # -- parts -------------------------------------------------------------------------------------------------

    def _material(self, key: KmsKey) -> list[bytes]:
        """The versions of a key; one made by a seed or by the older contract has none yet."""
        if not key.material:
            key.material.append(self.entropy.bytes(32))
        return key.material

    def _able(self, ability: str, operation: str, named: str) -> None:
        if not self.backend.can(ability):
            raise Unsupported(operation, named)

    def _look_before_creating(self, name: str) -> None:
        """Refuse a name that transit has already: no record of such a key is the one that was asked for."""
        try:
            found = self._vault(
                f"Vault Transit read failed for key {name}", Operation.READ, f"keys/{name}", {}, missing=name
            )
        except KeyNotFound:
            return
        if found is not None:
            raise KeyExists(name)

    def _vault(
        self, failed: str, operation: Operation, path: str, data: dict[str, Any], *, missing: str = ""
    ) -> dict[str, Any] | None:
        """Do it in the emulated Vault's transit mount too, where that is the backend; its answer.

        ``failed`` begins the message of a failure. A 404 means that there is no key ``missing``, where that is given.
        """
        if self.backend.name != "vault-transit" or not self.admin.embedded(self.settings):
            return None
        store = TransitStore(self.state, self.settings, self.admin.core)
        try:
            response = store.client.call(operation, f"{store.mount}/{path}", data)
        except StoreError as error:
            if missing and error.status == 404:
                raise KeyNotFound(missing) from None
            raise BackendError(f"{failed}: {error.shown}") from None
        return dict(response.plain_data() or {}) if response is not None else None
