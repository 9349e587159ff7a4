"""Google Cloud KMS mounts in world files: settings, crypto keys with their material, and registered keys."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mockkms.crypto import asymmetric
from mockkms.vault.framework.shapes.collections import Integer, Key, ListOf, MapOf, RecordShape, Seconds, Text
from mockkms.vault.framework.shapes.scalars import Base64, Boolean, Choice
from mockkms.vault.framework.world_section import Filling, items_at, mapping_at
from mockkms.vault.golang.fmt import quote
from mockkms.vault.kernel.record_section import Part, record_section
from mockkms.vault.mounts.table import Mount
from mockkms.vault.secrets.cloud.gcpkms.keys import config
from mockkms.vault.secrets.cloud.gcpkms.model import (
    ALGORITHMS,
    DESTROYED,
    ENABLED,
    KEY_ID,
    SYMMETRIC,
    CryptoKey,
    CryptoKeyVersion,
    GcpKms,
    RegisteredKey,
)

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context

_AES_SIZE = 32


def _crypto_key() -> RecordShape:
    version = RecordShape(
        {
            "material": Key(Base64(), "32 bytes of an AES key, or PKCS #8 DER of a private key", required=True),
            "state": Key(Choice((ENABLED, DESTROYED), "state"), "default: enabled"),
        }
    )
    return RecordShape(
        {
            "algorithm": Key(Choice(tuple(ALGORITHMS), "algorithm"), "default: symmetric_encryption"),
            "protection_level": Key(Choice(("hsm", "software"), "protection level"), "default: software"),
            "labels": Key(MapOf(Text()), "labels"),
            "rotation_period": Key(Seconds(), "seconds between rotations"),
            "primary": Key(Integer(), "number of the primary version; default: the last one"),
            "versions": Key(ListOf(version), "versions, the oldest first; default: one, generated"),
        }
    )


def _fill_crypto_keys(to: Filling, mount: Mount, spec: Mapping[str, object]) -> None:
    state: GcpKms = mount.state
    described = mapping_at(spec, "crypto_keys")
    for name in described:
        with to.guard("crypto_keys", name):
            _check_id(name)
            state.crypto_keys[name] = _made(to.core, name, mapping_at(described, name))


def _check_id(name: str) -> None:
    """Check the resource id of a crypto key. Raises ValueError."""
    if KEY_ID.fullmatch(name) is None:
        raise ValueError(
            f"{quote(name)} is not the resource id of a crypto key: the form is projects/<project>/locations/"
            "<location>/keyRings/<ring>/cryptoKeys/<key>, where ring and key have 1 to 63 letters, digits, hyphens and "
            "underscores"
        )


def _made(core: Context, name: str, spec: Mapping[str, object]) -> CryptoKey:
    """Return a crypto key of its description. Raises ValueError for material that is not of its algorithm."""
    algorithm = str(spec.get("algorithm") or SYMMETRIC)
    period = int(str(spec.get("rotation_period") or 0))
    made = CryptoKey(
        name, ALGORITHMS[algorithm], algorithm, str(spec.get("protection_level") or "software"),
        {key: str(value) for key, value in mapping_at(spec, "labels").items()}, period,
        core.clock.now() + period if period else 0.0,
    )  # fmt: skip
    for at, version in items_at(spec, "versions"):
        material = version["material"]
        assert isinstance(material, bytes)
        if algorithm == SYMMETRIC and len(material) != _AES_SIZE:
            raise ValueError(f"versions[{at}].material: an AES key has {_AES_SIZE} bytes, not {len(material)}")
        if algorithm != SYMMETRIC:
            asymmetric.load_private(material)
        made.versions.append(CryptoKeyVersion(material, str(version.get("state") or ENABLED)))
    if not made.versions:
        made.add_version(core.entropy)
    made.primary = int(str(spec.get("primary") or (len(made.versions) if algorithm == SYMMETRIC else 1)))
    if not 0 < made.primary <= len(made.versions):
        raise ValueError(f"primary: version {made.primary} does not exist")
    return made


def _crypto_keys(_core: Context, mount: Mount) -> object:
    state: GcpKms = mount.state
    return {name: _described(key) for name, key in state.crypto_keys.items()}


def _described(key: CryptoKey) -> dict[str, object]:
    fresh = CryptoKey(key.id)
    names = ("algorithm", "protection_level", "labels", "rotation_period")
    changed = {name: getattr(key, name) for name in names if getattr(key, name) != getattr(fresh, name)}
    usual = len(key.versions) if key.algorithm == SYMMETRIC else 1
    versions = [
        {
            "material": base64.b64encode(version.material).decode(),
            **({"state": version.state} if version.state != ENABLED else {}),
        }
        for version in key.versions
    ]
    return {**changed, **({"primary": key.primary} if key.primary != usual else {}), "versions": versions}


def _registered() -> RecordShape:
    return RecordShape(
        {
            "crypto_key": Key(Text(), "resource id of the crypto key", required=True),
            "verify": Key(Boolean(), "false: the crypto key need not exist, and any text may be its id"),
            "min_version": Key(Integer(), "lowest version that may be used"),
            "max_version": Key(Integer(), "highest version that may be used"),
        }
    )


def _fill_keys(to: Filling, mount: Mount, spec: Mapping[str, object]) -> None:
    state: GcpKms = mount.state
    described = mapping_at(spec, "keys")
    for name in described:
        found = mapping_at(described, name)
        with to.guard("keys", name):
            limits = (int(str(found.get(limit) or 0)) for limit in ("min_version", "max_version"))
            identity = str(found["crypto_key"])
            state.keys[name] = RegisteredKey(identity, *limits)
            if found.get("verify") is False:
                continue
            _check_id(identity)
            if identity not in state.crypto_keys:
                state.crypto_keys[identity] = _made(to.core, identity, {})


def _keys(_core: Context, mount: Mount) -> object:
    state: GcpKms = mount.state
    limits = ("min_version", "max_version")
    return {
        name: {
            "crypto_key": key.crypto_key,
            **({"verify": False} if key.crypto_key not in state.crypto_keys else {}),
            **{limit: getattr(key, limit) for limit in limits if getattr(key, limit)},
        }
        for name, key in state.keys.items()
    }


section = record_section(
    config.part("config", "how Cloud KMS is accessed"),
    Part(
        "crypto_keys",
        lambda: Key(MapOf(_crypto_key()), "keys of Cloud KMS by resource id"),
        _fill_crypto_keys,
        _crypto_keys,
    ),
    Part("keys", lambda: Key(MapOf(_registered()), "registered keys by name"), _fill_keys, _keys),
)
