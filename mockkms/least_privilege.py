"""The smallest policy that a run needed, and the grants that it never used."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from mockkms.entry import Entry
from mockkms.vault.policy.rules import PolicyError, Rule, parse_policy
from mockkms.world import World

_ORDER = ("create", "read", "update", "patch", "delete", "list", "scan", "sudo")


@dataclass(slots=True)
class Privileges:
    """What a run needed and had."""

    needed: dict[str, set[str]] = field(default_factory=dict)
    """Path (namespace in front) to capabilities."""
    unused: list[str] = field(default_factory=list)
    """Grants of the policies in play that no request used."""

    @property
    def policy(self) -> str:
        """The smallest policy, as HCL; empty where nothing was needed."""
        blocks = []
        for path in sorted(self.needed):
            names = ", ".join(f'"{name}"' for name in _ORDER if name in self.needed[path])
            blocks.append(f"path {json.dumps(path, ensure_ascii=False)} {{\n  capabilities = [{names}]\n}}\n")
        return "\n".join(blocks)

    def __str__(self) -> str:
        unused = "".join(f"# never used: {line}\n" for line in self.unused)
        return self.policy + ("\n" if self.policy and unused else "") + unused


def privileges(world: World, entries: Iterable[Entry] | None = None) -> Privileges:
    """What the requests of the journal (or ``entries``) needed; denied and token-less ones count for nothing.

    Before a real server it is not known whether a write was to create, so both rights are needed; nor what its
    policies grant.
    """
    found = Privileges()
    policies: set[tuple[str, str]] = set()
    with world.lock:
        for entry in world.journal if entries is None else entries:
            if entry.service != "vault" or not _counts(world, entry):
                continue
            path = _full(entry)
            wanted = found.needed.setdefault(path, set())
            wanted |= {"create", "update"} if world.upstream and entry.operation == "update" else {entry.operation}
            # What is root-protected is the same everywhere; only ours knows which namespaces there are.
            namespace = "" if world.upstream else entry.namespace
            if world.core.needs_sudo(namespace, path.removeprefix(entry.namespace)):
                wanted.add("sudo")
            policies |= {(entry.namespace, name) for name in entry.policies}
        for namespace, name in sorted(policies) if not world.upstream else ():
            policy = world.core.policies.get(namespace, name)
            if name not in ("root", "default") and policy is not None:
                found.unused += _unused(name, policy.text, namespace, found.needed)
    return found


def _counts(world: World, entry: Entry) -> bool:
    """Whether a token's policies let the request pass."""
    if entry.denied or not entry.trace.rule:
        return False
    return entry.status != 403 if world.upstream else bool(entry.accessor)


def _full(entry: Entry) -> str:
    path = entry.path.removeprefix(entry.namespace)
    return entry.namespace + path + ("/" if entry.operation in ("list", "scan") else "")


def _unused(name: str, text: str, namespace: str, needed: dict[str, set[str]]) -> list[str]:
    try:
        rules = parse_policy(text, namespace=namespace).rules
    except PolicyError:
        return []
    lines = []
    for rule in rules:
        used = {capability for path, names in needed.items() if _covers(rule, path) for capability in names}
        idle = [capability for capability in _ORDER if capability in rule.capabilities - used]
        if idle:
            lines.append(f'{name}: path "{rule.written}": {", ".join(idle)}')
    return lines


def _covers(rule: Rule, path: str) -> bool:
    """Whether a rule's path fits; which rule wins over another does not matter here."""
    prefix = rule.is_prefix or rule.path.endswith("*")
    parts = [r"[^/]+" if part == "+" else re.escape(part) for part in rule.path.removesuffix("*").split("/")]
    pattern = "/".join(parts) + (".*" if prefix else "")
    return any(re.fullmatch(pattern, asked) is not None for asked in (path, path.removesuffix("/")))
