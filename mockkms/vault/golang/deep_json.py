"""Reading and writing JSON that is nested more deeply than the interpreter's own functions can follow.

The standard library recurses once per level. These functions are the fallback: they keep a stack of open containers,
which is slower and has no limit. They expect valid input: checked JSON text, and values that JSON can represent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator
from json import decoder
from operator import itemgetter
from typing import TypeAlias

_scan: Callable[[str, int, bool], tuple[str, int]] = vars(decoder)["scanstring"]
Branch: TypeAlias = "dict[str, object] | list[object]"
_BLANK = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r"[^ \t\r\n,\]}]+")
_NAMED = {"true": True, "false": False, "null": None}


def decode(text: str, start: int, number: Callable[[str], object]) -> object:
    """Return the JSON value that begins at ``start`` of a valid text; ``number`` converts a number's text."""
    holder: list[object] = []
    open_: list[Branch] = [holder]
    """The containers that are not closed yet, innermost last."""
    keys: list[str] = []
    """For each open object, the key of the value that is being read."""
    at = _blank_end(text, start)
    while True:
        char = text[at]
        if char in "{[":
            made: Branch = {} if char == "{" else []
            _put(open_[-1], keys, made)
            open_.append(made)
            at += 1
        elif char in "}]":
            open_.pop()
            at += 1
        elif char == '"':
            value, at = _scan(text, at + 1, False)
            after = _blank_end(text, at)
            if isinstance(open_[-1], dict) and text[after : after + 1] == ":":
                keys.append(value)
                at = after + 1
            else:
                _put(open_[-1], keys, value)
        elif char in ",:":
            at += 1
        else:
            found = _SCALAR.match(text, at)
            assert found is not None
            word = found.group()
            _put(open_[-1], keys, _NAMED[word] if word in _NAMED else number(word))
            at = found.end()
        if len(open_) == 1:
            return holder[0]
        at = _blank_end(text, at)


def _put(container: Branch, keys: list[str], value: object) -> None:
    if isinstance(container, dict):
        container[keys.pop()] = value
    else:
        container.append(value)


def _blank_end(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found is not None else at


def encode(value: object, scalar: Callable[[object], str], *, sort_keys: bool) -> str:
    """Return ``value`` as compact JSON; ``scalar`` encodes everything but objects and arrays."""
    out: list[str] = []
    open_: list[tuple[Iterator[object], str]] = []
    """What is left of each open container, and how it ends."""
    waiting = value
    while True:
        if isinstance(waiting, dict):
            items = sorted(waiting.items(), key=itemgetter(0)) if sort_keys else waiting.items()
            open_.append((iter(items), "}"))
            out.append("{")
        elif isinstance(waiting, (list, tuple)):
            open_.append((iter(waiting), "]"))
            out.append("[")
        else:
            out.append(scalar(waiting))
        while open_:
            rest, end = open_[-1]
            try:
                item = next(rest)
            except StopIteration:
                open_.pop()
                out.append(end)
                continue
            if out[-1] not in ("{", "["):
                out.append(",")
            if end == "}" and isinstance(item, tuple):
                out += [scalar(item[0]), ":"]
                waiting = item[1]
            else:
                waiting = item
            break
        else:
            return "".join(out)


def map_texts(value: object, change: Callable[[str], str]) -> object:
    """Return ``value`` with every text in it changed, keys included, at any depth."""
    holder = [value]
    waiting: list[Branch] = [holder]
    while waiting:
        container = waiting.pop()
        if isinstance(container, dict):
            for key in [*container]:
                # Every entry is removed and inserted again, which keeps their order.
                container[change(key)] = _changed(container.pop(key), change, waiting)
        else:
            container[:] = [_changed(item, change, waiting) for item in container]
    return holder[0]


def _changed(item: object, change: Callable[[str], str], waiting: list[Branch]) -> object:
    if isinstance(item, str):
        return change(item)
    if isinstance(item, (dict, list)):
        waiting.append(item)
    return item


def copy(
    value: object, scalar: Callable[[object], object], *, keep_null: bool = True, untouched: Container[str] = ()
) -> object:
    """Return a deep copy of ``value`` with ``scalar`` applied to everything but dicts and lists.

    ``keep_null=False`` leaves out null entries of dicts; values under an ``untouched`` key are not changed.
    """
    holder: list[object] = []
    waiting: list[tuple[Branch | tuple[object, ...], Branch]] = [([value], holder)]
    """Containers, each with the copy that is still to be filled."""
    while waiting:
        source, made = waiting.pop()
        if isinstance(source, dict) and isinstance(made, dict):
            for key, item in source.items():
                if item is not None or keep_null:
                    made[key] = item if key in untouched else _begun(item, scalar, waiting)
        elif isinstance(made, list):
            made += [_begun(item, scalar, waiting) for item in source]
    return holder[0]


def _begun(
    item: object,
    scalar: Callable[[object], object],
    waiting: list[tuple[Branch | tuple[object, ...], Branch]],
) -> object:
    if not isinstance(item, (dict, list, tuple)):
        return scalar(item)
    made: Branch = {} if isinstance(item, dict) else []
    waiting.append((item, made))
    return made
