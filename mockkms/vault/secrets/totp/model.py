"""State of a TOTP mount, and the engine itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mockkms.vault.framework.engine import Engine


@dataclass
class Key:
    """One key. ``key`` in base32 as it was given; ``period`` in seconds, ``skew`` in periods."""

    key: str
    issuer: str
    account_name: str
    period: int
    algorithm: str
    digits: int
    skew: int

    @property
    def settings(self) -> dict[str, Any]:
        """What codes are made with."""
        return {"period": self.period, "digits": self.digits, "algorithm": self.algorithm}

    @property
    def secret(self) -> str:
        """The key as the computation takes it."""
        return self.key.upper().rstrip("=")


@dataclass
class TOTP:
    """State of a mount."""

    keys: dict[str, Key] = field(default_factory=dict)
    used: dict[tuple[str, str], float] = field(default_factory=dict)
    """Codes that were checked, by the name of their key, and until when they are refused."""


engine = Engine("totp", kind="secret", new_state=TOTP, help="Keys of second factors, and their codes.")
