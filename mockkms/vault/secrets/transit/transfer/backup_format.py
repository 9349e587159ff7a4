"""The JSON that the real server makes of a key in a backup, in both directions.

Asymmetric keys are written as numbers, durations in nanoseconds, byte strings in base64, and all versions stand in an
archive behind those in use.
"""

from __future__ import annotations

from typing import TypeVar

from mockkms.crypto import asymmetric
from mockkms.crypto.encoding import b64, numbers, pem
from mockkms.vault.golang.duration import SECOND
from mockkms.vault.golang.integers import int64
from mockkms.vault.secrets.transit.model import TYPES_BY_NUMBER, Event, KeyType, KeyVersion, TransitKey
from mockkms.world.clock import ZERO_TIME, parse_rfc3339, rfc3339

_T = TypeVar("_T")


# -- writing -------------------------------------------------------------------------------------------------------


def dump(key: TransitKey) -> dict[str, object]:
    """Return the backup document of a key."""
    first = key.min_available_version
    archive = [key.versions.get(number) for number in range(first, key.latest_version + 1)]
    return {
        "policy": _policy(key),
        "archived_keys": {"keys": [_version(key.kind, version) for version in archive]},
    }


def _policy(key: TransitKey) -> dict[str, object]:
    return {
        "name": key.name,
        **({"key_size": key.key_size} if key.key_size else {}),
        "keys": {str(number): _version(key.kind, version) for number, version in key.usable()},
        "derived": key.derived,
        "kdf": key.kdf,
        "convergent_encryption": key.convergent_encryption,
        "exportable": key.exportable,
        "min_decryption_version": key.min_decryption_version,
        "min_encryption_version": key.min_encryption_version,
        "latest_version": key.latest_version,
        "archive_version": key.latest_version,
        "archive_min_version": key.min_available_version,
        "min_available_version": key.min_available_version,
        "deletion_allowed": key.deletion_allowed,
        "convergent_version": key.convergent_version,
        "type": key.kind.number,
        "backup_info": _event(key.backup_info),
        "restore_info": _event(key.restore_info),
        "allow_plaintext_backup": key.allow_plaintext_backup,
        "version_template": "",
        "storage_prefix": "",
        "auto_rotate_period": key.auto_rotate_period * SECOND,
        "Imported": key.imported,
        "AllowImportedKeyRotation": key.allow_imported_rotation,
        "soft_deleted": key.soft_deleted,
    }


def _event(event: Event | None) -> dict[str, object] | None:
    return {"time": rfc3339(event.time), "version": event.version} if event else None


def _version(kind: KeyType, version: KeyVersion | None) -> dict[str, object]:
    """Return a version; None stands for the empty place of version 0."""
    version = version or KeyVersion(b"", b"", 0)
    raw = kind.aead or kind.name in ("hmac", "ed25519")
    return {
        "key": _bytes(version.key) if raw else None,
        "hmac_key": _bytes(version.hmac_key),
        "time": rfc3339(version.created),
        **_curve_numbers(kind, version),
        **_rsa_numbers(kind, version),
        "public_key": _public_text(kind, version),
        "convergent_version": version.convergent_version,
        "creation_time": int(version.created),
        "certificate_chain": [b64.encode(der) for der in version.certificate_chain] or None,
    }


def _bytes(raw: bytes) -> str | None:
    return b64.encode(raw) if raw else None


def _curve_numbers(kind: KeyType, version: KeyVersion) -> dict[str, int | None]:
    if not kind.curve or not version.public:
        return {"ec_x": None, "ec_y": None, "ec_d": None}
    point = numbers.ec_point(version.public)
    return {"ec_x": point.x, "ec_y": point.y, "ec_d": numbers.ec_secret(version.key) if version.key else None}


def _rsa_numbers(kind: KeyType, version: KeyVersion) -> dict[str, object]:
    private: dict[str, object] | None = None
    public = None
    if kind.bits and version.key:
        n, e, d, p, q, dp, dq, qinv = numbers.rsa_numbers(version.key)
        computed = {"Dp": dp, "Dq": dq, "Qinv": qinv, "CRTValues": []}
        private = {"N": n, "E": e, "D": d, "Primes": [p, q], "Precomputed": computed}
    elif kind.bits and version.public:
        n, e = numbers.rsa_public_numbers(version.public)
        public = {"N": n, "E": e}
    return {"rsa_key": private, "rsa_public_key": public}


def _public_text(kind: KeyType, version: KeyVersion) -> str:
    if kind.curve and version.public:
        return pem.encode("PUBLIC KEY", version.public)
    return b64.encode(version.public) if kind.name == "ed25519" else ""


# -- reading -------------------------------------------------------------------------------------------------------


