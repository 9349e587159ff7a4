"""State of a Google Cloud KMS mount: registered keys, and the crypto keys that stand for those of Cloud KMS."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, NoReturn

from mockkms.crypto import asymmetric
from mockkms.crypto.x509 import keys as rsa_keys
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.loading import load_endpoints
from mockkms.vault.framework.message import BackendError, ErrorResponse
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.golang.fmt import quote
from mockkms.world.entropy import Entropy
from mockkms.world.stored import stored

ENABLED, DESTROYED = "enabled", "destroy_scheduled"
SYMMETRIC = "symmetric_encryption"
ENCRYPT, DECRYPT, SIGN = "encrypt_decrypt", "asymmetric_decrypt", "asymmetric_sign"
PURPOSES = (DECRYPT, SIGN, ENCRYPT, "unspecified")
ALGORITHMS = {
    "ec_sign_p256_sha256": SIGN,
    "ec_sign_p384_sha384": SIGN,
    **{f"rsa_decrypt_oaep_{bits}_sha256": DECRYPT for bits in (2048, 3072, 4096)},
    **{f"rsa_sign_{form}_{bits}_sha256": SIGN for form in ("pkcs1", "pss") for bits in (2048, 3072, 4096)},
    SYMMETRIC: ENCRYPT,
}
"""The purpose of each algorithm, in the order in which messages list them."""
PLACE = r"projects/[^/]+/locations/[^/]+"
NAME = r"[a-zA-Z0-9_-]{1,63}"
"""Ids of key rings and crypto keys, by the reference of the Cloud KMS API."""
KEY_ID = re.compile(rf"{PLACE}/keyRings/{NAME}/cryptoKeys/{NAME}")
_SCOPE = "https://www.googleapis.com/auth/cloudkms"


@stored("gcpkms.GcpKmsConfig")
@dataclass
class GcpKmsConfig(Record):
    """How Cloud KMS is accessed."""

    credentials: Annotated[
        str, param(Kind.STRING, help="Credentials of a service account, in JSON.", show=Show.NEVER)
    ] = ""
    scopes: Annotated[list[str], param(Kind.COMMA_STRINGS, help="OAuth scopes of requests.")] = field(
        default_factory=lambda: [_SCOPE]
    )


@stored("gcpkms.CryptoKeyVersion")
@dataclass
class CryptoKeyVersion:
    """One version: 32 bytes of an AES key, or a private key in PKCS #8 DER."""

    material: bytes
    state: str = ENABLED


@stored("gcpkms.CryptoKey")
@dataclass
class CryptoKey:
    """A key of Cloud KMS; times are seconds since the epoch."""

    id: str
    """``projects/…/locations/…/keyRings/…/cryptoKeys/…``."""
    purpose: str = ENCRYPT
    algorithm: str = SYMMETRIC
    protection_level: str = "software"
    labels: dict[str, str] = field(default_factory=dict)
    rotation_period: int = 0
    next_rotation: float = 0.0
    """0: it does not rotate by itself."""
    versions: list[CryptoKeyVersion] = field(default_factory=list)
    primary: int = 1

    def add_version(self, entropy: Entropy) -> int:
        """Add a version, which becomes the primary one of a symmetric key, and return its number."""
        self.versions.append(CryptoKeyVersion(self._material(entropy)))
        if self.algorithm == SYMMETRIC:
            self.primary = len(self.versions)
        return len(self.versions)

    def _material(self, entropy: Entropy) -> bytes:
        if self.algorithm == SYMMETRIC:
            return entropy.bytes(32)
        if self.algorithm.startswith("ec_"):
            return asymmetric.generate_ec("P-384" if "p384" in self.algorithm else "P-256", entropy)
        bits = next(int(part) for part in self.algorithm.split("_") if part in ("2048", "3072", "4096"))
        return rsa_keys.generate("rsa", bits, entropy)

    def usable(self, number: int) -> CryptoKeyVersion:
        """Return a version that is enabled. Raises CloudError."""
        name = f"{self.id}/cryptoKeyVersions/{number}"
        if not 0 < number <= len(self.versions):
            raise CloudError("NotFound", f"CryptoKeyVersion {name} not found.")
        version = self.versions[number - 1]
        if version.state != ENABLED:
            raise CloudError("FailedPrecondition", f"{name} is not enabled, current state is: {version.state.upper()}.")
        return version

    def destroy(self, below: int = 0) -> None:
        """Destroy all versions, or those with lower numbers than ``below``."""
        for number, version in enumerate(self.versions, 1):
            if not below or number < below:
                version.state = DESTROYED


