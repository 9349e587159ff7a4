"""``revoke``: a token is revoked."""

from __future__ import annotations

from typing import Any

from mockkms.faults.kinds import ServerKind
from mockkms.faults.parsing import text


class Revoke(ServerKind):
    """With all that hangs on it."""

    word = "revoke"
    help = "true (the token of the request) | an accessor | a token"
    example = True
    needs_state = True

    def __init__(self, value: Any) -> None:
        self.value = value if value is True else text(value)
