"""The functions that every template of Go has."""

from __future__ import annotations

import operator
from collections.abc import Callable
from urllib.parse import quote_plus

from mockkms.vault.golang.template.printf import LONGEST, sprint, sprintf, sprintln
from mockkms.vault.golang.template.values import Byte, Data, Function, Long, Value, decoded, encoded, is_true, type_of

_HTML = {"\0": "\ufffd", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;"}
_SCRIPT = {
    "\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "=": "\\u003D",
}  # fmt: skip
_INVALID = "invalid type for comparison"


def _kind(value: Value) -> str:
    """Return the kind of a value in comparisons: the type, or empty for those that have no order."""
    if value is None or isinstance(value, Data | dict | list):
        return ""
    return "int" if isinstance(value, Long) else type_of(value)


def _equal(*values: Value) -> Value:
    first, *others = values
    if not others:
        raise ValueError("missing argument for comparison")
    for other in others:
        kinds = {_kind(first), _kind(other)}
        if len(kinds) > 1 and kinds != {"int", "uint8"} and first is not None and other is not None:
            raise ValueError(f"incompatible types for comparison: {type_of(first)} and {type_of(other)}")
        if len(kinds) > 1 and kinds != {"int", "uint8"}:
            continue
        if isinstance(first, dict | list):
            raise ValueError(f"non-comparable type {sprint([other])}: {type_of(other)}")
        if first == other:
            return True
    return False


def _ordered(compare: Callable[[str | float, str | float], bool]) -> Callable[[Value, Value], Value]:
    def ordered(first: Value, second: Value) -> Value:
        kinds = _kind(first), _kind(second)
        if "" in kinds:
            raise ValueError(_INVALID)
        if kinds[0] != kinds[1] and {*kinds} != {"int", "uint8"}:
            raise ValueError(f"incompatible types for comparison: {type_of(first)} and {type_of(second)}")
        if isinstance(first, bool | complex) or isinstance(second, bool | complex):
            raise ValueError(_INVALID)
        assert isinstance(first, str | int | float)
        assert isinstance(second, str | int | float)
        if isinstance(first, str) and isinstance(second, str):
            return compare(*(decoded(encoded(one)) for one in (first, second)))
        return compare(first, second)

    return ordered


def _length(value: Value) -> Value:
    if value is None:
        raise ValueError("reflect: call of reflect.Value.Type on zero Value")
    if isinstance(value, str):
        return len(encoded(value))
    if isinstance(value, dict | list):
        return len(value)
    raise ValueError(f"len of type {type_of(value)}")


def _place(index: Value, length: int) -> int:
    """Return an index into something of this length. Raises ValueError."""
    if index is None:
        raise ValueError("cannot index slice/array with nil")
    if not isinstance(index, int) or isinstance(index, bool):
        raise ValueError(f"cannot index slice/array with type {type_of(index)}")
    if not 0 <= index <= length:
        raise ValueError(f"index out of range: {index}")
    return index


def _index(value: Value, *indexes: Value) -> Value:
    if value is None:
        raise ValueError("index of untyped nil")
    for index in indexes:
        if isinstance(value, str):
            content = encoded(value)
            at = _place(index, len(content))
            if at == len(content):
                raise ValueError("reflect: string index out of range")
            value = Byte(content[at])
        elif isinstance(value, list):
            at = _place(index, len(value))
            if at == len(value):
                raise ValueError("reflect: slice index out of range")
            value = value[at]  # type: ignore[assignment]
        elif isinstance(value, dict):
            if not isinstance(index, str):
                raise ValueError(f"value has type {type_of(index)}; should be string")
            value = value.get(index)  # type: ignore[assignment]
        else:
            raise ValueError(f"can't index item of type {type_of(value)}")
    return value


def _slice(value: Value, *indexes: Value) -> Value:
    if value is None:
        raise ValueError("slice of untyped nil")
    if len(indexes) > 3:
        raise ValueError(f"too many slice indexes: {len(indexes)}")
    if not isinstance(value, str | list):
        raise ValueError(f"can't slice item of type {type_of(value)}")
    if isinstance(value, str) and len(indexes) == 3:
        raise ValueError("cannot 3-index slice a string")
    content = encoded(value) if isinstance(value, str) else value
    places = [_place(index, len(content)) for index in indexes]
    start, end = (places[0] if places else 0), (places[1] if len(places) > 1 else len(content))
    for lower, upper in ((start, end), *([(end, places[2])] if len(places) == 3 else [])):
        if lower > upper:
            raise ValueError(f"invalid slice index: {lower} > {upper}")
    found = content[start:end]
    return decoded(found) if isinstance(found, bytes) else found


def _called(*_values: Value) -> Value:
    """Refuse nil; the executor refuses all other values, as none is a function."""
    raise ValueError("call of nil")


def _script(*values: Value) -> Value:
    """Return the text escaped for a string of JavaScript."""
    found = []
    for char in sprint(values):
        if char in _SCRIPT:
            found.append(_SCRIPT[char])
        elif ord(char) < 0x20 or not (char.isprintable() or char == " "):
            found.append(f"\\u{ord(char):04X}")
        else:
            found.append(char)
    return _bounded("".join(found))


def _bounded(text: str) -> str:
    if len(text) > LONGEST:
        raise ValueError(f"the text is longer than {LONGEST} characters")
    return text


_ANY = ("any",)
BUILTINS: dict[str, Function] = {
    # The executor evaluates these two itself, as they need not all of their arguments.
    "and": Function(lambda *values: values[-1], ("any", "any"), variadic=True),
    "or": Function(lambda *values: values[-1], ("any", "any"), variadic=True),
    "not": Function(lambda value: not is_true(value), _ANY),
    "call": Function(_called, ("any", "any"), variadic=True),
    "len": Function(_length, _ANY),
    "index": Function(_index, ("any", "any"), variadic=True),
    "slice": Function(_slice, ("any", "any"), variadic=True),
    "print": Function(lambda *values: _bounded(sprint(values)), _ANY, variadic=True),
    "println": Function(lambda *values: _bounded(sprintln(values)), _ANY, variadic=True),
    "printf": Function(lambda form, *values: sprintf(form, values), ("string", "any"), variadic=True),
    "html": Function(
        lambda *values: _bounded("".join(_HTML.get(char, char) for char in sprint(values))), _ANY, variadic=True
    ),
    "js": Function(_script, _ANY, variadic=True),
    "urlquery": Function(lambda *values: _bounded(quote_plus(encoded(sprint(values)), safe="")), _ANY, variadic=True),
    "eq": Function(_equal, ("any", "any"), variadic=True),
    "ne": Function(lambda first, second: not _equal(first, second), ("any", "any")),
    "lt": Function(_ordered(operator.lt), ("any", "any")),
    "le": Function(_ordered(operator.le), ("any", "any")),
    "gt": Function(_ordered(operator.gt), ("any", "any")),
    "ge": Function(_ordered(operator.ge), ("any", "any")),
}
