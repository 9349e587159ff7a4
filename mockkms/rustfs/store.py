"""Where the keys of the admin API live: in its own state, or in the transit engine of the emulated Vault."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mockkms.rustfs.state import PROBE, KmsKey, KmsSettings, RustfsState
from mockkms.vault.framework.message import Operation, Request, Response
from mockkms.world.clock import Clock
from mockkms.world.entropy import Entropy

if TYPE_CHECKING:
    from mockkms.rustfs.context import Vault

ALGORITHMS = {
    "aes256-gcm96": "AES-256",
    "aes128-gcm96": "AES-128",
    "rsa-2048": "RSA-2048",
    "rsa-3072": "RSA-3072",
    "rsa-4096": "RSA-4096",
}
"""Transit key type to algorithm; any other type is shown as AES-256."""


_TRANSIT_NAME = re.compile(r"\w(([\w.-]+)?\w)?", re.ASCII)
_CIPHERTEXT = re.compile(r"vault:v([1-9]\d{0,8}):([A-Za-z0-9+/=]+)", re.ASCII)
_KEY_ID = re.compile(r"rustfs-key-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class StoreError(Exception):
    """The backend could not do it; ``status`` is what the Vault answered, 0 where it was not asked."""

    def __init__(self, text: str, *, status: int = 0) -> None:
        super().__init__(text)
        self.text, self.status = text, status

    @property
    def shown(self) -> str:
        """What the server's Vault client shows of it: of an answer the status alone, never the Vault's own text."""
        return f"The Vault server returned an error (status code {self.status})" if self.status else self.text


def new_key_id(entropy: Entropy) -> str:
    """``rustfs-key-`` and a version 4 UUID: 47 characters at most, hyphenated lower case."""
    raw = bytearray(entropy.bytes(16))
    raw[6], raw[8] = raw[6] & 0x0F | 0x40, raw[8] & 0x3F | 0x80
    text = raw.hex()
    return f"rustfs-key-{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def new_record(name: str, now: float, entropy: Entropy) -> KmsKey:
    """A key made now. An automatic name is its own key id."""
    key_id = name if _KEY_ID.fullmatch(name) else new_key_id(entropy)
    return KmsKey(name=name, key_id=key_id, created=now)


class OwnStore:
    """Keys that exist in the admin API's state only."""

    def __init__(self, state: RustfsState, clock: Clock, entropy: Entropy) -> None:
        self.state, self.clock, self.entropy = state, clock, entropy

    def check(self) -> None:
        """Nothing can be wrong here."""

    def names(self) -> list[str]:
        """All names but the empty one, which the server makes and never finds again."""
        for key in due(self.state, self.clock.now()):
            del self.state.keys[key.name]
        return [name for name in self.state.keys if name and name != PROBE]

    def get(self, name: str) -> KmsKey | None:
        """One key, or None."""
        for key in due(self.state, self.clock.now()):
            del self.state.keys[key.name]
        return self.state.keys.get(name) if name else None

    def create(self, name: str) -> KmsKey:
        """Make a key whose name is free."""
        key = self.state.keys[name] = new_record(name, self.clock.now(), self.entropy)
        return key

    def rotate(self, key: KmsKey) -> None:
        """One version more; a key that was never used has its first one by now."""
        if not key.material:
            key.material.append(self.entropy.bytes(32))
        key.material.append(self.entropy.bytes(32))

    def rewrap(self, key: KmsKey, text: str, bound: bytes) -> str:
        """As transit does it, with the key's own material."""
        found = _CIPHERTEXT.fullmatch(text)
        version = int(found[1]) if found else 0
        if found is None or not 1 <= version <= len(key.material):
            raise StoreError("invalid ciphertext: no such version", status=400)
        try:
            sealed = base64.b64decode(found[2], validate=True)
            plaintext = AESGCM(key.material[version - 1]).decrypt(sealed[:12], sealed[12:], bound)
        except (InvalidTag, ValueError):
            raise StoreError("cipher: message authentication failed", status=400) from None
        nonce = self.entropy.bytes(12)
        fresh = nonce + AESGCM(key.material[-1]).encrypt(nonce, plaintext, bound)
        return f"vault:v{len(key.material)}:{base64.b64encode(fresh).decode()}"


def due(state: RustfsState, now: float) -> list[KmsKey]:
    """Keys whose deletion has come."""
    return [key for key in state.keys.values() if key.deletion_date is not None and key.deletion_date <= now]


