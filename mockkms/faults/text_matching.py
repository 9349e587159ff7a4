"""Tests of one string of a request: equality, globs, regular expressions, or a list of these."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import isfinite

from mockkms.faults.expressions import Expression, check_length
from mockkms.faults.parsing import Errors, FaultError, shown, unknown, within

Test = Callable[[object], bool]
_MOST_ALTERNATIVES = 1000
_TEXT_FORMS = ("glob", "regex", "exact", "not")


def glob(pattern: str) -> re.Pattern[str]:
    """Compile a glob: ``*`` matches anything, including slashes; a segment ``+`` matches exactly one segment.

    Matching takes time linear in the length of the text: if the leftmost match of the part between two asterisks leads
    to no match, no other does, so each part is an atomic group, which is not searched for again.

    Raises FaultError for a pattern that is too long.
    """
    check_length(pattern)
    parts = [""]
    for place, segment in enumerate(pattern.split("/")):
        head, *rest = ["[^/]++"] if segment == "+" else map(re.escape, segment.split("*"))
        parts[-1] += f"/{head}" if place else head
        parts += rest
    first, *middle = parts
    ending = f".*{middle.pop()}" if middle else ""
    return re.compile(first + "".join(f"(?>.*?{part})" for part in middle) + ending, re.DOTALL)


def text_test(value: object) -> Test:
    """Return a test for a pattern. Raises FaultError.

    Args:
        value: A string or glob, ``{regex: …}``, ``{exact: …}``, ``{not: …}``, a list of which one must match, or a
            number, which its text fits too, or a boolean: true for any value, false for none.
    """
    if isinstance(value, bool):
        return (lambda got: got not in (None, "")) if value else (lambda got: got in (None, ""))
    if isinstance(value, (list, tuple)):
        if not value:
            raise FaultError("an empty list fits no request: expected at least one pattern")
        if len(value) > _MOST_ALTERNATIVES:
            raise FaultError(f"a list of patterns has at most {_MOST_ALTERNATIVES:,}, this one has {len(value):,}")
        tests = []
        errors = Errors()
        for place, item in enumerate(value):
            with errors.at(place):
                tests.append(text_test(item))
        errors.raise_all()
        return lambda got: any(test(got) for test in tests)
    if isinstance(value, re.Pattern):
        if not isinstance(value.pattern, str):
            raise FaultError("expected a regular expression for strings, got one for bytes")
        return Expression(value.pattern, value.flags)
    if isinstance(value, Mapping):
        return _formed(value)
    if isinstance(value, str):
        if "*" not in value and "+" not in value.split("/"):
            return lambda got: got == value or _same(got, value)
        full = glob(value).fullmatch
        return lambda got: isinstance(got, str) and full(got) is not None
    if isinstance(value, float) and not isfinite(value):
        raise FaultError(f"expected a string or a pattern, got {shown(value)}")
    if isinstance(value, (int, float)):
        # Most of a request is text: `version: 2` in YAML means the text as well.
        text = _number_text(value)
        return lambda got: (got == value and not isinstance(got, bool)) or (isinstance(got, str) and got == text)
    if value is None:
        return lambda got: got is None
    raise FaultError(f"expected a string or a pattern, got {shown(value)}")


def _number_text(value: float) -> str:
    try:
        return str(value)
    except ValueError:  # Thousands of digits.
        raise FaultError("expected a number of less than 4,300 digits") from None


def _same(got: object, value: str) -> bool:
    """Return whether a JSON number or boolean has this text."""
    if not isinstance(got, (bool, int, float)):
        return False
    return (str(got).lower() if isinstance(got, bool) else str(got)) == value


def _formed(value: Mapping[object, object]) -> Test:
    if len(value) != 1:
        raise FaultError(f"expected one of {', '.join(_TEXT_FORMS)}, got {shown(dict(value))}")
    ((form, inner),) = value.items()
    if form == "not":
        with within(form):
            test = text_test(inner)
        return lambda got: not test(got)
    if form not in _TEXT_FORMS:
        raise unknown(str(form), _TEXT_FORMS, "form of a pattern")
    if form == "exact":
        return lambda got: bool(got == inner)
    if not isinstance(inner, str):
        raise FaultError(f"expected a string, got {shown(inner)}", str(form))
    return text_test(inner) if form == "glob" else Expression(inner)
