"""The ``rustfs:`` section of a world file, to state and back."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from mockkms.rustfs.contracts.v2.backends import BACKENDS
from mockkms.rustfs.contracts.v2.errors import KmsError
from mockkms.rustfs.contracts.v2.records import Records
from mockkms.rustfs.iam import IamState, User
from mockkms.rustfs.state import APIS, AUTHS, PROBE, VAULTS, KmsKey, KmsSettings, RustfsEnvironment, RustfsState
from mockkms.rustfs.static_key import StaticKeyError, decoded
from mockkms.rustfs.store import StoreError, TransitStore, VaultClient, new_key_id
from mockkms.world.clock import parse_rfc3339, rfc3339

if TYPE_CHECKING:
    from mockkms.rustfs.context import ReplaceableService


class SeedError(ValueError):
    """A world's ``rustfs:`` section says something impossible; ``where`` is the path of keys to it."""

    def __init__(self, where: str, text: str) -> None:
        super().__init__(f"{where}: {text}" if where else text)
        self.where, self.text = where, text


_SECTION = (
    "api", "vault", "auth", "contract", "configured", "kms_type", "vault_address", "vault_token", "vault_namespace",
    "vault_mount_path", "vault_timeout_seconds", "vault_app_role_id", "vault_app_role_secret_id", "settings",
    "static", "unreachable", "users", "iam", "environment", "buckets", "keys",
)  # fmt: skip
_STATIC_FIELDS = ("key_id", "secret_key", "default_key_id")
_KEY_FIELDS = (
    "status", "created", "key_id", "algorithm", "usage", "description", "tags", "deletion_date", "rotated_at",
    "cancelled", "material",
)  # fmt: skip
STATUSES = {"enabled": "Enabled", "active": "Enabled", "disabled": "Disabled", "pendingdeletion": "PendingDeletion"}


def read_key(name: str, data: Mapping[str, Any] | None, *, now: float, key_id: str) -> KmsKey:
    """A key of a seed: ``{status, created, key_id, algorithm, usage, description, tags, …}``, each optional."""
    data = data or {}
    where = f"keys.{name}"
    unknown = [field for field in data if field not in _KEY_FIELDS]
    if unknown:
        raise SeedError(f"{where}.{unknown[0]}", f"a key has only {', '.join(_KEY_FIELDS)}")
    word = str(data.get("status", "Enabled"))
    status = STATUSES.get(word.lower())
    if status is None:
        raise SeedError(f"{where}.status", f"'{word}' is none of Enabled, Disabled, PendingDeletion")
    deletion = data.get("deletion_date")
    rotated = data.get("rotated_at")
    try:
        material = [base64.b64decode(version, validate=True) for version in data.get("material") or []]
    except (ValueError, TypeError):
        material = [b""]
    if any(len(version) != 32 for version in material):
        raise SeedError(f"{where}.material", "a version is 32 bytes in base64")
    return KmsKey(
        name=name,
        key_id=str(data.get("key_id") or key_id),
        status=status,
        created=_moment(data.get("created"), now, f"{where}.created"),
        algorithm=str(data.get("algorithm", "AES-256")),
        usage=choice(data, "usage", ("EncryptDecrypt", "SignVerify"), "EncryptDecrypt", f"{where}."),
        description=None if data.get("description") is None else str(data["description"]),
        tags={str(tag): str(value) for tag, value in (data.get("tags") or {}).items()},
        deletion_date=None if deletion is None else _moment(deletion, now, f"{where}.deletion_date"),
        rotated_at=None if rotated is None else _moment(rotated, now, f"{where}.rotated_at"),
        cancelled=bool(data.get("cancelled")),
        material=material,
    )


