"""One rate limit quota, and the table of all of them: plain data."""

from __future__ import annotations

from dataclasses import field

from mockkms.lazy_dataclass import dataclass

DEFAULT_EXEMPT = (
    "sys/generate-recovery-token/attempt",
    "sys/generate-recovery-token/update",
    "sys/generate-root/attempt",
    "sys/generate-root/update",
    "sys/health",
    "sys/seal-status",
    "sys/unseal",
)


@dataclass
class Bucket:
    """The tokens that one client has left under one rule."""

    start: float
    """Seconds since the epoch."""
    tokens: int
    blocked: float = 0
    """When the client was shut out, seconds since the epoch; 0 is not."""


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


@dataclass
class QuotaState:
    """All rules by name, and the configuration."""

    rate_limits: dict[str, RateLimit] = field(default_factory=dict)
    audit_logging: bool = False
    response_headers: bool = False
    exempt_paths: list[str] = field(default_factory=lambda: list(DEFAULT_EXEMPT))
    absolute_exempt_paths: list[str] | None = None
    """Exempt paths from the root namespace; None until they are set."""
