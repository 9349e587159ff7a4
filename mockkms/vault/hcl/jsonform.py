"""The JSON form of HCL: a lenient parser like the real one, and folding nested objects into items with several keys."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple

from mockkms.vault.hcl.tree import (
    NOWHERE,
    EndOfText,
    HclError,
    HclItem,
    HclItems,
    ItemKey,
    ListNode,
    Literal,
    Object,
    Position,
)
from mockkms.vault.hcl.values import floating, integer, unescape

_MAX_DEPTH = 100
_TOKEN = re.compile(
    r"""[ \t\n\r]*(?:
    (?P<STRING>"(?:[^"\\\n]|\\.)*")
    |(?P<FLOAT>-?[0-9]+(?:\.[0-9]*(?:[eE][+-]?[0-9]*)?|[eE][+-]?[0-9]*))
    |(?P<NUMBER>-?[0-9]+)
    |(?P<BOOL>true|false)(?![\w-])
    |(?P<NULL>null)(?![\w-])
    |(?P<LBRACE>\{)|(?P<RBRACE>\})|(?P<LBRACK>\[)|(?P<RBRACK>\])|(?P<COMMA>,)|(?P<COLON>:)
    |(?P<EOF>\Z))""",
    re.VERBOSE,
)
_SPACE = re.compile(r"[ \t\n\r]*")


class _Token(NamedTuple):
    kind: str
    text: str
    position: Position


def parse_json(text: str) -> HclItems:
    """Parse a JSON text into HCL items. Raises HclError."""
    reader = _JsonReader(text)
    reader.next()
    try:
        found = reader.object()
    except EndOfText:
        found = Object()
    _fold(found.members)
    return found.members


class _JsonReader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.token = _Token("EOF", "", NOWHERE)
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def _position(self, index: int) -> Position:
        line = bisect_right(self._line_starts, index)
        return Position(line, index - self._line_starts[line - 1] + 1)

    def next(self) -> _Token:
        match = _TOKEN.match(self.text, self.at)
        if match is None or match.lastgroup is None:
            space = _SPACE.match(self.text, self.at)
            self.token = _Token("ILLEGAL", "", NOWHERE)
            raise self._illegal(space.end() if space else self.at)
        self.at = match.end()
        kind = match.lastgroup
        self.token = _Token(kind, match[kind], self._position(match.start(kind)))
        if kind == "NUMBER" and re.match(r"-?0[0-9]", match[kind]):
            raise HclError(f"{self._position(self.at - 1)}: numbers cannot start with 0")
        return self.token

    def _illegal(self, index: int) -> HclError:
        char = self.text[index : index + 1]
        if char == '"':
            end = self.text.find("\n", index)
            return HclError(f"{self._position(end if end >= 0 else len(self.text))}: literal not terminated")
        word = re.compile(r"[^\W\d][\w-]*").match(self.text, index)
        if word or char == "-":
            return HclError(f"{self._position(word.end() - 1 if word else index)}: illegal char")
        return HclError(f"{self._position(index)}: illegal char: {char}")

    def object(self) -> Object:
        """Parse the object whose opening brace was just read."""
        self._deeper()
        members: list[HclItem] = []
        try:
            while True:
                members.append(self._item())
                if self.next().kind != "COMMA":
                    break
        except EndOfText:
            pass
        except HclError:
            # A closing brace in place of a key ends the object: ``{}``, or a trailing comma.
            if self.token.kind != "RBRACE":
                raise
        self.depth -= 1
        return Object(HclItems(members))

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise HclError(f"{self.token.position}: nested deeper than {_MAX_DEPTH} levels")

    def _item(self) -> HclItem:
        keys: list[ItemKey] = []
        while True:
            token = self.next()
            if token.kind == "EOF":
                raise EndOfText
            if token.kind == "STRING":
                keys.append(ItemKey(unescape(token.text[1:-1]), token.text))
            elif token.kind == "COLON" and keys:
                return HclItem(keys, self._value(), token.position)
            else:
                raise HclError(f"expected: STRING got: {token.kind}")

    def _value(self) -> Literal | ListNode | Object:
        token = self.next()
        if token.kind == "LBRACE":
            return self.object()
        if token.kind == "LBRACK":
            return self._list()
        if token.kind == "EOF":
            raise EndOfText
        if token.kind in ("RBRACE", "RBRACK", "COMMA", "COLON"):
            raise HclError(f"Expected object value, got unknown token: {token.position} {token.kind} {token.text}")
        return _literal(token)

    def _list(self) -> ListNode:
        self._deeper()
        found = ListNode()
        while True:
            token = self.next()
            if token.kind == "RBRACK":
                self.depth -= 1
                return found
            if token.kind in ("STRING", "NUMBER", "FLOAT"):
                found.items.append(_literal(token))
            elif token.kind == "LBRACE":
                found.items.append(self.object())
            elif token.kind not in ("COMMA", "BOOL", "LBRACK"):
                # Booleans and lists in a list are skipped, as the real parser does.
                raise HclError(f"unexpected token while parsing list: {token.kind}")


def _literal(token: _Token) -> Literal:
    if token.kind == "NULL":
        return Literal("", "")
    if token.kind == "BOOL":
        return Literal(token.text == "true", token.text)
    if token.kind == "NUMBER":
        return Literal(integer(token.text), token.text)
    if token.kind == "FLOAT":
        return Literal(floating(token.text), token.text)
    return Literal(unescape(token.text[1:-1]), token.text)


def _fold(members: HclItems) -> None:
    """Turn ``{"path": {"a": {…}}}`` into the item ``path "a" {…}``, and a list of objects into repeated items."""
    members.items = [folded for item in members.items for folded in _folded(item)]
    for item in members.items:
        nested = item.value.items if isinstance(item.value, ListNode) else [item.value]
        for value in nested:
            if isinstance(value, Object):
                _fold(value.members)


def _folded(item: HclItem) -> list[HclItem]:
    value = item.value
    if isinstance(value, Object) and value.members.items:
        inner = value.members.items
        if all(isinstance(member.value, Object) for member in inner):
            return [out for m in inner for out in _folded(HclItem(item.keys + m.keys, m.value, item.assign))]
    if isinstance(value, ListNode) and value.items and all(isinstance(element, Object) for element in value.items):
        objects = [element for element in value.items if isinstance(element, Object)]
        return [out for element in objects for out in _folded(HclItem(item.keys, element, item.assign))]
    return [item]
