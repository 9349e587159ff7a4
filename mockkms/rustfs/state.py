"""The state of the admin API: plain data that pickles and compares."""

from __future__ import annotations

from dataclasses import field

from mockkms.lazy_dataclass import dataclass
from mockkms.rustfs.access.iam import IamState
from mockkms.world.stored import stored

APIS = ("auto", "guide", "handler", "current")
"""The values of ``RustfsState.api``; see ``RustfsAdmin``."""

VAULTS = ("any", "embedded")
"""``any``: every well-formed address and credential is accepted without a connection.
``embedded``: the admin API is a client of the emulated Vault of the same world."""

AUTHS = ("none", "sigv4")
"""Whether requests must be signed."""


PROBE = "rustfs-internal-kms-probe"
"""Name of the key that a service of the current contract creates for itself when it starts."""


@stored("rustfs.KmsKey")
@dataclass
class KmsKey:
    """One key. Times are seconds since the epoch."""

    name: str
    key_id: str
    """``rustfs-key-<uuid>``, as the documented contract shows it."""
    status: str = "Enabled"
    """``Enabled``, ``Disabled`` or ``PendingDeletion``."""
    created: float = 0.0
    algorithm: str = "AES-256"
    usage: str = "EncryptDecrypt"
    description: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    deletion_date: float | None = None
    rotated_at: float | None = None
    marked: bool = False
    """Whether an immediate deletion was requested once: the Vault backends delete a key at the second request."""
    material: list[bytes] = field(default_factory=list)
    """The versions, 32 bytes each, newest last; generated at first use."""


@stored("rustfs.KmsSettings")
@dataclass
class KmsSettings:
    """A configuration of the service. Its secrets are never shown."""

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
    """The token; of ``token_file`` the path of its file."""
    poll_interval: int | None = None
    """Seconds between two looks at the file of a token; None for the default."""
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
    client_key: bool = False
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
        """``vault`` or ``local``, as the documented contract names the backend."""
        return "vault" if self.backend.startswith("Vault") else "local"


@stored("rustfs.RustfsEnvironment")
@dataclass
class RustfsEnvironment:
    """The settings that the real server reads from environment variables."""

    immediate_deletion: bool = False
    rotation_max_age: int = 0
    """Seconds after which lists report that a key is due for rotation; 0 for never."""
    backup_dir: str = ""
    backup_kek_id: str = ""
    backup_kek_version: int = 1


@stored("rustfs.BackupBundle")
@dataclass
class BackupBundle:
    """One backup of the keys."""

    generation: int
    """When it was made: epoch seconds."""
    keys: dict[str, KmsKey]
    config: dict[str, object]
    """The configuration without secrets, as reports show it."""
    digest: str
    """SHA-256 in hex."""


@stored("rustfs.KeyCache")
@dataclass
class KeyCache:
    """The descriptions of keys that the service remembers, with its counters; see ``contracts/v2/cache.py``."""

    entries: dict[str, tuple[dict[str, object], float]] = field(default_factory=dict)
    """Description and time of expiry (epoch seconds) by key id, least recently used first."""
    hits: int = 0
    misses: int = 0
    evictions: int = 0


@stored("rustfs.RustfsState")
@dataclass
class RustfsState:
    """The whole state of the admin API."""

    api: str = "guide"
    vault: str = "any"
    auth: str = "none"
    contract: str = "v1"
    """The contract of the last configuration, ``v1`` or ``v2``: the default of ``api: auto``."""
    settings: KmsSettings | None = None
    persisted: KmsSettings | None = None
    running: bool = False
    error: str = ""
    """Why the last start failed; empty if it did not."""
    client_token: str = ""
    """The token for the embedded Vault, after the login."""
    keys: dict[str, KmsKey] = field(default_factory=dict)
    cache: KeyCache = field(default_factory=KeyCache)
    unreachable: list[str] = field(default_factory=lambda: ["*:1", "*:9"])
    """Globs of Vault addresses at which no server listens; tests commonly use ports 1 and 9 for this."""
    users: dict[str, str] = field(default_factory=lambda: {"rustfsadmin": "rustfsadmin"})
    """Secret keys of the owners, who may do all, by access key."""
    iam: IamState = field(default_factory=IamState)
    environment: RustfsEnvironment = field(default_factory=RustfsEnvironment)
    deployment_id: str = ""
    backups: dict[str, BackupBundle] = field(default_factory=dict)
    """Backups by name."""
    buckets: dict[str, dict[str, str]] = field(default_factory=dict)
    """Wrapped data keys in base64 by bucket and object; empty for an object that is not encrypted."""
    rekey: dict[str, object] | None = None
    """The last rekey sweep, as the API shows it."""

    @property
    def configured(self) -> bool:
        """Whether the service is configured and running."""
        return self.settings is not None and self.running
