"""Keys from their descriptions in worlds, and back: descriptions of ``dump_keys`` load to equal keys.

A description is a mapping: ``type``, ``versions`` (how many, or a list of ``{material, created, …}``), and the switches
and bounds of a key. Material that is not given follows from the world's seed and the key's name alone, so ciphertexts
made in one run decrypt in the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from mockkms.crypto.encoding import b64
from mockkms.error_context import error_context
from mockkms.vault.framework.message import VaultError
from mockkms.vault.framework.world_section import SpecFault
from mockkms.vault.golang.duration import parse_seconds
from mockkms.vault.secrets.transit.keys.keyring import add_version, check_options, new_version
from mockkms.vault.secrets.transit.model import (
    HMAC_MAX_SIZE,
    HMAC_MIN_SIZE,
    KDF_HKDF,
    TYPES,
    Event,
    KeyVersion,
    Transit,
    TransitKey,
)
from mockkms.vault.secrets.transit.transfer.material import read_version, show_version
from mockkms.world.clock import parse_rfc3339, rfc3339

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Environment

MOST_VERSIONS = 1000
_T = TypeVar("_T")

BEYOND = ("kdf", "imported", "allow_imported_rotation", "soft_deleted")
"""The settings of a description that are not parameters of the API."""
_EVENTS = ("backup_info", "restore_info")
FIELDS = ("type", "versions", *TransitKey.params(), *BEYOND, "convergent", "convergent_version", *_EVENTS)
"""Every member of a key's description."""


def seed_key(state: Transit, core: Environment, name: str, spec: Mapping[str, object], scope: str = "") -> TransitKey:
    """Make the key ``name`` from its description; ``scope`` (the mount's path) keeps equal names of mounts apart.

    Raises SpecFault with the path of the member at fault.
    """
    for member in spec:
        if member not in FIELDS:
            raise SpecFault(member, f"a key has only {', '.join(FIELDS)}")
    key = _settings(name, spec)
    first = max(1, key.min_available_version)
    key.latest_version = first - 1
    versions = spec.get("versions", 1)
    if isinstance(versions, int) and not isinstance(versions, bool):
        if not 0 < versions <= MOST_VERSIONS or versions < first:
            raise SpecFault("versions", f"a key has {first} to {MOST_VERSIONS} versions")
        entries: list[Mapping[str, object]] = [{}] * (versions - first + 1)
    elif isinstance(versions, list) and versions:
        entries = versions
    else:
        raise SpecFault("versions", "must be a number of versions, or a list of at least one")
    for at, entry in enumerate(entries):
        _add(key, core, entry, f"versions[{at}]", f"transit/{scope}{name}/v{first + at}")
    _check_bounds(key)
    state.keys[name] = key
    return key


def dump_keys(state: Transit) -> dict[str, dict[str, object]]:
    """Return the descriptions of all keys by name; members with their default values are left out."""
    return {name: _dump(key) for name, key in sorted(state.keys.items())}


def _settings(name: str, spec: Mapping[str, object]) -> TransitKey:
    """Return the key, without versions."""
    key_type = spec.get("type", "aes256-gcm96")
    if not isinstance(key_type, str) or key_type not in TYPES:
        raise SpecFault("type", f"unknown key type {key_type!r}; known are {', '.join(TYPES)}")
    key = TransitKey(name, key_type)
    settings = [member for member in (*key.params(), *BEYOND) if member != "auto_rotate_period"]
    switches = [member for member in settings if isinstance(getattr(key, member), bool)]
    for member in switches:
        setattr(key, member, _typed(spec, member, bool, getattr(key, member)))
    convergent = _typed(spec, "convergent", bool, False)
    with error_context(raised=partial(SpecFault, "convergent" if convergent else "derived"), of=VaultError):
        check_options(key.kind, derived=key.derived, convergent=convergent)
    key.kdf = KDF_HKDF if key.derived else 0
    key.convergent_encryption = convergent
    key.convergent_version = _typed(spec, "convergent_version", int, -1 if convergent else 0)
    key.key_size = 32 if key_type == "hmac" else 0
    for member in settings:
        if member in switches:
            continue
        number = _typed(spec, member, int, getattr(key, member))
        if number < 0:
            raise SpecFault(member, "must not be negative")
        setattr(key, member, number)
    if key_type == "hmac" and not HMAC_MIN_SIZE <= key.key_size <= HMAC_MAX_SIZE:
        raise SpecFault("key_size", f"an hmac key has {HMAC_MIN_SIZE} to {HMAC_MAX_SIZE} bytes")
    key.auto_rotate_period = _seconds(spec)
    key.backup_info, key.restore_info = _event(spec, "backup_info"), _event(spec, "restore_info")
    return key


