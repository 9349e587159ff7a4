"""Control groups of Vault's policies: their form is checked, and no request waits for approval."""

from __future__ import annotations

from collections.abc import Iterator

from mockkms.error_context import error_context
from mockkms.lazy_dataclass import dataclass
from mockkms.vault import hcl
from mockkms.vault.golang.duration import parse_seconds


@dataclass(slots=True)
class Factor:
    """One ``factor`` block."""

    identity: bool
    """Has an ``identity`` block."""
    groups: int
    """How many groups the block names, by id or name."""
    approvals: int
    capabilities: list[str]
    """The capabilities that need approval; empty means all."""


@dataclass(slots=True)
class ControlGroup:
    """A ``control_group`` block."""

    ttl: object
    factors: list[Factor]


def decode_control_group(node: hcl.Node, name: str) -> ControlGroup:
    """Return a control group as written. Raises HclError."""
    members = _members(node, name)
    ttl: object = None
    for value in hcl.field_values(members, "ttl"):
        ttl = hcl.decode_any(value, f"{name}.ttl")
    factors: dict[str, Factor] = {}
    for value in hcl.field_values(members, "factor"):
        for key, block in _named(value, f"{name}.factor"):
            factors[key] = _factor(block, f"{name}.factor.{key}")
    return ControlGroup(ttl, list(factors.values()))


def _members(node: hcl.Node, name: str) -> hcl.HclItems:
    members = node.members if isinstance(node, hcl.Object) else node
    if not isinstance(members, hcl.HclItems):
        raise hcl.HclError(f"{name}: not an object type for struct ({node.type_name})", node.position)
    return members


def _named(node: hcl.Node, name: str) -> Iterator[tuple[str, hcl.Node]]:
    if not isinstance(node, hcl.HclItems):
        raise hcl.HclError(f"{name}: not an object type for map ({node.type_name})", node.position)
    for item in node.items:
        key, *more = item.keys
        yield key.name, hcl.HclItems([hcl.HclItem(more, item.value, item.assign)]) if more else item.value


def _factor(node: hcl.Node, name: str) -> Factor:
    members = _members(node, name)
    found = Factor(identity=False, groups=0, approvals=0, capabilities=[])
    for value in hcl.field_values(members, "controlled_capabilities"):
        found.capabilities += hcl.decode_strings(value, f"{name}.controlled_capabilities")
    for value in hcl.field_values(members, "identity"):
        within = _members(value, f"{name}.identity")
        # A second block replaces the first.
        found.identity, found.groups, found.approvals = True, 0, 0
        for field in ("group_ids", "group_names"):
            for names in hcl.field_values(within, field):
                found.groups += len(hcl.decode_strings(names, f"{name}.identity.{field}"))
        for number in hcl.field_values(within, "approvals"):
            found.approvals = hcl.decode_int(number, f"{name}.identity.approvals")
    return found


def check_control_group(group: ControlGroup, capabilities: frozenset[str]) -> None:
    """Raise ValueError for a control group that Vault refuses, on a path with ``capabilities``."""
    if group.ttl is not None:
        with error_context("error parsing control group max ttl: "):
            parse_seconds(group.ttl)
    for factor in group.factors:
        if not factor.identity:
            raise ValueError("no control_group factor provided")
        if factor.approvals <= 0 or not factor.groups:
            raise ValueError("must provide more than one identity group and approvals > 0")
        if not capabilities.issuperset(factor.capabilities):
            raise ValueError("control group factor capabilities must be a subset of the policy's capabilities")
    if not group.factors:
        raise ValueError("no control group factors provided")
