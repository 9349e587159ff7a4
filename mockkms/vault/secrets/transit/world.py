"""Transit mounts in world files: keys by name.

``descriptions`` turns the description of a key into the key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import load_der_private_key

from mockkms.vault.framework.captured import CapturedMount
from mockkms.vault.framework.shapes.collections import (
    Boolean,
    Choice,
    Either,
    Integer,
    Key,
    ListOf,
    MapOf,
    Moment,
    RecordShape,
    Text,
)
from mockkms.vault.framework.shapes.parameters import parameters
from mockkms.vault.framework.shapes.scalars import base64_fault, pem_fault
from mockkms.vault.framework.world_section import Filling, Steps, WorldSection, list_at, mapping_at
from mockkms.vault.mounts.table import Mount
from mockkms.vault.secrets.transit import descriptions
from mockkms.vault.secrets.transit.model import TYPES, TransitKey

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context


def _keys(_type: str) -> dict[str, Key]:
    return {"keys": Key(MapOf(_key()), "keys by name")}


def _material(text: str) -> str | None:
    return pem_fault(text) if "-----BEGIN" in text else base64_fault(text)


def _key() -> RecordShape:
    """Return the shape of a key's description."""
    encoded = Text("base64", base64_fault)
    version = RecordShape(
        {
            "material": Key(Text("base64, or PEM of an asymmetric key", _material), "default: derived from the seed"),
            "public_key": Key(Text("base64 or PEM", _material), "of a version without private half"),
            "hmac_key": Key(encoded, "key of the hmac endpoint"),
            "created": Key(Moment(), "default: now"),
            "certificate_chain": Key(ListOf(encoded), "DER in base64, leaf first"),
            "convergent_version": Key(Integer(), "scheme of convergent encryption"),
        }
    )
    many = Integer(1, descriptions.MOST_VERSIONS)
    event = RecordShape({"time": Key(Moment(), "when"), "version": Key(Integer(), "latest version at that time")})
    endpoints = ("keys/x", "keys/x/config", "keys/x/trim")
    known = {name: key for endpoint in endpoints for name, key in parameters("transit", endpoint).items()}
    return RecordShape(
        {
            "type": Key(Choice(tuple(TYPES), "key type"), "default: aes256-gcm96"),
            "versions": Key(
                Either({"integer": many, "list": ListOf(version)}), "their number, or a list, oldest first"
            ),
            **{name: known[name] for name in TransitKey.params()},
            "convergent": Key(Boolean(), "equal plaintexts in one context give equal ciphertexts"),
            "convergent_version": Key(Integer(), "scheme of convergent encryption; -1: that of each version"),
            "kdf": Key(Integer(), "key derivation: 1 is hkdf_sha256"),
            "imported": Key(Boolean(), "its material was imported"),
            "allow_imported_rotation": Key(Boolean(), "the server may make new versions of an imported key"),
            "soft_deleted": Key(Boolean(), "it cannot be used"),
            "backup_info": Key(event, "last backup"),
            "restore_info": Key(event, "last restore"),
        }
    )


def _fill(to: Filling, mount: Mount, spec: Mapping[str, object]) -> None:
    scope = mount.namespace + mount.path
    keys = mapping_at(spec, "keys")
    for name in keys:
        with to.guard("keys", name):
            descriptions.seed_key(mount.state, to.core, name, mapping_at(keys, name), scope)


def _dump(_core: Context, mount: Mount) -> dict[str, object]:
    return {"keys": descriptions.dump_keys(mount.state)}


def _check(mount: Mount, spec: Mapping[str, object]) -> Iterator[tuple[Steps, str]]:
    """Find private keys whose numbers do not fit together, among the keys that could be made."""
    keys = mapping_at(spec, "keys")
    for name in (name for name in keys if name in mount.state.keys):
        for index, version in enumerate(list_at(mapping_at(keys, name), "versions")):
            if isinstance(version, Mapping) and version.get("material") and not _valid(mount.state.keys[name], index):
                yield ("keys", name, "versions", index, "material"), "the numbers of this key do not fit together"


def _valid(key: TransitKey, index: int) -> bool:
    version = key.versions[sorted(key.versions)[index]]
    if not (key.kind.bits or key.kind.curve) or not version.key:
        return True
    try:
        load_der_private_key(version.key, None)
    except ValueError:
        return False
    return True


def _captured(server: CapturedMount) -> dict[str, object]:
    """Return types and settings of the keys, and how many versions each has; their material is never read."""
    keys: dict[str, object] = {}
    for name in server.names("keys"):
        data = server.read(f"keys/{name}")
        if data is None:
            continue
        shown = {word: data[word] for word in TransitKey.params() if data.get(word)}
        if shown.get("min_decryption_version") == 1:
            del shown["min_decryption_version"]
        latest, kind = data.get("latest_version"), str(data.get("type"))
        if kind not in TYPES:
            server.left_out(f"keys/{name}", f"keys of type {kind} are not emulated")
            continue
        if data.get("convergent_encryption"):
            shown["convergent"] = True
        if isinstance(latest, int) and latest > descriptions.MOST_VERSIONS:
            server.left_out(
                f"keys/{name}", f"it has {latest} versions, of which {descriptions.MOST_VERSIONS} are captured"
            )
            latest = descriptions.MOST_VERSIONS
        keys[name] = {"type": kind, **({"versions": latest} if isinstance(latest, int) and latest > 1 else {}), **shown}
    return {"keys": keys} if keys else {}


section = WorldSection(_keys, _fill, _dump, check=_check, capture=_captured)
