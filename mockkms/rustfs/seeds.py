"""Load and dump the state of the admin API as the ``rustfs:`` section of a world file."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, fields
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from mockkms.rustfs.access import policies
from mockkms.rustfs.access.iam import IamState, User, known_policy
from mockkms.rustfs.backends import BACKENDS, decode_static_key
from mockkms.rustfs.errors import KmsError
from mockkms.rustfs.keystore import MATERIAL_SIZE, KeyStore, new_key_id
from mockkms.rustfs.state import APIS, AUTHS, PROBE, VAULTS, KmsKey, KmsSettings, RustfsEnvironment, RustfsState
from mockkms.rustfs.vault_client import VaultClient
from mockkms.vault.framework.world_section import SpecFault
from mockkms.world.clock import parse_rfc3339, rfc3339

if TYPE_CHECKING:
    from mockkms.rustfs.context import ReplaceableService


Members = TypeVar("Members", KmsSettings, RustfsEnvironment, User)

_SECTION = (
    "api", "vault", "auth", "contract", "configured", "kms_type", "vault_address", "vault_token", "vault_namespace",
    "vault_mount_path", "vault_timeout_seconds", "vault_app_role_id", "vault_app_role_secret_id", "settings",
    "static", "unreachable", "users", "iam", "environment", "buckets", "keys",
)  # fmt: skip
_STATIC_FIELDS = ("key_id", "secret_key", "default_key_id")
_KEY_FIELDS = (
    "status", "created", "key_id", "algorithm", "usage", "description", "tags", "deletion_date", "rotated_at",
    "marked", "material",
)  # fmt: skip
STATUSES = {"enabled": "Enabled", "active": "Enabled", "disabled": "Disabled", "pendingdeletion": "PendingDeletion"}


def read_key(name: str, data: Mapping[str, object] | None, *, now: float, key_id: str) -> KmsKey:
    """Return a key from its description, whose members are all optional. Raises SpecFault."""
    data = data or {}
    where = f"keys.{name}"
    unknown = [field for field in data if field not in _KEY_FIELDS]
    if unknown:
        raise SpecFault(f"{where}.{unknown[0]}", f"unknown key; expected one of {', '.join(_KEY_FIELDS)}")
    word = str(data.get("status", "Enabled"))
    status = STATUSES.get(word.lower())
    if status is None:
        raise SpecFault(f"{where}.status", f"expected one of Enabled, Disabled, PendingDeletion, got {word!r}")
    deletion = data.get("deletion_date")
    rotated = data.get("rotated_at")
    material = [_version(text, f"{where}.material[{place}]") for place, text in enumerate(_list(data, "material"))]
    tags = _mapping(data, "tags", f"{where}.")
    return KmsKey(
        name=name,
        key_id=str(data.get("key_id") or key_id),
        status=status,
        created=_moment(data.get("created"), now, f"{where}.created"),
        algorithm=str(data.get("algorithm", "AES-256")),
        usage=choice(data, "usage", ("EncryptDecrypt", "SignVerify"), "EncryptDecrypt", f"{where}."),
        description=None if data.get("description") is None else str(data["description"]),
        tags={str(tag): str(value) for tag, value in tags.items()},
        deletion_date=None if deletion is None else _moment(deletion, now, f"{where}.deletion_date"),
        rotated_at=None if rotated is None else _moment(rotated, now, f"{where}.rotated_at"),
        marked=bool(data.get("marked")),
        material=material,
    )


def _version(text: object, where: str) -> bytes:
    """Return one version of a key's material from base64. Raises SpecFault."""
    try:
        version = base64.b64decode(text if isinstance(text, str) else b"", validate=True)
    except ValueError:
        version = b""
    if len(version) != MATERIAL_SIZE:
        raise SpecFault(where, f"expected {MATERIAL_SIZE} bytes in base64")
    return version


def show_key(key: KmsKey) -> dict[str, object]:
    """Describe a key as ``read_key`` reads it; optional members with their default are left out."""
    shown: dict[str, object] = {
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
        "marked": key.marked or None,
        "material": [base64.b64encode(version).decode() for version in key.material] or None,
    }
    return {**shown, **{name: value for name, value in extra.items() if value is not None}}


