"""A sealable barrier: its unseal key, split into shares, and the state of rotations and root token generations.

The root namespace has a barrier, and so has each sealable namespace. The unseal key is split by Shamir's scheme. Wrong
shares fail as on the real server, where they combine to a key that does not decrypt the stored root key.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from dataclasses import field

from mockkms.lazy_dataclass import dataclass
from mockkms.vault.framework.message import ErrorResponse, refusing
from mockkms.vault.seals import shamir
from mockkms.world.stored import stored

KEY_SIZE = 32
"""Bytes of a root key and of an unseal key."""
MIN_KEY, MAX_KEY = 16, KEY_SIZE + shamir.SHARE_OVERHEAD
MAX_OPERATIONS = 3865470566
_SALT_SIZE = 44
Random = Callable[[int], bytes]


@stored("seals.Rotation")
@dataclass
class Rotation:
    """A rotation of the unseal key in progress."""

    nonce: str
    shares: int
    threshold: int
    pgp_keys: list[str] = field(default_factory=list)
    backup: bool = False
    verify: bool = False
    progress: list[bytes] = field(default_factory=list)
    verification_nonce: str = ""
    verification_key: bytes = b""
    verification_progress: list[bytes] = field(default_factory=list)
    pending: list[bytes] = field(default_factory=list)
    """Shares of the new key while they are being verified."""
    started: float = 0
    """Seconds since the epoch."""


@stored("seals.RootGeneration")
@dataclass
class RootGeneration:
    """A root token generation in progress."""

    nonce: str
    otp: str
    pgp_key: str = ""
    pgp_fingerprint: str = ""
    progress: list[bytes] = field(default_factory=list)


@stored("seals.ShareBackup")
@dataclass
class ShareBackup:
    """A backup of PGP-encrypted shares."""

    nonce: str
    keys: dict[str, list[str]]
    """Encrypted shares in hex, by the fingerprint of their PGP key."""


@stored("seals.Barrier")
@dataclass
class Barrier:
    """The seal of the root namespace or of one sealable namespace. Keys are raw bytes."""

    shares: int = 0
    threshold: int = 0
    stored: bytes = b""
    """A salt and its HMAC-SHA256 by the unseal key, to know that key again."""
    sealed: bool = True
    unseal_keys: list[str] = field(default_factory=list)
    """The current shares in base64; kept for tests, while a real server shows them once."""
    progress: list[bytes] = field(default_factory=list)
    nonce: str = ""
    rotation: Rotation | None = None
    generation: RootGeneration | None = None
    term: int = 1
    """Version of the encryption key."""
    installed: float = 0
    """When that version was made, seconds since the epoch."""
    encryptions: int = 0
    rotate_enabled: bool = True
    rotate_interval: int = 0
    """Seconds; 0 is off."""
    rotate_max_operations: int = MAX_OPERATIONS
    wrapper: str = ""
    """Prefix of the cause when a wrong key cannot decrypt the root key."""
    backup: ShareBackup | None = None

    @property
    def initialized(self) -> bool:
        """Whether the barrier has a key."""
        return self.shares > 0

    def install(self, unseal_key: bytes, shares: int, threshold: int, random: Random, parts: list[bytes]) -> None:
        """Set ``unseal_key`` (32 bytes), already split into ``parts``, as the key of this barrier."""
        salt = random(_SALT_SIZE)
        self.stored = salt + hmac.digest(unseal_key, salt, "sha256")
        self.shares, self.threshold = shares, threshold
        self.unseal_keys = [base64.b64encode(part).decode() for part in parts]

    def authenticate(self, unseal_key: bytes) -> None:
        """Check whether ``unseal_key`` is the one that was set. Raises ValueError."""
        fault = self._fault(unseal_key)
        if fault:
            raise ValueError(f"invalid key: failed to decrypt keys from storage: {fault}")

    def _fault(self, unseal_key: bytes) -> str:
        if len(unseal_key) not in (16, 24, 32):
            return f"crypto/aes: invalid key size {len(unseal_key)}"
        salt, proof = self.stored[:_SALT_SIZE], self.stored[_SALT_SIZE:]
        if not hmac.compare_digest(hmac.digest(unseal_key, salt, "sha256"), proof):
            return f"{self.wrapper}cipher: message authentication failed"
        return ""

    def recover(self, parts: list[bytes]) -> bytes:
        """Return the unseal key of the given shares. Raises ValueError with the text of Vault's ``shamir`` package."""
        return parts[0] if self.threshold == 1 else shamir.combine(parts)

    def unseal(self, part: bytes, new_nonce: Callable[[], str]) -> bool:
        """Add one share; return True once unsealed.

        Raises ErrorResponse for a wrong key, and discards the shares entered so far.
        """
        check_length(part)
        if part in self.progress:
            return False
        self.nonce = self.nonce or new_nonce()
        self.progress.append(part)
        if len(self.progress) < self.threshold:
            return False
        parts = self.progress
        self.reset()
        with refusing("invalid key: failed to compute combined key: "):
            key = self.recover(parts)
        with refusing("unable to retrieve stored keys: "):
            self.authenticate(key)
        self.sealed = False
        return True

    def reset(self) -> None:
        """Discard the shares entered so far."""
        self.progress, self.nonce = [], ""

    def seal(self) -> None:
        """Seal the barrier and cancel the operations in progress."""
        self.sealed, self.rotation, self.generation = True, None, None
        self.reset()


