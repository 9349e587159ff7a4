"""``unseal``: the server unseals itself."""

from __future__ import annotations

from typing import Any

from mockkms.faults.kinds import ServerKind
from mockkms.faults.parsing import given


class Unseal(ServerKind):
    """Without asking for keys."""

    word = "unseal"
    help = "true"
    example = True
    needs_state = True

    def __init__(self, value: Any) -> None:
        given(value)
