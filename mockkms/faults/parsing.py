"""Parse values that users write; errors name the value's place, what would be right, and the nearest known key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date
from typing import TypeVar

from mockkms.world.clock import FIRST, LAST, any_seconds_of, duration_of, in_range

Value = TypeVar("Value")
MOST_ERRORS = 100
"""Errors that are raised together; what follows the last one is not read."""
_A_TIME = "2026-01-01T00:00:00Z"


class FaultError(ValueError):
    """Raised for an invalid rule, match or script.

    Args:
        message: What is wrong, and what would be right.
        path: The keys and indexes that lead to the value inside the rule, as in ``match.path[1]``.
        unknown: The key or name that does not exist, if that is the error; the path leads to the mapping that has it.
        others: Further errors of the same rule, match or script.
    """

    def __init__(self, message: str, path: str = "", unknown: str = "", others: Iterable[FaultError] = ()) -> None:
        self.message = message
        self.path = path
        self.unknown = unknown
        self.others = tuple(others)
        super().__init__(message, path, unknown, self.others)

    def __str__(self) -> str:
        return "\n".join(one.line for one in self.each())

    @property
    def line(self) -> str:
        """The path and the message of this error alone."""
        return f"{self.path}: {self.message}" if self.path else self.message

    def each(self) -> Iterator[FaultError]:
        """Return this error and all others that are raised with it."""
        yield self
        for one in self.others:
            yield from one.each()

    def prefix(self, place: str) -> None:
        """Put ``place``, a key or an index such as ``[2]``, in front of the paths."""
        for one in self.each():
            joint = "" if not one.path or one.path.startswith("[") else "."
            one.path = f"{place}{joint}{one.path}"


class UnknownRule(FaultError, KeyError):
    """Raised for the id of a rule that does not exist; a KeyError, as a lookup by a key raises it."""


class within:
    """Context manager: the path of a FaultError that the body raises gets ``places`` in front.

    Args:
        places: The keys and list indexes that lead to the value that the body reads, outermost first.
    """

    __slots__ = ("_places",)

    def __init__(self, *places: str | int) -> None:
        self._places = places

    def __enter__(self) -> None:
        """Enter the body."""

    def __exit__(self, _kind: object, fault: BaseException | None, _trace: object) -> None:
        if isinstance(fault, FaultError):
            for place in reversed(self._places):
                fault.prefix(f"[{place}]" if isinstance(place, int) else place)


class Errors:
    """The errors of several values, to be raised together, so that a user sees all of them at once.

    At ``MOST_ERRORS`` they are raised without those of further values.
    """

    def __init__(self) -> None:
        self.found: list[FaultError] = []

    def add(self, *errors: FaultError) -> None:
        """Keep these errors; raise them with those before if they are as many as are raised together."""
        self.found += errors
        if sum(1 for error in self.found for _ in error.each()) >= MOST_ERRORS:
            self.raise_all()

    def at(self, *places: str | int) -> _Kept:
        """Return a context manager that keeps the FaultError of its body, whose path gets ``places`` in front."""
        return _Kept(self, within(*places))

    def read(self, place: str | int, read: Callable[[object], Value], value: object, instead: Value) -> Value:
        """Return ``read(value)``; if that raises FaultError, keep it and return ``instead``."""
        with self.at(place):
            return read(value)
        return instead

    def raise_all(self) -> None:
        """Raise the first of the errors with all others; do nothing without errors."""
        if not self.found:
            return
        first, *others = [one for error in self.found for one in error.each()][:MOST_ERRORS]
        first.others = tuple(others)
        for one in others:
            one.others = ()
        raise first from None


class _Kept:
    """Context manager: adds the FaultError of its body to ``errors``."""

    __slots__ = ("_errors", "_place")

    def __init__(self, errors: Errors, place: within) -> None:
        self._errors, self._place = errors, place

    def __enter__(self) -> None:
        """Enter the body."""

    def __exit__(self, kind: object, fault: BaseException | None, trace: object) -> bool:
        if not isinstance(fault, FaultError):
            return False
        self._place.__exit__(kind, fault, trace)
        self._errors.add(fault)
        return True


def normal(word: object) -> str:
    """Return a key in the form with underscores: ``bad-chunk`` and ``bad_chunk`` are the same."""
    return str(word).strip().replace("-", "_")


def unknown(
    word: str, known: Iterable[str], what: str = "key", wanted: str = "", meant: Mapping[str, str] | None = None
) -> FaultError:
    """Return the error for a key or name that is not among ``known``, with the closest known one.

    If none is close, the error lists all, or says what is ``wanted``. ``meant`` has other names that users may give to
    a known one, such as ``probability`` for ``chance``.
    """
    choices = sorted({*known})
    if not choices:
        return FaultError(f"unknown {what} {word!r}; none exists yet", unknown=word)
    from difflib import get_close_matches

    names = {**{name: name for name in choices}, **(meant or {})}
    plain = normal(word).lower()
    close = [plain] if plain in names else get_close_matches(word, names, n=1, cutoff=0.5)
    hint = f"did you mean {names[close[0]]!r}?" if close else f"expected {wanted or 'one of: ' + ', '.join(choices)}"
    return FaultError(f"unknown {what} {word!r}; {hint}", unknown=word)


def unknown_rule(rule_id: str, known: Iterable[str]) -> UnknownRule:
    """Return the error for the id of a rule that does not exist, as the control API words it."""
    return UnknownRule(f"rule {rule_id!r} not found{nearest(rule_id, known)}", unknown=rule_id)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` with the closest known name; empty if none is close."""
    from difflib import get_close_matches

    close = get_close_matches(name, [*known], n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def mapping(value: object, known: Iterable[str], what: str = "key") -> dict[str, object]:
    """Return ``value`` as a mapping with normalized keys, all of them ``known``. Raises FaultError."""
    errors = Errors()
    out = known_words(value, known, errors, what)
    errors.raise_all()
    return out


def known_words(
    value: object, known: Iterable[str], errors: Errors, what: str = "key", meant: Mapping[str, str] | None = None
) -> dict[str, object]:
    """Return the known keys of a mapping, normalized, with their values; each unknown one is added to ``errors``.

    Raises FaultError if ``value`` is not a mapping. ``meant`` is described at ``unknown``.
    """
    if not isinstance(value, Mapping):
        raise FaultError(f"expected a mapping, got {shown(value)}")
    known = set(known)
    out: dict[str, object] = {}
    for raw, item in value.items():
        word = normal(raw)
        if word in known:
            out[word] = item
        else:
            errors.add(unknown(str(raw), known, what, meant=meant))
    return out


def shown(value: object) -> str:
    """Return a value's representation for an error message: at most 60 characters, with its type unless it is None."""
    if value is None:
        return "None"
    # Python refuses to write out an integer of thousands of digits.
    huge = isinstance(value, int) and value.bit_length() > 4096
    text = f"{value:#x}" if huge else repr(value)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"


def whole(value: object, *, least: int = 0, most: int = (1 << 63) - 1) -> int:
    """Return ``value``, an integer or a string of digits, as an integer within the bounds. Raises FaultError."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise FaultError(f"expected a whole number, got {shown(value)}")
    if value < least:
        raise FaultError(f"expected at least {least}, got {shown(value)}")
    if value > most:
        raise FaultError(f"expected at most {most}, got {shown(value)}")
    return value


def seed_of(value: object) -> int | str:
    """Return ``value`` if it is an integer or a string, from which random choices can follow. Raises FaultError."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise FaultError(f"expected a whole number or a string, got {shown(value)}")
    return value


def flag(value: object) -> bool:
    """Return ``value`` if it is a boolean. Raises FaultError."""
    if not isinstance(value, bool):
        raise FaultError(f"expected true or false, got {shown(value)}")
    return value


def only_true(value: object) -> None:
    """Raise FaultError unless ``value`` is True, the only value of some kinds."""
    if not flag(value):
        raise FaultError("expected true; omit the key to disable it")


def text(value: object) -> str:
    """Return ``value`` if it is a string. Raises FaultError."""
    if not isinstance(value, str):
        raise FaultError(f"expected a string, got {shown(value)}")
    return value


def texts(value: object, what: str = "strings") -> list[str]:
    """Return ``value``, a list of strings, as a list. Raises FaultError, also for a string alone."""
    found = list(value) if isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping)) else [None]
    if not all(isinstance(one, str) for one in found):
        raise FaultError(f"expected a list of {what}, got {shown(value)}")
    return [str(one) for one in found]


