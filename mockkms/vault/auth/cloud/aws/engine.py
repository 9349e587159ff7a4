"""The engine on which the files of this package declare their endpoints, and its state."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from mockkms.vault.auth.token_params import TokenParams
from mockkms.vault.framework.engine import Engine


@dataclass
class AwsAuthRole(TokenParams):
    """One role."""

    old_names: ClassVar = ("policies", "ttl", "max_ttl", "period")

    role_id: str = ""
    auth_type: str = ""
    """``iam`` or ``ec2``; fixed once the role is there."""
    hmac_key: str = ""
    """Signs the tags of the role."""
    bounds: dict[str, list[str]] = field(default_factory=dict)
    """Bound values by parameter, empty lists included."""
    principal_ids: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    """Everything else, by parameter."""


@dataclass
class AwsAuth:
    """State of a mount."""

    config: dict[str, Any] | None = None
    identity: dict[str, Any] = field(default_factory=dict)
    roles: dict[str, AwsAuthRole] = field(default_factory=dict)
    accounts: dict[str, dict[str, str]] = field(default_factory=dict)
    """``sts_role`` and ``external_id`` by account."""
    certificates: dict[str, dict[str, str]] = field(default_factory=dict)
    tidies: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Settings of the periodic tidies by list: ``identity-accesslist``, ``roletag-denylist``."""
    denied_tags: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Denied role tags: when they were denied and when they expire, seconds since the epoch."""


engine = Engine(
    "auth/aws",
    kind="auth",
    new_state=AwsAuth,
    help="Logins with requests signed for AWS, or from its machines.",
    waits=True,
)
