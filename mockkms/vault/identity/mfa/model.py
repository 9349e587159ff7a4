"""MFA methods, login enforcements and waiting logins as plain data. Times are seconds since the epoch."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from mockkms.lazy_dataclass import dataclass
from mockkms.vault.framework.message import Auth
from mockkms.world.stored import stored

TOTP, DUO, OKTA, PINGID = "totp", "duo", "okta", "pingid"


@stored("identity.mfa.MfaMethod")
@dataclass
class MfaMethod:
    """A configured MFA method."""

    id: str
    type: str
    namespace: str
    name: str = ""
    username_format: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    """The settings of its type, secret ones too, by the names of their parameters."""


@stored("identity.mfa.Enforcement")
@dataclass
class Enforcement:
    """Which logins need MFA, by any one of ``method_ids``."""

    id: str
    name: str
    namespace: str
    method_ids: list[str] = field(default_factory=list)
    accessors: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    group_ids: list[str] = field(default_factory=list)
    entity_ids: list[str] = field(default_factory=list)


@stored("identity.mfa.Secret")
@dataclass
class Secret:
    """An entity's TOTP settings, copied from the method when its key was generated; the key is stored separately."""

    method_name: str
    period: int
    digits: int
    skew: int
    algorithm: str


@stored("identity.mfa.PendingLogin")
@dataclass
class PendingLogin:
    """A login that waits for its MFA validation."""

    auth: Auth
    path: str
    namespace: str
    since: float
    mount_accessor: str
    user: str = ""
    """The user whose failures the user lockout counts, if any."""


@stored("identity.mfa.MfaState")
@dataclass
class MfaState:
    """The MFA methods and enforcements of one namespace."""

    methods: dict[str, MfaMethod] = field(default_factory=dict)
    enforcements: dict[str, Enforcement] = field(default_factory=dict)
    """By name."""
    keys: dict[tuple[str, str], str] = field(default_factory=dict)
    """TOTP keys in base32 by (method id, entity id)."""
    used: dict[tuple[str, str], float] = field(default_factory=dict)
    """Until when a used passcode is refused, by (method id, passcode)."""
    attempts: dict[tuple[str, str], tuple[int, float]] = field(default_factory=dict)
    """Failed tries and when they are forgotten, by (method id, entity id)."""
    waiting: dict[str, PendingLogin] = field(default_factory=dict)
    """By request id."""
    services: str = "unreachable"
    """The answer of Duo, Okta and PingID: ``approve``, ``deny`` or ``unreachable``."""
