"""Operations on the keys of a running service: create, find, change, delete, and generate data keys."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mockkms.rustfs.backends import BACKENDS, ContextBinding, Existing
from mockkms.rustfs.contracts.v2.cache import Descriptions
from mockkms.rustfs.contracts.v2.shapes import metadata
from mockkms.rustfs.errors import KmsError, KmsFailure, unsupported
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
            Keyring(admin, settings).make(PROBE, "EncryptDecrypt", None, {})


def check_id(key_id: str) -> None:
    """Raise KmsError for a key id that cannot be the name of a file."""
    if not key_id:
        raise KmsError(KmsFailure.INVALID_KEY, "key identifier must not be empty")
    if any(letter in key_id for letter in "/\\\0"):
        raise KmsError(
            KmsFailure.INVALID_KEY, f"key identifier must not contain path separators or NUL: {quoted(key_id)}"
        )
    if key_id in (".", ".."):
        raise KmsError(KmsFailure.INVALID_KEY, f"key identifier must name a single file: {quoted(key_id)}")


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
        self.descriptions = Descriptions(self.state.cache, settings, self.now)

    # -- finding -----------------------------------------------------------------------------------------------

    def get(self, key_id: str) -> KmsKey:
        """Return a key. One that another client created in transit gets a record now."""
        if not self.backend.one_key:
            check_id(key_id)
        key = self.keys.get(key_id) or self._adopted(key_id)
        if key is None:
            raise KmsError(KmsFailure.KEY_NOT_FOUND, key_id)
        return key

    def describe(self, key_id: str) -> dict[str, object]:
        """Return ``KeyMetadata`` of a key: the remembered one, or a new one if the Vault still has the key."""
        remembered = self.descriptions.get(key_id)
        if remembered is not None:
            return remembered
        key = self.get(key_id)
        self._read_again(key)
        return self.remember(key)

    def remember(self, key: KmsKey, **changes: object) -> dict[str, object]:
        """Return ``KeyMetadata`` of a key, with changes, and remember it."""
        description = {**metadata(key, self.backend), **changes}
        self.descriptions.put(key.name, description)
        return description

    def page(self, limit: int | None, marker: str) -> tuple[list[KmsKey], str | None]:
        """Return the keys after ``marker``, sorted by id, and the marker of the next page, None for the last one.

        With an embedded Vault, its keys are listed.
        """
        size = min(100 if limit is None else limit, 1000)
        if size == 0:
            return [], None
        names = [name for name in self._names() if name and name.encode() > marker.encode()]
        names.sort(key=lambda name: name.encode())
        found = [self.keys.get(name) or self._adopted(name) for name in names[:size]]
        return [key for key in found if key is not None], names[size - 1] if len(names) > size else None

    def _names(self) -> list[str]:
        if self.store.transit is None:
            self.records.check()
            return list(self.keys)
        return self.store.names("Failed to list Vault Transit keys", own=True)

    def _adopted(self, name: str) -> KmsKey | None:
        """Return a key that another client created in transit, now with a record; None if there is none."""
        key = self.store.find(name)
        if key is not None and self.store.transit is not None:
            try:
                with self.records.changing(key, new=True):
                    """Nothing changes: the record is written for the first time."""
            except KmsError:
                del self.keys[name]
                raise
        return key

    def _read_again(self, key: KmsKey) -> None:
        """Raise KmsError if the Vault does not have a key any more, or cannot be asked."""
        doing = f"Vault Transit read failed for key {key.name}"
        self.store.ask(doing, Operation.READ, f"keys/{key.name}", missing=key.name)
        self.records.check(key.name)

    # -- making ------------------------------------------------------------------------------------------------

    def create(self, name: str | None, usage: str, description: str | None, tags: dict[str, str]) -> KmsKey:
        """Create a key and remember its description; without a name it gets a UUID."""
        key = self.make(name, usage, description, tags)
        self.remember(key)
        return key

    def make(self, name: str | None, usage: str, description: str | None, tags: dict[str, str]) -> KmsKey:
        """Create a key as ``create`` does, without remembering its description."""
        if name is None:
            name = new_key_id(self.entropy).removeprefix("rustfs-key-")
        elif not name.strip():
            raise KmsError(KmsFailure.VALIDATION, "key name must not be empty or whitespace")
        check_id(name)
        if self.backend.one_key:
            if name == self.settings.key_id:
                raise KmsError(KmsFailure.KEY_EXISTS, name)
            raise unsupported("create_key", self.backend.name)
        if name in self.keys:
            return self._again(self.keys[name], usage, description, tags)
        self._look_before_creating(name)
        return self.store.create(name, usage=usage, description=description, tags=tags, recorded=True)

    def _again(self, key: KmsKey, usage: str, description: str | None, tags: dict[str, str]) -> KmsKey:
        """Create a key that exists: depending on the backend, it is replaced, returned, or refused."""
        if self.backend.existing is Existing.REPLACED:
            with self.records.changing(key):
                key.usage, key.description, key.tags = usage, description, dict(tags)
            return key
        same = (key.usage, key.description, key.tags, key.status) == (usage, description, tags, "Enabled")
        if self.backend.existing is Existing.RETURNED and same:
            return key
        raise KmsError(KmsFailure.KEY_EXISTS, key.name)

    # -- changing ----------------------------------------------------------------------------------------------

    @contextmanager
    def _changing(self, key: KmsKey) -> Iterator[None]:
        """Write the record of a key after the body has changed it, and forget its description."""
        with self.records.changing(key):
            yield
        self.descriptions.forget(key.name)

    def permit(self, key: KmsKey, doing: str, *, when_disabled: bool) -> None:
        """Raise KmsError if the state of a key does not allow an operation."""
        if key.status == "PendingDeletion":
            raise KmsError(KmsFailure.INVALID_OPERATION, f"Key {key.name} is pending deletion: {doing} is not allowed")
        if key.status == "Disabled" and not when_disabled:
            raise KmsError(KmsFailure.INVALID_OPERATION, f"Key {key.name} is disabled: {doing} is not allowed")

    def enable(self, key_id: str) -> None:
        """Enable a key, also one that is enabled already."""
        self._able("enable_disable", "enable_key", "backend without enable/disable support")
        key = self.get(key_id)
        self.permit(key, "enabling", when_disabled=True)
        with self._changing(key):
            key.status = "Enabled"

    def disable(self, key_id: str) -> None:
        """Disable a key, also one that is disabled already."""
        self._able("enable_disable", "disable_key", "backend without enable/disable support")
        key = self.get(key_id)
        self.permit(key, "disabling", when_disabled=True)
        with self._changing(key):
            key.status = "Disabled"

    def rotate(self, key_id: str) -> None:
        """Add a version to a key; existing data keys can still be decrypted."""
        self._able("rotate", "rotate_key", "backend without rotation support")
        key = self.get(key_id)
        self.permit(key, "rotation", when_disabled=False)
        with self._changing(key):
            self.store.rotate(key)
            if self.backend.notes_versions:
                key.rotated_at = self.now

    def set_description(self, key_id: str, description: str) -> None:
        """Replace the description of a key; an empty one removes it."""
        self._able("update_key_metadata", "update_key_description", "backend without key metadata updates")
        key = self.get(key_id)
        with self._changing(key):
            key.description = description or None

    def tag(self, key_id: str, tags: dict[str, str]) -> None:
        """Add or replace tags of a key."""
        self._able("update_key_metadata", "tag_key", "backend without key metadata updates")
        self._mutable(tags)
        key = self.get(key_id)
        with self._changing(key):
            key.tags.update(tags)

    def untag(self, key_id: str, names: list[str]) -> None:
        """Remove tags of a key; unknown names are ignored."""
        self._able("update_key_metadata", "untag_key", "backend without key metadata updates")
        self._mutable(names)
        key = self.get(key_id)
        with self._changing(key):
            for name in names:
                key.tags.pop(name, None)

    @staticmethod
    def _mutable(names: Iterable[str]) -> None:
        if "name" in names:
            raise KmsError(
                KmsFailure.INVALID_OPERATION, "Tag 'name' identifies the key and cannot be updated or removed"
            )

    # -- deleting ----------------------------------------------------------------------------------------------

    def delete(self, request: DeleteBody) -> float | None:
        """Schedule the deletion of a key, or delete it at once if the server allows it.

        The Vault backends mark a key at the first request for an immediate deletion, and delete it at the second.
        Returns the deletion date in epoch seconds, None for an immediate deletion.
        """
        key_id, immediate = request.key_id, bool(request.force_immediate)
        least, most, default = WINDOW
        days = default if request.pending_window_in_days is None else request.pending_window_in_days
        if not immediate and not least <= days <= most:
            raise KmsError(KmsFailure.INVALID_OPERATION, f"pending_window_in_days must be between {least} and {most}")
        if immediate:
            self._confirm(key_id, request.confirm_key_id)
        if self.backend.one_key:
            self._refuse_fixed(key_id, "delete_key")
        key = self._found_for_deletion(key_id)
        if immediate and (self.backend.deletes_at_once or key.status == "PendingDeletion"):
            self.store.delete(key)
            self.descriptions.forget(key_id)
            return None
        if not immediate:
            self.permit(key, "deletion scheduling", when_disabled=True)
        with self._changing(key):
            key.status, key.marked = "PendingDeletion", immediate
            key.deletion_date = self.now + (0 if immediate else days * DAY)
        return None if immediate else key.deletion_date

    def _confirm(self, key_id: str, confirmed: str | None) -> None:
        """Raise KmsError unless the key may be deleted at once."""
        doing = f"immediate deletion of key {key_id}"
        if not self.state.environment.immediate_deletion:
            raise KmsError(
                KmsFailure.INVALID_OPERATION,
                f"{doing} is not allowed; schedule the deletion and wait out the pending window, or set "
                "RUSTFS_KMS_ALLOW_IMMEDIATE_DELETION=true on the server",
            )
        if confirmed != key_id:
            raise KmsError(
                KmsFailure.INVALID_OPERATION, f"{doing} requires confirm_key_id to repeat the key id exactly"
            )
        if key_id == self.settings.default_key_id:
            raise KmsError(
                KmsFailure.STILL_REFERENCED,
                f"Key {key_id} is still referenced by configuration and its material must not be destroyed: "
                "kms-service-default-key. Remove or repoint the listed configuration, then retry",
            )

    def cancel(self, key_id: str) -> dict[str, object]:
        """Cancel a scheduled deletion; the key is enabled. Returns its ``KeyMetadata``.

        That of the local backend has an ``origin`` of its own, which the key keeps until its next change.
        """
        if self.backend.one_key:
            self._refuse_fixed(key_id, "cancel_key_deletion")
        key = self._found_for_deletion(key_id)
        if key.status != "PendingDeletion":
            raise KmsError(KmsFailure.INVALID_OPERATION, f"Key {key_id} is not pending deletion")
        with self.records.changing(key):
            key.status, key.deletion_date, key.marked = "Enabled", None, False
        origin = self.backend.cancelled_origin or self.backend.origin
        return self.remember(key, origin=origin)

    def _refuse_fixed(self, key_id: str, operation: str) -> None:
        """Raise KmsError: the only key of a backend cannot be changed."""
        if key_id != self.settings.key_id:
            raise KmsError(KmsFailure.KEY_NOT_FOUND, key_id)
        raise unsupported(operation, self.backend.name)

    def _found_for_deletion(self, key_id: str) -> KmsKey:
        """Return a key. Raises KmsError, whose reason the backend may hide."""
        try:
            key = self.get(key_id)
            self._read_again(key)
        except KmsError as error:
            if error.kind is KmsFailure.INVALID_KEY or not self.backend.hides_deletion_faults:
                raise
            raise KmsError(KmsFailure.KEY_NOT_FOUND, f"Key {key_id} not found") from None
        return key

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
        if self.backend.notes_versions:
            envelope["master_key_version"] = len(self.store.material(key))
        return plaintext, json.dumps(envelope, separators=(",", ":")).encode()

    def _bound(self, context: dict[str, str]) -> bytes:
        """Return the associated data for a context: the context as JSON, or nothing."""
        binding = self.backend.binding
        if binding is ContextBinding.ALWAYS or (context and binding is ContextBinding.IF_GIVEN):
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
            if error.kind is not KmsFailure.KEY_NOT_FOUND:
                raise
            return
        if found is not None:
            raise KmsError(KmsFailure.KEY_EXISTS, name)
