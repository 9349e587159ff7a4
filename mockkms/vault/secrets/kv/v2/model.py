"""The state of a KV version 2 mount, and the rules of its version history."""

from __future__ import annotations

import posixpath
from dataclasses import field, replace
from typing import Annotated

from mockkms.lazy_dataclass import dataclass
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.golang.json_text import Encoded
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.kv.v2.payload import Unreadable
from mockkms.world.sharing import ForkedTable
from mockkms.world.stored import stored

Payload = Encoded | Unreadable | None
"""What is stored of a version: its JSON text, why it cannot be read, or null."""
DEFAULT_MAX_VERSIONS = 10
UINT32 = 0xFFFFFFFF
DISABLED = -1
"""``delete_version_after`` of a mount on which no version expires."""


def clean(path: str) -> str:
    """Return the path that metadata is filed under: no slash at either end, none doubled.

    The usual path is returned as it is, without a call of ``normpath``.
    """
    if "//" not in path and "./" not in path and not path.endswith(("/", "/.")) and not path.startswith("/"):
        return path
    return posixpath.normpath("/" + path).lstrip("/")


@stored("kv2.Kv2Config")
@dataclass
class Kv2Config(Record):
    """Settings for all secrets of a mount."""

    max_versions: Annotated[int, param(Kind.INT, help="Number of versions to keep of each secret; 0 means 10.")] = 0
    cas_required: Annotated[bool, param(Kind.BOOL, help="Require cas in every write.")] = False
    metadata_cas_required: Annotated[
        bool,
        param(Kind.BOOL, needs=Feature.KV_METADATA_CAS, help="Require metadata_cas in every write of metadata."),
    ] = False
    delete_version_after: Annotated[
        int,
        param(
            Kind.SIGNED_SECONDS,
            help="Lifetime of a version in seconds; 0 is unlimited, negative overrules that of each secret.",
            show=Show.NEVER,
        ),
    ] = 0
    """0 is unset, ``DISABLED`` overrules that of each secret. Reads show it as Go prints a duration."""


@stored("kv2.Version")
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
        """Return whether the version is deleted at ``now``, or destroyed."""
        return self.destroyed or (self.deleted is not None and self.deleted <= now)


@stored("kv2.SecretMetadata")
@dataclass
class SecretMetadata(Record):
    """The metadata of one secret and its version history. Times are seconds since the epoch."""

    path: str = ""
    """As first written; metadata is filed under the cleaned path."""
    created: float = 0
    updated: float = 0
    versions: dict[int, Version] = field(default_factory=dict)
    current: int = 0
    oldest: int = 0
    metadata_version: int = 0
    max_versions: Annotated[
        int, param(Kind.INT, help="Number of versions to keep; the larger of this and the mount's applies.")
    ] = 0
    cas_required: Annotated[bool, param(Kind.BOOL, help="Require cas in every write of this secret.")] = False
    metadata_cas_required: Annotated[
        bool,
        param(Kind.BOOL, needs=Feature.KV_METADATA_CAS, help="Require metadata_cas in every write of this metadata."),
    ] = False
    delete_version_after: Annotated[
        int, param(Kind.SECONDS, help="Lifetime of a version in seconds; 0: the mount's.", show=Show.NEVER)
    ] = 0
    custom_metadata: dict[str, str] | None = None
    """Names and texts; sent as any JSON object."""
    updated_by: dict[str, str] | None = None

    def add(self, version: Version, mount_max: int) -> list[int]:
        """Append a version and move the window of kept versions; return the numbers of those that are dropped."""
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


@stored("kv2.KV2")
@dataclass
class KV2(ForkedTable):
    """The state of a mount: its settings, and the metadata and payloads of its secrets.

    Payloads are filed apart from the metadata and under the path as it was written, as on the real server: reading
    ``a/`` finds the metadata of ``a`` but no payload (recorded).

    Snapshots share the contents (``fork``), so metadata is changed only after ``edit`` or ``open``.
    """

    config: Kv2Config = field(default_factory=Kv2Config)
    keys: dict[str, SecretMetadata] = field(default_factory=dict)
    payloads: dict[tuple[str, int], Payload] = field(default_factory=dict)

    def fork(self) -> KV2:
        """Return an equal mount that can change independently, though it shares every key and payload."""
        forked = KV2(replace(self.config), dict(self.keys), dict(self.payloads))
        forked._shared = self._shared.fork()
        return forked

    def find(self, path: str) -> SecretMetadata | None:
        """Return the metadata of a path, or None."""
        return self.keys.get(path) or self.keys.get(clean(path))

    def edit(self, path: str) -> SecretMetadata | None:
        """Return the metadata of a path for a change, or None."""
        key = self.find(path)
        if key is None:
            return None
        name = path if path in self.keys else clean(path)
        if name in self._shared:
            versions = {number: replace(version) for number, version in key.versions.items()}
            key = replace(key, versions=versions)
            self.file(name, key)
        return key

    def open(self, path: str, now: float) -> SecretMetadata:
        """Return the metadata of a path for a change, or new metadata, which is not filed yet."""
        return self.edit(path) or SecretMetadata(path=path, created=now, updated=now)

    def file(self, path: str, key: SecretMetadata) -> None:
        """File the metadata of a path."""
        name = clean(path)
        self.keys[name] = key
        self._shared.own(name)

    def append(self, path: str, key: SecretMetadata, version: Version, payload: Payload) -> None:
        """File a new version with its payload."""
        for number in key.add(version, self.config.max_versions):
            self.payloads.pop((path, number), None)
        self.payloads[path, key.current] = payload
        self.file(path, key)

    def expiry(self, key: SecretMetadata, now: float) -> float | None:
        """Return when a version made now expires, by the shorter one of the mount's and the secret's lifetimes."""
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
