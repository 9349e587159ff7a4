"""Bindings of role sets and static accounts: IAM roles by resource, in HCL or JSON, also in base64."""

from __future__ import annotations

from mockkms.crypto.encoding import b64
from mockkms.vault.golang.fmt import error_list
from mockkms.vault.hcl.parser import parse
from mockkms.vault.hcl.tree import HclItem, ListNode, Literal, Object

_FORMATS = '"projects/X/roles/Y", "organizations/X/roles/Y", "roles/X"'


def parse_bindings(text: str) -> dict[str, list[str]]:
    """Return the sorted roles of each resource. Raises ValueError with the plugin's text."""
    try:
        raw, encoded = b64.decode(text).decode("utf-8", "replace"), "base64-encoded"
    except ValueError:
        raw, encoded = text, "raw string"
    try:
        items = parse(raw).items
    except ValueError as error:
        raise ValueError(f"unable to parse {encoded} bindings as valid HCL: {error}") from None
    found: dict[str, set[str]] = {}
    faults = []
    for item in items:
        try:
            _resource(item, found)
        except ValueError as error:
            faults.append(f"(line {item.assign.line}) {error}")
    if faults:
        raise ValueError(f"unable to parse bindings: {error_list(faults)}")
    return {name: sorted(roles) for name, roles in sorted(found.items())}


def _resource(item: HclItem, found: dict[str, set[str]]) -> None:
    if len(item.keys) != 2:
        raise ValueError('top-level items must have format "resource" "$resource_name"')
    kind, name = (key.name for key in item.keys)
    if kind != "resource":
        raise ValueError(f'invalid item "{kind}", expected "resource"')
    roles = found.setdefault(name, set())
    for inner in _items(item):
        if len(inner.keys) != 1 or inner.keys[0].name != "roles":
            key = inner.keys[0].name if inner.keys else ""
            raise ValueError(f'invalid key "{key}" in resource, expected "roles"')
        if not isinstance(inner.value, ListNode):
            raise ValueError("parsing error, expected list of roles for key 'roles'")
        roles.update(_role(node, inner.assign.line) for node in inner.value.items)


def _items(item: HclItem) -> list[HclItem]:
    if not isinstance(item.value, Object):
        raise ValueError(f"invalid empty roles list for item (line {item.assign.line})")
    return item.value.members.items


def _role(node: object, line: int) -> str:
    if not isinstance(node, Literal) or not isinstance(node.value, str):
        raise ValueError(f"unexpected item in roles list is not a string (line {line})")
    parts = node.value.split("/")
    plain = len(parts) == 2 and parts[0] == "roles"
    custom = len(parts) == 4 and parts[2] == "roles" and parts[0] in ("projects", "organizations")
    if not plain and not custom:
        raise ValueError(f'invalid role "{node.value}" (line {line}) must be one of following formats: {_FORMATS}')
    return node.value
