"""The syntax tree of HCL, and errors with a position."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple


class Position(NamedTuple):
    """Line and column, both from 1; line 0 is an unknown place (values of the JSON form have none)."""

    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.line}:{self.column}" if self.line > 0 else "-"


NOWHERE = Position()


class HclError(ValueError):
    """Invalid HCL, or a value of the wrong kind. ``str()`` is the real parser's message.

    ``place`` is the position of the fault where the message does not begin with one.
    """

    def __init__(self, message: str, position: Position | None = None, *, place: Position | None = None) -> None:
        super().__init__(message if position is None else f"At {position}: {message}")
        self.position = place or position
        """None where the real parser gives no position."""

    @property
    def line(self) -> int:
        """From 1; 0 is unknown."""
        return self.position.line if self.position else 0

    @property
    def column(self) -> int:
        """From 1; 0 is unknown."""
        return self.position.column if self.position else 0


class EndOfText(Exception):
    """The text ended early; the real parsers keep what they have read."""


@dataclass(slots=True)
class Literal:
    """A string, number or boolean. ``value`` is a str, int, float or bool."""

    type_name: ClassVar[str] = "*ast.LiteralType"
    value: str | int | float | bool
    text: str
    """As written."""
    position: Position = NOWHERE


@dataclass(slots=True)
class ListNode:
    """``[…]``."""

    type_name: ClassVar[str] = "*ast.ListType"
    items: list[Node] = field(default_factory=list)
    position: Position = NOWHERE


@dataclass(slots=True)
class ItemKey:
    """One key of an item: ``path`` and ``"secret/*"`` in ``path "secret/*" {``."""

    name: str
    text: str
    """As written, with its quotes."""
    position: Position = NOWHERE


@dataclass(slots=True)
class HclItem:
    """``keys = value`` or ``keys { … }``."""

    type_name: ClassVar[str] = "*ast.ObjectItem"
    keys: list[ItemKey]
    value: Literal | ListNode | Object
    assign: Position = NOWHERE
    """Position of the ``=`` (JSON: the colon); NOWHERE for a block."""

    @property
    def position(self) -> Position:
        """The position of its first key."""
        return self.keys[0].position if self.keys else NOWHERE


@dataclass(slots=True)
class HclItems:
    """Items in order: the top level of a file, the contents of an object, or a selection."""

    type_name: ClassVar[str] = "*ast.ObjectList"
    items: list[HclItem] = field(default_factory=list)

    @property
    def position(self) -> Position:
        """The position of the first item."""
        return self.items[0].position if self.items else NOWHERE

    def under(self, name: str) -> HclItems:
        """Return the items whose first key is ``name`` (ignoring case), without that key."""
        folded = name.casefold()
        return HclItems(
            [
                HclItem(item.keys[1:], item.value, item.assign)
                for item in self.items
                if item.keys and item.keys[0].name.casefold() == folded
            ]
        )


@dataclass(slots=True)
class Object:
    """``{ … }``."""

    type_name: ClassVar[str] = "*ast.ObjectType"
    members: HclItems = field(default_factory=HclItems)
    position: Position = NOWHERE


Node = Literal | ListNode | HclItem | HclItems | Object
