"""Regular expressions of users, searched in bounded time.

Python's engine backtracks, cannot be interrupted outside the main thread, and holds the interpreter's lock; a worker
process for each search would cost more than the request. So the time is bounded beforehand: an upper bound of the steps
of a search follows from the parsed expression and the length of the text. An expression that can take too long on 64
characters is refused when a rule is added, a longer text when it is searched. The time of all searches for one request
or query is measured and limited as well.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Sequence
from importlib import import_module
from math import factorial, inf, log2
from typing import Any

from mockkms.faults.parsing import FaultError

_MOST_STEPS = 5e7
"""Maximum number of steps of one search. A step takes at most a nanosecond."""
_MOST_SECONDS = 0.05
"""Maximum processor time of the searches for one request or query, without the last one."""
_REFUSED_FOR = 64
"""Length of a text in characters: expressions that can take too long on it are refused."""
LONGEST_PATTERN = 4096
"""Maximum number of characters of an expression or a glob, which takes milliseconds to compile."""
_CHARACTER, _STEP = 2, 15
"""The steps for a single character, and for a repetition, branch or group."""
_SINGLE = frozenset(("LITERAL", "NOT_LITERAL", "ANY", "IN"))
_REPEATS = frozenset(("MAX_REPEAT", "MIN_REPEAT"))

Item = tuple[Any, Any]


class _Spent(threading.local):
    """Processor time of the searches for one request or query, in seconds."""

    seconds = 0.0


_spent = _Spent()


def restart_clock() -> None:
    """Start to measure the searches for another request or query."""
    _spent.seconds = 0.0


def check_length(pattern: str) -> None:
    """Raise FaultError for a pattern that is too long."""
    if len(pattern) > LONGEST_PATTERN:
        raise FaultError(f"a pattern has at most {LONGEST_PATTERN:,} characters, this one has {len(pattern):,}")


class Expression:
    """A compiled expression. Raises FaultError if it is invalid or can take too long."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        check_length(pattern)
        # For a search, a leading ".*" is redundant, and it would be tried from every position to every other.
        plain = pattern
        while plain.startswith(".*") and plain[2:3] != "+":
            plain = plain[3:] if plain[2:3] == "?" else plain[2:]
        try:
            self._search = re.compile(plain, flags).search
            parsed = import_module("re._parser").parse(plain, flags)
        except (re.error, OverflowError, RecursionError) as error:
            raise FaultError(f"invalid regular expression: {error}", "regex") from None
        self.pattern = pattern
        self._flags = int(parsed.state.flags)
        self._items: Sequence[Item] = list(parsed)
        if self.steps(_REFUSED_FOR) > _MOST_STEPS:
            raise FaultError(
                f"the regular expression {pattern!r} can take too long even on short texts: avoid nested repetitions, "
                "or end each round with a separator, as in ([a-z]+/)*",
                "regex",
            )

    def __call__(self, text: object) -> bool:
        """Return whether the expression matches anywhere in ``text``. Raises FaultError if that can take too long."""
        if not isinstance(text, str):
            return False
        if len(text) > _REFUSED_FOR and self.steps(len(text)) > _MOST_STEPS:
            raise FaultError(
                f"the regular expression {self.pattern!r} can take too long on a text of {len(text)} characters: "
                "anchor it with ^, or use fewer repetitions",
                "regex",
            )
        if _spent.seconds > _MOST_SECONDS:
            raise FaultError(
                f"the regular expression {self.pattern!r} takes too long on so many texts: use a glob",
                "regex",
            )
        started = time.thread_time()
        found = self._search(text) is not None
        _spent.seconds += time.thread_time() - started
        return found

    def steps(self, length: int) -> float:
        """Return the maximum number of steps of a search in a text of ``length`` characters."""
        cost, _ = _sequence(self._items, length, None, self._flags)
        first = str(self._items[0][1]) if self._items and str(self._items[0][0]) == "AT" else ""
        anchored = first == "AT_BEGINNING_STRING" or (first == "AT_BEGINNING" and not self._flags & re.MULTILINE)
        # Starts and ends of runs are in the order of the text, so most of their combinations do not occur.
        behind = [*self._items[1:], None]
        runs = sum(
            _run(item) and _item(item, length, following, self._flags)[1] >= length
            for item, following in zip(self._items, behind, strict=False)
        )
        return (cost / factorial(runs) if anchored else cost * (length + 1) / factorial(runs + 1)) + length

    def __deepcopy__(self, memo: dict[int, Any]) -> Expression:
        return self  # It is immutable.


def _run(item: Item) -> bool:
    """Return whether an item is a repetition of a single character with backtracking."""
    name, value = item
    return str(name) in _REPEATS and len(value[2]) == 1 and str(value[2][0][0]) in _SINGLE


