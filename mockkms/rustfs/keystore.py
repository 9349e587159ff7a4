"""The keys of the service: in the state, and in the emulated Vault where it is the backend."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mockkms.rustfs.errors import KmsError, KmsFailure
from mockkms.rustfs.records import KeyRecords
from mockkms.rustfs.state import PROBE, KmsKey, KmsSettings
from mockkms.rustfs.vault_client import VaultClient
from mockkms.vault.framework.message import Operation

if TYPE_CHECKING:
    from mockkms.rustfs.context import KmsService, Vault
    from mockkms.world.entropy import Entropy

SWEEP_INTERVAL = 60
"""Seconds between the server's looks for keys whose deletion is due."""
MATERIAL_SIZE = 32
"""Bytes of one version of a key."""
ALGORITHMS = {
    "aes256-gcm96": "AES-256",
    "aes128-gcm96": "AES-128",
    "rsa-2048": "RSA-2048",
    "rsa-3072": "RSA-3072",
    "rsa-4096": "RSA-4096",
}
"""Algorithm by type of a transit key; any other type is shown as AES-256."""

_TRANSIT_NAME = re.compile(r"\w(([\w.-]+)?\w)?", re.ASCII)
_CIPHERTEXT = re.compile(r"vault:v([1-9]\d{0,8}):([A-Za-z0-9+/=]+)", re.ASCII)
_KEY_ID = re.compile(r"rustfs-key-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def new_key_id(entropy: Entropy) -> str:
    """Return ``rustfs-key-`` and a version 4 UUID in lower case."""
    raw = bytearray(entropy.bytes(16))
    raw[6], raw[8] = raw[6] & 0x0F | 0x40, raw[8] & 0x3F | 0x80
    text = raw.hex()
    return f"rustfs-key-{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def new_key(name: str, now: float, entropy: Entropy) -> KmsKey:
    """Return a key created at ``now`` (epoch seconds). A generated name is its own key id."""
    return KmsKey(name=name, key_id=name if _KEY_ID.fullmatch(name) else new_key_id(entropy), created=now)


def _segment(name: str) -> str:
    """Return a name as one segment of a path: a slash must not lead to another path."""
    return quote(name, safe="") if "/" in name else name


def due_keys(keys: Mapping[str, KmsKey], now: float, default: str | None = None) -> list[KmsKey]:
    """Return the keys whose deletion date is not after ``now`` (epoch seconds), except the default key.

    The server looks for them once a minute, which leaves a key that is ``marked`` time for its second request.
    """
    return [
        key
        for key in keys.values()
        if key.deletion_date is not None
        and key.deletion_date + (SWEEP_INTERVAL if key.marked else 0) <= now
        and key.name != default
    ]


class KeyStore:
    """The keys of a service with given settings, for both contracts. Every failure is a KmsError.

    In the backend ``VaultTransit`` of an embedded Vault, the material lives in a transit mount, and what transit does
    not have (key id, status, description) in the state. In all others, everything is in the state.
    """

    def __init__(self, service: KmsService, settings: KmsSettings, client: VaultClient | None = None) -> None:
        self.state, self.settings, self.core = service.state, settings, service.core
        self.records = KeyRecords(service, settings)
        self.transit: VaultClient | None = None
        """The client of the Vault that holds the material; None if the state does."""
        if settings.backend == "VaultTransit" and service.embedded(settings):
            self.transit = client or VaultClient(service.core, settings.namespace, service.state.client_token)

    def check(self) -> None:
        """Raise KmsError if the Vault is sealed or its mount does not work, as the older contract checks it."""
        if self.transit is not None:
            if self.transit.is_sealed():
                raise KmsError(KmsFailure.BACKEND, "Vault is sealed")
            self.names()

    # -- finding -----------------------------------------------------------------------------------------------

    def names(self, doing: str = "Vault Transit health check failed", *, own: bool = False) -> list[str]:
        """Return the names of all keys, with ``own`` the service's own one too; ``doing`` begins the error message."""
        if self.transit is None:
            return [name for name in self.state.keys if name and (own or name != PROBE)]
        found = self.transit.call(doing, Operation.LIST, f"{self.settings.mount_path.strip('/')}/keys/", absent=True)
        return [name for name in found.listed if own or name != PROBE] if found is not None else []

    def find(self, name: str) -> KmsKey | None:
        """Return a key, or None. A key that was created in transit by another client is added to the state."""
        if self.transit is None:
            return self.state.keys.get(name) if name else None
        if not _TRANSIT_NAME.fullmatch(name):
            return None
        data = self.ask(f"Vault Transit read failed for key {name}", Operation.READ, f"keys/{_segment(name)}")
        if not data:
            self.state.keys.pop(name, None)
            return None
        key = self.state.keys.get(name)
        if key is None:
            key = self.state.keys[name] = new_key(name, _created(data, self.core), self.core.entropy)
        key.algorithm = ALGORITHMS.get(str(data.get("type")), "AES-256")
        return key

    # -- changing ----------------------------------------------------------------------------------------------

    def create(
        self,
        name: str,
        *,
        usage: str = "EncryptDecrypt",
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        recorded: bool = False,
    ) -> KmsKey:
        """Create a key whose name is not in use; with ``recorded``, with its record in the Vault's KV engine."""
        self.ask(
            f"Failed to create Vault Transit key {name}",
            Operation.UPDATE,
            f"keys/{_segment(name)}",
            {"type": "aes256-gcm96"},
        )
        key = new_key(name, self.core.clock.now(), self.core.entropy)
        key.usage, key.description, key.tags = usage, description, dict(tags or {})
        if recorded:
            self.material(key)
            with self.records.changing(key, new=True):
                """Nothing changes: the record is written for the first time."""
        self.state.keys[name] = key
        return key

    def rotate(self, key: KmsKey) -> None:
        """Add a version to a key."""
        self.ask(
            f"Failed to rotate Vault Transit key {key.name}",
            Operation.UPDATE,
            f"keys/{_segment(key.name)}/rotate",
        )
        self.material(key).append(self.core.entropy.bytes(MATERIAL_SIZE))

    def delete(self, key: KmsKey) -> None:
        """Delete a key for good, in the Vault as well."""
        self._delete_material(key)
        self.records.forget(key.name)
        del self.state.keys[key.name]

    def _delete_material(self, key: KmsKey) -> None:
        path = f"keys/{_segment(key.name)}"
        if self.ask(f"Vault Transit read failed for key {key.name}", Operation.READ, path):
            allowed = {"deletion_allowed": True}
            doing = f"Failed to allow deletion of Vault Transit key {key.name}"
            self.ask(doing, Operation.UPDATE, f"{path}/config", allowed)
            self.ask(f"Failed to delete Vault Transit key {key.name}", Operation.DELETE, path)

    def delete_due(self) -> None:
        """Delete the keys whose deletion date has come; the next call tries again those that the Vault keeps."""
        for key in due_keys(self.state.keys, self.core.clock.now(), self.settings.default_key_id):
            with suppress(KmsError):
                self._delete_material(key)
                # A service of the older contract has no records, and its token may not be allowed to delete any.
                with suppress(KmsError):
                    self.records.forget(key.name)
                del self.state.keys[key.name]
                # The server may describe such a key for some minutes more, until its cache expires.
                self.state.cache.entries.pop(key.name, None)

    def material(self, key: KmsKey) -> list[bytes]:
        """Return the versions of a key's material in the state, oldest first. A key without any gets its first one."""
        if not key.material:
            key.material.append(self.core.entropy.bytes(MATERIAL_SIZE))
        return key.material

    # -- using -------------------------------------------------------------------------------------------------

    def rewrap(self, key: KmsKey, ciphertext: str, associated_data: bytes) -> str:
        """Return a ciphertext (``vault:v1:…``) encrypted with the newest version of its key."""
        if self.transit is None:
            return self._rewrap_here(key, ciphertext, associated_data)
        if not associated_data:
            return self._transit("rewrap", key, "ciphertext", ciphertext=ciphertext)
        data = base64.b64encode(associated_data).decode()
        plaintext = self._transit("decrypt", key, "plaintext", ciphertext=ciphertext, associated_data=data)
        return self._transit("encrypt", key, "ciphertext", plaintext=plaintext, associated_data=data)

    def _rewrap_here(self, key: KmsKey, ciphertext: str, associated_data: bytes) -> str:
        found = _CIPHERTEXT.fullmatch(ciphertext)
        version = int(found[1]) if found else 0
        if found is None or not 1 <= version <= len(key.material):
            raise KmsError(KmsFailure.BACKEND, "invalid ciphertext: no such version", vault_status=400)
        try:
            sealed = base64.b64decode(found[2], validate=True)
            plaintext = AESGCM(key.material[version - 1]).decrypt(sealed[:12], sealed[12:], associated_data)
        except (InvalidTag, ValueError):
            raise KmsError(KmsFailure.BACKEND, "cipher: message authentication failed", vault_status=400) from None
        nonce = self.core.entropy.bytes(12)
        fresh = nonce + AESGCM(key.material[-1]).encrypt(nonce, plaintext, associated_data)
        return f"vault:v{len(key.material)}:{base64.b64encode(fresh).decode()}"

    def _transit(self, verb: str, key: KmsKey, wanted: str, **data: str) -> str:
        doing = f"Vault Transit {verb} failed for key {key.name}"
        found = self.ask(doing, Operation.UPDATE, f"{verb}/{key.name}", data)
        if not found:
            raise KmsError(KmsFailure.BACKEND, f"{doing}: the Vault sent no data")
        return str(found[wanted])

    # -- the Vault ---------------------------------------------------------------------------------------------

    def ask(
        self,
        doing: str,
        operation: Operation,
        path: str,
        data: Mapping[str, object] | None = None,
        *,
        missing: str = "",
    ) -> Mapping[str, object] | None:
        """Send a request to the transit mount, if the material lives there; return the data of the response.

        Args:
            doing: The beginning of the error message.
            operation: The operation.
            path: The path below the mount.
            data: The fields of the body.
            missing: The key that does not exist if the response is 404; it raises KmsError of kind KEY_NOT_FOUND.
        """
        if self.transit is None:
            return None
        absent = operation is Operation.READ and not missing
        try:
            response = self.transit.call(
                doing, operation, f"{self.settings.mount_path.strip('/')}/{path}", data, absent=absent
            )
        except KmsError as error:
            if missing and error.vault_status == 404:
                raise KmsError(KmsFailure.KEY_NOT_FOUND, missing) from None
            raise
        return response.plain_data() or {} if response is not None else None


def _created(data: Mapping[str, object], core: Vault) -> float:
    """Return when a transit key was created (epoch seconds), which transit reports for versions of symmetric keys."""
    versions = data.get("keys")
    values = versions.values() if isinstance(versions, dict) else ()
    times = [float(value) for value in values if isinstance(value, (int, float))]
    return min(times, default=core.clock.now())
