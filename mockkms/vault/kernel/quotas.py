"""Rate limit quotas: which rule applies to a request, and whether its limit is exhausted.

A rule holds for a namespace, a mount, a path below a mount (with ``*`` at the end: everything with that prefix) or a
role of an auth method; the most specific one counts. Every client address has a bucket of its own in each rule.
Buckets are refilled by the world's clock.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mockkms.vault.framework.message import ErrorResponse, Operation, Request
from mockkms.vault.golang.fmt import quote
from mockkms.vault.kernel.state import Bucket, QuotaState, RateLimit
from mockkms.vault.products.features import Feature

if TYPE_CHECKING:
    from typing import Protocol

    from mockkms.vault.framework.context import Environment, WithNamespaces, WithSeal

    class QuotaServices(Environment, WithNamespaces, WithSeal, Protocol):
        """What the quotas need of the server."""


Factors = tuple[str, str, str, str]
"""Namespace, mount, path below it, role (``RateLimit.factors``)."""


class _Index:
    """The rules by what they hold for, so that a request does not look at all of them."""

    def __init__(self, rules: Iterable[RateLimit]) -> None:
        self.by_factors: dict[Factors, RateLimit] = {}
        self.at: dict[tuple[str, str], dict[str, RateLimit]] = {}
        """By namespace and mount, then by name."""
        self.with_roles: Counter[tuple[str, str]] = Counter()
        """How many rules of a mount depend on a role."""
        for rule in rules:
            self.add(rule)

    def add(self, rule: RateLimit) -> None:
        place = (rule.namespace, rule.mount)
        self.by_factors[rule.factors] = rule
        self.at.setdefault(place, {})[rule.name] = rule
        self.with_roles[place] += bool(rule.role)

    def remove(self, rule: RateLimit) -> None:
        place = (rule.namespace, rule.mount)
        if self.by_factors.get(rule.factors) is rule:
            del self.by_factors[rule.factors]
        self.at[place].pop(rule.name)
        self.with_roles[place] -= bool(rule.role)
        if not self.at[place]:
            del self.at[place], self.with_roles[place]


class QuotaStore:
    """The rules and their enforcement."""

    def __init__(self, core: QuotaServices) -> None:
        self.core = core
        self._indexed: QuotaState | None = None
        self._kept = _Index(())

    @property
    def _index(self) -> _Index:
        quotas = self.core.state.quotas
        if self._indexed is not quotas:
            self._indexed, self._kept = quotas, _Index(quotas.rate_limits.values())
        return self._kept

    def with_factors(self, factors: Factors) -> RateLimit | None:
        """Return the rule that holds for exactly this."""
        return self._index.by_factors.get(factors)

    def put(self, rule: RateLimit) -> None:
        """Store a rule, in place of one with its name."""
        self.drop(rule.name)
        self._index.add(rule)
        self.core.state.quotas.rate_limits[rule.name] = rule

    def drop(self, name: str) -> None:
        """Remove a rule, if it exists."""
        index, rule = self._index, self.core.state.quotas.rate_limits.pop(name, None)
        if rule is not None:
            index.remove(rule)

    def check(self, request: Request) -> None:
        """Raise ErrorResponse 429 if a rate limit is exhausted; store its headers in the request's trace."""
        state = self.core.state.quotas
        if not state.rate_limits or self.core.seal.sealed:
            return
        path = request.path
        if request.operation in (Operation.LIST, Operation.SCAN) and not path.endswith("/"):
            path += "/"  # Endpoints outside the core have no slash there.
        if self._exempt(path):
            return
        namespace, below = self.core.namespaces.locate(request.namespace, path)
        rule = self._rule(namespace or "", below, request)
        if rule is None:
            return
        headers, allowed = self._take(rule, request.remote_address)
        if state.response_headers:
            request.trace.headers = dict(headers)
        if not allowed:
            self.core.events.count("quota.rate_limit.violation", name=rule.name)
            raise ErrorResponse(f"request path {quote(path)}: rate limit quota exceeded", status=429)

    def _exempt(self, path: str) -> bool:
        """Return whether a path is exempt: its longest matching prefix is listed without ``!``.

        A final ``*`` is ignored.
        """
        best, exempt = -1, False
        quotas = self.core.state.quotas
        for entry in (*quotas.exempt_paths, *(quotas.absolute_exempt_paths or ())):
            prefix = entry.removeprefix("!").removesuffix("*")
            if entry and path.startswith(prefix) and len(prefix) >= best:
                best, exempt = len(prefix), not entry.startswith("!")
        return exempt

    def _rule(self, namespace: str, below: str, request: Request) -> RateLimit | None:
        """Return the most specific rule for a path within a namespace."""
        rules = self._index.by_factors
        mount = self.core.state.mounts.match(namespace, below)
        place = mount.path if mount is not None else ""
        role = self._role(namespace, place, below, request)
        if role and (namespace, place, "", role) in rules:
            return rules[namespace, place, "", role]
        suffix = below[len(place) :].rstrip("/")
        candidates = [suffix, *(suffix[:end] + "*" for end in range(len(suffix), -1, -1))] if place else []
        for candidate in [c for c in candidates if c] + [""]:
            rule = rules.get((namespace, place, candidate, ""))
            if rule is not None:
                return rule
        return self._namespace_rule(rules, namespace)

    @staticmethod
    def _namespace_rule(rules: dict[Factors, RateLimit], namespace: str) -> RateLimit | None:
        own = rules.get((namespace, "", "", ""))
        while own is None and namespace:
            namespace = namespace[: namespace.rstrip("/").rfind("/") + 1]
            above = rules.get((namespace, "", "", ""))
            own = above if above is not None and above.inheritable else None
        return own

    def _role(self, namespace: str, place: str, below: str, request: Request) -> str:
        """Return the role a login asks for, where some rule of this mount depends on it."""
        if not self._index.with_roles.get((namespace, place)):
            return ""
        if request.operation not in (Operation.UPDATE, Operation.CREATE) or below != place + "login":
            return ""
        role = request.data.get("role", request.data.get("role_id", ""))
        return role if isinstance(role, str) else ""

    def _take(self, rule: RateLimit, client: str) -> tuple[dict[str, str], bool]:
        """Take one token from a client's bucket; return the answer's headers and whether the request is admitted."""
        now = self.core.clock.now()
        limit = max(round_half_away(rule.rate), 1)
        bucket = rule.buckets.setdefault(client, Bucket(start=now, tokens=limit))
        if bucket.blocked:
            left = bucket.blocked + rule.block_interval - now
            if left > 0:
                return {"Retry-After": self._seconds(left)}, False
            bucket.blocked = 0
        if now - bucket.start >= rule.interval or now < bucket.start:
            bucket.start, bucket.tokens = now, limit
        allowed = bucket.tokens > 0
        bucket.tokens -= allowed
        reset = self._seconds(bucket.start + rule.interval - now)
        headers = {
            "X-Ratelimit-Limit": str(limit), "X-Ratelimit-Remaining": str(bucket.tokens), "X-Ratelimit-Reset": reset,
        }  # fmt: skip
        if not allowed:
            headers["Retry-After"] = reset
            if rule.block_interval:
                bucket.blocked = now
                headers["Retry-After"] = self._seconds(rule.block_interval)
        return headers, allowed

    def _seconds(self, left: float) -> str:
        """Return ``left`` in whole seconds, rounded up in products with RETRY_AFTER_ROUNDED_UP, else truncated.

        Some of the time has always passed when the real server truncates it, so that 10 s become 9.
        """
        return str(math.ceil(left) - (0 if self.core.product.has(Feature.RETRY_AFTER_ROUNDED_UP) else left > 0))

    def mount_removed(self, namespace: str, path: str) -> None:
        """Remove the rules of a mount that was unmounted."""
        for name in list(self._index.at.get((namespace, path), ())):
            self.drop(name)

    def mount_moved(self, namespace: str, path: str, to_namespace: str, to_path: str) -> None:
        """Move the rules of a mount that was moved; their buckets are reset."""
        index = self._index
        for rule in list(index.at.get((namespace, path), {}).values()):
            index.remove(rule)
            rule.namespace, rule.mount, rule.buckets = to_namespace, to_path, {}
            index.add(rule)

    def namespace_removed(self, namespace: str) -> None:
        """Remove the rules of a deleted namespace."""
        for rule in [one for one in self.core.state.quotas.rate_limits.values() if one.namespace == namespace]:
            self.drop(rule.name)


def round_half_away(value: float) -> int:
    """Return the nearest whole number of a value that is not negative; halves are rounded up, as in Go."""
    return math.floor(value + 0.5)
