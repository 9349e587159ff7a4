"""Reading what people write: one error type, and the nearest right word for a wrong one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from difflib import get_close_matches
from typing import Any

from mockkms.world.clock import seconds_of

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_A_TIME = "2026-01-01T00:00:00Z"
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")


class FaultError(ValueError):
    """A fault, match or script that cannot be read. ``path`` says where inside it, as ``match.path``."""

    def __init__(self, message: str, path: str = "") -> None:
        self.message = message
        self.path = path
        super().__init__(f"{path}: {message}" if path else message)

    def under(self, place: str) -> FaultError:
        """The same error seen from one level up."""
        joint = "" if not self.path or self.path.startswith("[") else "."
        return FaultError(self.message, f"{place}{joint}{self.path}")


def normal(word: Any) -> str:
    """A word as this vocabulary spells it: ``bad-chunk`` and ``bad_chunk`` are one."""
    return str(word).strip().replace("-", "_")


def unknown(word: str, known: Iterable[str], what: str = "word") -> FaultError:
    """The error for a word that is none of ``known``, with the nearest of them."""
    choices = sorted(known)
    if not choices:
        return FaultError(f"unknown {what} {word!r}; there is none yet")
    close = get_close_matches(word, choices, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else f"known are: {', '.join(choices)}"
    return FaultError(f"unknown {what} {word!r}; {hint}")


def mapping(value: Any, known: Iterable[str], what: str = "word") -> dict[str, Any]:
    """``value`` as a mapping whose words are all ``known``, hyphens turned into underscores."""
    if not isinstance(value, Mapping):
        raise FaultError(f"expected a mapping, got {shown(value)}")
    known = set(known)
    out: dict[str, Any] = {}
    for raw, item in value.items():
        word = normal(raw)
        if word not in known:
            raise unknown(str(raw), known, what)
        out[word] = item
    return out


def shown(value: Any) -> str:
    """A value as an error text shows it: short, with its kind."""
    text = repr(value)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"


def whole(value: Any, *, least: int = 0) -> int:
    """A whole number of at least ``least``; digits in a text are taken too."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise FaultError(f"expected a whole number, got {shown(value)}")
    if value < least:
        raise FaultError(f"expected at least {least}, got {value}")
    return value


def flag(value: Any) -> bool:
    """True or False and nothing else."""
    if not isinstance(value, bool):
        raise FaultError(f"expected true or false, got {shown(value)}")
    return value


def given(value: Any) -> None:
    """True and nothing else: of a word that has no other value."""
    if not flag(value):
        raise FaultError("expected true; leave the word out otherwise")


def text(value: Any) -> str:
    """A text and nothing else."""
    if not isinstance(value, str):
        raise FaultError(f"expected a text, got {shown(value)}")
    return value


def seconds(value: Any) -> float:
    """Seconds of ``0.5``, ``30``, ``"1m30s"``, ``"250ms"``; never negative, never endless."""
    if isinstance(value, str):
        parts = _PART.findall(value)
        if parts and "".join(number + unit for number, unit in parts) == value:
            return float(sum(float(number) * _UNITS[unit] for number, unit in parts))
        try:
            value = float(value)
        except ValueError:
            raise FaultError(f"expected a duration such as 0.5 or '1m30s', got {shown(value)}") from None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise FaultError(f"expected a duration such as 0.5 or '1m30s', got {shown(value)}")
    if not 0 <= value <= 1e9:
        raise FaultError(f"expected seconds from 0 to 1e9, got {shown(value)}")
    return float(value)


def span(value: Any) -> float:
    """Seconds of a duration that may be negative: ``-90``, ``"-1m30s"``. A time is none."""
    if _is_time(value):
        hint = "set goes to a time, in a rule set_clock"
        raise FaultError(f"expected a duration such as 1h or -30s, got the time {shown(value)}; {hint}")
    if isinstance(value, str) and value.startswith("-"):
        return -seconds(value[1:])
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value < 0:
        return -seconds(-value)
    return seconds(value)


def instant(value: Any) -> float:
    """Seconds since the epoch of an RFC 3339 time, a date, or ``{epoch: seconds}``."""
    if isinstance(value, Mapping):
        epoch = mapping(value, ("epoch",)).get("epoch")
        if isinstance(epoch, bool) or not isinstance(epoch, (int, float)) or not abs(epoch) < 1e12:
            raise FaultError("expected seconds since the epoch", "epoch")
        return epoch
    if not isinstance(value, (str, date)):
        raise FaultError(f"expected a time such as {_A_TIME}, got {shown(value)}")
    try:
        return seconds_of(value)
    except ValueError:
        raise FaultError(f"expected a time such as {_A_TIME}, got {shown(value)}") from None


def _is_time(value: Any) -> bool:
    return isinstance(value, date) or (isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d", value) is not None)


def moment(value: Any, now: float) -> float:
    """Seconds since the epoch of a time (without a zone it is UTC), or of a duration counted from ``now``."""
    return instant(value) if _is_time(value) else now + seconds(value)
