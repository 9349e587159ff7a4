"""The system backend (``sys/``): one file per topic, each declaring its endpoints on the shared engine."""

from __future__ import annotations

from importlib import import_module

from mockkms.vault.sys.engine import engine

_TOPICS = (
    "health", "seal_status", "status", "rekey", "generate_root", "rotate_keyring", "rotate_root",
    "features", "config_cors", "config_ui", "config_auditing", "audit", "plugins", "plugin_reload", "well_known",
    "tune", "mounts", "auth_mounts", "remount",
    "leases", "locked_users", "mfa", "policies", "password_policies", "capabilities", "wrapping",
    "namespace_seal", "namespaces", "quotas", "tools", "internal_ui", "internal", "observe", "pprof", "raw",
    "workflows", "enterprise", "client_counts", "billing",
)  # fmt: skip
"""In this order: of two templates that fit a path, the one declared first answers."""

for _topic in _TOPICS:
    import_module(f"{__name__}.{_topic}")

__all__ = ["engine"]
