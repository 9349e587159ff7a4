"""Decoding values from a parsed text, with the real decoder's messages for values of the wrong kind.

``name`` is the path shown in messages, such as ``root.capabilities``.
"""

from __future__ import annotations

from collections.abc import Collection

from mockkms.vault.golang.fmt import error_list
from mockkms.vault.hcl.parser import parse
from mockkms.vault.hcl.tree import HclError, HclItem, HclItems, ListNode, Literal, Node, Object, Position
from mockkms.vault.hcl.values import integer


def loads(text: str | bytes) -> dict[str, object]:
    """Parse a text into plain data; blocks become lists of dicts, as the real decoder does for an untyped target.

    Raises HclError.
    """
    return decode_map(parse(text), "root")


def check_keys(node: Node, valid: Collection[str], prefix: str = "") -> None:
    """Raise HclError for keys that are not in ``valid``, or a node that cannot have keys.

    ``prefix`` precedes each fault.
    """
    wrong = _unknown(node, valid, prefix)
    if wrong:
        messages = [f'{prefix}invalid key "{item.keys[0].name}" on line {item.assign.line}' for item in wrong]
        raise HclError(error_list(messages), place=Position(wrong[0].keys[0].position.line, 1))


def _unknown(node: Node, valid: Collection[str], prefix: str) -> list[HclItem]:
    """Return the items with other keys than ``valid``."""
    items = node.members if isinstance(node, Object) else node
    if not isinstance(items, HclItems):
        raise HclError(f"{prefix}cannot check HCL keys of type {node.type_name}")
    return [item for item in items.items if item.keys[0].name not in valid]


def key_faults(node: Node, valid: Collection[str], prefix: str) -> list[str]:
    """Return what is wrong with the keys of a block, one message for each, each with ``prefix``."""
    try:
        wrong = _unknown(node, valid, prefix)
    except HclError as error:
        return [str(error)]
    return [f'{prefix}invalid key "{item.keys[0].name}" on line {item.assign.line}' for item in wrong]


def field_values(items: HclItems, name: str) -> list[Node]:
    """Return all values of one field of a block.

    Keyed blocks (``name "x" {…}``) come first, together.
    """
    found = items.under(name)
    keyed = [item for item in found.items if item.keys]
    values: list[Node] = [HclItems(keyed)] if keyed else []
    for item in found.items:
        if not item.keys:
            values.append(item.value.members if isinstance(item.value, Object) else item.value)
    return values


def decode_string(node: Node, name: str) -> str:
    """Return a string; an integer is converted to its digits. Raises HclError."""
    if isinstance(node, Literal):
        if isinstance(node.value, str):
            return node.value
        if isinstance(node.value, int) and not isinstance(node.value, bool):
            return node.text
    raise HclError(f"{name}: unknown type for string {node.type_name}", node.position)


def decode_int(node: Node, name: str) -> int:
    """Return an integer, also from a string that contains one. Raises HclError."""
    if isinstance(node, Literal):
        if isinstance(node.value, str):
            return integer(node.value)
        if isinstance(node.value, int) and not isinstance(node.value, bool):
            return node.value
    raise HclError(f"{name}: unknown type {node.type_name}", node.position)


def _elements(node: Node) -> list[Node]:
    if isinstance(node, HclItems):
        return list(node.items)
    if isinstance(node, Object):
        return [node]
    if isinstance(node, ListNode):
        return list(node.items)
    raise HclError(f"unknown slice type: {node.type_name}", node.position)


def decode_strings(node: Node, name: str) -> list[str]:
    """Return a list of strings. Raises HclError."""
    return [decode_string(item, f"{name}[{index}]") for index, item in enumerate(_elements(node))]


def decode_list(node: Node, name: str) -> list[object]:
    """Return a list of values of any kind. Raises HclError."""
    return [decode_any(item, f"{name}[{index}]", in_list=True) for index, item in enumerate(_elements(node))]


def decode_any(node: Node, name: str, *, in_list: bool = False) -> object:
    """Return a value of any type. An object is a dict directly in a list, else a list of one dict for each block."""
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, ListNode):
        return decode_list(node, name)
    if isinstance(node, HclItem):
        raise HclError(f"{name}: cannot decode into interface: {node.type_name}")
    items = node.members if isinstance(node, Object) else node
    if in_list:
        return decode_map(items, name)
    if isinstance(node, Object):
        return [decode_map(items, name)]
    return [decode_map(HclItems([item]), name) for item in items.items]


def decode_map(node: Node, name: str, *, lists: bool = False) -> dict[str, object]:
    """Return a dict with the first keys of the items.

    ``lists``: every value has to be a list. Repeated keys are joined.
    """
    if isinstance(node, HclItem):
        node = HclItems([node])
    items = node.members if isinstance(node, Object) else node
    if not isinstance(items, HclItems):
        raise HclError(f"{name}: not an object type for map ({node.type_name})", node.position)
    found: dict[str, object] = {}
    done: set[str] = set()
    for item in items.items:
        if not item.keys:
            raise HclError(f"{name}: map must have string keys", items.position)
        key = item.keys[0].name
        if key in done:
            continue
        value: Node = item.value
        if len(item.keys) > 1:
            value = items.under(key)
            done.add(key)
        decoded = decode_list(value, f"{name}.{key}") if lists else decode_any(value, f"{name}.{key}")
        before = found.get(key)
        found[key] = before + decoded if isinstance(before, list) and isinstance(decoded, list) else decoded
    return found
