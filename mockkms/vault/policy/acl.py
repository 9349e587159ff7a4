"""Access decisions: the rules of all policies of a token, merged and indexed for look-up.

Priority as on the real server: an exact path, then the best of all prefix (``*``) and segment (``+``) rules. Rules of
the same path are merged; a deny among them overrides the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mockkms.vault.framework.cache_bounds import LONGEST_CACHED, Budget
from mockkms.vault.framework.message import Operation
from mockkms.vault.policy.parameters import ParameterValues, refusal, with_folded_policies
from mockkms.vault.policy.rules import PolicyRule

_LISTINGS = frozenset({Operation.LIST, Operation.SCAN})
_CARRIES_PARAMETERS = frozenset({Operation.READ, Operation.UPDATE, Operation.CREATE, Operation.PATCH})


@dataclass(slots=True)
class Decision:
    """The outcome of checking one request against the policies."""

    allowed: bool
    rule: str = ""
    """The deciding rule, or why no rule decided: ``policy "app": path "secret/data/*"``."""
    keys_filter: str = ""
    """Template of the paths whose readability decides which keys of the listing are shown."""
    final: bool = False
    """Whether it is the same for every request of this operation and path."""
    granted_by: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    """Name and namespace of each policy that grants the capability, in their order; empty for a refusal."""


class Permissions:
    """The merged rules of one path."""

    __slots__ = (
        "allowed",
        "capabilities",
        "denied",
        "keys_filter",
        "max_wrapping_ttl",
        "min_wrapping_ttl",
        "pagination_limit",
        "required",
        "sources",
    )

    def __init__(self, policy: str, rule: PolicyRule) -> None:
        self.sources = [(policy, rule)]
        self.capabilities = set(rule.capabilities)
        self.min_wrapping_ttl = rule.min_wrapping_ttl
        self.max_wrapping_ttl = rule.max_wrapping_ttl
        self.allowed = None if rule.allowed is None else dict(rule.allowed)
        self.denied = None if rule.denied is None else dict(rule.denied)
        self.required = list(rule.required)
        self.pagination_limit = rule.pagination_limit
        self.keys_filter = rule.keys_filter

    def merge(self, policy: str, rule: PolicyRule) -> None:
        """Add another rule of the same path."""
        self.sources.append((policy, rule))
        if "deny" in self.capabilities:
            return
        if "deny" in rule.capabilities:
            self.capabilities = {"deny"}
            return
        self.capabilities |= rule.capabilities
        self.max_wrapping_ttl = _smaller(self.max_wrapping_ttl, rule.max_wrapping_ttl)
        self.min_wrapping_ttl = _smaller(self.min_wrapping_ttl, rule.min_wrapping_ttl)
        self.allowed = _joined(self.allowed, rule.allowed)
        self.denied = _joined(self.denied, rule.denied)
        self.required += [name for name in rule.required if name not in self.required]
        self.pagination_limit = int(_smaller(max(self.pagination_limit, 0), max(rule.pagination_limit, 0)))
        self.keys_filter = self.keys_filter or rule.keys_filter

    @property
    def unconditional(self) -> bool:
        """Whether the capability alone decides."""
        return not (
            self.min_wrapping_ttl
            or self.max_wrapping_ttl
            or self.required
            or self.denied
            or self.allowed
            or self.pagination_limit
            or self.keys_filter
        )

    def names(self, capability: str) -> str:
        """Return the rules behind these permissions: those that grant ``capability``, else all."""
        chosen = [(p, r) for p, r in self.sources if capability in r.capabilities] or self.sources
        return "; ".join(dict.fromkeys(f'policy "{policy}": path "{rule.written}"' for policy, rule in chosen))

    def granting(self, capability: str) -> tuple[tuple[str, str], ...]:
        """Return name and namespace of the policies whose rules grant ``capability``."""
        return tuple((policy, rule.namespace) for policy, rule in self.sources if capability in rule.capabilities)


def _smaller(one: float, other: float) -> float:
    return min(one, other) if one > 0 and other > 0 else one or other


def _joined(one: ParameterValues | None, other: Mapping[str, list[object]] | None) -> ParameterValues | None:
    """Return the union of two parameter maps; an empty list of values (anything is allowed) replaces any other."""
    if not other:
        return one
    if one is None:
        return dict(other)
    for name, values in other.items():
        before = one.get(name)
        one[name] = [] if not values or before == [] else values + (before or [])
    return one


@dataclass(slots=True)
class _Wildcard:
    """A rule path with ``+`` segments."""

    path: str
    is_prefix: bool
    segments: list[str]
    permissions: Permissions
    priority: tuple[object, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.priority = (self.path.find("+"), not self.is_prefix, -self.segments.count("+"), len(self.path), self.path)

    def matches(self, parts: list[str]) -> bool:
        """Return whether the rule covers a path cut at its slashes."""
        segments = self.segments
        if len(parts) < len(segments) or (not self.is_prefix and len(parts) != len(segments)):
            return False
        last = len(segments) - 1
        for index, segment in enumerate(segments):
            part = parts[index]
            if segment == "+" or segment == part:
                continue
            if not (self.is_prefix and index == last and part.startswith(segment)):
                return False
        return True

    def below(self, parts: list[str]) -> bool:
        """Return whether the rule covers something below a mount path cut at its slashes (without its last slash)."""
        for index, part in enumerate(parts):
            if index >= len(self.segments):
                return False
            segment = self.segments[index]
            if segment == "+" or segment == part:
                continue
            last = index == len(self.segments) - 1 and index == len(parts) - 1
            if not (self.is_prefix and last and part.startswith(segment)):
                return False
        return True


class Acl:
    """The merged rules of a set of policies. ``policies`` are names with their rules, in the token's order."""

    def __init__(
        self,
        policies: Iterable[tuple[str, list[PolicyRule]]] = (),
        *,
        root: str | None = None,
        now: float = 0,
        lists_by_item: bool = False,
        policies_folded: bool = False,
        folders_first: bool = False,
        budget: Budget | None = None,
    ) -> None:
        self.root = root
        """The namespace in which, and below which, everything is allowed; None where nothing is."""
        self._root = () if root is None else (("root", root),)
        self.lists_by_item = lists_by_item
        self.policies_folded = policies_folded
        self.folders_first = folders_first
        """Rules with wildcards are compared for a listing's path without its closing slash first, else with it."""
        self.expires: float = 0
        """When the earliest rule or policy ends (seconds since the epoch); 0 is never."""
        self.exact: dict[str, Permissions] = {}
        self.prefixes: dict[str, Permissions] = {}
        self.wildcards: dict[str, Permissions] = {}
        self.decisions: dict[tuple[Operation, str, bool], Decision] = {}
        self._found: dict[tuple[str, bool], Permissions | None] = {}
        self._budget = Budget() if budget is None else budget
        for name, rules in policies:
            for rule in rules:
                if rule.expires is not None and rule.expires < now:
                    continue
                self._add(name, rule)
        self._lengths = sorted({len(prefix) for prefix in self.prefixes}, reverse=True)
        self._wildcards = [
            _Wildcard(path, path.endswith("*"), path.removesuffix("*").split("/"), permissions)
            for path, permissions in self.wildcards.items()
        ]

    @property
    def size(self) -> int:
        """The number of its rules."""
        return len(self.exact) + len(self.prefixes) + len(self.wildcards)

    def keep(self, key: tuple[Operation, str, bool], decision: Decision) -> None:
        """Remember a decision, unless its path is long."""
        if len(key[1]) <= LONGEST_CACHED:
            self.decisions[key] = decision
            self._budget.left -= 1

    def forget(self) -> None:
        """Drop what was remembered."""
        self.decisions.clear()
        self._found.clear()

    def _add(self, policy: str, rule: PolicyRule) -> None:
        if rule.expires:
            self.expire_at(rule.expires)
        table = self.wildcards if rule.has_wildcards else self.prefixes if rule.is_prefix else self.exact
        known = table.get(rule.path)
        if known is None:
            table[rule.path] = Permissions(policy, rule)
        else:
            known.merge(policy, rule)

    def expire_at(self, moment: float) -> None:
        """Limit the validity of these merged rules to ``moment`` (seconds since the epoch)."""
        self.expires = _smaller(self.expires, moment)

    def find(self, path: str, listing: bool) -> Permissions | None:
        """Return the permissions that apply to ``path`` (namespace included), None if no rule does."""
        key = (path, listing)
        try:
            return self._found[key]
        except KeyError:
            pass
        found = self._find(path.lstrip("/"), listing)
        if len(path) <= LONGEST_CACHED:
            self._found[key] = found
            self._budget.left -= 1
        return found

    def _find(self, path: str, listing: bool) -> Permissions | None:
        found = self.exact.get(path)
        if found is None and listing:
            found = self.exact.get(path.removesuffix("/"))
        if found is not None:
            return found
        if not (listing and path.endswith("/")):
            return self._inexact(path)
        first, second = (path[:-1], path) if self.folders_first else (path, path[:-1])
        return self._inexact(first) or self._inexact(second)

    def _inexact(self, path: str) -> Permissions | None:
        best: Permissions | None = None
        priority: tuple[object, ...] = ()
        for length in self._lengths:
            if length <= len(path) and path[:length] in self.prefixes:
                best = self.prefixes[path[:length]]
                priority = (length, False, 0, length, path[:length])
                break
        if self._wildcards:
            parts = path.split("/")
            for wildcard in self._wildcards:
                if wildcard.priority > priority and wildcard.matches(parts):
                    best, priority = wildcard.permissions, wildcard.priority
        return best

    def capabilities(self, path: str, namespace: str = "") -> list[str]:
        """Return the capabilities on ``path``, sorted; ``["root"]`` for root, ``["deny"]`` for none."""
        if self.root is not None:
            return ["root"] if namespace.startswith(self.root) else ["deny"]
        found = self.find(namespace + path, listing=True)
        if found is None or not found.capabilities:
            return ["deny"]
        return sorted(found.capabilities)

    def reaches(self, prefix: str, namespace: str = "") -> bool:
        """Return whether anything at or below ``prefix`` (a mount's path) is granted."""
        if self.capabilities(prefix, namespace) != ["deny"]:
            return True
        if self.root is not None:
            return False
        whole = namespace + prefix
        for table in (self.exact, self.prefixes):
            for path, permissions in table.items():
                if path.startswith(whole) and permissions.capabilities - {"deny"}:
                    return True
        parts = whole.split("/")[:-1]
        return any(w.permissions.capabilities - {"deny"} and w.below(parts) for w in self._wildcards)

    def decide(
        self,
        operation: Operation,
        path: str,
        data: dict[str, object],
        wrap_ttl: float | None,
        sudo: bool,
        namespace: str = "",
    ) -> Decision:
        """Decide whether a request is allowed. ``sudo``: the path requires that capability.

        May set ``data["limit"]`` of a listing.
        """
        if self.root is not None:
            if namespace.startswith(self.root):
                return Decision(True, 'policy "root"', final=True, granted_by=self._root)
            return Decision(False, f'policy "root" holds in namespace "{self.root}" only', final=True)
        if operation is Operation.HELP:
            return Decision(True, "help is open to every token", final=True)
        found = self.find(namespace + path, operation in _LISTINGS)
        if found is None:
            return Decision(False, "no rule matches", final=True)
        if operation not in found.capabilities:
            return Decision(False, f"{found.names('deny')} {_grant(found)}, not {operation}", final=True)
        rule = found.names(operation)
        if sudo and "sudo" not in found.capabilities:
            return Decision(False, f"{rule} {_grant(found)}, but the path needs sudo", final=True)
        granted_by = found.granting(operation)
        if found.unconditional and not (operation in _LISTINGS and "limit" in data):
            return Decision(True, rule, final=True, granted_by=granted_by)
        refused = self._refused(found, operation, data, wrap_ttl)
        if refused:
            return Decision(False, f"{rule}: {refused}")
        return Decision(True, rule, found.keys_filter if operation in _LISTINGS else "", granted_by=granted_by)

    def _refused(
        self, found: Permissions, operation: Operation, data: dict[str, object], wrap_ttl: float | None
    ) -> str:
        longest, shortest = found.max_wrapping_ttl, found.min_wrapping_ttl
        if longest > 0 and (wrap_ttl is None or wrap_ttl > longest):
            return f"the answer has to be wrapped for at most {longest:g} seconds"
        if shortest > 0 and (wrap_ttl is None or wrap_ttl < shortest):
            return f"the answer has to be wrapped for at least {shortest:g} seconds"
        if operation in _CARRIES_PARAMETERS:
            return refusal(
                found, with_folded_policies(data) if self.policies_folded else data, by_item=self.lists_by_item
            )
        return _limit_refused(found, data) if operation in _LISTINGS else ""


def _grant(found: Permissions) -> str:
    if "deny" in found.capabilities:
        return "denies"
    return f"grants {', '.join(sorted(found.capabilities)) or 'nothing'}"


def _limit_refused(found: Permissions, data: dict[str, object]) -> str:
    """Check the page size of a listing against the rule's, or set it; return the reason for a refusal, else empty."""
    most = found.pagination_limit
    given = data.get("limit")
    if most <= 0:
        if given == "max":
            data["limit"] = "0"
        return ""
    if "limit" not in data:
        if any(name.lower() == "limit" for name in found.required):
            return 'required parameter "limit" is missing'
        data["limit"] = str(most)
        return ""
    try:
        size = int(str(given))
    except ValueError:
        if given != "max":
            return f'limit "{given}" is not a number'
        size = 0
    if not 0 <= size <= most:
        return f"limit {size} is outside 0 to {most}"
    if size == 0:
        data["limit"] = str(most)
    return ""
