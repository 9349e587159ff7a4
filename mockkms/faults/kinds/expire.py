"""``expire``: leases end now, as if their time had come."""

from __future__ import annotations

from typing import Any

from mockkms.faults.kinds import ServerKind
from mockkms.faults.parsing import FaultError, text


class Expire(ServerKind):
    """Those of secrets, and of tokens where the path is an auth method's."""

    word = "expire"
    help = "last (the newest lease) | the path of leases or their beginning, a glob, a lease id"
    example = "last"
    needs_state = True

    def __init__(self, value: Any) -> None:
        self.value = text(value)
        if not self.value.strip("/"):
            raise FaultError("expected last, or a path that leases begin with")
