"""The system backend's engine: every topic file of this package declares its endpoints on it."""

from __future__ import annotations

from mockkms.vault.framework.engine import Engine
from mockkms.vault.products.features import Feature

engine = Engine(
    "system",
    kind="system",
    new_state=dict,
    help="The system backend: mounts, policies, leases, seal, and the settings of the server itself.",
)
engine.protected = {
    **dict.fromkeys(
        (
            "auth/", "audit/", "raw/", "config/auditing/", "config/ui/headers/", "plugins/catalog/", "revoke-prefix/",
            "revoke-force/", "leases/revoke-prefix/", "leases/revoke-force/", "leases/lookup/", "internal/inspect/",
        )
    ),
    "plugins/runtimes/catalog/": Feature.FEATURE_SWITCHES,
    "storage/raft/snapshot-auto/config/": Feature.ENTERPRISE_STUBS,
    "config/oauth-resource-server/": Feature.AGENT_REGISTRY,
}  # fmt: skip
