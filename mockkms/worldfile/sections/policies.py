"""``policies`` and ``password_policies``: documents by name, with errors at their line in the YAML file."""

from __future__ import annotations

from collections.abc import Mapping

from mockkms.vault.framework.message import VaultError
from mockkms.vault.framework.shapes.collections import Key, MapOf, Problems, Text
from mockkms.vault.framework.shapes.nodes import Node
from mockkms.vault.framework.world_section import Steps, mapping_at
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.core import Core
from mockkms.vault.policy.defaults import predefined_policies
from mockkms.vault.policy.policies import PolicyError
from mockkms.vault.policy.rules import parse_policy
from mockkms.vault.products import PRODUCTS
from mockkms.worldfile.applying import Applier, find
from mockkms.worldfile.problems import Problem


class PolicyText(Text):
    """A policy in HCL or JSON."""

    def __init__(self) -> None:
        super().__init__("text of a policy in HCL")

    def read(self, node: Node, path: str, problems: Problems) -> str:
        """Return the text; an error only if it is invalid in every product (another file may set the product)."""
        before = len(problems)
        text = super().read(node, path, problems)
        if len(problems) > before:
            return text
        refusals = []
        for flavor in PRODUCTS.values():
            try:
                parse_policy(text, flavor.policies)
            except PolicyError as error:
                refusals.append(error)
            else:
                return text
        problems.append(_problem(node, path, refusals[-1]))
        return text


def _problem(node: Node, path: str, error: PolicyError) -> Problem:
    line, column = node.place(error.line, error.column)
    return Problem(node.file, line, column, path, " ".join(str(error).split()))


def keys() -> dict[str, Key]:
    """Return the keys of a namespace for policies."""
    return {
        "policies": Key(MapOf(PolicyText()), "ACL policies by name, in HCL"),
        "password_policies": Key(MapOf(Text("text of a password policy in HCL")), "password policies by name, in HCL"),
    }


def apply(to: Applier, section: Mapping[str, object], steps: Steps, namespace: str) -> None:
    """Write the policies of a namespace."""
    for name, text in mapping_at(section, "policies").items():
        at = (*steps, "policies", name)
        try:
            to.core.policies.write(namespace, name, str(text))
        except PolicyError as error:
            to.add(_problem(find(to.root, at), ".".join(map(str, at)), error), at, alone=True)
        except VaultError as error:
            to.fault(at, "; ".join(error.errors))
    sys = to.core.state.mounts.get(namespace, "sys/")
    for name, text in mapping_at(section, "password_policies").items():
        with to.guard(*steps, "password_policies", name):
            if sys is not None:
                seeding.write(to.core, sys, f"policies/password/{name}", {"policy": text})


def dump(core: Core, namespace: str) -> dict[str, object]:
    """Return the policies of a namespace; predefined ones only if their text was changed."""
    state = core.state.policies
    own = predefined_policies(core.policies.dialect)
    policies = {n: p.text for (ns, n), p in sorted(state.acl.items()) if ns == namespace and own.get(n) != p.text}
    passwords = {n: text for (ns, n), text in sorted(state.password.items()) if ns == namespace}
    return {"policies": policies, "password_policies": passwords}
