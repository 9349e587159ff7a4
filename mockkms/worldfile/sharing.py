"""JSON Schemas without repetition: what occurs more than once is written once, under ``$defs``.

Editors load the schema of world files for each file, and it is part of the package.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping

_SMALLEST = 60
"""Characters of the smallest schema that a reference replaces."""
_REF = "#/$defs/"

Schema = dict[str, object]


def shared(schema: Schema, names: Mapping[str, Schema]) -> Schema:
    """Return an equal schema in which references replace repeated parts. Descriptions stay where they are used.

    Args:
        schema: A schema, whose ``$defs`` are kept.
        names: The names of some parts. Others are named after the key of their first use.
    """
    return _Sharing(schema, names).result()


class _Sharing:
    """The work on one schema."""

    def __init__(self, schema: Schema, names: Mapping[str, Schema]) -> None:
        self._schema = schema
        self._given = {_text(part): name for name, part in names.items()}
        self._counts = Counter[str]()
        _count(schema, self._counts)
        definitions = schema.get("$defs")
        self._defs: Schema = dict(definitions) if isinstance(definitions, dict) else {}
        self._made: dict[str, str] = {}
        """Names of new definitions by their text."""

    def result(self) -> Schema:
        """Return the schema with references."""
        own = [*self._defs]
        root = self._inside({key: value for key, value in self._schema.items() if key != "$defs"}, "")
        for name in own:
            definition = self._defs[name]
            assert isinstance(definition, dict)
            self._defs[name] = self._inside(definition, name)
        return {**root, "$defs": dict(sorted(self._defs.items()))}

    def _inside(self, schema: Schema, name: str) -> Schema:
        """Return a schema with references in place of its parts."""
        return _mapped(schema, name, self._referred)

    def _referred(self, part: Schema, name: str) -> Schema:
        """Return a reference to a part, with its description if that is not always the same, or the part."""
        whole = _text(part, described=True)
        if "description" in part and "$ref" not in part and self._repeated(whole):
            return self._reference(whole, name, lambda: self._undescribed(part, name))
        return self._undescribed(part, name)

    def _undescribed(self, part: Schema, name: str) -> Schema:
        """Return a part, or a reference to what it is but for its description."""
        text = _text(part)
        if "$ref" in part or not self._repeated(text):
            return self._inside(part, name)
        found = self._reference(text, self._given.get(text, name), lambda: self._inside(_bare(part), name))
        return found | ({"description": part["description"]} if "description" in part else {})

    def _repeated(self, text: str) -> bool:
        return len(text) >= _SMALLEST and self._counts[text] > 1

    def _reference(self, text: str, name: str, definition: Callable[[], Schema]) -> Schema:
        if text not in self._made:
            self._made[text] = made = self._free(name)
            self._defs[made] = {}  # Reserves the name.
            self._defs[made] = definition()
        return {"$ref": f"{_REF}{self._made[text]}"}

    def _free(self, name: str) -> str:
        number = 1
        while (name if number == 1 else f"{name}_{number}") in self._defs:
            number += 1
        return name if number == 1 else f"{name}_{number}"


def _bare(part: Schema) -> Schema:
    return {key: value for key, value in part.items() if key != "description"}


def _text(part: Schema, *, described: bool = False) -> str:
    """Return what two parts have in common if one can stand for the other; ``described``: with their description."""
    return json.dumps(part if described else _bare(part), sort_keys=True)


def _mapped(schema: Schema, name: str, change: Callable[[Schema, str], Schema]) -> Schema:
    """Return a schema with ``change(part, key)`` in place of each schema directly inside it."""
    found: Schema = {}
    for word, value in schema.items():
        if word in ("properties", "$defs") and isinstance(value, dict):
            found[word] = {key: change(part, key) for key, part in value.items()}
        elif word in ("items", "additionalProperties") and isinstance(value, dict):
            found[word] = change(value, f"{name}_item")
        elif word in ("anyOf", "oneOf") and isinstance(value, list):
            found[word] = [change(part, name) for part in value]
        else:
            found[word] = value
    return found


def _count(schema: Schema, counts: Counter[str]) -> None:
    """Count the schemas inside a schema. Those inside a repeated one count once: it is written once."""

    def seen(part: Schema, _name: str) -> Schema:
        whole, text = _text(part, described=True), _text(part)
        if "description" in part:
            counts[whole] += 1
        if "description" not in part or counts[whole] == 1 or len(whole) < _SMALLEST:
            counts[text] += 1
            if counts[text] == 1 or len(text) < _SMALLEST:
                _count(part, counts)
        return part

    _mapped(schema, "", seen)
