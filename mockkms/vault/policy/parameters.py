"""Parameter constraints of a rule: the values that a request may contain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from mockkms.vault.policy.globs import matches_ends

ParameterValues = dict[str, list[object]]
"""Allowed or denied values by the name of the parameter; an empty list stands for any value."""


class Constraints(Protocol):
    """The constraints of a path's rules on the parameters of a request: values by parameter name."""

    @property
    def required(self) -> Sequence[str]: ...
    @property
    def denied(self) -> Mapping[str, list[object]] | None: ...
    @property
    def allowed(self) -> Mapping[str, list[object]] | None: ...


def refusal(constraints: Constraints, data: Mapping[str, object], *, by_item: bool) -> str:
    """Return why the parameters are refused; empty if they are allowed."""
    for name in constraints.required:
        if name.lower() not in data:
            return f'required parameter "{name}" is missing'
    if not data:
        return ""
    denied = constraints.denied
    if denied:
        if "*" in denied:
            return "all parameters are denied"
        for name, value in data.items():
            values = denied.get(name.lower())
            if values is not None and _listed(value, values, any, by_item=by_item):
                return f'parameter "{name}" has a denied value' if values else f'parameter "{name}" is denied'
    return _outside_allowed(constraints.allowed, data, by_item=by_item)


def with_folded_policies(data: Mapping[str, object]) -> Mapping[str, object]:
    """Return the parameters with the names in ``policies`` in lower case, as the endpoints store them."""
    value = data.get("policies")
    if isinstance(value, str):
        return {**data, "policies": value.lower()}
    if isinstance(value, list):
        return {**data, "policies": [item.lower() if isinstance(item, str) else item for item in value]}
    return data


def _outside_allowed(allowed: Mapping[str, list[object]] | None, data: Mapping[str, object], *, by_item: bool) -> str:
    if not allowed:
        return ""
    everything = "*" in allowed
    if everything and len(allowed) == 1:
        return ""
    for name, value in data.items():
        values = allowed.get(name.lower())
        if values is None and not everything:
            return f'parameter "{name}" is not among the allowed ones'
        if values is not None and not _listed(value, values, all, by_item=by_item):
            return f'parameter "{name}" has a value that is not among the allowed ones'
    return ""


def _listed(
    value: object, values: list[object], quantifier: Callable[[Iterable[object]], bool], *, by_item: bool
) -> bool:
    """Return whether a value is in a rule's list; an empty list allows any value.

    ``by_item``: the items of a list, or the comma-separated parts of a text, may also match one by one, ``all`` or
    ``any`` of them as ``quantifier`` says.
    """
    if _matches(value, values):
        return True
    items = _items(value) if by_item else None
    return items is not None and quantifier(_matches(item, values) for item in items)


def _matches(value: object, values: list[object]) -> bool:
    return not values or any(_same(wanted, value) for wanted in values)


def _items(value: object) -> list[object] | None:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")] if value else []
    return value if isinstance(value, list) else None


def _same(wanted: object, value: object) -> bool:
    """Return whether a request's value matches a rule's value.

    Texts match with ``*`` at either end. Numbers never match: the real server compares a decoded number with one that
    is still text (recorded).
    """
    if isinstance(wanted, str) and isinstance(value, str):
        return matches_ends(wanted, value)
    return _equal(wanted, value)


def _equal(wanted: object, value: object) -> bool:
    if isinstance(wanted, list) and isinstance(value, list):
        return len(wanted) == len(value) and all(map(_equal, wanted, value))
    if isinstance(wanted, dict) and isinstance(value, dict):
        return wanted.keys() == value.keys() and all(_equal(wanted[name], value[name]) for name in wanted)
    return isinstance(wanted, (bool, str)) and type(wanted) is type(value) and wanted == value
