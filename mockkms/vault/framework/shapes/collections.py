"""The shapes of lists, mappings and records; this module also exports the shapes of single values.

``shape.read(node, path, problems)`` returns the plain value and appends all problems; it never raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from mockkms.vault.framework.shapes.nodes import LACKS_KEY, Node, Problem, nearest
from mockkms.vault.framework.shapes.scalars import (
    Base64,
    Boolean,
    Choice,
    Integer,
    Json,
    Moment,
    Problems,
    Seconds,
    Shape,
    Text,
)

__all__ = [
    "Base64",
    "Boolean",
    "Choice",
    "Either",
    "Integer",
    "Json",
    "Key",
    "Late",
    "ListOf",
    "MapOf",
    "Moment",
    "Named",
    "Problems",
    "RecordShape",
    "Seconds",
    "Shape",
    "Tagged",
    "Text",
]


@dataclass
class ListOf(Shape):
    """A list; with ``single``, a single value is read as a list of one."""

    item: Shape
    single: bool = False

    def __post_init__(self) -> None:
        self.expected = "a list"

    def read(self, node: Node, path: str, problems: Problems) -> list[object]:
        if node.kind != "list":
            if self.single and node.kind not in ("null", "mapping"):
                return [self.item.read(node, path, problems)]
            self.refuse(node, path, problems)
            return []
        return [self.item.read(item, f"{path}[{index}]", problems) for index, item in enumerate(node.items)]

    def schema(self) -> dict[str, object]:
        many: dict[str, object] = {"type": "array", "items": self.item.schema()}
        return {"anyOf": [self.item.schema(), many]} if self.single else many


@dataclass
class MapOf(Shape):
    """A mapping with arbitrary keys."""

    value: Shape
    key: Callable[[str], str | None] | None = None
    """Returns what is wrong with a key, or None."""

    def __post_init__(self) -> None:
        self.expected = "a mapping"

    def read(self, node: Node, path: str, problems: Problems) -> dict[str, object]:
        if node.kind == "null":
            return {}
        if node.kind != "mapping":
            self.refuse(node, path, problems)
            return {}
        values: dict[str, object] = {}
        for name, entry in node.entries.items():
            below = f"{path}.{name}" if path else name
            wrong = self.key(name) if self.key else None
            if wrong:
                problems.append(Problem(entry.value.file, entry.line, entry.column, below, wrong))
            values[name] = self.value.read(entry.value, below, problems)
        return values

    def schema(self) -> dict[str, object]:
        return {"type": ["object", "null"], "additionalProperties": self.value.schema()}


@dataclass
class Key:
    """One key of a record."""

    shape: Shape
    help: str = ""
    required: bool = False


@dataclass
class RecordShape(Shape):
    """A mapping with known keys; unknown keys are problems that name the most similar known key."""

    keys: Mapping[str, Key]
    short: Shape | None = None
    """A short form, such as ``v1: true`` for ``v1: {enabled: true}``, read as ``{short_key: value}``."""
    short_key: str = ""

    def __post_init__(self) -> None:
        self.expected = "a mapping"

    def read(self, node: Node, path: str, problems: Problems) -> dict[str, object]:
        if node.kind not in ("null", "mapping"):
            if self.short is not None:
                return {self.short_key: self.short.read(node, path, problems)}
            self.refuse(node, path, problems)
            return {}
        values: dict[str, object] = {}
        entries = node.entries
        for name, entry in entries.items():
            below = f"{path}.{name}" if path else name
            known = self.keys.get(name)
            if known is None:
                message = f'unknown key "{name}"{nearest(name, self.keys)}'
                problems.append(Problem(entry.value.file, entry.line, entry.column, below, message))
                continue
            values[name] = known.shape.read(entry.value, below, problems)
        for name, known in self.keys.items():
            if known.required and name not in entries:
                problems.append(node.problem(path, f'{LACKS_KEY}"{name}" is missing'))
        return values

    def schema(self) -> dict[str, object]:
        properties = {name: {**key.shape.schema(), "description": key.help} for name, key in self.keys.items()}
        required = [name for name, key in self.keys.items() if key.required]
        record: dict[str, object] = {
            "type": ["object", "null"],
            "properties": properties,
            "additionalProperties": False,
        }
        if required:
            record.update(required=required, type="object")
        return {"anyOf": [self.short.schema(), record]} if self.short is not None else record


@dataclass
class Tagged(Shape):
    """A record in which one key determines the others: ``type: transit`` allows ``keys``."""

    tag: str
    variants: Mapping[str, Mapping[str, Key] | Callable[[], Mapping[str, Key]]]
    """Keys, or a function that returns them, called when a value of the variant is read, so that modules load late."""
    common: Mapping[str, Key] = field(default_factory=dict)
    what: str = "type"

    def __post_init__(self) -> None:
        self.expected = "a mapping"
        self._records: dict[str, RecordShape] = {}

    def _record(self, name: str) -> RecordShape | None:
        if name not in self._records and name in self.variants:
            choice = Key(Choice(tuple(self.variants), self.what), required=True)
            keys = self.variants[name]
            found = keys() if callable(keys) else keys
            self._records[name] = RecordShape({self.tag: choice, **self.common, **found})
        return self._records.get(name)

    def read(self, node: Node, path: str, problems: Problems) -> dict[str, object]:
        if node.kind != "mapping":
            self.refuse(node, path, problems)
            return {}
        entry = node.entries.get(self.tag)
        if entry is None:
            self._untagged(node, path, problems)
            return {}
        record = self._record(entry.value.text)
        if record is None:
            Choice(tuple(self.variants), self.what).read(entry.value, f"{path}.{self.tag}", problems)
            return {}
        return record.read(node, path, problems)

    def _untagged(self, node: Node, path: str, problems: Problems) -> None:
        """Report that the tag is missing; perhaps a key that is not one of the common ones is a misspelled tag."""
        for name, entry in node.entries.items():
            if name not in self.common and nearest(name, [self.tag]).startswith("; did you"):
                message = f'unknown key "{name}"{nearest(name, [self.tag])}'
                problems.append(Problem(entry.value.file, entry.line, entry.column, f"{path}.{name}", message))
                return
        words = ", ".join(self.variants)
        problems.append(node.problem(path, f'{LACKS_KEY}"{self.tag}" is missing; it says which {self.what}: {words}'))

    def schema(self) -> dict[str, object]:
        variants = []
        for name in self.variants:
            record = self._record(name)
            assert record is not None
            shown = record.schema()
            properties = shown["properties"]
            assert isinstance(properties, dict)
            variants.append({**shown, "properties": {**properties, self.tag: {"const": name}}})
        return {"oneOf": variants}


@dataclass
class Either(Shape):
    """The first of several shapes whose kind fits the value."""

    shapes: Mapping[str, Shape]
    """By the node's kind (``mapping``, ``list``, ``text``, ``integer``…)."""

    def __post_init__(self) -> None:
        self.expected = " or ".join(dict.fromkeys(shape.expected for shape in self.shapes.values()))

    def read(self, node: Node, path: str, problems: Problems) -> object:
        shape = self.shapes.get(node.kind)
        if shape is None:
            self.refuse(node, path, problems)
            return None
        return shape.read(node, path, problems)

    def schema(self) -> dict[str, object]:
        return {"anyOf": [shape.schema() for shape in self.shapes.values()]}


@dataclass
class Late(Shape):
    """A shape that is created when a value is read, so that its modules are not imported earlier."""

    make: Callable[[], Shape]

    @cached_property
    def shape(self) -> Shape:
        """The shape itself."""
        return self.make()

    def read(self, node: Node, path: str, problems: Problems) -> object:
        return self.shape.read(node, path, problems)

    def schema(self) -> dict[str, object]:
        return self.shape.schema()


@dataclass
class Named(Shape):
    """A shape that is used in several places; the schema describes it once, under ``$defs``."""

    name: str
    shape: Shape

    def __post_init__(self) -> None:
        self.expected = self.shape.expected

    def read(self, node: Node, path: str, problems: Problems) -> object:
        return self.shape.read(node, path, problems)

    def schema(self) -> dict[str, object]:
        return {"$ref": f"#/$defs/{self.name}"}
