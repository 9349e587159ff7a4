"""Operations on the keys of a running service: create, find, change, delete, and generate data keys."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mockkms.rustfs.backends import BACKENDS
from mockkms.rustfs.errors import Failure, KmsError, unsupported
from mockkms.rustfs.keystore import KeyStore, new_key_id
from mockkms.rustfs.records import zoned
from mockkms.rustfs.state import PROBE, KmsKey, KmsSettings
from mockkms.rustfs.typed import quoted
from mockkms.vault.framework.message import Operation

if TYPE_CHECKING:
    from mockkms.rustfs.context import KmsService
    from mockkms.rustfs.contracts.v2.requests import DeleteBody

DAY = 86400
WINDOW = (7, 30, 30)
"""Days between the request for a deletion and the deletion: minimum, maximum, default."""

SPECS = {"Aes256": (32, "AES_256"), "Aes128": (16, "AES_128"), "ChaCha20": (32, "ChaCha20")}
"""Size of a data key in bytes, and the name of its type in envelopes, by key specification."""


def ensure_probe(admin: KmsService) -> None:
    """Create the service's own key, as a start does; a Vault that refuses it does not fail the start."""
    settings = admin.state.settings
    if settings is not None and settings.backend != "Static" and PROBE not in admin.state.keys:
        with suppress(KmsError):
            Keyring(admin, settings).create(PROBE, "EncryptDecrypt", None, {})


def check_id(key_id: str) -> None:
    """Raise KmsError for a key id that cannot be the name of a file."""
    if not key_id:
        raise KmsError(Failure.INVALID_KEY, "key identifier must not be empty")
    if any(letter in key_id for letter in "/\\\0"):
        raise KmsError(Failure.INVALID_KEY, f"key identifier must not contain path separators or NUL: {quoted(key_id)}")
    if key_id in (".", ".."):
        raise KmsError(Failure.INVALID_KEY, f"key identifier must name a single file: {quoted(key_id)}")