def _moment(value: object, now: float, where: str) -> float:
    """Return epoch seconds from a number, a time in RFC 3339 or a YAML date; ``now`` for None. Raises SpecFault."""
    if value is None:
        return now
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    try:
        return parse_rfc3339(value.isoformat() if isinstance(value, date) else str(value))
    except ValueError:
        raise SpecFault(where, f"expected a time in RFC 3339 or seconds since the epoch, got {value!r}") from None


def choice(data: Mapping[str, object], name: str, allowed: tuple[str, ...], default: str, where: str = "") -> str:
    """Return a member whose value must be one of ``allowed``. Raises SpecFault."""
    value = data.get(name, default)
    if value not in allowed:
        raise SpecFault(where + name, f"expected one of {', '.join(allowed)}, got {value!r}")
    return str(value)


def read_settings(data: Mapping[str, object]) -> KmsSettings:
    """Return the configuration of a section. Raises SpecFault.

    It is described by the fields of ``POST /configure``, as a whole under ``settings``, or by the key of a static
    backend under ``static``.
    """
    if data.get("static") is not None:
        others = [name for name in data if name in ("kms_type", "settings") or name.startswith("vault_")]
        if others:
            raise SpecFault(others[0], "cannot be combined with static, which is a backend of its own")
        return read_static(_mapping(data, "static"))
    if data.get("settings") is not None:
        whole = _mapping(data, "settings")
        settings = _members(KmsSettings("Local"), whole, "settings")
        choice(whole, "backend", tuple(BACKENDS), "", "settings.")
        if settings.backend == "Static":
            _static_material(settings, "settings.secret_key")
        return settings
    kms_type = choice(data, "kms_type", ("vault", "local"), "vault")
    if kms_type == "local":
        return KmsSettings("Local")
    role = str(data.get("vault_app_role_id") or "")
    timeout = data.get("vault_timeout_seconds", 30)
    if not isinstance(timeout, int) or timeout < 1:
        raise SpecFault("vault_timeout_seconds", f"expected a whole number of at least 1, got {timeout!r}")
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


def read_static(data: Mapping[str, object]) -> KmsSettings:
    """Return the settings of a static backend from its key. Raises SpecFault."""
    unknown = [name for name in data if name not in _STATIC_FIELDS]
    if unknown:
        raise SpecFault(f"static.{unknown[0]}", f"unknown key; expected one of {', '.join(_STATIC_FIELDS)}")
    key_id = str(data.get("key_id") or "")
    settings = KmsSettings("Static", key_id=key_id, secret_key=str(data.get("secret_key") or ""))
    settings.default_key_id = str(data.get("default_key_id") or key_id)
    _static_material(settings, "static.secret_key" if key_id else "static.key_id")
    return settings


def _static_material(settings: KmsSettings, where: str) -> bytes:
    with _invalid(where):
        return decode_static_key(settings.key_id, settings.secret_key)


def load(admin: ReplaceableService, data: Mapping[str, object], root_token: str) -> None:
    """Replace the state by the one that a section describes. Raises SpecFault; then the state stays as it was.

    Args:
        admin: The admin API.
        data: ``api``, ``vault``, ``auth``; ``configured`` with the fields of ``POST /configure``, with ``settings`` or
            with ``static``; ``users`` (secret keys of owners by access key), ``iam``, ``environment``, ``keys``, ….
        root_token: The token for an embedded Vault if the section has no credential.
    """
    unknown = [name for name in data if name not in _SECTION]
    if unknown:
        raise SpecFault(str(unknown[0]), f"unknown key; expected one of {', '.join(_SECTION)}")
    state = RustfsState(
        api=choice(data, "api", APIS, admin.state.api),
        vault=choice(data, "vault", VAULTS, admin.state.vault),
        auth=choice(data, "auth", AUTHS, admin.state.auth),
        contract=choice(data, "contract", ("v1", "v2"), "v1"),
    )
    if data.get("users"):
        state.users = {str(name): str(secret) for name, secret in _mapping(data, "users").items()}
    if data.get("unreachable") is not None:
        state.unreachable = [str(pattern) for pattern in _list(data, "unreachable")]
    state.iam = read_iam(_mapping(data, "iam"))
    state.buckets = read_buckets(data)
    state.environment = _members(RustfsEnvironment(), _mapping(data, "environment"), "environment")
    before = admin.state
    admin.replace_state(state)
    try:
        _load_service(admin, data, root_token)
    except SpecFault:
        admin.replace_state(before)
        raise


