"""What a KV version 2 mount remembers, and the rules of its version history."""

from __future__ import annotations

from dataclasses import field

from mockkms.lazy_dataclass import dataclass
from mockkms.vault.golang.json_text import Encoded
from mockkms.vault.secrets.kv.paths import clean
from mockkms.vault.secrets.kv.v2.payload import Unreadable

Payload = Encoded | Unreadable | None
"""What is kept of a version: its text, why it cannot be read, or null."""
DEFAULT_MAX_VERSIONS = 10
UINT32 = 0xFFFFFFFF
DISABLED = -1
"""``delete_version_after`` of a mount on which no version expires."""


@dataclass
class Config:
    """Settings for all keys of the mount."""

    max_versions: int = 0
    cas_required: bool = False
    metadata_cas_required: bool = False
    delete_version_after: int = 0
    """Seconds; 0 is unset, ``DISABLED`` overrules the keys' own."""


@dataclass
class Version:
    """One version of a key, without its payload. Times are seconds since the epoch."""

    created: float
    deleted: float | None = None
    """When it was, or will be, deleted."""
    destroyed: bool = False
    created_by: dict[str, str] | None = None
    deleted_by: dict[str, str] | None = None

    def gone(self, now: float) -> bool:
        """Deleted by now, or destroyed."""
        return self.destroyed or (self.deleted is not None and self.deleted <= now)


@dataclass
class SecretMetadata:
    """The metadata of one key and its version history."""

    path: str
    """As first written; the key is filed under its cleaned path."""
    created: float
    updated: float
    versions: dict[int, Version] = field(default_factory=dict)
    current: int = 0
    oldest: int = 0
    metadata_version: int = 0
    max_versions: int = 0
    cas_required: bool = False
    metadata_cas_required: bool = False
    delete_version_after: int = 0
    """Seconds; 0 is unset."""
    custom_metadata: dict[str, str] | None = None
    updated_by: dict[str, str] | None = None

    def add(self, version: Version, mount_max: int) -> list[int]:
        """Append a version and move the window of kept versions; returns the numbers that fell out of it."""
        self.current += 1
        self.versions[self.current] = version
        self.updated = version.created
        limit = max(self.max_versions, mount_max) or DEFAULT_MAX_VERSIONS
        if self.current - self.oldest < limit:
            return []
        last_dropped = self.current - limit
        dropped = list(range(self.oldest, last_dropped + 1))
        for number in dropped:
            self.versions.pop(number, None)
        self.oldest = last_dropped + 1
        return dropped


@dataclass
class KV2:
    """One mount: its settings, its keys, and the payloads of their versions.

    Payloads are filed apart from the metadata and under the path as it was written, as on the real server: reading
    ``a/`` finds the metadata of ``a`` but no payload (recorded).
    """

    config: Config = field(default_factory=Config)
    keys: dict[str, SecretMetadata] = field(default_factory=dict)
    payloads: dict[tuple[str, int], Payload] = field(default_factory=dict)

    def find(self, path: str) -> SecretMetadata | None:
        """The metadata of a path, or None."""
        return self.keys.get(path) or self.keys.get(clean(path))

    def open(self, path: str, now: float) -> SecretMetadata:
        """The metadata of a path, begun now if there was none (not filed before ``file``)."""
        return self.find(path) or SecretMetadata(path=path, created=now, updated=now)

    def append(self, path: str, key: SecretMetadata, version: Version, payload: Payload) -> None:
        """File a new version with its payload."""
        for number in key.add(version, self.config.max_versions):
            self.payloads.pop((path, number), None)
        self.payloads[path, key.current] = payload
        self.keys[clean(path)] = key

    def expiry(self, key: SecretMetadata, now: float) -> float | None:
        """When a version made now expires: the shorter of the mount's and the key's times."""
        mount = self.config.delete_version_after
        if mount == DISABLED or not (mount or key.delete_version_after):
            return None
        return now + min(seconds for seconds in (mount, key.delete_version_after) if seconds)

    def forget(self, path: str) -> None:
        """Remove a key with all its versions."""
        key = self.find(path)
        if key is None:
            return
        for number in key.versions:
            self.payloads.pop((path, number), None)
        self.keys.pop(clean(path), None)