class Keyring:
    """Operations on the keys of one service. Every failure is a KmsError."""

    def __init__(self, admin: KmsService, settings: KmsSettings) -> None:
        self.admin, self.settings = admin, settings
        self.state, self.keys = admin.state, admin.state.keys
        self.backend = BACKENDS[settings.backend]
        self.now = admin.core.clock.now()
        self.entropy = admin.core.entropy
        self.store = KeyStore(admin, settings)
        self.records = self.store.records

    # -- finding -----------------------------------------------------------------------------------------------

    def get(self, key_id: str) -> KmsKey:
        """Return a key."""
        check_id(key_id)
        key = self.keys.get(key_id)
        if key is None:
            raise KmsError(Failure.KEY_NOT_FOUND, key_id)
        return key

    def page(self, limit: int | None, marker: str) -> tuple[list[KmsKey], bool]:
        """Return the keys after ``marker``, sorted by id, and whether more follow."""
        size = min(100 if limit is None else limit, 1000)
        names = sorted((name for name in self.keys if name and name > marker), key=lambda name: name.encode())
        return [self.keys[name] for name in names[:size]], size > 0 and len(names) > size

    # -- making ------------------------------------------------------------------------------------------------

    def create(self, name: str | None, usage: str, description: str | None, tags: dict[str, str]) -> KmsKey:
        """Create a key; without a name it gets a UUID."""
        if name is None:
            name = new_key_id(self.entropy).removeprefix("rustfs-key-")
        elif not name.strip():
            raise KmsError(Failure.VALIDATION, "key name must not be empty or whitespace")
        check_id(name)
        if self.backend.name == "static":
            if name == self.settings.key_id:
                raise KmsError(Failure.KEY_EXISTS, name)
            raise KmsError(Failure.INVALID_OPERATION, "Static KMS is read-only: cannot create new keys")
        if name in self.keys:
            return self._again(self.keys[name], usage, description, tags)
        self._look_before_creating(name)
        return self.store.create(name, usage=usage, description=description, tags=tags, recorded=True)

    def _again(self, key: KmsKey, usage: str, description: str | None, tags: dict[str, str]) -> KmsKey:
        """Create a key that exists: depending on the backend, it is replaced, returned, or refused."""
        if self.backend.name == "vault-kv2":
            with self.records.changing(key):
                key.usage, key.description, key.tags = usage, description, dict(tags)
            return key
        same = (key.usage, key.description, key.tags, key.status) == (usage, description, tags, "Enabled")
        if self.backend.name == "vault-transit" and same:
            return key
        raise KmsError(Failure.KEY_EXISTS, key.name)

    # -- changing ----------------------------------------------------------------------------------------------

    def permit(self, key: KmsKey, doing: str, *, when_disabled: bool) -> None:
        """Raise KmsError if the state of a key does not allow an operation."""
        if key.status == "PendingDeletion":
            raise KmsError(Failure.INVALID_OPERATION, f"Key {key.name} is pending deletion: {doing} is not allowed")
        if key.status == "Disabled" and not when_disabled:
            raise KmsError(Failure.INVALID_OPERATION, f"Key {key.name} is disabled: {doing} is not allowed")

    def enable(self, key_id: str) -> None:
        """Enable a key, also one that is enabled already."""
        self._able("enable_disable", "enable_key", "backend without enable/disable support")
        key = self.get(key_id)
        self.permit(key, "enabling", when_disabled=True)
        with self.records.changing(key):
            key.status = "Enabled"

    def disable(self, key_id: str) -> None:
        """Disable a key, also one that is disabled already."""
        self._able("enable_disable", "disable_key", "backend without enable/disable support")
        key = self.get(key_id)
        self.permit(key, "disabling", when_disabled=True)
        with self.records.changing(key):
            key.status = "Disabled"

    def rotate(self, key_id: str) -> None:
        """Add a version to a key; existing data keys can still be decrypted."""
        self._able("rotate", "rotate_key", "backend without rotation support")
        key = self.get(key_id)
        self.permit(key, "rotation", when_disabled=False)
        with self.records.changing(key):
            self.store.rotate(key)
            if self.backend.name == "vault-kv2":
                key.rotated_at = self.now

    def set_description(self, key_id: str, description: str) -> None:
        """Replace the description of a key; an empty one removes it."""
        self._able("update_key_metadata", "update_key_description", "backend without key metadata updates")
        key = self.get(key_id)
        with self.records.changing(key):
            key.description = description or None

    def tag(self, key_id: str, tags: dict[str, str]) -> None:
        """Add or replace tags of a key."""
        self._able("update_key_metadata", "tag_key", "backend without key metadata updates")
        self._mutable(tags)
        key = self.get(key_id)
        with self.records.changing(key):
            key.tags.update(tags)

    def untag(self, key_id: str, names: list[str]) -> None:
        """Remove tags of a key; unknown names are ignored."""
        self._able("update_key_metadata", "untag_key", "backend without key metadata updates")
        self._mutable(names)
        key = self.get(key_id)
        with self.records.changing(key):
            for name in names:
                key.tags.pop(name, None)

    @staticmethod
    def _mutable(names: Iterable[str]) -> None:
        if "name" in names:
            raise KmsError(Failure.INVALID_OPERATION, "Tag 'name' identifies the key and cannot be updated or removed")

    # -- deleting ----------------------------------------------------------------------------------------------

    def delete(self, request: DeleteBody) -> float | None:
        """Schedule the deletion of a key, or delete it at once if the server allows it.

        Returns the deletion date in epoch seconds, None if the key is deleted.
        """
        key_id, immediate = request.key_id, bool(request.force_immediate)
        least, most, default = WINDOW
        days = default if request.pending_window_in_days is None else request.pending_window_in_days
        if not immediate and not least <= days <= most:
            raise KmsError(Failure.INVALID_OPERATION, f"pending_window_in_days must be between {least} and {most}")
        if immediate:
            self._confirm(key_id, request.confirm_key_id)
        if self.backend.name == "static":
            self._static(key_id, "delete keys")
        key = self._found_for_deletion(key_id)
        if immediate:
            self.store.delete(key)
            return None
        self.permit(key, "deletion scheduling", when_disabled=True)
        with self.records.changing(key):
            key.status, key.deletion_date = "PendingDeletion", self.now + days * DAY
        return key.deletion_date

    def _confirm(self, key_id: str, confirmed: str | None) -> None:
        """Raise KmsError unless the key may be deleted at once."""
        doing = f"immediate deletion of key {key_id}"
        if not self.state.environment.immediate_deletion:
            raise KmsError(
                Failure.INVALID_OPERATION,
                f"{doing} is not allowed; schedule the deletion and wait out the pending window, or set "
                "RUSTFS_KMS_ALLOW_IMMEDIATE_DELETION=true on the server",
            )
        if confirmed != key_id:
            raise KmsError(Failure.INVALID_OPERATION, f"{doing} requires confirm_key_id to match the key id")

    def cancel(self, key_id: str) -> KmsKey:
        """Cancel a scheduled deletion; the key is enabled."""
        if self.backend.name == "static":
            self._static(key_id, "cancel key deletion")
        key = self._found_for_deletion(key_id)
        if key.status != "PendingDeletion":
            raise KmsError(Failure.INVALID_OPERATION, f"Key {key_id} is not pending deletion")
        with self.records.changing(key):
            key.status, key.deletion_date, key.cancelled = "Enabled", None, True
        return key

    def _static(self, key_id: str, what: str) -> None:
        if key_id != self.settings.key_id:
            raise KmsError(Failure.KEY_NOT_FOUND, key_id)
        raise KmsError(Failure.INVALID_OPERATION, f"Static KMS is read-only: cannot {what}")

    def _found_for_deletion(self, key_id: str) -> KmsKey:
        check_id(key_id)
        if key_id not in self.keys:
            raise KmsError(Failure.KEY_NOT_FOUND, f"Key {key_id} not found")
        return self.keys[key_id]

    # -- using -------------------------------------------------------------------------------------------------

    def data_key(self, key_id: str, spec: str, context: dict[str, str]) -> tuple[bytes, bytes]:
        """Return a new data key, and its ciphertext in a JSON envelope."""
        key = self.get(key_id)
        self.permit(key, "data key generation", when_disabled=False)
        size, kind = SPECS[spec]
        plaintext = self.entropy.bytes(size)
        bound = self._bound(context)
        sent = {"plaintext": base64.b64encode(plaintext).decode()}
        if bound:
            sent["associated_data"] = base64.b64encode(bound).decode()
        wrapped = self.store.ask(
            f"Vault Transit encrypt failed for key {key.name}", Operation.UPDATE, f"encrypt/{key.name}", sent,
            missing=key.name,
        )  # fmt: skip
        if wrapped is not None:
            nonce, sealed = b"", str(wrapped["ciphertext"]).encode()
        else:
            nonce = self.entropy.bytes(12)
            sealed = AESGCM(self.store.material(key)[-1]).encrypt(nonce, plaintext, bound)
        envelope: dict[str, object] = {
            "key_id": self.entropy.uuid(),
            "master_key_id": key.name,
            "key_spec": kind,
            "encrypted_key": list(sealed),
            "nonce": list(nonce),
            "encryption_context": context,
            "created_at": zoned(self.now),
        }
        if self.backend.name == "vault-kv2":
            envelope["master_key_version"] = len(self.store.material(key))
        return plaintext, json.dumps(envelope, separators=(",", ":")).encode()

    def _bound(self, context: dict[str, str]) -> bytes:
        """Return the associated data for a context: the context, or nothing in backends that only store it."""
        if self.backend.name == "static" or (context and self.backend.name == "vault-transit"):
            return json.dumps(context, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        return b""

    # -- parts -------------------------------------------------------------------------------------------------

    def _able(self, ability: str, operation: str, named: str) -> None:
        if not self.backend.can(ability):
            raise unsupported(operation, named)

    def _look_before_creating(self, name: str) -> None:
        """Raise KmsError if transit has a key of this name: the service has no record of such a key."""
        doing = f"Vault Transit read failed for key {name}"
        try:
            found = self.store.ask(doing, Operation.READ, f"keys/{name}", missing=name)
        except KmsError as error:
            if error.kind is not Failure.KEY_NOT_FOUND:
                raise
            return
        if found is not None:
            raise KmsError(Failure.KEY_EXISTS, name)
