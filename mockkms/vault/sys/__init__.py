"""The system backend (``sys/``): one file per topic, each declaring its endpoints on the shared engine."""

from __future__ import annotations

from mockkms.vault.framework.loading import load_endpoints
from mockkms.vault.sys.engine import engine

load_endpoints(
    __name__, "monitoring.health", "seal.status", "monitoring.status", "seal.rekey", "seal.generate_root",
    "seal.rotate_keyring", "seal.rotate_root", "plugins.features", "config.cors", "config.ui", "config.auditing",
    "audit", "plugins.catalog", "plugins.reload", "mounts.tune", "mounts.secrets", "mounts.auth",
    "mounts.remount", "leases", "locked_users", "mfa", "policies.acl", "policies.passwords",
    "policies.capabilities", "wrapping", "namespaces.seal", "namespaces.namespaces", "quotas", "tools",
    "monitoring.internal_ui", "monitoring.internal", "monitoring.metrics", "monitoring.monitor", "monitoring.pprof",
    "raw", "workflows.endpoints", "enterprise", "storage", "monitoring.client_counts", "monitoring.billing",
)  # fmt: skip

__all__ = ["engine"]
