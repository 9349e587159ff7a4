"""LDIF (RFC 2849): entries and changes, as texts that a directory executes."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field

_KINDS = ("add", "delete", "modify")


@dataclass
class LdifRecord:
    """One entry or change."""

    dn: str
    kind: str = "add"
    """``add``, ``delete`` or ``modify``."""
    attributes: list[tuple[str, list[bytes]]] = field(default_factory=list)
    """What is added: names with their values, in the order of the text."""
    changes: list[tuple[str, str, list[bytes]]] = field(default_factory=list)
    """What is modified: ``add``, ``delete`` or ``replace``, the attribute and the values."""


def parse(text: str) -> list[LdifRecord]:
    """Return the entries and changes of a text. Raises ValueError."""
    found: list[LdifRecord] = []
    block: list[tuple[int, str]] = []
    for number, line in _unfolded(text):
        if line:
            block.append((number, line))
        elif block:
            found.extend(_record(block))
            block = []
    return found


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines with their numbers, continued ones joined and comments left out; an empty one at the end."""
    kept, at = "", 0
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if line.startswith(" ") and kept:
            kept += line[1:]
            continue
        if at and not kept.startswith("#"):
            yield at, kept
        kept, at = line.rstrip(), number
    if not kept.startswith("#"):
        yield at, kept
    yield at + 1, ""


def _record(block: list[tuple[int, str]]) -> Iterator[LdifRecord]:
    if block[0][1].lower().startswith("version:"):
        block = block[1:]
        if not block:
            return
    end = block[-1][0] + 1
    if not block[0][1].startswith("dn:"):
        raise ValueError(f"Error in line {end}: missing 'dn:'")
    _, dn = _pair(*block[0])
    found, rest = LdifRecord(dn.decode("utf-8", "replace")), block[1:]
    if not rest:
        raise ValueError(f"Error in line {end}: only a dn: line")
    if rest and rest[0][1].lower().startswith("changetype:"):
        found.kind = _pair(*rest[0])[1].decode("utf-8", "replace").lower()
        if found.kind not in _KINDS:
            raise ValueError(f"Error in line {rest[0][0]}: Unsupported changetype {found.kind}")
        rest = rest[1:]
    if found.kind == "modify":
        found.changes = list(_changes(rest))
    else:
        _add_attributes(found, rest)
    yield found


def _add_attributes(found: LdifRecord, lines: list[tuple[int, str]]) -> None:
    values: dict[str, list[bytes]] = {}
    for number, line in lines:
        name, value = _pair(number, line)
        values.setdefault(name, []).append(value)
    found.attributes = list(values.items())
    if found.kind == "add" and not values:
        raise ValueError(f"no attributes for {found.dn}")


def _changes(lines: list[tuple[int, str]]) -> Iterator[tuple[str, str, list[bytes]]]:
    kind, attribute, values = "", "", list[bytes]()
    for number, line in [*lines, (0, "-")]:
        if line == "-":
            if kind:
                yield kind, attribute, values
            kind, attribute, values = "", "", []
            continue
        name, value = _pair(number, line)
        if not kind:
            kind, attribute = name.lower(), value.decode("utf-8", "replace")
            if kind not in ("add", "delete", "replace"):
                raise ValueError(f"Error in line {number}: Invalid modify operation {name}")
        elif name.lower() != attribute.lower():
            raise ValueError(f"Error in line {number}: Attribute {name} does not match {attribute}")
        else:
            values.append(value)


def _pair(number: int, line: str) -> tuple[str, bytes]:
    """Return the name and the value of a line."""
    name, colon, value = line.partition(":")
    if not colon or not name:
        raise ValueError(f"Error in line {number}: Missing : in line")
    if not value.startswith(":"):
        return name, value.removeprefix(" ").encode("utf-8", "surrogateescape")
    try:
        return name, base64.b64decode(value[1:].strip(), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"Error in line {number}: Error decoding base64 value") from None
