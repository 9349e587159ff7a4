"""One ACL policy, and the table of all policies: plain data."""

from __future__ import annotations

from dataclasses import field

from mockkms.lazy_dataclass import dataclass
from mockkms.world.stored import stored


@stored("policy.Policy")
@dataclass
class Policy:
    """One ACL policy. Times are seconds since the epoch."""

    name: str
    text: str
    modified: float = 0
    version: int = 1
    cas_required: bool = False
    expiration: float = 0
    """0 is never."""
    allow_wildcards: bool = False
    """Identity templates may put ``*`` and ``+`` into paths."""
    allow_slashes: bool = False


@stored("policy.PolicyState")
@dataclass
class PolicyState:
    """ACL policies by (namespace, name); password policies by the same."""

    acl: dict[tuple[str, str], Policy] = field(default_factory=dict)
    password: dict[tuple[str, str], str] = field(default_factory=dict)
