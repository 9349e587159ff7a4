"""What the admin API knows: plain data that pickles, compares, and goes to a world file and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mockkms.clock import parse_rfc3339, rfc3339

APIS = ("auto", "guide", "handler", "current")
"""Which contract answers; see ``RustfsAdmin``."""

VAULTS = ("any", "embedded")
"""``any``: every well-formed address and credential is accepted and nothing is dialled.
``embedded``: the admin API is a client of the emulated Vault of the same world."""

AUTHS = ("none", "sigv4")
"""Whether a request must be signed."""


@dataclass
class Key:
    """One key of the store. All times are seconds since the epoch."""

    name: str
    key_id: str
    """As the documented contract shows it: ``rustfs-key-<uuid>``."""
    status: str = "Enabled"
    """``Enabled``, ``Disabled`` or ``PendingDeletion``."""
    created: float = 0.0
    algorithm: str = "AES-256"


@dataclass
class Settings:
    """A configuration that was accepted. Secrets are kept, and never answered."""

    backend: str
    """``Local``, ``VaultTransit``, ``VaultKV2``, ``Static`` or ``AWS``."""
    address: str = ""
    auth_method: str = "token"
    """``token``, ``approle``, ``kubernetes`` or ``token_file``."""
    token: str = ""
    role_id: str = ""
    secret_id: str = ""
    auth_mount: str = "approle"
    namespace: str | None = None
    mount_path: str = "transit"
    timeout_seconds: int = 30

    @property
    def kms_type(self) -> str:
        """``vault`` or ``local``, the documented contract's words."""
        return "vault" if self.backend.startswith("Vault") else "local"


@dataclass
class RustfsState:
    """Everything the admin API remembers between two requests."""

    api: str = "guide"
    vault: str = "any"
    auth: str = "none"
    settings: Settings | None = None
    running: bool = False
    client_token: str = ""
    """The Vault token the admin API works with, once it has logged in (``vault: embedded``)."""
    keys: dict[str, Key] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=lambda: {"rustfsadmin": "rustfsadmin"})
    """Access key to secret key."""

    @property
    def configured(self) -> bool:
        """Whether there is a configuration that is in force."""
        return self.settings is not None and self.running


class SeedError(ValueError):
    """A world's ``rustfs:`` section says something impossible; ``where`` is the path of keys to it."""

    def __init__(self, where: str, text: str) -> None:
        super().__init__(f"{where}: {text}" if where else text)
        self.where, self.text = where, text


STATUSES = {"enabled": "Enabled", "active": "Enabled", "disabled": "Disabled", "pendingdeletion": "PendingDeletion"}


def read_key(name: str, data: Mapping[str, Any] | None, *, now: float, key_id: str) -> Key:
    """A key of a seed, ``{status, created, key_id, algorithm}``, each optional."""
    data = data or {}
    where = f"keys.{name}"
    word = str(data.get("status", "Enabled"))
    status = STATUSES.get(word.lower())
    if status is None:
        raise SeedError(f"{where}.status", f"'{word}' is none of Enabled, Disabled, PendingDeletion")
    return Key(
        name=name,
        key_id=str(data.get("key_id") or key_id),
        status=status,
        created=_moment(data.get("created"), now, f"{where}.created"),
        algorithm=str(data.get("algorithm", "AES-256")),
    )


def _moment(value: Any, now: float, where: str) -> float:
    """Seconds since the epoch of a number, an RFC 3339 text or what YAML makes of a date."""
    if value is None:
        return now
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    try:
        return parse_rfc3339(value if isinstance(value, str) else value.isoformat())
    except (ValueError, AttributeError):
        raise SeedError(where, f"{value!r} is no time (RFC 3339, or seconds since the epoch)") from None


def choice(data: Mapping[str, Any], name: str, allowed: tuple[str, ...], default: str) -> str:
    """A word of a seed that must be one of ``allowed``."""
    value = data.get(name, default)
    if value not in allowed:
        raise SeedError(name, f"{value!r} is none of {', '.join(allowed)}")
    return str(value)


def read_settings(data: Mapping[str, Any]) -> Settings:
    """The configuration a seed describes with the field names of ``POST /configure``."""
    kms_type = choice(data, "kms_type", ("vault", "local"), "vault")
    if kms_type == "local":
        return Settings("Local")
    role = str(data.get("vault_app_role_id") or "")
    return Settings(
        "VaultTransit",
        address=str(data.get("vault_address") or "http://127.0.0.1:8200"),
        auth_method="approle" if role else "token",
        token=str(data.get("vault_token") or ""),
        role_id=role,
        secret_id=str(data.get("vault_app_role_secret_id") or ""),
        namespace=str(data["vault_namespace"]) if data.get("vault_namespace") else None,
        mount_path=str(data.get("vault_mount_path") or "transit"),
        timeout_seconds=int(data.get("vault_timeout_seconds") or 30),
    )


def dump(state: RustfsState) -> dict[str, Any]:
    """The seed that makes ``state``: what ``RustfsAdmin.seed`` reads."""
    found: dict[str, Any] = {"configured": state.configured, "api": state.api, "vault": state.vault, "auth": state.auth}
    settings = state.settings
    if settings is not None and state.running:
        found["kms_type"] = settings.kms_type
        if settings.kms_type == "vault":
            found.update(_vault_fields(settings))
    if state.users != RustfsState().users:
        found["users"] = dict(state.users)
    found["keys"] = {
        key.name: {
            "status": key.status,
            "created": rfc3339(key.created),
            "key_id": key.key_id,
            "algorithm": key.algorithm,
        }
        for key in state.keys.values()
    }
    return found


def _vault_fields(settings: Settings) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "vault_address": settings.address,
        "vault_token": settings.token,
        "vault_app_role_id": settings.role_id,
        "vault_app_role_secret_id": settings.secret_id,
        "vault_namespace": settings.namespace,
        "vault_mount_path": settings.mount_path,
        "vault_timeout_seconds": settings.timeout_seconds,
    }
    return {name: value for name, value in fields.items() if value}
