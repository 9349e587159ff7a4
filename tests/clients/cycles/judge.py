"""What is wrong with the answers to the life of a row."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from tests.clients.cycles.drivers import Answer
from tests.clients.cycles.rows import Row, Step, with_values

_DONE = (200, 204)
_MISSING = "(not shown)"
APART = "(dotted)"
"""Of an object: only the members that are named are compared."""
_UNKNOWN = ("Endpoint ignored", "Endpoint replaced")


def values(steps: Sequence[Step], answers: Sequence[Answer]) -> dict[str, str]:
    """What the answers say of the names that steps save."""
    saved: dict[str, str] = {}
    for step, answer in zip(steps, answers, strict=True):
        saved |= {name: answer.member(place) for name, place in step.save.items()} if answer.data else {}
    return saved


def faults(row: Row, steps: Sequence[Step], answers: Sequence[Answer]) -> list[str]:
    """Every difference from what the row says, one line each."""
    return list(_faults(row, steps, answers))


def _faults(row: Row, steps: Sequence[Step], answers: Sequence[Answer]) -> Iterator[str]:
    by_label: dict[str, Answer] = {}
    saved = values(steps, answers)
    for step, answer in zip(steps, answers, strict=True):
        by_label[step.label] = answer
        if step.label in ("absent", "gone", "again", "left"):
            continue
        if answer.status not in _DONE:
            yield f"{step.label}: {step.verb} {step.path}: {answer.status} {list(answer.errors)}"
        yield from (f"{step.label}: {text}" for text in answer.warnings if text.startswith(_UNKNOWN))
    for label, status in (("absent", row.absent), ("gone", row.gone), ("again", row.again)):
        found = by_label.get(label)
        if found is not None and found.status not in (status, *(_DONE if status == 204 else ())):
            yield f"{label}: {found.status} {found.data or list(found.errors)}, not {status}"
    yield from _shown(row, by_label, saved)
    for label, there in (("listed", True), ("left", False)):
        if label in by_label:
            names = by_label[label].data.get("keys") or []
            if (with_values(row.kept_name, saved) in names) is not there:
                yield f"{label}: {names}"


def _shown(row: Row, by_label: Mapping[str, Answer], saved: Mapping[str, str]) -> Iterator[str]:
    created = shown(row, by_label["created"], saved)
    expected = {**row.send, **row.shows}
    yield from differences("created", row, expected, created, saved)
    if "changed" not in by_label:
        return
    changed = shown(row, by_label["changed"], saved)
    yield from differences("changed", row, {**expected, **row.change, **row.then}, changed, saved)
    touched = {name.split(".")[0] for name in (*row.change, *row.then, *row.moves)}
    yield from _unequal("changed, not sent", created, changed, touched)
    for label in ("imported", "applied"):
        if label in by_label:
            yield from _unequal(label, changed, shown(row, by_label[label], saved), row.moves)


def shown(row: Row, answer: Answer, saved: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of the row in an answer."""
    found = answer.data
    for name in with_values(row.within, saved).split("|") if row.within else ():
        found = found.get(name, {})
    return found


def differences(
    label: str, row: Row, expected: Mapping[str, Any], found: Mapping[str, Any], saved: Mapping[str, str]
) -> Iterator[str]:
    """The parameters that are not read as expected."""
    for name, value in with_values(expected, saved).items():
        if value == APART:
            continue
        if name in row.hides:
            if name in found or (isinstance(value, str) and len(value) > 3 and value in json.dumps(found)):
                yield f"{label}: {name} is shown"
            continue
        member = _at(found, name)
        if member != value or isinstance(member, bool) is not isinstance(value, bool):
            yield f"{label}: {name}: {member!r}, not {value!r}"


def _at(found: Any, dotted: str) -> Any:
    """A member, whose name may have dots itself."""
    if isinstance(found, dict) and dotted in found:
        return found[dotted]
    for name in dotted.split("."):
        if not isinstance(found, dict) or name not in found:
            return _MISSING
        found = found[name]
    return found


def _unequal(label: str, before: Mapping[str, Any], after: Mapping[str, Any], apart: Collection[str]) -> Iterator[str]:
    for name in sorted({*before, *after} - set(apart)):
        if before.get(name, _MISSING) != after.get(name, _MISSING):
            yield f"{label}: {name}: {before.get(name, _MISSING)!r} became {after.get(name, _MISSING)!r}"
