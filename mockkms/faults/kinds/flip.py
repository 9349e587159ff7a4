"""``flip``: one bit of a ciphertext, signature or other field of the answer is wrong."""

from __future__ import annotations

import base64
import binascii
from functools import partial
from typing import Any

from mockkms.faults.fields import change_field
from mockkms.faults.kinds import Kind
from mockkms.faults.matchers import dig
from mockkms.faults.parsing import text
from mockkms.faults.plan import Plan, Turn
from mockkms.faults.request_view import Reply
from mockkms.faults.schedule import Luck

_USUAL = ("data.ciphertext", "data.signature", "data.hmac", "data.plaintext")


class Flip(Kind):
    """``true`` takes the ciphertext, signature, hmac or plaintext under ``data``; a text is the field's dotted path."""

    word = "flip"
    help = "true | dotted path of a JSON field"
    example = True

    def __init__(self, value: Any) -> None:
        self.paths = _USUAL if value is True else (text(value),)

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.edits.append(partial(self.edit, luck=turn.luck))

    def edit(self, reply: Reply, luck: Luck) -> Reply:
        """The answer with one bit flipped; as it was where none of the fields is a text."""
        document = reply.json()
        for path in self.paths:
            if isinstance(dig(document, path.split(".")), str):
                return change_field(reply, path, partial(flipped, luck=luck))
        return reply


def flipped(value: str, luck: Luck) -> str:
    """``value`` with one bit of its base64 payload flipped, ``vault:v1:`` kept; in other text one letter."""
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
