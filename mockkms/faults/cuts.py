"""How ``close``, ``reset``, ``hang`` and their kin read where on the wire they strike."""

from __future__ import annotations

from typing import Any

from mockkms.faults.parsing import FaultError, shown, whole
from mockkms.faults.plan import AFTER_HEADERS, BEFORE_ANY_BYTE

WHERE = "true (before any byte) | headers (after them) | n (after n bytes of the body)"


def read_place(value: Any) -> int:
    """Bytes of the body sent before the cut; -1 is before any byte at all."""
    if value is True or value == "before":
        return BEFORE_ANY_BYTE
    if value == "headers":
        return AFTER_HEADERS
    if isinstance(value, bool) or not isinstance(value, int):
        raise FaultError(f"expected {WHERE}, got {shown(value)}")
    return whole(value)
