"""The state of transit as plain data, and the rules of keys that every endpoint shares.

Like the real server's key code they tell the caller's mistakes (``ErrorResponse``) from failures of the server
(``BackendError``). Endpoints that make no such difference translate with ``refusing``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from mockkms.crypto import kdf
from mockkms.vault.framework import keyless
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Request
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.golang.integers import int64
from mockkms.world.stored import stored

SOFT_DELETED = "refusing to use soft-deleted key"
TOO_OLD = "ciphertext or signature version is disallowed by policy (too old)"
PREFIX = "vault:v"
"""The start of every ciphertext, signature and HMAC: ``vault:v<version>:<base64>``."""

KDF_COUNTER = 0
"""``hmac-sha256-counter``: only in keys from very old backups, and stored for keys that are not derived."""
KDF_HKDF = 1
"""``hkdf_sha256``."""

CONVERGENT_VERSION = 3
HMAC_MIN_SIZE, HMAC_MAX_SIZE = 32, 512
"""Bytes of an ``hmac`` key."""


@dataclass(frozen=True, slots=True)
class KeyType:
    """A type of key and what it can do."""

    name: str
    number: int
    """As in backups."""
    size: int = 0
    """Bytes of a symmetric key; 0 for other types."""
    aead: str = ""
    """Algorithm name for ``crypto.aead``; empty for other types."""
    bits: int = 0
    """Bits of an RSA modulus."""
    curve: str = ""
    """``P-256``, ``P-384``, ``P-521`` for ECDSA."""

    @property
    def encrypts(self) -> bool:
        """Whether keys encrypt and decrypt."""
        return bool(self.aead or self.bits)

    @property
    def signs(self) -> bool:
        """Whether keys sign and verify."""
        return bool(self.bits or self.curve) or self.name == "ed25519"

    @property
    def derives(self) -> bool:
        """Whether keys can be derived for contexts."""
        return bool(self.aead) or self.name == "ed25519"

    @property
    def agrees(self) -> bool:
        """Whether keys can be used for key agreement (``derive-key``)."""
        return bool(self.curve)

    @property
    def hashes_input(self) -> bool:
        """Whether signing hashes the input first."""
        return bool(self.bits or self.curve)

    @property
    def asymmetric(self) -> bool:
        """Whether keys have a public half, which can be imported alone."""
        return self.signs


TYPES: dict[str, KeyType] = {
    kind.name: kind
    for kind in (
        KeyType("aes256-gcm96", 0, size=32, aead="aes-gcm"),
        KeyType("ecdsa-p256", 1, curve="P-256"),
        KeyType("ed25519", 2),
        KeyType("rsa-2048", 3, bits=2048),
        KeyType("rsa-4096", 4, bits=4096),
        KeyType("chacha20-poly1305", 5, size=32, aead="chacha20-poly1305"),
        KeyType("ecdsa-p384", 6, curve="P-384"),
        KeyType("ecdsa-p521", 7, curve="P-521"),
        KeyType("aes128-gcm96", 8, size=16, aead="aes-gcm"),
        KeyType("rsa-3072", 9, bits=3072),
        KeyType("hmac", 10),
        KeyType("xchacha20-poly1305", 11, size=32, aead="xchacha20-poly1305"),
    )
}
"""Every key type by name."""

TYPES_BY_NUMBER: dict[int, KeyType] = {kind.number: kind for kind in TYPES.values()}


@stored("transit.KeyVersion")
@dataclass(slots=True)
class KeyVersion:
    """One version of a key."""

    key: bytes
    """Secret half: raw for AEAD and ``hmac``; seed + public key (64 bytes) for ``ed25519``; PKCS #8 DER for RSA and
    ECDSA; empty where only a public key was imported."""
    hmac_key: bytes
    """For the ``hmac`` endpoint; the same as ``key`` in keys of type ``hmac``."""
    created: float
    """Seconds since the epoch."""
    public: bytes = b""
    """Public half: raw 32 bytes for ``ed25519``; SubjectPublicKeyInfo DER for RSA and ECDSA; empty for other types."""
    convergent_version: int = 0
    """3 in versions of convergent keys."""
    certificate_chain: list[bytes] = field(default_factory=list)
    """DER, leaf first."""

    @property
    def private_missing(self) -> bool:
        """Whether only the public half is known."""
        return not self.key


@stored("transit.Event")
@dataclass(slots=True)
class Event:
    """When a key was last backed up or restored, and its latest version then."""

    time: float
    version: int


@stored("transit.TransitKey")
@dataclass(slots=True)
class TransitKey(Record):
    """A named key with all its versions.

    Members with ``param`` are booleans, integers or seconds, and are in world files without further code. Others are
    described in ``descriptions.py`` and ``world.py``.
    """

    name: str = ""
    type: str = ""
    versions: dict[int, KeyVersion] = field(default_factory=dict)
    """The versions that are not trimmed; those below ``min_decryption_version`` are archived: stored, but unusable."""
    latest_version: int = 0
    min_available_version: Annotated[
        int, param(Kind.INT, help="Oldest version to keep: at most the smaller one of the two minimum versions.")
    ] = 0
    """0 until the first trim."""
    min_decryption_version: Annotated[
        int, param(Kind.INT, default=0, help="Oldest version that still decrypts and verifies.")
    ] = 1
    min_encryption_version: Annotated[
        int, param(Kind.INT, help="Oldest version that may encrypt and sign; 0: any.")
    ] = 0
    derived: Annotated[bool, param(Kind.BOOL, help="Derive a key for each context.")] = False
    kdf: int = KDF_COUNTER
    convergent_encryption: bool = False
    convergent_version: int = 0
    """-1 in convergent keys: each version has its own."""
    exportable: Annotated[bool, param(Kind.BOOL, help="Allow the key to leave the server; cannot be revoked.")] = False
    allow_plaintext_backup: Annotated[
        bool, param(Kind.BOOL, help="Allow backups, which hold the key in plaintext; cannot be revoked.")
    ] = False
    deletion_allowed: Annotated[bool, param(Kind.BOOL, help="Allow the key to be deleted.")] = False
    auto_rotate_period: Annotated[
        int, param(Kind.SECONDS, default=0, help="Age in seconds at which a new version is made; 0: never.")
    ] = 0
    key_size: Annotated[
        int, param(Kind.INT, default=0, help="Size of an HMAC key in bytes, 32 to 512.", show=Show.SET)
    ] = 0
    """0 for other types."""
    imported: bool = False
    allow_imported_rotation: bool = False
    soft_deleted: bool = False
    unsaved: bool = False
    """Whether the request that made it failed and no later one has stored it: it can be used, but is not listed."""
    backup_info: Event | None = None
    restore_info: Event | None = None

    @property
    def kind(self) -> KeyType:
        """The type."""
        return TYPES[self.type]

    @property
    def latest(self) -> KeyVersion:
        """The newest version."""
        return self.versions[self.latest_version]

    def usable(self) -> Iterator[tuple[int, KeyVersion]]:
        """Return the versions that are not archived, with their numbers, oldest first."""
        for number in range(self.min_decryption_version, self.latest_version + 1):
            if number in self.versions:
                yield number, self.versions[number]

    def version(self, number: int) -> KeyVersion:
        """Return a version. Raises ErrorResponse if it does not exist or is archived."""
        found = self.versions.get(number) if number >= self.min_decryption_version else None
        if found is None:
            raise ErrorResponse("no such key version")
        return found

    def check_alive(self) -> None:
        """Raise ErrorResponse for a soft-deleted key."""
        if self.soft_deleted:
            raise ErrorResponse(SOFT_DELETED)

    def version_to_use(self, asked: int, purpose: str) -> int:
        """Return the version for ``encryption`` or ``signing``, by default the latest. Raises ErrorResponse."""
        if asked == 0:
            return self.latest_version
        if asked < 0:
            raise ErrorResponse(f"requested version for {purpose} is negative")
        if asked > self.latest_version:
            raise ErrorResponse(f"requested version for {purpose} is higher than the latest key version")
        if asked < self.min_encryption_version:
            raise ErrorResponse(f"requested version for {purpose} is less than the minimum encryption key version")
        return asked

    def material(self, context: bytes, number: int, size: int) -> bytes:
        """Return the symmetric key of a version, or ``size`` bytes derived for ``context``. Raises ErrorResponse."""
        if self.soft_deleted:
            raise ErrorResponse(SOFT_DELETED)
        return self.derive(context, number, size) if self.derived else self.version(number).key

    def signing_seed(self, context: bytes, number: int) -> bytes:
        """Return the 32-byte seed of an ``ed25519`` version, for ``context`` in derived keys. Raises ErrorResponse."""
        return self.material(context, number, 32)[:32]

    def derive(self, context: bytes, number: int, size: int) -> bytes:
        """Derive ``size`` bytes for ``context`` from a version. Raises ErrorResponse if it or the type does not fit."""
        self.check_alive()
        if not self.kind.derives:
            raise ErrorResponse(f"derivation not supported for key type {self.type}")
        if not 0 < number <= self.latest_version:
            raise ErrorResponse("invalid key version")
        if not context:
            raise ErrorResponse(
                "missing 'context' for key derivation; the key was created using a derived key, which means "
                "additional, per-request information must be included in order to perform operations with the key"
            )
        secret = self.version(number).key
        if self.kdf == KDF_COUNTER:
            return kdf.counter_sha256(secret, context)
        if self.kdf != KDF_HKDF:
            raise BackendError("unsupported key derivation mode")
        return kdf.hkdf_sha256(secret, b"", context, size)

    def hmac_key(self, number: int) -> bytes:
        """Return the HMAC key of a version; 0 is not a version here. Raises ErrorResponse."""
        self.check_alive()
        if number < 0:
            raise ErrorResponse("key version does not exist (cannot be negative)")
        if number > self.latest_version:
            raise ErrorResponse(f"key version does not exist; latest key version is {self.latest_version}")
        found = self.version(number)
        if not found.hmac_key:
            raise ErrorResponse("no HMAC key exists for that key version")
        return found.hmac_key

    def version_of_text(self, text: str, what: str) -> tuple[int, str]:
        """Split ``vault:v<n>:<rest>``, ``what`` being ``ciphertext`` or ``signature``, and check the version's bounds.

        Raises ErrorResponse with the real server's text; ``v0`` of a ciphertext means version 1.
        """
        if not text.startswith(PREFIX):
            raise ErrorResponse(f"invalid {what}: no prefix")
        digits, colon, rest = text[len(PREFIX) :].partition(":")
        if not colon:
            raise ErrorResponse(f"invalid {what}: wrong number of fields")
        number = int64(digits)
        if number is None:
            raise ErrorResponse(f"invalid {what}: version number could not be decoded")
        if number == 0 and what == "ciphertext":
            number = 1
        if number > self.latest_version:
            raise ErrorResponse(f"invalid {what}: version is too new")
        if number < self.min_decryption_version:
            raise ErrorResponse(TOO_OLD)
        return number, rest


@stored("transit.Transit")
@dataclass(slots=True)
class Transit:
    """The state of a mount."""

    keys: dict[str, TransitKey] = field(default_factory=dict)
    cache_size: int = 0
    """Number of keys to cache; stored and returned, without effect."""
    disable_upsert: bool = False
    """``encrypt`` must not create keys."""
    wrapping_key: TransitKey | None = None
    """The RSA-4096 key for imports, created at its first use."""


def takes_long(state: Transit, request: Request, captures: Mapping[str, str], now: Callable[[], float]) -> bool:
    """Return whether a request computes for long: many random bytes, or an RSA key for a key that its path names.

    Such a key is made by a due rotation, or by a first use.
    """
    if "urlbytes" in captures:
        return keyless.many_bytes(request, captures)
    for name in captures.values():
        key = state.keys.get(name)
        if key is None:
            if str(request.data.get("type", "")).startswith("rsa-"):
                return True
        elif key.auto_rotate_period and key.kind.bits and now() > key.latest.created + key.auto_rotate_period:
            return True
    return False