class VaultClient:
    """The admin API as a client of the emulated Vault: a token, a namespace, plain requests."""

    def __init__(self, core: Vault, namespace: str | None, token: str) -> None:
        self.core, self.namespace, self.token = core, namespace or "", token

    def call(
        self, operation: Operation, path: str, data: dict[str, Any] | None = None, *, absent: tuple[int, ...] = ()
    ) -> Response | None:
        """Ask; None for a status in ``absent`` that carries no error text, StoreError for every other error."""
        response = self.core.handle(
            Request(operation, path, data=dict(data or {}), token=self.token, namespace=self.namespace)
        )
        if response.errors is None:
            return response
        if response.status in absent and not response.errors:
            return None
        text = "; ".join(error.strip() for error in response.errors) or f"status {response.status}"
        raise StoreError(text, status=response.status)

    def sealed(self) -> bool:
        """What ``sys/health`` says."""
        response = self.core.handle(Request(Operation.READ, "sys/health"))
        body = response.document or response.data or {}
        return bool(body.get("sealed")) or response.errors is not None

    def login(self, mount: str, role_id: str, secret_id: str) -> str:
        """An AppRole login; the token it gives."""
        self.token = ""
        response = self.call(
            Operation.UPDATE, f"auth/{mount.strip('/')}/login", {"role_id": role_id, "secret_id": secret_id}
        )
        if response is None or response.auth is None:
            raise StoreError("the login gave no token")
        return response.auth.client_token


class TransitStore:
    """Keys in a transit mount of the emulated Vault; what transit does not know (id, status) is kept beside it."""

    def __init__(self, state: RustfsState, settings: KmsSettings, core: Vault) -> None:
        self.state, self.core = state, core
        self.mount = settings.mount_path.strip("/")
        self.client = VaultClient(core, settings.namespace, state.client_token)

    def check(self) -> None:
        """Ask what the server asks at its own start: the seal, then a list of the mount."""
        if self.client.sealed():
            raise StoreError("Vault is sealed")
        self.names()

    def names(self) -> list[str]:
        """Names as transit lists them."""
        self._delete_due()
        response = self.client.call(Operation.LIST, f"{self.mount}/keys/", absent=(404,))
        names = response.listed if response else []
        return [name for name in names if name != PROBE]

    def get(self, name: str) -> KmsKey | None:
        """One key, or None. A key that was made in Vault directly gets its record here."""
        if not _TRANSIT_NAME.fullmatch(name):
            return None
        self._delete_due()
        response = self.client.call(Operation.READ, self.path(name), absent=(404,))
        if response is None or not response.data:
            self.state.keys.pop(name, None)
            return None
        key = self.state.keys.get(name)
        if key is None:
            key = self.state.keys[name] = new_record(name, _oldest(response.data, self.core), self.core.entropy)
        key.algorithm = ALGORITHMS.get(str(response.data.get("type")), "AES-256")
        return key

    def create(self, name: str) -> KmsKey:
        """Make the key in transit."""
        self.client.call(Operation.UPDATE, self.path(name))
        key = self.state.keys[name] = new_record(name, self.core.clock.now(), self.core.entropy)
        return key

    def rotate(self, key: KmsKey) -> None:
        """Rotate it in transit."""
        self.client.call(Operation.UPDATE, self.path(key.name) + "/rotate")

    def rewrap(self, key: KmsKey, text: str, bound: bytes) -> str:
        """Transit's own rewrap; what has data bound to it is opened and wrapped again."""
        if not bound:
            return self._asked("rewrap", key, "ciphertext", ciphertext=text)
        data = base64.b64encode(bound).decode()
        plaintext = self._asked("decrypt", key, "plaintext", ciphertext=text, associated_data=data)
        return self._asked("encrypt", key, "ciphertext", plaintext=plaintext, associated_data=data)

    def _asked(self, verb: str, key: KmsKey, wanted: str, **data: str) -> str:
        response = self.client.call(Operation.UPDATE, f"{self.mount}/{verb}/{key.name}", data)
        if response is None or not response.data:
            raise StoreError("the Vault sent no data")
        return str(response.data[wanted])

    def _delete_due(self) -> None:
        """Delete in transit what was to be deleted by now."""
        for key in due(self.state, self.core.clock.now()):
            if self.client.call(Operation.READ, self.path(key.name), absent=(404,)) is not None:
                self.client.call(Operation.UPDATE, self.path(key.name) + "/config", {"deletion_allowed": True})
                self.client.call(Operation.DELETE, self.path(key.name))
            del self.state.keys[key.name]

    def path(self, name: str) -> str:
        """The key's path in Vault; a slash in the name must not reach into other paths."""
        return f"{self.mount}/keys/{quote(name, safe='') if '/' in name else name}"


def _oldest(data: Mapping[str, object], core: Vault) -> float:
    """When the first version that is left was made; transit gives seconds, or an object for key pairs."""
    versions = data.get("keys")
    values = versions.values() if isinstance(versions, dict) else ()
    times = [float(value) for value in values if isinstance(value, (int, float))]
    return min(times, default=core.clock.now())