def load(document: object) -> TransitKey:
    """Return the key of a backup document, its version bounds not checked. Raises ValueError and OverflowError."""
    policy = _member(document, "policy", dict)
    if not policy:
        raise ValueError("the backup lacks a key")
    kind = TYPES_BY_NUMBER.get(_member(policy, "type", int))
    if kind is None:
        raise ValueError(f"unsupported key type {policy.get('type')}")
    key = TransitKey(
        name=_member(policy, "name", str),
        type=kind.name,
        latest_version=_member(policy, "latest_version", int),
        min_available_version=_member(policy, "min_available_version", int),
        min_decryption_version=_member(policy, "min_decryption_version", int),
        min_encryption_version=_member(policy, "min_encryption_version", int),
        derived=_member(policy, "derived", bool),
        kdf=_member(policy, "kdf", int),
        convergent_encryption=_member(policy, "convergent_encryption", bool),
        convergent_version=_member(policy, "convergent_version", int),
        exportable=_member(policy, "exportable", bool),
        allow_plaintext_backup=_member(policy, "allow_plaintext_backup", bool),
        deletion_allowed=_member(policy, "deletion_allowed", bool),
        auto_rotate_period=_member(policy, "auto_rotate_period", int) // SECOND,
        key_size=_member(policy, "key_size", int),
        imported=_member(policy, "Imported", bool),
        allow_imported_rotation=_member(policy, "AllowImportedKeyRotation", bool),
        soft_deleted=_member(policy, "soft_deleted", bool),
        backup_info=_read_event(policy, "backup_info"),
    )
    _read_versions(key, document, policy)
    return key


def check_bounds(key: TransitKey) -> None:
    """Check the version bounds of a key that was read. Raises ValueError with the real server's text."""
    low, high, encryption = key.min_decryption_version, key.latest_version, key.min_encryption_version
    if low < 1:
        raise ValueError(f"minimum decryption version of {low} is less than 1")
    if high < 1:
        raise ValueError(f"latest version of {high} is less than 1")
    if 0 < encryption < low:
        raise ValueError(f"minimum decryption version of {low} is greater than minimum encryption version {encryption}")
    if low > high:
        raise ValueError(f"minimum decryption version of {low} is greater than the latest version {high}")
    if any(number not in key.versions for number in range(low, high + 1)):
        raise ValueError("need to move keys from archive but archive version not up-to-date")


def _read_versions(key: TransitKey, document: object, policy: dict[str, object]) -> None:
    archive = _member(_member(document, "archived_keys", dict), "keys", list)
    for at, entry in enumerate(archive):
        number = at + key.min_available_version
        if 0 < number <= key.latest_version and isinstance(entry, dict):
            key.versions[number] = _read_version(key.kind, entry)
    for text, entry in _member(policy, "keys", dict).items():
        version = int64(text)
        if version is None or not isinstance(entry, dict):
            raise ValueError(f"{text} is not a key version")
        key.versions[version] = _read_version(key.kind, entry)


def _read_version(kind: KeyType, entry: dict[str, object]) -> KeyVersion:
    version = KeyVersion(
        key=_read_bytes(entry, "key"),
        hmac_key=_read_bytes(entry, "hmac_key"),
        created=_read_time(entry),
        convergent_version=_member(entry, "convergent_version", int),
        certificate_chain=[_decode(text) for text in _member(entry, "certificate_chain", list)],
    )
    try:
        _read_numbers(kind, entry, version)
    except (ValueError, ZeroDivisionError, OverflowError):
        raise ValueError(f"the numbers of an {kind.name} key do not fit") from None
    return version


def _read_numbers(kind: KeyType, entry: dict[str, object], version: KeyVersion) -> None:
    """Fill in the halves of an asymmetric key. Raises ValueError if the numbers do not form a key."""
    if kind.curve:
        secret = _member(entry, "ec_d", int)
        if secret:
            version.key = numbers.ec_from_secret(kind.curve, secret)
            version.public = asymmetric.public_of(version.key)
        else:
            version.public = numbers.ec_public_from_point(
                kind.curve, _member(entry, "ec_x", int), _member(entry, "ec_y", int)
            )
    elif kind.bits:
        private, public = _member(entry, "rsa_key", dict), _member(entry, "rsa_public_key", dict)
        if private:
            p, q = _member(private, "Primes", list)
            version.key = numbers.rsa_from_primes(_member(private, "E", int), _member(private, "D", int), p, q)
            version.public = asymmetric.public_of(version.key)
        else:
            version.public = numbers.rsa_public_from_numbers(_member(public, "N", int), _member(public, "E", int))
    elif kind.name == "ed25519":
        version.public = _decode(_member(entry, "public_key", str)) or version.key[32:]


def _read_time(entry: dict[str, object]) -> float:
    text = _member(entry, "time", str)
    if text and text != ZERO_TIME:
        return parse_rfc3339(text)
    return float(_member(entry, "creation_time", int))


def _read_event(policy: dict[str, object], name: str) -> Event | None:
    event = _member(policy, name, dict)
    if not event:
        return None
    return Event(parse_rfc3339(_member(event, "time", str)), _member(event, "version", int))


def _read_bytes(entry: dict[str, object], name: str) -> bytes:
    return _decode(_member(entry, name, str))


def _decode(text: object) -> bytes:
    if not isinstance(text, str):
        raise ValueError("bytes are not given as text")
    return b64.decode(text)


def _member(container: object, name: str, kind: type[_T]) -> _T:
    """Return a member of a JSON object; absent and null count as empty. Raises ValueError for another type."""
    value = container.get(name) if isinstance(container, dict) else None
    if value is None:
        return kind()
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ValueError(f"{name} has the wrong type")
    return value
