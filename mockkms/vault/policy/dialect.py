"""Where the two products differ in their policies."""

from __future__ import annotations

from dataclasses import dataclass

_SHARED_KEYS = frozenset(
    {
        "comment",
        "policy",
        "capabilities",
        "allowed_parameters",
        "denied_parameters",
        "required_parameters",
        "min_wrapping_ttl",
        "max_wrapping_ttl",
        "mfa_methods",
    }
)


@dataclass(frozen=True)
class PolicyDialect:
    """What one product's policy language knows."""

    rule_keys: frozenset[str]
    """Keys of a ``path`` block."""
    capabilities: tuple[str, ...]
    """In the order of the product's own list; ``deny`` first."""
    unique_attributes: bool
    """An attribute given twice in one block is refused."""
    lists_by_item: bool
    """Items of a list parameter are compared one by one with the allowed and denied values, not the list as a whole."""
    template_values_restricted: bool
    """Identity values with ``*``, ``+`` or ``/`` are not put into paths unless the policy says so."""
    versions: bool
    """Policies have versions, check-and-set, expiry and PATCH; without them only the text can be sent and read."""
    fixed: tuple[str, ...]
    """Policies nobody may change or delete."""
    hidden: tuple[str, ...]
    """Policies left out of lists."""
    control_groups: bool
    """The default policy grants what control groups need."""


OPENBAO_POLICIES = PolicyDialect(
    rule_keys=_SHARED_KEYS | {"pagination_limit", "expiration", "list_scan_response_keys_filter_path"},
    capabilities=("deny", "create", "read", "update", "delete", "list", "sudo", "patch", "scan"),
    unique_attributes=False,
    lists_by_item=False,
    template_values_restricted=True,
    versions=True,
    fixed=("root", "response-wrapping"),
    hidden=("response-wrapping",),
    control_groups=False,
)
VAULT_POLICIES = PolicyDialect(
    rule_keys=_SHARED_KEYS | {"control_group", "subscribe_event_types"},
    capabilities=("deny", "create", "read", "update", "delete", "list", "sudo", "patch", "subscribe", "recover"),
    unique_attributes=True,
    lists_by_item=True,
    template_values_restricted=False,
    versions=False,
    fixed=("root", "response-wrapping", "control-group"),
    hidden=("response-wrapping", "control-group"),
    control_groups=True,
)
