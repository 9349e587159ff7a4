"""The state of an emulated Vault: plain data."""

from __future__ import annotations

from dataclasses import field, replace
from typing import Any

from mockkms.lazy_dataclass import dataclass
from mockkms.vault.identity.model import IdentityState
from mockkms.vault.mounts.table import MountTable
from mockkms.vault.policy.policy import PolicyState
from mockkms.vault.seals.barrier import Barrier, SealState
from mockkms.vault.tokens.lease import LeaseState
from mockkms.vault.tokens.token import TokenState
from mockkms.world.sharing import Forkable
from mockkms.world.stored import stored


@stored("logins.FailedLogins")
@dataclass
class FailedLogins:
    """Failed logins of one user in a row."""

    count: int
    last: float
    """Seconds since the epoch."""


@stored("logins.LockoutState")
@dataclass
class LockoutState:
    """Failed logins by mount accessor and user name (of AppRole: role id)."""

    failures: dict[str, dict[str, FailedLogins]] = field(default_factory=dict)


@stored("namespace.Namespace")
@dataclass
class Namespace:
    """One namespace."""

    path: str
    """From the root, with trailing slash."""
    id: str
    """The ending of its tokens, leases and accessors: six letters or digits."""
    uuid: str
    custom_metadata: dict[str, str] = field(default_factory=dict)
    locked: bool = False
    unlock_key: str = ""
    tainted: bool = False
    unloaded: bool = False
    """Whether it was sealed without a seal of its own: its mounts no longer answer."""
    barrier: Barrier | None = None
    """The barrier of a sealable namespace."""

    @property
    def parent(self) -> str:
        """The path of the namespace above."""
        return self.path[: self.path.rstrip("/").rfind("/") + 1]


@stored("namespace.NamespaceState")
@dataclass
class NamespaceState:
    """All namespaces but the root, by path."""

    items: dict[str, Namespace] = field(default_factory=dict)


DEFAULT_EXEMPT = (
    "sys/generate-recovery-token/attempt",
    "sys/generate-recovery-token/update",
    "sys/generate-root/attempt",
    "sys/generate-root/update",
    "sys/health",
    "sys/seal-status",
    "sys/unseal",
)


@stored("quota.Bucket")
@dataclass
class Bucket:
    """The tokens that one client has left under one rule."""

    start: float
    """Seconds since the epoch."""
    tokens: int
    blocked: float = 0
    """When the client was blocked, in seconds since the epoch; 0 if it was not."""


@stored("quota.RateLimit")
@dataclass
class RateLimit:
    """One rule. Intervals in seconds."""

    name: str
    rate: float
    interval: int = 1
    block_interval: int = 0
    namespace: str = ""
    mount: str = ""
    suffix: str = ""
    role: str = ""
    inheritable: bool = False
    buckets: dict[str, Bucket] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The path as the API shows it: namespace, mount and the rest."""
        return self.namespace + self.mount + self.suffix

    @property
    def factors(self) -> tuple[str, str, str, str]:
        """The properties that must be unique among rules."""
        return (self.namespace, self.mount, self.suffix, self.role)


@stored("quota.QuotaState")
@dataclass
class QuotaState:
    """All rules by name, and the configuration."""

    rate_limits: dict[str, RateLimit] = field(default_factory=dict)
    audit_logging: bool = False
    response_headers: bool = False
    exempt_paths: list[str] = field(default_factory=lambda: list(DEFAULT_EXEMPT))
    absolute_exempt_paths: list[str] | None = None
    """Exempt paths from the root namespace; None until they are set."""


@stored("vault.VaultState")
@dataclass
class VaultState:
    """The state of one emulated server: plain data that pickles, compares and dumps.

    Engine state hangs on its mount.
    """

    mounts: MountTable = field(default_factory=MountTable)
    namespaces: NamespaceState = field(default_factory=NamespaceState)
    policies: PolicyState = field(default_factory=PolicyState)
    tokens: TokenState = field(default_factory=TokenState)
    leases: LeaseState = field(default_factory=LeaseState)
    lockout: LockoutState = field(default_factory=LockoutState)
    identity: IdentityState = field(default_factory=IdentityState)
    quotas: QuotaState = field(default_factory=QuotaState)
    seal: SealState = field(default_factory=SealState)
    system: dict[str, Any] = field(default_factory=dict)
    """Small settings of ``sys`` endpoints, by endpoint: cors, ui headers, auditing, password policies."""


def forked_parts(state: VaultState) -> tuple[VaultState, dict[str, Forkable]]:
    """Return a state without the parts that snapshots share, and forks of those parts by their names.

    All other parts are those of ``state``, not copies. The world's lock must be held.
    """
    shell = replace(state, tokens=TokenState(), leases=LeaseState())
    return shell, {"tokens": state.tokens.fork(), "leases": state.leases.fork()}
