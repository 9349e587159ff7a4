"""Explanations of denials: the token, its policies, the deciding rule, and similar rules that did not apply."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mockkms.vault.framework import registry
from mockkms.vault.framework.message import ErrorResponse, Operation
from mockkms.vault.policy.acl import Acl, Decision, Permissions
from mockkms.vault.policy.rules import PolicyRule
from mockkms.vault.tokens.token import Token

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context, Environment

_NEAREST = 3
_LISTINGS = (Operation.LIST, Operation.SCAN)


@dataclass
class Explanation:
    """The decision about one request and the reasons for it."""

    operation: Operation
    path: str
    """With its namespace."""
    decision: Decision
    token: str
    """Display name and accessor; never the token itself."""
    policies: list[str]
    """The names of the policies, each with a note if it does not exist."""
    nearest: list[str] = field(default_factory=list)
    """Rules that cover something close to the path, the closest first."""
    hints: list[str] = field(default_factory=list)
    """Likely causes."""

    @property
    def allowed(self) -> bool:
        """Whether the request is allowed."""
        return self.decision.allowed

    def __str__(self) -> str:
        lines = [
            f"{'allowed' if self.allowed else 'denied'}: {self.operation} {self.path}",
            f"  token:    {self.token}",
            f"  policies: {', '.join(self.policies) or 'none'}",
            f"  decided:  {self.decision.rule}",
        ]
        lines += [f"  near:     {text}" for text in self.nearest]
        lines += [f"  hint:     {text}" for text in self.hints]
        return "\n".join(lines)


def explain(
    core: Context,
    token: Token,
    operation: Operation,
    path: str,
    *,
    namespace: str = "",
    data: dict[str, object] | None = None,
    wrap_ttl: float | None = None,
) -> Explanation:
    """Repeat the decision about a request and explain it; nothing is changed. ``path`` is within ``namespace``.

    A listing is checked with a trailing slash, since the server appends one.
    """
    if operation in _LISTINGS and not path.endswith("/"):
        path += "/"
    name = f"{token.display_name or 'token'} ({token.accessor or token.type})"
    try:
        acl = core.policies.acl(token)
    except ErrorResponse:
        decision = Decision(False, "the token's entity is gone or disabled")
        return Explanation(operation, namespace + path, decision, name, list(token.policies))
    sudo = core.needs_sudo(namespace, path)
    decision = acl.decide(operation, path, dict(data or {}), wrap_ttl, sudo, namespace)
    explanation = Explanation(operation, namespace + path, decision, name, _policies(core, token))
    if not decision.allowed and acl.root is None:
        found = acl.find(namespace + path, operation in _LISTINGS)
        explanation.nearest = _nearest(acl, namespace + path, found)
        explanation.hints = list(_hints(core, acl, operation, namespace, path, found))
    return explanation


def _policies(core: Context, token: Token) -> list[str]:
    """Return the token's policies and those of its identity."""
    derived: dict[str, list[str]] = {}
    if token.entity_id and not token.no_identity_policies:
        derived = core.identity.policies_of(token.entity_id)
    listed = [(token.namespace, name, "") for name in token.policies]
    listed += [(namespace, name, " (identity)") for namespace, names in derived.items() for name in names]
    return [
        f"{namespace}{name}{origin}" + ("" if core.policies.get(namespace, name) else " (does not exist)")
        for namespace, name, origin in listed
    ]


def _sources(acl: Acl) -> Iterator[tuple[str, PolicyRule]]:
    for table in (acl.exact, acl.prefixes, acl.wildcards):
        for permissions in table.values():
            yield from permissions.sources


def _nearest(acl: Acl, path: str, decided: Permissions | None) -> list[str]:
    taken = {id(rule) for _, rule in decided.sources} if decided else set()
    parts = path.split("/")
    ranked = []
    for policy, rule in _sources(acl):
        score = _common(rule, parts)
        if score and id(rule) not in taken:
            granted = ", ".join(sorted(rule.capabilities)) or "nothing"
            text = f'policy "{policy}", line {rule.line}: path "{rule.written}": {granted}'
            ranked.append((-score, rule.written, text))
    return [text for _, _, text in sorted(ranked)[:_NEAREST]]


def _common(rule: PolicyRule, parts: list[str]) -> int:
    """Return how many leading segments a rule shares with a path."""
    count = 0
    for segment, part in zip(rule.path.removesuffix("*").split("/"), parts, strict=False):
        if segment != "+" and (segment != part or not segment):
            break
        count += 1
    return count


def _covers(rule: PolicyRule, path: str, operation: Operation) -> bool:
    return Acl([("", [rule])]).find(path, operation in _LISTINGS) is not None


def _hints(
    core: Environment, acl: Acl, operation: Operation, namespace: str, path: str, found: Permissions | None
) -> Iterator[str]:
    if found is not None:
        if operation is Operation.CREATE and "update" in found.capabilities:
            yield "nothing is stored at this path yet, so the write counts as create, which the rule does not grant"
        if operation is Operation.UPDATE and "create" in found.capabilities:
            yield "something is stored at this path, so the write counts as update, which the rule does not grant"
        return
    for policy, rule in _sources(acl):
        where = f'policy "{policy}": path "{rule.written}"'
        mistake = _likely_mistake(rule, namespace, path, operation)
        if mistake:
            yield f"{where}: {mistake}"
        else:
            yield from _missing_folder(core, rule, where, namespace, path, operation)


def _likely_mistake(rule: PolicyRule, namespace: str, path: str, operation: Operation) -> str:
    """Return the likely mistake in a rule that seems to be meant for this path; empty if there is none."""
    whole = namespace + path
    if rule.written.removeprefix("/").startswith("v1/"):
        fixed = replace(rule, path=rule.path.replace("v1/", "", 1))
        return 'paths in policies do not begin with "v1/"' if _covers(fixed, whole, operation) else ""
    if namespace and _covers(replace(rule, path=namespace + rule.path), whole, operation):
        return f'would match without the namespace "{namespace}"; put that before the path, or the policy into it'
    folder = rule.path.rstrip("/") + "/"
    if not rule.is_prefix and _covers(replace(rule, is_prefix=True, path=folder), whole, operation):
        return f'covers that path only; what lies below it needs "{rule.written.rstrip("/")}/*"'
    return ""


def _missing_folder(
    core: Environment, rule: PolicyRule, where: str, namespace: str, path: str, operation: Operation
) -> Iterator[str]:
    """Yield the common mistake of a rule without a folder of the engine after the mount, such as ``data/`` of KV 2."""
    mount = core.state.mounts.match(namespace, path)
    if mount is None:
        return
    base = namespace + mount.path
    if not rule.path.startswith(base):
        return
    for part in registry.bare_engine(mount.engine or mount.type).policy_folders:
        fixed = replace(rule, path=base + part + rule.path[len(base) :])
        if _covers(fixed, namespace + path, operation):
            yield f'{where}: a rule for this path begins with "{mount.path}{part}"'