def show_key(key: KmsKey) -> dict[str, Any]:
    """The seed of one key; what has its usual value is left out."""
    shown: dict[str, Any] = {
        "status": key.status,
        "created": rfc3339(key.created),
        "key_id": key.key_id,
        "algorithm": key.algorithm,
    }
    extra = {
        "usage": key.usage if key.usage != "EncryptDecrypt" else None,
        "description": key.description,
        "tags": dict(key.tags) or None,
        "deletion_date": rfc3339(key.deletion_date) if key.deletion_date is not None else None,
        "rotated_at": rfc3339(key.rotated_at) if key.rotated_at is not None else None,
        "cancelled": key.cancelled or None,
        "material": [base64.b64encode(version).decode() for version in key.material] or None,
    }
    return {**shown, **{name: value for name, value in extra.items() if value is not None}}


def _moment(value: Any, now: float, where: str) -> float:
    """Seconds since the epoch of a number, an RFC 3339 text or what YAML makes of a date."""
    if value is None:
        return now
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    try:
        return parse_rfc3339(value if isinstance(value, str) else value.isoformat())
    except (ValueError, AttributeError):
        raise SeedError(where, f"{value!r} is not a time: use RFC 3339 or seconds since the epoch") from None


def choice(data: Mapping[str, Any], name: str, allowed: tuple[str, ...], default: str, where: str = "") -> str:
    """A word of a seed that must be one of ``allowed``."""
    value = data.get(name, default)
    if value not in allowed:
        raise SeedError(where + name, f"{value!r} is none of {', '.join(allowed)}")
    return str(value)


def read_settings(data: Mapping[str, Any]) -> KmsSettings:
    """The configuration a seed describes: in the words of ``POST /configure``, or whole under ``settings``, or the key
    of a static backend under ``static``."""
    whole = data.get("settings")
    static = data.get("static")
    if static is not None:
        others = [name for name in data if name in ("kms_type", "settings") or name.startswith("vault_")]
        if others:
            raise SeedError(others[0], "a service with a static key has no other backend")
        return read_static(_mapping(data, "static"))
    if whole is not None:
        known = {field.name for field in fields(KmsSettings)}
        unknown = [name for name in whole if name not in known]
        if unknown:
            raise SeedError(f"settings.{unknown[0]}", f"the settings have only {', '.join(sorted(known))}")
        choice(whole, "backend", tuple(BACKENDS), "", "settings.")
        settings = KmsSettings(**whole)
        if settings.backend == "Static":
            _static_material(settings, "settings.secret_key")
        return settings
    kms_type = choice(data, "kms_type", ("vault", "local"), "vault")
    if kms_type == "local":
        return KmsSettings("Local")
    role = str(data.get("vault_app_role_id") or "")
    timeout = data.get("vault_timeout_seconds", 30)
    if not isinstance(timeout, int) or timeout < 1:
        raise SeedError("vault_timeout_seconds", f"{timeout!r} is no whole number from 1")
    return KmsSettings(
        "VaultTransit",
        address=str(data.get("vault_address") or "http://127.0.0.1:8200"),
        auth_method="approle" if role else "token",
        token=str(data.get("vault_token") or ""),
        role_id=role,
        secret_id=str(data.get("vault_app_role_secret_id") or ""),
        namespace=str(data["vault_namespace"]) if data.get("vault_namespace") else None,
        mount_path=str(data.get("vault_mount_path") or "transit"),
        timeout_seconds=timeout,
    )


def read_static(data: Mapping[str, Any]) -> KmsSettings:
    """A static backend: ``{key_id, secret_key, default_key_id}``, the last one optional."""
    unknown = [name for name in data if name not in _STATIC_FIELDS]
    if unknown:
        raise SeedError(f"static.{unknown[0]}", f"a static key has only {', '.join(_STATIC_FIELDS)}")
    key_id = str(data.get("key_id") or "")
    settings = KmsSettings("Static", key_id=key_id, secret_key=str(data.get("secret_key") or ""))
    settings.default_key_id = str(data.get("default_key_id") or key_id)
    _static_material(settings, "static.secret_key" if key_id else "static.key_id")
    return settings


def _static_material(settings: KmsSettings, where: str) -> bytes:
    try:
        return decoded(settings.key_id, settings.secret_key)
    except StaticKeyError as error:
        raise SeedError(where, str(error)) from None