def _load_service(admin: ReplaceableService, data: Mapping[str, object], root_token: str) -> None:
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
        key = _static_key(state.settings, new_key_id(admin.core.entropy), now)
        state.keys[key.name] = key
    for name, values in _mapping(data, "keys").items():
        if values is not None and not isinstance(values, Mapping):
            raise SpecFault(f"keys.{name}", "expected a mapping such as {status: Enabled}")
        if state.settings is not None and state.settings.backend == "Static" and name != state.settings.key_id:
            raise SpecFault(f"keys.{name}", f"a static backend has no other key than {state.settings.key_id}")
        key = read_key(str(name), values, now=now, key_id=new_key_id(admin.core.entropy))
        _create_in_vault(admin, key)
        state.keys[key.name] = key


def _static_key(settings: KmsSettings, key_id: str, now: float) -> KmsKey:
    """Return the only key of a static backend, which is its default key as well."""
    settings.default_key_id = settings.default_key_id or settings.key_id
    return KmsKey(
        settings.key_id,
        key_id,
        created=now,
        description="Static single-key KMS backend",
        material=[_static_material(settings, "settings.secret_key")],
    )


def _mapping(data: Mapping[str, object], name: str, where: str = "") -> Mapping[str, object]:
    value = data.get(name) or {}
    if not isinstance(value, Mapping):
        raise SpecFault(where + name, f"expected a mapping, got {value!r}")
    return value


def _list(data: Mapping[str, object], name: str) -> Sequence[object]:
    value = data.get(name) or []
    if not isinstance(value, (list, tuple)):
        raise SpecFault(name, f"expected a list, got {value!r}")
    return value


def _members(values: Members, given: Mapping[str, object], where: str) -> Members:
    """Return a dataclass with members replaced. Raises SpecFault for an unknown member."""
    known = {field.name for field in fields(values)}
    for name, value in given.items():
        if name not in known:
            raise SpecFault(f"{where}.{name}", f"unknown key; expected one of {', '.join(sorted(known))}")
        setattr(values, name, value)
    return values


@contextmanager
def _invalid(where: str) -> Iterator[None]:
    """Report a ValueError or KmsError of the body as an invalid value at ``where``."""
    try:
        yield
    except (KmsError, ValueError) as error:
        raise SpecFault(where, error.vault_text if isinstance(error, KmsError) else str(error)) from None


def read_iam(data: Mapping[str, object]) -> IamState:
    """Return users other than owners (``{name: {secret, enabled, policies}}``) and policies. Raises SpecFault."""
    found = IamState(policies=dict(_mapping(data, "policies")))
    for name in found.policies:
        _check_policy(found, name)
    for name, values in _mapping(data, "users").items():
        found.users[str(name)] = _read_user(found, name, values)
    return found


def _check_policy(found: IamState, name: str) -> None:
    if fault := policies.invalid(_mapping(found.policies, name, "iam.policies.")):
        raise SpecFault(f"iam.policies.{name}", fault)


def _read_user(found: IamState, name: str, values: object) -> User:
    if not isinstance(values, Mapping) or not values.get("secret"):
        raise SpecFault(f"iam.users.{name}", "expected a mapping with a secret")
    names = [str(policy) for policy in _list(values, "policies")]
    unknown = [policy for policy in names if known_policy(found, policy) is None]
    if unknown:
        raise SpecFault(f"iam.users.{name}.policies", f"no policy is called {', '.join(map(repr, unknown))}")
    return User(str(values["secret"]), bool(values.get("enabled", True)), names)


