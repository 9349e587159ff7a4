"""How completely an endpoint is emulated; ``docs/coverage.md`` is counted from it."""

from __future__ import annotations

from enum import StrEnum


class Emulation(StrEnum):
    """The degree of emulation that an endpoint declares."""

    FULL = "emulated"
    REFUSED = "refused"
    """It refuses, as the community edition does what only the paid one has."""
    NONE = "not emulated"
    """It answers as a server where this is switched off or not there."""
