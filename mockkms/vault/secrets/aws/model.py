"""State of a mount of the AWS secrets engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class AWS:
    """State of a mount."""

    root: dict[str, Any] | None = None
    lease: dict[str, int] | None = None
    """``lease`` and ``lease_max``, seconds."""
    roles: dict[str, dict[str, Any]] = field(default_factory=dict)