@stored("seals.SealState")
@dataclass
class SealState:
    """The root namespace's barrier and the cluster's name."""

    barrier: Barrier = field(default_factory=Barrier)
    cluster_name: str = ""
    cluster_id: str = ""
    started: float = 0
    """When the server was initialised, seconds since the epoch."""
    root_token: str = ""
    """The root token that ``sys/init`` created, which a real server shows once."""


def check_length(key: bytes, prefix: str = "invalid key: ") -> None:
    """Raise ErrorResponse for a key or share that is too short or too long."""
    if len(key) < MIN_KEY:
        raise ErrorResponse(f"{prefix}key is shorter than minimum {MIN_KEY} bytes")
    if len(key) > MAX_KEY:
        raise ErrorResponse(f"{prefix}key is longer than maximum {MAX_KEY} bytes")


def make_key(shares: int, threshold: int, random: Random) -> tuple[bytes, list[bytes]]:
    """Return a new unseal key (32 bytes) and its shares; a single share is the key itself."""
    key = random(KEY_SIZE)
    return key, [key] if shares == 1 else shamir.split(key, shares, threshold, random)


def decode_key(text: str, *, bounded: bool = True) -> bytes:
    """Return a key given as hex or base64. Raises ErrorResponse.

    ``bounded``: hex of a length that no key has is decoded as base64, which may consist of hex digits by chance.
    """
    for decode in (_hex, _base64):
        try:
            key = decode(text)
        except ValueError:
            continue
        if decode is _base64 or not bounded or MIN_KEY <= len(key) <= MAX_KEY:
            return key
    raise ErrorResponse("'key' must be a valid hex or base64 string")


def _hex(text: str) -> bytes:
    if not text.isalnum():
        raise ValueError("white space")
    return bytes.fromhex(text)


def _base64(text: str) -> bytes:
    return base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True)


def validate_shares(shares: int, threshold: int, pgp_keys: list[str]) -> None:
    """Raise ValueError, with the real server's text, for an invalid seal configuration."""
    checks = (
        (shares < 1, "shares must be at least one"),
        (threshold < 1, "threshold must be at least one"),
        (shares > 1 and threshold < 2, "threshold must be greater than one for multiple shares"),
        (shares > 255, "shares must be less than 256"),
        (threshold > 255, "threshold must be less than 256"),
        (threshold > shares, "threshold cannot be larger than shares"),
        (
            bool(pgp_keys) and len(pgp_keys) != shares,
            "count mismatch between number of provided PGP keys and number of shares",
        ),
    )
    for wrong, text in checks:
        if wrong:
            raise ValueError(text)
