"""Damaged bodies: fields missing, replaced or with a flipped bit, an empty body, or random bytes."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import ClassVar

from mockkms.faults.kinds import FaultKind
from mockkms.faults.matchers import dig
from mockkms.faults.parsing import Errors, FaultError, only_true, shown, text, whole
from mockkms.faults.plan import Plan, Turn
from mockkms.faults.request_view import Reply, go_json
from mockkms.faults.schedule import Luck

Change = Callable[[object], object]
GONE = object()
"""Returned by a change to remove the field."""
_USUAL = ("data.ciphertext", "data.signature", "data.hmac", "data.plaintext")
_SIZE = 256
_MOST = 1 << 20
"""Maximum number of random bytes."""


class Drop(FaultKind):
    """Remove fields from the JSON answer.

    The value is a dotted path, or a list of them.
    """

    word = "drop"
    of_response = True
    help = "dotted path of a JSON field | list of them"
    example = "data.ciphertext"

    def __init__(self, value: object) -> None:
        self.paths = _texts(value) if isinstance(value, (list, tuple)) else [text(value)]

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.edits.append(self.edit)

    def edit(self, reply: Reply) -> Reply:
        """Return the answer without the fields."""
        for path in self.paths:
            reply = change_field(reply, path, lambda _: GONE)
        return reply


def _texts(values: Iterable[object]) -> list[str]:
    """Return the items of a list, all of them strings. Raises FaultError."""
    errors = Errors()
    found = [errors.read(place, text, value, "") for place, value in enumerate(values)]
    errors.raise_all()
    return found


class Replace(FaultKind):
    """Replace fields of the JSON answer.

    The value maps dotted paths to values; a missing last step is added.
    """

    word = "replace"
    of_response = True
    help = "{dotted path of a JSON field: value}"
    example: ClassVar[object] = {"data.ciphertext": "vault:v1:AAAA"}

    def __init__(self, value: object) -> None:
        if not isinstance(value, Mapping):
            raise FaultError(f"expected a mapping of fields, got {shown(value)}")
        self.values = {str(path): item for path, item in value.items()}

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.edits.append(self.edit)

    def edit(self, reply: Reply) -> Reply:
        """Return the answer with the fields replaced."""
        for path, item in self.values.items():
            reply = change_field(reply, path, partial(_instead, item), make=True)
        return reply


def _instead(value: object, _: object) -> object:
    return value


class Flip(FaultKind):
    """Flip one bit of a ciphertext, signature or other field of the answer.

    ``true`` takes the ciphertext, signature, hmac or plaintext under ``data``; a string is the dotted path of a field.
    """

    word = "flip"
    of_response = True
    help = "true | dotted path of a JSON field"
    example = True

    def __init__(self, value: object) -> None:
        self.paths = _USUAL if value is True else (text(value),)

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.edits.append(partial(self.edit, luck=turn.luck))

    def edit(self, reply: Reply, luck: Luck) -> Reply:
        """Return the answer with one bit flipped; unchanged if none of the fields is a string."""
        document = reply.json()
        for path in self.paths:
            if isinstance(dig(document, path.split(".")), str):
                return change_field(reply, path, partial(flipped, luck=luck))
        return reply


def flipped(value: str, luck: Luck) -> str:
    """Flip one bit of the base64 payload after ``vault:v1:``; in any other string replace one letter."""
    head, colon, payload = value.rpartition(":")
    try:
        raw = bytearray(base64.b64decode(payload, validate=True))
    except (binascii.Error, ValueError):
        raw = bytearray()
    if raw:
        bit = int(luck.unit("flip") * len(raw) * 8)
        raw[bit // 8] ^= 1 << bit % 8
        return head + colon + base64.b64encode(raw).decode()
    if not value:
        return value
    place = int(luck.unit("flip") * len(value))
    return value[:place] + ("x" if value[place] != "x" else "y") + value[place + 1 :]


class Empty(FaultKind):
    """Send the core's status and headers without a body; the request takes effect."""

    word = "empty"
    of_response = True
    decides = "the body"
    help = "true"
    example = True

    def __init__(self, value: object) -> None:
        only_true(value)

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.edits.append(lambda reply: Reply(reply.status, b"", reply.headers))


class Garbage(FaultKind):
    """Send random bytes instead of the body, or of the whole HTTP response.

    ``true`` or a number of bytes (at most 1 MiB) replaces the body; ``wire`` sends bytes that are not HTTP, then
    closes.
    """

    word = "garbage"
    of_response = True
    decides = "the body"
    help = "true | size of the body in bytes | wire (instead of an HTTP response)"
    example = 64

    def __init__(self, value: object) -> None:
        self.wire = value == "wire"
        self.size = _SIZE if self.wire or value is True else whole(value, most=_MOST)

    def plan(self, plan: Plan, turn: Turn) -> None:
        noise = turn.luck.bytes(self.size, "garbage")
        if self.wire:
            plan.raw = noise
        else:
            plan.edits.append(lambda reply: Reply(reply.status, noise, reply.headers))


# -- one field of a JSON response -----------------------------------------------------------------------------------


def change_field(reply: Reply, path: str, change: Change, *, make: bool = False) -> Reply:
    """Return ``reply`` with the field at ``path`` changed. A missing field is added if ``make``, otherwise ignored."""
    document = reply.json()
    steps = path.split(".")
    parent = document
    for step in steps[:-1]:
        parent = _child(parent, step)
    last = steps[-1]
    if isinstance(parent, dict) and (last in parent or make):
        value = change(parent.get(last))
        parent[last] = value
        if value is GONE:
            del parent[last]
    elif isinstance(parent, list) and last.isdecimal() and len(last) < 10 and int(last) < len(parent):
        value = change(parent[int(last)])
        parent[int(last) : int(last) + 1] = [] if value is GONE else [value]
    else:
        return reply
    return Reply(reply.status, go_json(document), reply.headers)


def _child(value: object, step: str) -> object:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and step.isdecimal() and len(step) < 10 and int(step) < len(value):
        return value[int(step)]
    return None
