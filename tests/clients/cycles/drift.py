"""The same resource in other words: what a client may send in place of each value, and what a second plan would see.

A parameter's kind says which forms the real server's decoder takes: a number or switch as a text, seconds as a
duration, a list as a text with commas, pairs as ``["a=b"]``, and an empty list as ``[]``, null or an empty text; an
empty mapping as ``{}`` or ``[]``, while null may be shown as null.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mockkms.vault.framework import registry
from mockkms.vault.framework.endpoint import Endpoint
from mockkms.vault.framework.fields import Kind
from mockkms.vault.products import product_named
from tests.clients.cycles.drivers import Answer
from tests.clients.cycles.judge import differences, shown, values
from tests.clients.cycles.rows import ID, Data, Row, Step

_SECONDS = (Kind.SECONDS, Kind.SIGNED_SECONDS)
_LISTS = (Kind.COMMA_STRINGS, Kind.STRING_SLICE)
_EMPTY: dict[Kind, tuple[Any, ...]] = {
    Kind.COMMA_STRINGS: ([], None, ""),
    Kind.COMMA_INTS: ([], None, ""),
    Kind.STRING_SLICE: ([], None, ""),
    Kind.SLICE: ([], None),
    Kind.KV_PAIRS: ({}, []),
    Kind.MAP: ({}, []),
}


def endpoint(row: Row) -> Endpoint | None:
    """The endpoint that a row is created at."""
    path = row.full(row.create or row.path)
    engine, below = registry.engine("system"), path.removeprefix("sys/")
    if row.mount:
        kind, _, mount_type = row.mount.partition("/")
        engine = registry.engine(registry.implementation(mount_type, dict(row.options), kind).type)
        below = path.removeprefix(f"{row.base}/")
    for prefix, name in (("identity/", "identity"), ("auth/token/", "token")):
        if path.startswith(prefix):
            engine, below = registry.engine(name), path.removeprefix(prefix)
    product = product_named(row.product)
    known = (one for one in engine.endpoints if one.needs is None or product.has(one.needs))
    filled = below.replace("${", ID).replace("}", "")
    return next((one for one in known if one.pattern.fullmatch(filled)), None)


def _text(kind: Kind, value: Any) -> Any:
    """A value as a text, where the kind takes one."""
    if isinstance(value, bool) and kind is Kind.BOOL:
        return str(value).lower()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{value}s" if kind in _SECONDS else str(value) if kind in (Kind.INT, Kind.INT64, Kind.FLOAT) else value
    if isinstance(value, list) and kind is Kind.COMMA_STRINGS and not any("," in str(item) for item in value):
        return ", ".join(map(str, value))
    if isinstance(value, list) and kind is Kind.STRING_SLICE and len(value) == 1:
        return value[0]
    if isinstance(value, dict) and kind is Kind.KV_PAIRS:
        return [f"{name}={item}" for name, item in value.items()]
    return value


def _number(kind: Kind, value: Any) -> Any:
    """A switch as 1 or 0, seconds as digits or hours, a list of one as an item."""
    if isinstance(value, bool) and kind is Kind.BOOL:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and kind in _SECONDS:
        return f"{value // 3600}h" if value and value % 3600 == 0 else str(value)
    if isinstance(value, list) and kind in _LISTS and len(value) == 1 and "," not in value[0]:
        return value[0]
    return value


def spellings(row: Row) -> Iterator[tuple[str, Data]]:
    """What to send in place of ``row.send``, with a name."""
    found = endpoint(row)
    kinds = {} if found is None else {name: declared.kind for name, declared in found.fields.items()}
    for label, form in (("texts", _text), ("numbers", _number)):
        other = {name: form(kinds[name], value) if name in kinds else value for name, value in row.send.items()}
        if repr(other) != repr(row.send):
            yield label, other


def emptied(row: Row) -> Iterator[tuple[str, Data]]:
    """``row.send`` without the items of one list or mapping, in each form of an empty one; ``NAME:FORM``."""
    found = endpoint(row)
    for name, value in row.send.items():
        declared = found.fields.get(name) if found is not None else None
        if isinstance(value, (list, dict)) and declared is not None:
            for form in _EMPTY.get(declared.kind, ()):
                yield f"{name}:{form!r}", {**row.send, name: form}


def life(row: Row) -> list[Step]:
    """Create, read and delete the row in every form, from the mount to its removal."""
    steps = row.setup()
    for label, data in (("usual", row.send), *spellings(row), *emptied(row)):
        steps += [row.written(f"write {label}", data, create=True), row.looked_at(f"read {label}")]
        if row.delete:
            steps.append(Step(f"delete {label}", "delete", row.full(row.path)))
    return steps + row.teardown()


def drifts(row: Row, steps: Sequence[Step], answers: Sequence[Answer]) -> Iterator[str]:
    """What a second plan would change: parameters that are not read back as if they were sent in the usual form."""
    found = {step.label: answer for step, answer in zip(steps, answers, strict=True)}
    saved = values(steps, answers)
    for label in ("usual", *(name for name, _ in spellings(row))):
        if found[f"write {label}"].status not in (200, 204):
            yield f"{label}: {list(found[f'write {label}'].errors)}"
        else:
            expected = {**row.send, **row.shows}
            yield from differences(label, row, expected, shown(row, found[f"read {label}"], saved), saved)
    first: dict[str, tuple[str, Any]] = {}
    for label, _ in emptied(row):
        name = label.partition(":")[0]
        outcome = found[f"write {label}"].status in (200, 204), shown(row, found[f"read {label}"], saved).get(name)
        known, other = first.setdefault(name, (label, outcome))
        if outcome != other:
            yield f"{label}: {outcome}, {known}: {other}"