def read_errors(data: Mapping[str, object]) -> Iterator[SpecFault]:
    """Yield the errors of all keys, users, policies and buckets of a section, as far as each can be read by itself."""
    iam = _mapping(data, "iam")
    known = IamState(policies=dict(_mapping(iam, "policies", "iam.")))
    reading: list[Callable[[], object]] = []
    for name, values in _mapping(data, "keys").items():
        given = values if isinstance(values, Mapping) else {}
        reading.append(partial(read_key, str(name), given, now=0.0, key_id=""))
    reading += [partial(_check_policy, known, name) for name in known.policies]
    reading += [partial(_read_user, known, name, values) for name, values in _mapping(iam, "users", "iam.").items()]
    reading += [partial(read_buckets, {"buckets": {name: one}}) for name, one in _mapping(data, "buckets").items()]
    for read in reading:
        try:
            read()
        except SpecFault as error:
            yield error


def read_buckets(data: Mapping[str, object]) -> dict[str, dict[str, str]]:
    """Return wrapped data keys (base64) by bucket and object, for ``POST /rewrap-bucket``. Raises SpecFault."""
    found: dict[str, dict[str, str]] = {}
    for name in _mapping(data, "buckets"):
        objects = found[str(name)] = {}
        for key, wrapped in _mapping(_mapping(data, "buckets"), name, "buckets.").items():
            with _invalid(f"buckets.{name}.{key}"):
                objects[str(key)] = _base64(wrapped)
    return found


def _token(admin: ReplaceableService, settings: KmsSettings) -> str:
    if not admin.embedded(settings) or settings.auth_method != "approle":
        return settings.token
    client = VaultClient(admin.core, settings.namespace, "")
    with _invalid("vault_app_role_id"):
        client.login(settings.auth_mount, settings.role_id, settings.secret_id)
    return client.token


def _create_in_vault(admin: ReplaceableService, key: KmsKey) -> None:
    """Create a key in the embedded Vault too, if that is the backend and does not have it. Raises SpecFault."""
    settings = admin.state.settings
    if settings is None or not admin.embedded(settings):
        return
    store = KeyStore(admin, settings)
    with _invalid(f"keys.{key.name}"):
        if settings.backend == "VaultKV2":
            store.material(key)
            store.records.ensure(key)
        elif key.name != PROBE and store.find(key.name) is None:
            store.create(key.name)


def _base64(text: object) -> str:
    """Return a base64 string. Raises ValueError."""
    with suppress(ValueError):
        if isinstance(text, str) and base64.b64decode(text, validate=True) is not None:
            return text
    raise ValueError(f"expected base64, or an empty string, got {text!r}")


def dump(state: RustfsState) -> dict[str, object]:
    """Return the section that makes ``state``, with its secrets."""
    found: dict[str, object] = {
        "configured": state.configured, "api": state.api, "vault": state.vault, "auth": state.auth
    }  # fmt: skip
    if state.contract != "v1":
        found["contract"] = state.contract
    if state.settings is not None:
        given = _configure_fields(state.settings)
        if state.configured and read_settings(given) == state.settings:
            found.update(given)
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


def _changed(value: Members, default: Members) -> dict[str, object]:
    """Return the members of a dataclass that differ from ``default``."""
    before = asdict(default)
    return {name: now for name, now in asdict(value).items() if now != before[name]}


def _configure_fields(settings: KmsSettings) -> dict[str, object]:
    """Return a configuration as the fields of the documented ``POST /configure``."""
    if settings.kms_type == "local":
        return {"kms_type": "local"}
    given: dict[str, object] = {
        "vault_address": settings.address,
        "vault_token": settings.token,
        "vault_app_role_id": settings.role_id,
        "vault_app_role_secret_id": settings.secret_id,
        "vault_namespace": settings.namespace,
        "vault_mount_path": settings.mount_path,
        "vault_timeout_seconds": settings.timeout_seconds,
    }
    return {"kms_type": "vault", **{name: value for name, value in given.items() if value}}
