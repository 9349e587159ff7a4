"""The policies that every new namespace has."""

from __future__ import annotations

from mockkms.vault.products.policy_dialects import PolicyDialect

_RESPONSE_WRAPPING = """
path "cubbyhole/response" {
    capabilities = ["create", "read"]
}

path "sys/wrapping/unwrap" {
    capabilities = ["update"]
}
"""

_DEFAULT = """\
# Granted to every token that has the default policy.

# The token itself: look it up, renew it, revoke it.
path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self"  { capabilities = ["update"] }
path "auth/token/revoke-self" { capabilities = ["update"] }

# Its capabilities on paths, or all of them (for user interfaces).
path "sys/capabilities-self"         { capabilities = ["update"] }
path "sys/internal/ui/resultant-acl" { capabilities = ["read"] }

# The entity it belongs to.
path "identity/entity/id/{{identity.entity.id}}"     { capabilities = ["read"] }
path "identity/entity/name/{{identity.entity.name}}" { capabilities = ["read"] }

# Leases, by id.
path "sys/leases/renew"  { capabilities = ["update"] }
path "sys/leases/lookup" { capabilities = ["update"] }

# Its cubbyhole, and response wrapping.
path "cubbyhole/*"         { capabilities = ["create", "read", "update", "delete", "list"] }
path "sys/wrapping/wrap"   { capabilities = ["update"] }
path "sys/wrapping/lookup" { capabilities = ["update"] }
path "sys/wrapping/unwrap" { capabilities = ["update"] }

# Hashing.
path "sys/tools/hash"   { capabilities = ["update"] }
path "sys/tools/hash/*" { capabilities = ["update"] }

# Logging in to other applications through the OIDC provider.
path "identity/oidc/provider/+/authorize" { capabilities = ["read", "update"] }
"""

_CONTROL_GROUP = """
path "cubbyhole/control-group" {
    capabilities = ["update", "create", "read"]
}

path "sys/wrapping/unwrap" {
    capabilities = ["update"]
}
"""

_DEFAULT_CEILING = """\
# Granted to every registered agent, whatever its ceiling is.

# Its own registration.
path "agent-registry/registration/entity_id/{{identity.entity.id}}" { capabilities = ["read"] }

# The texts of the predefined policies.
path "policy/default"         { capabilities = ["read"] }
path "policy/default-ceiling" { capabilities = ["read"] }
"""

_FOR_CONTROL_GROUPS = """
# The older path of lease renewal, and the status of requests that need approval.
path "sys/renew"                 { capabilities = ["update"] }
path "sys/control-group/request" { capabilities = ["update"] }
"""


def predefined_policies(dialect: PolicyDialect) -> dict[str, str]:
    """Return the predefined policies of a namespace: texts by name."""
    texts = {"default": _DEFAULT, "response-wrapping": _RESPONSE_WRAPPING}
    if dialect.control_groups:
        texts["default"] += _FOR_CONTROL_GROUPS
        texts["control-group"] = _CONTROL_GROUP
    if "default-ceiling" in dialect.undeletable:
        texts["default-ceiling"] = _DEFAULT_CEILING
    return texts