def seconds(value: object) -> float:
    """Return the seconds of ``0.5``, ``30``, ``"1m30s"`` or ``"250ms"``, 0 to 1e9. Raises FaultError."""
    found = value
    if isinstance(value, str) and value[:1] not in ("+", "-"):
        with suppress(ValueError):
            found = duration_of(value)
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        raise FaultError(f"expected a duration such as 0.5 or '1m30s', got {shown(value)}")
    if not 0 <= found <= 1e9:
        raise FaultError(f"expected seconds from 0 to 1e9, got {shown(value)}")
    return float(found)


def span(value: object) -> float:
    """Return the seconds of a duration of any length or sign: ``-90``, ``"-1m30s"``. Raises FaultError."""
    if isinstance(value, (int, float, str)):
        with suppress(ValueError):
            return duration_of(value)
    if _is_time(value):
        hint = "to set the clock to a time, use set, or set_clock in a rule"
        raise FaultError(f"expected a duration such as 1h or -30s, got the time {shown(value)}; {hint}")
    raise FaultError(f"expected a duration such as 0.5 or '1m30s', got {shown(value)}")


def instant(value: object) -> float:
    """Return seconds since the epoch for an RFC 3339 time, a date, or ``{epoch: seconds}``. Raises FaultError."""
    if isinstance(value, Mapping):
        epoch = mapping(value, ("epoch",)).get("epoch")
        if isinstance(epoch, bool) or not isinstance(epoch, (int, float)) or not FIRST <= epoch <= LAST:
            raise FaultError("expected seconds since the epoch, in the years 1970 to 9999", "epoch")
        return epoch
    if not isinstance(value, (str, date)):
        raise FaultError(f"expected a time such as {_A_TIME}, got {shown(value)}")
    try:
        found = any_seconds_of(value)
    except ValueError:
        raise FaultError(f"expected a time such as {_A_TIME}, got {shown(value)}") from None
    if not in_range(found):
        raise FaultError(f"expected a time between 1970 and 9999, such as {_A_TIME}, got {shown(value)}")
    return min(found, LAST)


def _is_time(value: object) -> bool:
    return isinstance(value, date) or (isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d", value) is not None)


def moment(value: object, now: float) -> float:
    """Return seconds since the epoch for a time (UTC without a zone) or a duration from ``now``. Raises FaultError."""
    return instant(value) if _is_time(value) else now + seconds(value)
