"""What a gateway may do to the ports that it is reached through."""

from __future__ import annotations

from typing import Protocol


class Ports(Protocol):
    """What faults may do to the server's ports."""

    def cut_all(self) -> None:
        """Abort every connection."""

    def refuse(self, seconds: float) -> None:
        """Stop listening for so many seconds."""

    def deaf(self, seconds: float) -> None:
        """Never read from new connections for so many seconds."""
