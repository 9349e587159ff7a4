"""The differences between the products' policy languages: plain data."""

from __future__ import annotations

from dataclasses import replace

from mockkms.lazy_dataclass import dataclass

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
    """The properties of one product's policy language."""

    rule_keys: frozenset[str]
    """Keys of a ``path`` block."""
    capabilities: tuple[str, ...]
    """In the order of the product's own list; ``deny`` first."""
    unique_attributes: bool
    """An attribute given twice in one block is refused."""
    lists_by_item: bool
    """Items of a list parameter are compared one by one with the allowed and denied values, after the list as a whole.

    A text counts as a list too: its parts between commas.
    """
    policies_folded: bool
    """The parameter ``policies`` is compared with allowed and denied values in lower case."""
    folders_first: bool
    """A listing's path is compared without its closing slash first, then with it."""
    template_values_restricted: bool
    """Identity values with ``*``, ``+`` or ``/`` are put into paths only if the policy allows it."""
    versions: bool
    """Policies have versions, check-and-set, expiry and PATCH; without them only the text can be sent and read."""
    fixed: tuple[str, ...]
    """Policies that cannot be changed or deleted."""
    internal: tuple[str, ...]
    """Policies that are left out of lists and cannot be assigned to a token."""
    undeletable: tuple[str, ...]
    """Policies that may be changed, but not deleted."""
    control_groups: bool
    """The predefined policies include one for control groups, and the default policy has rules for them."""


OPENBAO_POLICIES = PolicyDialect(
    rule_keys=_SHARED_KEYS | {"pagination_limit", "expiration", "list_scan_response_keys_filter_path"},
    capabilities=("deny", "create", "read", "update", "delete", "list", "sudo", "patch", "scan"),
    unique_attributes=False,
    lists_by_item=False,
    policies_folded=False,
    folders_first=False,
    template_values_restricted=True,
    versions=True,
    fixed=("root", "response-wrapping"),
    internal=("response-wrapping",),
    undeletable=("default",),
    control_groups=False,
)
VAULT_POLICIES = PolicyDialect(
    rule_keys=_SHARED_KEYS | {"control_group", "subscribe_event_types"},
    capabilities=("deny", "create", "read", "update", "delete", "list", "sudo", "patch", "subscribe", "recover"),
    unique_attributes=True,
    lists_by_item=True,
    policies_folded=True,
    folders_first=True,
    template_values_restricted=False,
    versions=False,
    fixed=("root", "response-wrapping", "control-group"),
    internal=("response-wrapping", "control-group"),
    undeletable=("default", "default-ceiling"),
    control_groups=True,
)
VAULT_1_21_POLICIES = replace(VAULT_POLICIES, lists_by_item=False, policies_folded=False, undeletable=("default",))
