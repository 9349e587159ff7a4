"""Change one field of a JSON response by its dotted path: ``data.ciphertext``, ``data.keys.0``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mockkms.faults.request_view import Reply, go_json

Change = Callable[[Any], Any]
GONE = object()
"""Returned by a change to remove the field."""


def change_field(reply: Reply, path: str, change: Change, *, make: bool = False) -> Reply:
    """Return ``reply`` with the field at ``path`` changed. A missing field is added if ``make``, otherwise ignored."""
    document = reply.json()
    steps = path.split(".")
    parent = document
    for step in steps[:-1]:
        parent = _child(parent, step)
    last = steps[-1]
    if isinstance(parent, dict) and (last in parent or make):
        _put(parent, last, change(parent.get(last)))
    elif isinstance(parent, list) and last.isdecimal() and len(last) < 10 and int(last) < len(parent):
        _put(parent, int(last), change(parent[int(last)]))
    else:
        return reply
    return Reply(reply.status, go_json(document), reply.headers)


def _child(value: Any, step: str) -> Any:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and step.isdecimal() and len(step) < 10 and int(step) < len(value):
        return value[int(step)]
    return None


def _put(parent: Any, step: Any, value: Any) -> None:
    if value is GONE:
        del parent[step]
    else:
        parent[step] = value
