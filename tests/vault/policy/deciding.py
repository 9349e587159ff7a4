"""Merged rules of policy texts, and short ways to ask them."""

from __future__ import annotations

from typing import Any

from mockkms.vault.framework.message import Operation
from mockkms.vault.policy.acl import Acl, Decision
from mockkms.vault.policy.rules import parse_policy
from mockkms.vault.products.policy_dialects import OPENBAO_POLICIES


def acl(*texts: str, namespace: str = "", **options: Any) -> Acl:
    """Return the merged rules of policies ``p0``, ``p1``… of one namespace."""
    policies = [
        (f"p{i}", parse_policy(text, OPENBAO_POLICIES, namespace=namespace).rules) for i, text in enumerate(texts)
    ]
    return Acl(policies, **options)


def decide(
    rules: Acl,
    operation: Operation,
    path: str,
    data: dict[str, Any] | None = None,
    *,
    wrap_ttl: float | None = None,
    sudo: bool = False,
    namespace: str = "",
) -> Decision:
    """Return the decision about a request, by default one without parameters to a path that needs no sudo."""
    return rules.decide(operation, path, {} if data is None else data, wrap_ttl, sudo, namespace)


def allowed(rules: Acl, operation: Operation, path: str, data: dict[str, Any] | None = None, **more: Any) -> bool:
    """Return whether the rules allow a request; ``more`` are arguments of ``decide``."""
    return decide(rules, operation, path, data, **more).allowed