def plant(admin: ReplaceableService, data: Mapping[str, Any], root_token: str) -> None:
    """Replace the state by what ``data`` describes.

    ``api``, ``vault``, ``auth``, ``configured`` with the words of ``POST /configure`` (or ``settings``), ``static``
    (the key of a static backend, which is configured and runs unless ``configured`` says no), ``users`` (access key to
    secret key of owners), ``iam`` (``users`` and ``policies``), ``environment``, and ``keys``.
    """
    unknown = [name for name in data if name not in _SECTION]
    if unknown:
        raise SeedError(str(unknown[0]), f"the section has only {', '.join(_SECTION)}")
    state = RustfsState(
        api=choice(data, "api", APIS, admin.state.api),
        vault=choice(data, "vault", VAULTS, admin.state.vault),
        auth=choice(data, "auth", AUTHS, admin.state.auth),
        contract=choice(data, "contract", ("v1", "v2"), "v1"),
    )
    if data.get("users"):
        state.users = {str(name): str(secret) for name, secret in _mapping(data, "users").items()}
    if data.get("unreachable") is not None:
        state.unreachable = [str(pattern) for pattern in data["unreachable"]]
    state.iam = read_iam(_mapping(data, "iam"))
    state.buckets = read_buckets(data)
    environment = _mapping(data, "environment")
    known = {field.name for field in fields(RustfsEnvironment)}
    for name in environment:
        if name not in known:
            raise SeedError(f"environment.{name}", f"the environment has only {', '.join(sorted(known))}")
    state.environment = RustfsEnvironment(**environment)
    before = admin.state
    admin.adopt(state)
    try:
        _plant_service(admin, data, root_token)
    except SeedError:
        admin.adopt(before)
        raise


def _plant_service(admin: ReplaceableService, data: Mapping[str, Any], root_token: str) -> None:
    state, now = admin.state, admin.core.clock.now()
    if data.get("configured") or data.get("settings") or data.get("static") is not None:
        settings = read_settings(data)
        if settings.auth_method == "token" and not settings.token:
            settings.token = root_token
        admin.install(settings, _token(admin, settings))
        state.running, state.persisted = bool(data.get("configured", "static" in data)), settings
        if settings.backend == "Static" and "contract" not in data:
            state.contract = "v2"  # The older contract has no such backend.
    if state.settings is not None and state.settings.backend == "Static":
        _plant_static(state, state.settings, KmsKey("", new_key_id(admin.core.entropy), created=now))
    for name, values in _mapping(data, "keys").items():
        if values is not None and not isinstance(values, Mapping):
            raise SeedError(f"keys.{name}", "a key is a mapping, such as {status: Enabled}")
        if state.settings is not None and state.settings.backend == "Static" and name != state.settings.key_id:
            raise SeedError(f"keys.{name}", f"a static backend has one key: {state.settings.key_id}")
        key = read_key(str(name), values, now=now, key_id=new_key_id(admin.core.entropy))
        _plant_in_vault(admin, key)
        state.keys[key.name] = key


def _plant_static(state: RustfsState, settings: KmsSettings, key: KmsKey) -> None:
    """The one key of a static backend, which is its default as well."""
    settings.default_key_id = settings.default_key_id or settings.key_id
    key.name, key.description = settings.key_id, "Static single-key KMS backend"
    key.material = [_static_material(settings, "settings.secret_key")]
    state.keys[key.name] = key


