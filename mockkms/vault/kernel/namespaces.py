"""Namespaces: the tree, the namespace of a request, and what is allowed in it.

A namespace is named by its path from the root with a trailing slash (``team/app/``); the root is ``""``. A request
names it by the header, by the front of its path, or both; the longest namespace that fits wins.
"""

from __future__ import annotations

import posixpath
import unicodedata
from typing import TYPE_CHECKING

from mockkms.vault.framework.cache_bounds import LONGEST_CACHED
from mockkms.vault.framework.message import ErrorResponse, Request
from mockkms.vault.golang.fmt import quote
from mockkms.vault.kernel import mounting
from mockkms.vault.kernel.state import Namespace
from mockkms.vault.products.features import Feature

if TYPE_CHECKING:
    from typing import Protocol

    from mockkms.vault.framework.context import WithIdentities

    class NamespaceServices(mounting.MountServices, WithIdentities, Protocol):
        """What the namespaces need of the server."""


RESERVED = frozenset(("", ".", "..", "root", "sys", "audit", "auth", "cubbyhole", "identity"))
ROOT_ONLY = (
    "audit-hash", "audit", "config/auditing", "config/cors", "config/reload", "config/state", "config/ui",
    "generate-recovery-token", "generate-root", "health", "host-info", "in-flight-req", "init",
    "internal/counters/activity", "internal/counters/config", "internal/inspect/router", "loggers", "metrics",
    "mfa/method", "monitor", "pprof", "quotas/config", "quotas/lease-count", "quotas/rate-limit", "raw",
    "rekey-recovery-key", "rekey", "replication/merkle-check", "replication/recover", "replication/reindex",
    "replication/status", "seal", "sealwrap/rewrap", "step-down", "storage", "sync/config", "unseal",
)  # fmt: skip
"""Below ``sys/``: available in the root namespace only."""
_OUTSIDE = (
    "raw", "generate-recovery-token", "init", "seal", "step-down", "unseal", "health", "rekey-recovery-key", "rekey",
    "storage", "generate-root", "metrics", "pprof", "in-flight-req",
)  # fmt: skip
"""Below ``sys/``: refused in every request with a namespace header."""
_ID_LENGTH = 6


