"""LDIF (RFC 2849): entries and changes, as texts that a directory executes."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mockkms.urls import urlsplit

_KINDS = ("add", "delete", "modify")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*")


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
    """Return the entries and changes of a text. Raises ValueError with the texts of the library ``go-ldap/ldif``.

    As there, a ``changetype`` holds until another one, and an error has the number of the line after its record.
    """
    reader = _LdifReader()
    for number, line in enumerate(text.split("\n"), 1):
        try:
            reader.read(line.rstrip("\r\n"))
        except ValueError as error:
            raise ValueError(f"Error in line {number}: {error}") from None
    try:
        reader.read("")
    except ValueError as error:
        raise ValueError(f"Error in line {text.count(chr(10)) + 2}: {error}") from None
    return reader.found


class _LdifReader:
    """Reads lines one after the other; an empty one ends a record."""

    def __init__(self) -> None:
        self.found: list[LdifRecord] = []
        self._lines: list[str] = []
        self._line = ""
        self._comment = False
        self._kind = ""
        self._first = True

    def read(self, line: str) -> None:
        """Take a line without its end. Raises ValueError."""
        if not line:
            if self._line or self._lines:
                lines, self._lines, self._line = [*self._lines, self._line], [], ""
                self._record(lines)
        elif line[0] == "#":
            self._comment = True
        elif line[0] == " ":
            self._line += "" if self._comment else line[1:]
        else:
            self._comment = False
            if self._line:
                self._lines.append(self._line)
            self._line = line

    def _record(self, lines: list[str]) -> None:
        if self._first and lines[0].startswith("version:"):
            lines = lines[1:]
        self._first = False
        if not lines:
            return
        if not lines[0].startswith("dn:"):
            raise ValueError("missing 'dn:'")
        _, dn = _pair(lines[0])
        if len(lines) == 1:
            raise ValueError("only a dn: line")
        lines = lines[1:]
        if lines[0].startswith("changetype:"):
            self._kind = _pair(lines[0])[1].decode("utf-8", "replace")
            lines = lines[1:] or lines
        self.found.append(self._made(LdifRecord(dn.decode("utf-8", "replace")), lines))

    def _made(self, record: LdifRecord, lines: list[str]) -> LdifRecord:
        if self._kind in ("moddn", "modrdn"):
            raise ValueError(f"unsupported changetype {self._kind}")
        if self._kind not in ("", *_KINDS):
            raise ValueError(f"invalid changetype {self._kind}")
        record.kind = self._kind or "add"
        if record.kind == "modify":
            record.changes = list(_changes(lines))
        elif record.kind == "add":
            values: dict[str, list[bytes]] = {}
            for line in lines:
                name, value = _pair(line)
                values.setdefault(name, []).append(value)
            record.attributes = list(values.items())
        elif len(lines) > 1:
            raise ValueError("no attributes allowed for changetype delete")
        return record


def _changes(lines: list[str]) -> Iterator[tuple[str, str, list[bytes]]]:
    if lines[-1] != "-":
        raise ValueError("modify request does not close with a single dash")
    kind, attribute, values = "", "", list[bytes]()
    for line in lines:
        if line == "-":
            if not kind:
                raise ValueError("empty operation")
            if kind not in ("add", "delete", "replace"):
                raise ValueError(f"invalid operation {kind} in modify request")
            yield kind, attribute, values
            kind, attribute, values = "", "", []
            continue
        name, value = _pair(line)
        if not kind:
            kind, attribute = name, value.decode("utf-8", "replace")
        elif name != attribute:
            raise ValueError(f"invalid attribute {name} in {kind} request for {attribute}")
        else:
            values.append(value)


def _pair(line: str) -> tuple[str, bytes]:
    """Return the name and the value of a line."""
    name, colon, value = line.partition(":")
    if not colon:
        raise ValueError(f"Missing : in line `{line}`")
    if not value:
        raise ValueError("empty value")
    _check_name(name)
    if value[0] == "<":
        raise ValueError(f"unsupported URL scheme {urlsplit(value[1:].strip()).scheme}")
    if value[0] != ":":
        return name, value.lstrip(" ").encode("utf-8", "surrogateescape")
    try:
        return name, base64.b64decode(value[1:].lstrip(" "), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"illegal base64 data at input byte {_first_wrong(value[1:].lstrip(' '))}") from None


def _check_name(name: str) -> None:
    if not name:
        raise ValueError("empty attribute name")
    if not (name[0].isascii() and name[0].isalnum()):
        raise ValueError("invalid first character in attribute")


def _first_wrong(text: str) -> int:
    """Return the position at which base64 ends too early or has another character."""
    match = _BASE64.match(text)
    end = match.end() if match else 0
    return end if end < len(text) else end // 4 * 4