def _mapping(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = data.get(name) or {}
    if not isinstance(value, Mapping):
        raise SeedError(name, "this must be a mapping")
    return value


def read_iam(data: Mapping[str, Any]) -> IamState:
    """Users that are no owners, ``{name: {secret, enabled, policies}}``, and policy documents by name."""
    found = IamState(policies=dict(_mapping(data, "policies")))
    for name, values in _mapping(data, "users").items():
        if not isinstance(values, Mapping) or not values.get("secret"):
            raise SeedError(f"iam.users.{name}", "a user needs a secret")
        policies = [str(policy) for policy in values.get("policies") or []]
        found.users[str(name)] = User(str(values["secret"]), bool(values.get("enabled", True)), policies)
    return found


def read_buckets(data: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """``{bucket: {object: its wrapped data key in base64, or an empty text}}``, for ``POST /rewrap-bucket``."""
    found: dict[str, dict[str, str]] = {}
    for name in _mapping(data, "buckets"):
        objects = found[str(name)] = {}
        for key, sealed in _mapping(data["buckets"], name).items():
            try:
                base64.b64decode(sealed, validate=True)
                objects[str(key)] = str(sealed)
            except (ValueError, TypeError):
                raise SeedError(f"buckets.{name}.{key}", "this must be base64, or empty") from None
    return found


def _token(admin: ReplaceableService, settings: KmsSettings) -> str:
    if not admin.embedded(settings) or settings.auth_method != "approle":
        return settings.token
    client = VaultClient(admin.core, settings.namespace, "")
    try:
        return client.login(settings.auth_mount, settings.role_id, settings.secret_id)
    except StoreError as error:
        raise SeedError("vault_app_role_id", error.text) from None


def _plant_in_vault(admin: ReplaceableService, key: KmsKey) -> None:
    """Make a key in the emulated Vault too, where that is the store and it is not there yet."""
    settings, store = admin.state.settings, admin.store()
    try:
        if settings is not None and settings.backend == "VaultKV2":
            if admin.embedded(settings):
                key.material = key.material or [admin.core.entropy.bytes(32)]
            Records(admin, settings).ensure(key)
        elif isinstance(store, TransitStore) and key.name != PROBE and store.get(key.name) is None:
            store.create(key.name)
    except StoreError as error:
        raise SeedError(f"keys.{key.name}", error.text) from None
    except KmsError as error:
        raise SeedError(f"keys.{key.name}", error.text) from None


def dump(state: RustfsState) -> dict[str, Any]:
    """The seed that makes ``state``; secrets included, as a seed needs them."""
    found: dict[str, Any] = {
        "configured": state.configured, "api": state.api, "vault": state.vault, "auth": state.auth
    }  # fmt: skip
    if state.contract != "v1":
        found["contract"] = state.contract
    if state.settings is not None:
        words = _words(state.settings)
        if state.configured and read_settings(words) == state.settings:
            found.update(words)
        else:
            found["settings"] = _changed(state.settings, KmsSettings(""))
    if state.unreachable != RustfsState().unreachable:
        found["unreachable"] = list(state.unreachable)
    if state.users != RustfsState().users:
        found["users"] = dict(state.users)
    if state.iam != IamState():
        found["iam"] = {
            "users": {name: _changed(user, User("")) for name, user in state.iam.users.items()},
            "policies": dict(state.iam.policies),
        }
    if state.environment != RustfsEnvironment():
        found["environment"] = _changed(state.environment, RustfsEnvironment())
    if state.buckets:
        found["buckets"] = {name: dict(objects) for name, objects in state.buckets.items()}
    found["keys"] = {name: show_key(key) for name, key in state.keys.items()}
    return found


def _changed(value: Any, usual: Any) -> dict[str, Any]:
    """The fields of a dataclass that differ from ``usual``."""
    before = asdict(usual)
    return {name: now for name, now in asdict(value).items() if now != before[name]}


def _words(settings: KmsSettings) -> dict[str, Any]:
    """A configuration in the words of the documented ``POST /configure``."""
    if settings.kms_type == "local":
        return {"kms_type": "local"}
    words: dict[str, Any] = {
        "vault_address": settings.address,
        "vault_token": settings.token,
        "vault_app_role_id": settings.role_id,
        "vault_app_role_secret_id": settings.secret_id,
        "vault_namespace": settings.namespace,
        "vault_mount_path": settings.mount_path,
        "vault_timeout_seconds": settings.timeout_seconds,
    }
    return {"kms_type": "vault", **{name: value for name, value in words.items() if value}}
