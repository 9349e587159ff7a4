"""Differences of two states as text: one line for each value that was added, removed or changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass

_LONGEST = 100


def flat(value: object, path: str = "", shown: Callable[[object], str] = repr) -> Iterator[tuple[str, str]]:
    """Yield the leaves of plain data and dataclasses, as pairs of a dotted path and the value as text, by ``shown``."""
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from flat(getattr(value, field.name), f"{path}.{field.name}" if path else field.name, shown)
    elif isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from flat(item, f"{path}[{key!r}]", shown)
    elif isinstance(value, (list, tuple)) and value:
        for place, item in enumerate(value):
            yield from flat(item, f"{path}[{place}]", shown)
    elif hasattr(value, "__dict__") and vars(value):
        for name, item in vars(value).items():
            yield from flat(item, f"{path}.{name}", shown)
    else:
        yield path, shown(value)


def difference(old: object, new: object, *, shown: Callable[[object], str] = repr) -> str:
    """Return lines ``+ path: value``, ``- path: value`` and ``~ path: old -> new``, sorted by path; empty if equal.

    ``shown`` makes the texts of values, by which they are compared.
    """
    before, after = dict(flat(old, shown=shown)), dict(flat(new, shown=shown))
    lines = []
    for path in sorted(before.keys() | after.keys()):
        if path not in after:
            lines.append(f"- {path}: {_short(before[path])}")
        elif path not in before:
            lines.append(f"+ {path}: {_short(after[path])}")
        elif before[path] != after[path]:
            lines.append(f"~ {path}: {change(before[path], after[path])}")
    return "\n".join(lines)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def change(old: str, new: str) -> str:
    """Return ``old -> new``, shortened.

    Both texts begin shortly before the place where they differ if that is far from the start.
    """
    shorter = min(len(old), len(new))
    same = next((at for at in range(shorter) if old[at] != new[at]), shorter)
    start = 0 if same < _LONGEST // 2 else same - _LONGEST // 4
    front = "..." if start else ""
    return f"{_short(front + old[start:])} -> {_short(front + new[start:])}"
