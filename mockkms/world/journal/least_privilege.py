"""The smallest policy that a run needed, and the grants that it never used."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mockkms.faults.addresses import TOKEN
from mockkms.vault.framework.message import VaultError
from mockkms.vault.policy.acl import Acl
from mockkms.vault.policy.rules import PolicyError, PolicyRule, parse_policy
from mockkms.world.journal.entry import Entry
from mockkms.world.world import World

_ORDER = ("create", "read", "update", "patch", "delete", "list", "scan", "sudo")


@dataclass(frozen=True, slots=True)
class Grant:
    """The capabilities that one rule of a policy grants."""

    namespace: str
    """Of the policy: ``""`` or ``a/b/``."""
    policy: str
    path: str
    """As written in the policy."""
    capabilities: tuple[str, ...]
    unused: tuple[str, ...]
    """Those that no request used."""

    def __str__(self) -> str:
        return f'{self.policy}: path "{self.path}": {", ".join(self.unused)}'


@dataclass(slots=True)
class Privileges:
    """What a run needed and had."""

    needed: dict[str, set[str]] = field(default_factory=dict)
    """Path (namespace in front) to capabilities."""
    grants: list[Grant] = field(default_factory=list)
    """What the policies in play grant, those of ``root`` and ``default`` excepted."""

    @property
    def unused(self) -> list[str]:
        """The grants with capabilities that no request used, a line for each."""
        return [str(grant) for grant in self.grants if grant.unused]

    @property
    def policy(self) -> str:
        """The smallest policy, as HCL; empty if nothing was needed."""
        blocks = []
        for path in sorted(self.needed):
            names = ", ".join(f'"{name}"' for name in _ORDER if name in self.needed[path])
            blocks.append(f"path {json.dumps(path, ensure_ascii=False)} {{\n  capabilities = [{names}]\n}}\n")
        return "\n".join(blocks)

    def __str__(self) -> str:
        unused = "".join(f"# never used: {line}\n" for line in self.unused)
        return self.policy + ("\n" if self.policy and unused else "") + unused


def privileges(world: World, entries: Iterable[Entry] | None = None) -> Privileges:
    """Return what the requests of the journal (or ``entries``) needed, except those denied or without a token.

    In proxy mode it is not known whether a write creates, so both capabilities count as needed; what the policies of
    the real server grant is not known either.
    """
    found = Privileges()
    policies: set[tuple[str, str]] = set()
    used: dict[tuple[str, str], set[str]] = {}
    rules = _Rules(world)
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
            if world.upstream:
                continue
            policies |= {(entry.namespace, name) for name in entry.policies}
            for source in rules.deciding(entry, path):
                used.setdefault(source, set()).update(wanted)
        for namespace, name in sorted(policies):
            found.grants += rules.grants(namespace, name, used)
    return found


def _counts(world: World, entry: Entry) -> bool:
    """Return whether a token's policies let the request pass."""
    if entry.denied or not entry.trace.rule:
        return False
    return entry.status != 403 if world.upstream else bool(entry.accessor)


def _full(entry: Entry) -> str:
    path = entry.shown_path.removeprefix(entry.namespace).replace(TOKEN, "+")
    return entry.namespace + path + ("/" if entry.operation in ("list", "scan") else "")


class _Rules:
    """The current policies: which of their rules decide a request, and which grants are unused."""

    def __init__(self, world: World) -> None:
        self.store = world.core.policies
        self.tokens = world.core.tokens
        self.merged: dict[tuple[str, ...], Acl] = {}

    def deciding(self, entry: Entry, path: str) -> Iterator[tuple[str, str]]:
        """Return the rules that decide about ``path``, as pairs of policy and path as written."""
        found = self._acl(entry).find(path, entry.operation in ("list", "scan"))
        for policy, rule in found.sources if found is not None else ():
            yield policy, rule.written

    def _acl(self, entry: Entry) -> Acl:
        token = self.tokens.lookup(entry.token)
        if token is not None:
            try:
                return self.store.acl(token)
            except VaultError:  # Its entity was deleted meanwhile.
                pass
        key = (entry.namespace, *entry.policies)
        if key not in self.merged:
            self.merged[key] = self.store.merged((name, self._of(entry.namespace, name)) for name in entry.policies)
        return self.merged[key]

    def _of(self, namespace: str, name: str) -> list[PolicyRule]:
        policy = self.store.get(namespace, name)
        try:
            return parse_policy(policy.text, self.store.dialect, namespace=namespace).rules if policy else []
        except PolicyError:
            return []

    def grants(self, namespace: str, name: str, used: dict[tuple[str, str], set[str]]) -> Iterator[Grant]:
        """Return the grants of a policy, one for each rule."""
        for rule in self._of(namespace, name) if name not in ("root", "default") else ():
            given = tuple(capability for capability in _ORDER if capability in rule.capabilities)
            idle = rule.capabilities - used.get((name, rule.written), set())
            unused = tuple(capability for capability in given if capability in idle)
            yield Grant(namespace, name, rule.written, given, unused)
