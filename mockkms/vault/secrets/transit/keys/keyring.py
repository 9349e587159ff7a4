"""Finding and creating keys, new versions of them, and rotation by the clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from mockkms.crypto import asymmetric
from mockkms.crypto.rsa import pool
from mockkms.outside.turn import gives_way, waiting
from mockkms.vault.framework.message import BackendError, ErrorResponse
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.transit.model import (
    CONVERGENT_VERSION,
    HMAC_MAX_SIZE,
    HMAC_MIN_SIZE,
    KDF_HKDF,
    SOFT_DELETED,
    TYPES,
    KeyType,
    KeyVersion,
    Transit,
    TransitKey,
)

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Environment
    from mockkms.vault.products import Product

_MISSED_ROTATIONS = 64
"""The most due rotations that are made at once, after a jump of the clock."""


def find(state: Transit, name: str, core: Environment) -> TransitKey | None:
    """Return the key of this name after its due rotations, or None."""
    key = state.keys.get(name)
    if key is not None and key.auto_rotate_period:
        rotate_if_due(key, core)
    return key


def existing(state: Transit, name: str, core: Environment, refusal: str) -> TransitKey:
    """Return the key of this name as ``find`` does. Raises ErrorResponse with ``refusal`` if it does not exist."""
    key = find(state, name, core)
    if key is None:
        raise ErrorResponse(refusal)
    return key


@contextmanager
def used_apart(key: TransitKey) -> Iterator[TransitKey]:
    """Hold a key for work that takes long and draws nothing: other requests are answered during this block.

    Yields the key as it is now; what they change of it has no effect on the block.
    """
    if not gives_way():
        yield key
        return
    held = replace(key, versions=dict(key.versions))
    with waiting():
        yield held


def rotate_if_due(key: TransitKey, core: Environment) -> None:
    """Make the rotations that a server would have made by now if it had run all the time."""
    if key.soft_deleted or (key.imported and not key.allow_imported_rotation):
        return
    now = core.clock.now()
    missed = int((now - key.latest.created) / key.auto_rotate_period)
    due = key.latest.created + max(0, missed - _MISSED_ROTATIONS) * key.auto_rotate_period
    while now > due + key.auto_rotate_period:
        due += key.auto_rotate_period
        rotate(key, due, core)


def create(state: Transit, key: TransitKey, core: Environment, *, convergent: bool = False) -> TransitKey:
    """Give a new key its first version and store it. Raises BackendError if its settings do not fit its type."""
    check_options(key.kind, derived=key.derived, convergent=convergent)
    if key.derived:
        key.kdf, key.convergent_encryption, key.convergent_version = KDF_HKDF, convergent, -1 if convergent else 0
    rotate(key, core.clock.now(), core)
    state.keys[key.name] = key
    return key


def check_options(kind: KeyType, *, derived: bool, convergent: bool) -> None:
    """Raise VaultError for a type that does not support the requested derivation or convergence."""
    if kind.aead:
        if convergent and not derived:
            raise BackendError("convergent encryption requires derivation to be enabled")
    elif kind.derives:
        if convergent:
            raise BackendError(f"convergent encryption not supported for keys of type {kind.name}")
    elif derived or convergent:
        raise BackendError(f"key derivation and convergent encryption not supported for keys of type {kind.name}")


def rotate(key: TransitKey, now: float, core: Environment, label: str = "") -> None:
    """Add a version made at ``now`` (seconds since the epoch), of material that ``label`` names if one is given.

    Raises VaultError where that is refused.
    """
    if key.soft_deleted:
        raise BackendError(SOFT_DELETED)
    if key.imported and not key.allow_imported_rotation:
        raise BackendError(f"imported key {key.name} does not allow rotation within Vault")
    add_version(key, new_version(key, now, core, label))
    key.imported = False


def add_version(key: TransitKey, version: KeyVersion) -> None:
    """Make ``version`` the latest one."""
    if key.convergent_encryption and (key.convergent_version == -1 or key.convergent_version > 1):
        version.convergent_version = CONVERGENT_VERSION
    key.latest_version += 1
    key.versions[key.latest_version] = version
    key.unsaved = False


def new_version(key: TransitKey, now: float, core: Environment, label: str = "") -> KeyVersion:
    """Return a version of new material. Raises BackendError for an ``hmac`` key of an invalid size."""
    kind, entropy = key.kind, core.entropy
    if kind.name == "hmac":
        if not HMAC_MIN_SIZE <= key.key_size <= HMAC_MAX_SIZE:
            raise BackendError(
                f"invalid key size for HMAC key, must be between {HMAC_MIN_SIZE} and {HMAC_MAX_SIZE} bytes"
            )
        secret = entropy.drawn(key.key_size, label)
        return KeyVersion(secret, secret, now)
    hmac_key = entropy.drawn(32, label and f"{label}/hmac")
    if kind.aead:
        return KeyVersion(entropy.drawn(kind.size, label), hmac_key, now)
    if kind.bits:
        secret = pool.take(kind.bits, entropy, label, _in_use(core, key))
    elif kind.curve:
        secret = asymmetric.generate_ec(kind.curve, entropy, label)
    else:
        secret = asymmetric.generate_ed25519(entropy, label)
    return KeyVersion(secret, hmac_key, now, asymmetric.public_of(secret))


def _in_use(core: Environment, key: TransitKey) -> Iterator[bytes]:
    """Yield the private RSA keys of transit in this world, which the pool must not give again."""
    yield from _private(key)
    for mount in core.state.mounts.entries.values():
        if (mount.engine or mount.type) == "transit":
            state: Transit = mount.state
            for other in state.keys.values():
                yield from _private(other)
            if state.wrapping_key:
                yield from _private(state.wrapping_key)


def _private(key: TransitKey) -> Iterator[bytes]:
    return (version.key for version in key.versions.values()) if key.kind.bits else iter(())


def made_by(key_type: str, product: Product) -> bool:
    """Return whether this product can create keys of the type."""
    return key_type in TYPES and (key_type != "xchacha20-poly1305" or product.has(Feature.TRANSIT_ADDITIONS))
