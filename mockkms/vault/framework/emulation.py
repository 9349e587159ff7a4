"""How far an endpoint does what the real server's does; ``docs/coverage.md`` counts by it."""

from __future__ import annotations

from enum import StrEnum


class Emulation(StrEnum):
    """What an endpoint says of itself."""

    FULL = "emulated"
    REFUSED = "refused"
    """It refuses, as the community edition does what only the paid one has."""
    NONE = "not emulated"
    """It answers as a server where this is switched off or not there."""
