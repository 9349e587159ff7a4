"""What the admin API knows: plain data that pickles and compares."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from mockkms.lazy_dataclass import dataclass
from mockkms.rustfs.iam import IamState

APIS = ("auto", "guide", "handler", "current")
"""Which contract answers; see ``RustfsAdmin``."""

VAULTS = ("any", "embedded")
"""``any``: every well-formed address and credential is accepted and nothing is dialled.
``embedded``: the admin API is a client of the emulated Vault of the same world."""

AUTHS = ("none", "sigv4")
"""Whether a request must be signed."""


PROBE = "rustfs-internal-kms-probe"
"""The key that a started service of the current contract makes for itself."""


@dataclass
class KmsKey:
    """One key of the store. All times are seconds since the epoch."""

    name: str
    key_id: str
    """As the documented contract shows it: ``rustfs-key-<uuid>``."""
    status: str = "Enabled"
    """``Enabled``, ``Disabled`` or ``PendingDeletion``."""
    created: float = 0.0
    algorithm: str = "AES-256"
    usage: str = "EncryptDecrypt"
    description: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    deletion_date: float | None = None
    rotated_at: float | None = None
    cancelled: bool = False
    """Its deletion was cancelled once, which the local backend shows in the key's origin."""
    material: list[bytes] = field(default_factory=list)
    """32 bytes a version, the newest last; made when first needed."""


@dataclass
class KmsSettings:
    """A configuration that was accepted. Secrets are kept, and never answered."""

    backend: str
    """``Local``, ``VaultTransit``, ``VaultKV2``, ``Static`` or ``AWS``."""
    default_key_id: str | None = None
    timeout_seconds: int = 30
    retry_attempts: int = 3
    enable_cache: bool = True
    max_cached_keys: int = 1000
    cache_ttl_seconds: int = 300
    dev_defaults: bool = False
    # of a Vault
    address: str = ""
    auth_method: str = "token"
    """``token``, ``approle``, ``kubernetes`` or ``token_file``."""
    token: str = ""
    role_id: str = ""
    secret_id: str = ""
    auth_mount: str = "approle"
    namespace: str | None = None
    mount_path: str = "transit"
    kv_mount: str = "secret"
    key_path_prefix: str = "rustfs/kms/keys"
    skip_tls_verify: bool = False
    custom_ca: bool = False
    client_identity: bool = False
    # of the local, static and AWS backends
    key_dir: str = ""
    master_key: str | None = None
    file_permissions: int | None = None
    key_id: str = ""
    secret_key: str = ""
    region: str | None = None
    endpoint_url: str | None = None

    @property
    def kms_type(self) -> str:
        """``vault`` or ``local``, the documented contract's words."""
        return "vault" if self.backend.startswith("Vault") else "local"


@dataclass
class RustfsEnvironment:
    """What the real server reads from its environment variables."""

    immediate_deletion: bool = False
    backup_dir: str = ""
    backup_kek_id: str = ""
    backup_kek_version: int = 1


@dataclass
class RustfsState:
    """Everything the admin API remembers between two requests."""

    api: str = "guide"
    vault: str = "any"
    auth: str = "none"
    contract: str = "v1"
    """Of the last configuration that was accepted: what ``api: auto`` falls back on."""
    settings: KmsSettings | None = None
    persisted: KmsSettings | None = None
    running: bool = False
    error: str = ""
    """Why the service could not start; empty while there is no such fault."""
    client_token: str = ""
    """The Vault token the admin API works with, once it has logged in (``vault: embedded``)."""
    keys: dict[str, KmsKey] = field(default_factory=dict)
    unreachable: list[str] = field(default_factory=lambda: ["*:1", "*:9"])
    """Patterns of Vault addresses at which nobody answers: by default the ports where tests look for nobody."""
    users: dict[str, str] = field(default_factory=lambda: {"rustfsadmin": "rustfsadmin"})
    """Access key to secret key of the owners, who may do all."""
    iam: IamState = field(default_factory=IamState)
    environment: RustfsEnvironment = field(default_factory=RustfsEnvironment)
    deployment_id: str = ""
    backups: dict[str, dict[str, Any]] = field(default_factory=dict)
    buckets: dict[str, dict[str, str]] = field(default_factory=dict)
    """By bucket and object: the wrapped data key in base64, empty for an object that is not encrypted."""
    rekey: dict[str, Any] | None = None
    """The last sweep, as it is shown."""

    @property
    def configured(self) -> bool:
        """Whether there is a configuration that is in force."""
        return self.settings is not None and self.running
