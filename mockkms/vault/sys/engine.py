"""The system backend's engine: every topic file of this package declares its endpoints on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.message import Request
from mockkms.vault.products.features import Feature


def _takes_long(_state: object, request: Request, captures: Mapping[str, str], _now: Callable[[], float]) -> bool:
    """Return whether a request asks for many random bytes."""
    if "urlbytes" not in captures:
        return False
    from mockkms.vault.framework import keyless  # Not with every start.

    return keyless.many_bytes(request, captures)


engine = Engine(
    "system",
    kind="system",
    new_state=dict,
    help="The system backend: mounts, policies, leases, seal, and the settings of the server itself.",
    # What these cost depends on what is there or named, not on the size of their bodies.
    slow={
        "leases/revoke": 0,
        "leases/tidy": 0,
        "revoke": 0,
        "metrics": 0,
        "policies/password/": 0,
        "wrapping/unwrap": 0,
        "wrapping/rewrap": 0,
    },
    takes_long=_takes_long,
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
