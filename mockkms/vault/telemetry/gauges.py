"""Gauges of what a server holds: leases, tokens, mounts, secrets. Names and labels are those of ``core_metrics.go``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from mockkms.vault.framework import registry
from mockkms.vault.framework.context import Context
from mockkms.vault.telemetry.events import LONGEST, lifetime_label, namespace_label
from mockkms.vault.telemetry.exposition import Gauge
from mockkms.vault.tokens.token import Token

_MOST_LABELS = 500
"""Label values of one gauge: the largest are kept, as with ``maximum_gauge_cardinality``."""


def server_gauges(core: Context, cluster: str) -> Iterator[Gauge]:
    """Yield the gauges of what the server holds; a sealed one knows its seal alone."""
    here, sealed = {"cluster": cluster}, core.seal.sealed
    standing = core.standing
    active = standing is None or standing.active
    yield Gauge("core.unsealed", int(not sealed), here)
    yield Gauge("core.active", int(active and not sealed), here)
    yield Gauge("core.in_flight_requests", 1, here)
    if sealed:
        return
    state = core.state
    yield Gauge("expire.num_leases", len(state.leases.items))
    yield Gauge("expire.num_irrevocable_leases", sum(bool(one.revoke_error) for one in state.leases.items.values()))
    yield Gauge("identity.num_entities", len(core.identity.state.entities))
    kinds = Counter((mount.is_auth, mount.local) for mount in state.mounts.entries.values())
    for (auth, local), count in sorted(kinds.items()):
        labels = {"local": str(local).lower(), "type": "auth" if auth else "logical"}
        yield Gauge("core.mount_table.num_entries", count, here | labels)
    yield from _tokens(core, here)
    yield from _identities(core, here)
    yield from _secrets(core, here)


def _tokens(core: Context, here: dict[str, str]) -> Iterator[Gauge]:
    """Yield the numbers of service tokens: of all, and by policy, auth method and lifetime at creation."""
    tokens = core.state.tokens.by_id.values()
    by_namespace = Counter(namespace_label(token.namespace) for token in tokens)
    for namespace, count in by_namespace.items() or [("root", 0)]:
        yield Gauge("token.count", count, here | {"namespace": namespace})
    by_policy = Counter((namespace_label(token.namespace), policy) for token in tokens for policy in token.policies)
    by_method = Counter((namespace_label(token.namespace), _method(core, token)) for token in tokens)
    by_ttl = Counter((namespace_label(token.namespace), _lifetime(token)) for token in tokens)
    for key, label, counted in (
        ("token.count.by_policy", "policy", by_policy),
        ("token.count.by_auth", "auth_method", by_method),
        ("token.count.by_ttl", "creation_ttl", by_ttl),
    ):
        for (namespace, name), count in counted.most_common(_MOST_LABELS):
            yield Gauge(key, count, here | {"namespace": namespace, label: name})


def _identities(core: Context, here: dict[str, str]) -> Iterator[Gauge]:
    """Yield the numbers of entities of each namespace, and of their aliases of each mount."""
    entities = core.identity.state.entities.values()
    of_namespace = Counter(entity.namespace for entity in entities)
    for namespace in ("", *core.state.namespaces.items):
        labels = {"namespace": namespace_label(namespace)}
        yield Gauge("identity.entity.count", of_namespace[namespace], here | labels)
    of_mount = Counter(alias.mount_accessor for entity in entities for alias in entity.aliases)
    mounts = {mount.accessor: mount for mount in core.state.mounts.entries.values()}
    for accessor, count in of_mount.items():
        mount = mounts.get(accessor)
        if mount is not None:
            labels = {"auth_method": mount.type, "mount_point": mount.path}
            namespace = namespace_label(mount.namespace)
            yield Gauge("identity.entity.alias.count", count, here | labels | {"namespace": namespace})


def _secrets(core: Context, here: dict[str, str]) -> Iterator[Gauge]:
    """Yield the number of KV secrets of each mount."""
    for mount in core.state.mounts.entries.values():
        size = registry.bare_engine(mount.engine).size
        if size is not None:
            labels = {"mount_point": mount.path, "namespace": namespace_label(mount.namespace)}
            yield Gauge("secret.kv.count", size(mount.state), here | labels)


def _method(core: Context, token: Token) -> str:
    """Return the type of the mount that a token is from, by its path: ``auth/approle/login``."""
    mount = core.state.mounts.match(token.namespace, token.path)
    return mount.type if mount is not None else "unknown"


def _lifetime(token: Token) -> str:
    """Return the name of a token's lifetime; 0 is a token without an end."""
    return lifetime_label(token.ttl) if token.ttl else LONGEST