class NamespaceStore:
    """The tree of namespaces and the resolution of requests."""

    def __init__(self, core: NamespaceServices) -> None:
        self.core = core
        self._named: tuple[dict[str, Namespace] | None, dict[str, str]] = (None, {})
        """The namespaces, and their paths by short id."""

    @property
    def _items(self) -> dict[str, Namespace]:
        return self.core.state.namespaces.items

    def get(self, path: str) -> Namespace | None:
        """Return the namespace with this path from the root; None for the root itself."""
        return self._items.get(path)

    def id_of(self, path: str) -> str:
        """Return the short id of a namespace; ``root`` for the root."""
        found = self._items.get(path)
        return found.id if found is not None else "root"

    def by_id(self, namespace_id: str) -> str | None:
        """Return the path of the namespace with this short id; None for an unknown one."""
        if namespace_id in ("", "root"):
            return ""
        items, (named, paths) = self._items, self._named
        if named is not items or len(paths) != len(items):
            paths = {found.id: found.path for found in items.values()}
            self._named = items, paths
        path = paths.get(namespace_id)
        return path if path is not None and path in items else None

    def children(self, path: str, *, recursive: bool = False) -> list[Namespace]:
        """Return the namespaces directly below ``path``, sorted by path.

        ``recursive``: all below it, without those below a sealed one.
        """
        items = self._items
        found = [items[p] for p in sorted(p for p in items if p != path and p.startswith(path))]
        if not recursive:
            return [n for n in found if n.parent == path]
        return [n for n in found if not self.sealed(n.parent)]

    def sealed(self, path: str) -> bool:
        """Return whether this namespace, or one above it, is sealed."""
        return any(n.barrier is not None and n.barrier.sealed for n in self.lineage(path))

    def lineage(self, path: str) -> list[Namespace]:
        """Return the namespaces from the one below the root down to ``path``."""
        steps = path.split("/")[:-1]
        found = (self._items.get("/".join(steps[: i + 1]) + "/") for i in range(len(steps)))
        return [n for n in found if n is not None]

    def locking(self, path: str) -> Namespace | None:
        """Return the topmost locked namespace among that at ``path`` and those above it."""
        return next((n for n in self.lineage(path) if n.locked), None)

    # -- requests ------------------------------------------------------------------------------------------------

    def locate(self, header: str, path: str) -> tuple[str | None, str]:
        """Return ``(namespace, path below it)`` for a header as sent and a path.

        None if the header's does not exist.
        """
        items = self._items
        if not self.core.product.has(Feature.NAMESPACES) or (not items and not header):
            return "", path
        prefix = canonical(header)
        if prefix == "root/":
            prefix = ""
        whole = prefix + path
        if f"{whole}/" in items:
            return f"{whole}/", whole  # Only a path below a namespace is shortened.
        found, slash = "", whole.find("/")
        # Each prefix is copied: of a long path, none that is longer than every namespace's is tried.
        last = len(whole) if len(whole) <= LONGEST_CACHED else max(map(len, items), default=0)
        while 0 <= slash < last:
            candidate = whole[: slash + 1]
            if candidate in items:
                found = candidate
            elif len(candidate) > len(prefix):
                break
            slash = whole.find("/", slash + 1)
        return (found, whole[len(found) :]) if found.startswith(prefix) else (None, "")

    def only_without(self, namespace: str, below: str) -> bool:
        """Return whether a path below ``sys/`` is refused because the request has a namespace header."""
        return bool(namespace) and self.core.product.has(Feature.NAMESPACES) and has_segments(below, _OUTSIDE)

    def refuse_outside(self, request: Request, below: str) -> None:
        """Raise 400 for an endpoint outside the core that is requested with a namespace header."""
        if self.only_without(request.namespace, below):
            raise ErrorResponse("operation unavailable in namespaces")

    def resolve(self, request: Request) -> None:
        """Split the namespace (header and path prefix) off: sets ``request.namespace`` and ``request.path``.

        Raises 404 for an unknown namespace, 503 for a locked or sealed one, 400 for a path that only the root has.
        """
        namespace, path = self.locate(request.namespace, request.path)
        if namespace is None:
            raise ErrorResponse("namespace not found", status=404)
        if request.sent_path:
            # What was removed from the path is UTF-8: it names a namespace.
            request.sent_path = request.sent_path[len(request.path) - len(path) :]
        request.namespace, request.path = namespace, path
        request.trace.namespace = namespace
        if not namespace:
            return
        locked = self.locking(namespace)
        if locked is not None and path != "sys/namespaces/api-lock/unlock":
            raise ErrorResponse(
                f"API access to this namespace has been locked by an administrator - "
                f"{quote(locked.path)} must be unlocked "
                "to gain access.",
                status=503,
            )
        if self.sealed(namespace):
            raise ErrorResponse("namespace is sealed", status=503)
        if any(one.unloaded for one in self.lineage(namespace)):
            raise ErrorResponse(f"no handler for route {quote(path)}. route entry not found.", status=404)
        if path.startswith("sys/") and has_segments(path[4:], ROOT_ONLY):
            raise ErrorResponse("operation only available in root namespace")

    # -- changes -------------------------------------------------------------------------------------------------

    def create(self, path: str, metadata: dict[str, str] | None = None) -> Namespace:
        """Make a namespace with its default mounts and policy. ``path`` is from the root; its parent must exist."""
        core = self.core
        new_id = core.entropy.base62(_ID_LENGTH)
        while self.by_id(new_id) is not None:
            new_id = core.entropy.base62(_ID_LENGTH)
        made = Namespace(path=path, id=new_id, uuid=core.entropy.uuid(), custom_metadata=dict(metadata or {}))
        self._items[path] = made
        self._named[1][new_id] = path
        mounting.mount_defaults(core, path)
        return made

    def delete(self, path: str) -> None:
        """Remove a namespace, what is below it, and everything in them: mounts, tokens, leases, policies, quotas."""
        core = self.core
        for child in sorted((p for p in self._items if p.startswith(path)), reverse=True):
            for token in [t for t in core.state.tokens.by_id.values() if t.namespace == child]:
                core.tokens.revoke(token)
            for mount in core.state.mounts.of(child):
                mounting.unmount(core, mount)
            core.policies.forget_namespace(child)
            core.quotas.namespace_removed(child)
            core.identity.forget_namespace(child)
            core.state.system.get("workflows", {}).pop(child, None)
            removed = self._items.pop(child)
            if self._named[0] is self._items:
                self._named[1].pop(removed.id, None)

    def shown(self, namespace: Namespace) -> dict[str, object]:
        """Return the ``data`` of a namespace."""
        return {
            "custom_metadata": dict(namespace.custom_metadata),
            "id": namespace.id,
            "locked": namespace.locked,
            "path": namespace.path,
            "tainted": namespace.tainted,
            "uuid": namespace.uuid,
        }


def canonical(path: str) -> str:
    """Return a namespace path without leading slashes and with a trailing slash; ``""`` for the root."""
    path = posixpath.normpath(path.lstrip("/") or ".")
    return "" if path == "." else path.rstrip("/") + "/"


def parse_name(text: str) -> str:
    """Return one path segment in canonical form. Raises ErrorResponse for none, several, or a reserved one."""
    name = canonical(text)
    if not name:
        raise ErrorResponse("namespace name cannot be empty")
    if "/" in name[:-1]:
        raise ErrorResponse("namespace name cannot contain /")
    if name[:-1] in RESERVED:
        raise ErrorResponse(f"{quote(name)} is a reserved path and cannot be used as a namespace name")
    return name


def validate(path: str) -> None:
    """Raise ErrorResponse for a new namespace's path with characters that are not allowed in names."""
    for segment in path.rstrip("/").split("/"):
        for character in segment:
            category = unicodedata.category(character)
            if category[0] == "C" or category in ("Zl", "Zp"):
                text = (
                    f"{quote(segment)} contains unicode characters that cannot be used in a namespace name: "
                    f"'{character}'"
                )
            elif character.isspace():
                text = f"{quote(segment)} contains space characters that cannot be used in a namespace name"
            elif character in "+*":
                text = (
                    f"{quote(segment)} contains wildcard characters that cannot be used in a namespace name: "
                    f"'{character}'"
                )
            else:
                continue
            raise ErrorResponse(text)


def has_segments(path: str, prefixes: tuple[str, ...]) -> bool:
    """Return whether ``path`` is one of these paths or below one."""
    return any(path == prefix or path.startswith(prefix + "/") for prefix in prefixes)