def _add(key: TransitKey, core: Environment, entry: object, path: str, label: str) -> None:
    """Add the version that ``entry`` describes."""
    if not isinstance(entry, Mapping):
        raise SpecFault(path, "a version is a mapping such as {material: …, created: …}")
    if "material" in entry or "public_key" in entry:
        version = read_version(key, entry, path)
    else:
        version = new_version(key, core.clock.now(), core, label)
    if "hmac_key" in entry and "material" not in entry and "public_key" not in entry:
        raise SpecFault(f"{path}.hmac_key", "requires material")
    version.created = _moment(entry.get("created", core.clock.now()), f"{path}.created")
    add_version(key, version)
    version.convergent_version = _typed(entry, "convergent_version", int, version.convergent_version)
    if key.type == "hmac":
        key.key_size = len(version.key)


def _check_bounds(key: TransitKey) -> None:
    latest = key.latest_version
    key.min_decryption_version = max(1, key.min_decryption_version)
    if key.min_decryption_version > latest:
        raise SpecFault("min_decryption_version", f"the latest version is {latest}")
    if key.min_encryption_version > latest:
        raise SpecFault("min_encryption_version", f"the latest version is {latest}")
    if 0 < key.min_encryption_version < key.min_decryption_version:
        raise SpecFault("min_encryption_version", "must not be below min_decryption_version")
    if key.min_available_version > key.min_decryption_version:
        raise SpecFault("min_available_version", "must not be above min_decryption_version")


def _typed(spec: Mapping[str, object], member: str, kind: type[_T], default: _T) -> _T:
    value = spec.get(member, default)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise SpecFault(member, f"{value!r} is not {'a whole number' if kind is int else 'true or false'}")
    return value


def _seconds(spec: Mapping[str, object]) -> int:
    with error_context(raised=partial(SpecFault, "auto_rotate_period")):
        seconds = int(parse_seconds(spec.get("auto_rotate_period", 0)))
    if seconds != 0 and seconds < 3600:
        raise SpecFault("auto_rotate_period", "must be 0 to disable or at least an hour")
    return seconds


def _moment(value: object, path: str) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    wrong = f"{value!r} is not a time: use RFC 3339 or seconds since the epoch"
    with error_context(raised=partial(SpecFault, path), text=wrong):
        return parse_rfc3339(str(value))


def _event(spec: Mapping[str, object], member: str) -> Event | None:
    value = spec.get(member)
    if value is None:
        return None
    if not isinstance(value, Mapping) or not isinstance(value.get("version"), int):
        raise SpecFault(member, "must be a mapping {time: …, version: …}")
    return Event(_moment(value.get("time"), f"{member}.time"), value["version"])


def _dump(key: TransitKey) -> dict[str, object]:
    fresh = TransitKey(kdf=KDF_HKDF if key.derived else 0)
    beyond = [member for member in BEYOND if getattr(key, member) != getattr(fresh, member)]
    spec = {"type": key.type, **key.changed(), **{member: getattr(key, member) for member in beyond}}
    if key.convergent_encryption:
        spec["convergent"] = True
    if key.convergent_version != (-1 if key.convergent_encryption else 0):
        spec["convergent_version"] = key.convergent_version
    for member in _EVENTS:
        event: Event | None = getattr(key, member)
        if event is not None:
            spec[member] = {"time": _time(event.time), "version": event.version}
    spec["versions"] = [_dump_version(key, version) for _, version in sorted(key.versions.items())]
    return spec


def _dump_version(key: TransitKey, version: KeyVersion) -> dict[str, object]:
    entry: dict[str, object] = show_version(key, version)
    if key.type != "hmac":
        entry["hmac_key"] = b64.encode(version.hmac_key)
    entry["created"] = _time(version.created)
    if key.convergent_encryption or version.convergent_version:
        entry["convergent_version"] = version.convergent_version
    if version.certificate_chain:
        entry["certificate_chain"] = [b64.encode(der) for der in version.certificate_chain]
    return entry


def _time(moment: float) -> str | float:
    """Return a time (Unix seconds) in RFC 3339 if that is exact, else as the number."""
    text = rfc3339(moment)
    return text if moment > 0 and parse_rfc3339(text) == moment else moment