def _ends(repeat: Any, length: int) -> float:
    return max(min(int(repeat[1]), length) - int(repeat[0]) + 1, 1)


def _sequence(items: Sequence[Item], length: int, follow: Item | None, flags: int) -> tuple[float, float]:
    """Return the number of steps to find all matches of ``items`` at one position, and the number of these matches.

    ``follow`` is the item after them.
    """
    cost, ways = 1.0, 1.0
    for place in range(len(items) - 1, -1, -1):
        behind = items[place + 1] if place + 1 < len(items) else follow
        own, ends = _item(items[place], length, behind, flags)
        cost, ways = own + ends * cost, ends * ways
    return cost, ways


def _item(item: Item, length: int, behind: Item | None, flags: int) -> tuple[float, float]:
    name, value = str(item[0]), item[1]
    if name in _SINGLE or name == "AT":
        return _CHARACTER, 1
    if name == "SUBPATTERN":
        return _sequence(value[3], length, behind, flags | value[1])
    if name == "ATOMIC_GROUP":
        return _sequence(value, length, None, flags)[0] + _STEP, 1
    if name in ("ASSERT", "ASSERT_NOT"):
        return _sequence(value[1], length, None, flags)[0] + _STEP, 1
    if name == "GROUPREF":
        return length + _STEP, 1
    if name == "BRANCH":
        return _branches([_sequence(part, length, behind, flags) for part in value[1]], value[1], flags)
    if name in _REPEATS or name == "POSSESSIVE_REPEAT":
        cost, ways = _repeat(item, length, behind, flags)
        return cost, ways if name in _REPEATS else 1
    return inf, inf


def _branches(found: list[tuple[float, float]], parts: list[Sequence[Item]], flags: int) -> tuple[float, float]:
    firsts = [part[0] if len(part) else None for part in parts]
    literal = [chr(first[1]).lower() for first in firsts if first is not None and str(first[0]) == "LITERAL"]
    costs, ways = sum(cost for cost, _ in found), [count for _, count in found]
    plain = not flags & re.IGNORECASE or "".join(literal).isascii()
    apart = plain and len(literal) == len(parts) == len(set(literal))
    return costs + _STEP, max(ways) if apart else sum(ways)


def _repeat(item: Item, length: int, behind: Item | None, flags: int) -> tuple[float, float]:
    least, most, body = int(item[1][0]), min(int(item[1][1]), length), item[1][2]
    if len(body) == 1 and str(body[0][0]) in _SINGLE:
        ends = _ends(item[1], length)
        return most + ends + _STEP, 1 if behind is not None and _apart(body[0], behind, flags) else ends
    cost, ways = _sequence(body, length, None, flags)
    if most <= 1:
        return cost + _STEP, ways + (least == 0)
    first = _first(body)
    if ways == 1 or (first is not None and _sequence(body, length, first, flags)[1] == 1):
        # Each round starts at the only end of the round before: together they scan the text once.
        return cost + most * _STEP * len(body), max(most, length + 1 if ways > 1 else 1)
    rounds = most * log2(ways) if ways < inf else inf
    return (inf, inf) if rounds > 60 else (cost * ways**most, ways ** (most + 1))


def _first(body: Sequence[Item]) -> Item | None:
    while len(body) and str(body[0][0]) == "SUBPATTERN":
        body = body[0][1][3]
    return body[0] if len(body) else None


def _apart(single: Item, behind: Item, flags: int) -> bool:
    """Return whether ``behind`` starts with a literal that ``single`` does not match, so that a run has one end."""
    while str(behind[0]) == "SUBPATTERN" and len(behind[1][3]):
        behind = behind[1][3][0]
    if str(behind[0]) != "LITERAL":
        return False
    character = chr(behind[1])
    if flags & re.IGNORECASE and character.lower() != character.upper():
        return False
    return not _takes(single, behind[1])


def _takes(single: Item, code: int) -> bool:
    name, value = str(single[0]), single[1]
    if name == "LITERAL":
        return bool(value == code)
    if name == "NOT_LITERAL":
        return bool(value != code)
    if name == "ANY":
        return True
    negated = bool(value) and str(value[0][0]) == "NEGATE"
    return any(_in(kind, part, code) for kind, part in value[negated:]) is not negated


def _in(kind: Any, part: Any, code: int) -> bool:
    if str(kind) == "LITERAL":
        return bool(part == code)
    if str(kind) == "RANGE":
        return bool(part[0] <= code <= part[1])
    character, category = chr(code), str(part)
    inside = {
        "CATEGORY_DIGIT": character.isdecimal(),
        "CATEGORY_WORD": character.isalnum() or character == "_",
        "CATEGORY_SPACE": character.isspace(),
    }
    plain = category.replace("_NOT_", "_")
    return inside.get(plain, True) is (plain == category)