@stored("gcpkms.RegisteredKey")
@dataclass
class RegisteredKey:
    """A key by its name in this server."""

    crypto_key: str
    min_version: int = 0
    max_version: int = 0


@stored("gcpkms.GcpKms")
@dataclass
class GcpKms:
    """State of a mount."""

    config: GcpKmsConfig | None = None
    keys: dict[str, RegisteredKey] = field(default_factory=dict)
    crypto_keys: dict[str, CryptoKey] = field(default_factory=dict)

    def registered(self, name: str) -> RegisteredKey:
        """Return a key by its name. Raises ErrorResponse."""
        found = self.keys.get(name)
        if found is None:
            raise ErrorResponse("encryption key not found")
        return found

    def behind(self, key: RegisteredKey) -> CryptoKey:
        """Return the key of Cloud KMS. Raises CloudError."""
        found = self.crypto_keys.get(key.crypto_key)
        if found is None:
            raise CloudError("NotFound", f"CryptoKey {key.crypto_key} not found.")
        return found


class CloudError(Exception):
    """An error of Cloud KMS, with the text of its client."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"rpc error: code = {code} desc = {text}")


def missing(name: str) -> NoReturn:
    """Refuse a request without a required parameter. Raises BackendError."""
    raise BackendError(f"missing required field(s): [{quote(name)}]", status=400)


def check_fields(call: Call) -> None:
    """Refuse parameters that the path does not have. Raises BackendError."""
    unknown = sorted(call.raw.keys() - call.endpoint.fields.keys())
    if unknown:
        raise BackendError(f"unknown field{'s' if len(unknown) > 1 else ''}: {','.join(unknown)}", status=400)


def check_version(key: RegisteredKey, number: int) -> None:
    """Refuse a version that the key's settings exclude. Raises ErrorResponse."""
    if 0 < number < key.min_version:
        text = f"requested version {number} is less than minimum allowed version of {key.min_version}"
        raise ErrorResponse(text, status=403)
    if 0 < key.max_version < number:
        text = f"requested version {number} is greater than maximum allowed version of {key.max_version}"
        raise ErrorResponse(text, status=403)


engine = Engine(
    "gcpkms",
    kind="secret",
    new_state=GcpKms,
    help="Keys of this world, which stand for those of Google Cloud KMS.",
    slow={"keys/": 0},
)


@engine.catches_up
def catch_up(state: GcpKms, call: Call) -> None:
    """Rotate the keys that are due."""
    name, raw = str(call.raw.get("key", "")), call.raw
    registered = state.keys.get(name)
    ids = {f"{raw.get('key_ring', '')}/cryptoKeys/{raw.get('crypto_key') or name}"}
    if registered is not None:
        ids.add(registered.crypto_key)
    agenda = call.core.state.mounts.agenda(call.mount)
    for key_id in agenda.due(state.crypto_keys, _next_due, call.now(), ids):
        key = state.crypto_keys[key_id]
        while key.rotation_period and 0 < key.next_rotation <= call.now():
            key.add_version(call.core.entropy)
            behind = int((call.now() - key.next_rotation) // key.rotation_period)
            key.next_rotation += (behind + 1) * key.rotation_period


def _next_due(key: CryptoKey) -> float | None:
    return key.next_rotation if key.rotation_period and key.next_rotation > 0 else None


load_endpoints(__name__, "keys", "operations")
