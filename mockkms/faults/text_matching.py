"""Tests of one string of a request: exact, by glob, by regular expression, or against a list of these."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from mockkms.faults.expressions import Expression
from mockkms.faults.parsing import FaultError, shown, unknown

Test = Callable[[object], bool]
_TEXT_FORMS = ("glob", "regex", "exact", "not")


def glob(pattern: str) -> re.Pattern[str]:
    """Compile a glob: ``*`` matches anything, including slashes; a segment ``+`` matches exactly one segment.

    Matching takes time in proportion to the text. The leftmost place of the text between two asterisks leaves the most
    room for what follows, so each is an atomic group: it is searched for once, whatever fails behind it.
    """
    parts = [""]
    for place, segment in enumerate(pattern.split("/")):
        head, *rest = ["[^/]++"] if segment == "+" else map(re.escape, segment.split("*"))
        parts[-1] += f"/{head}" if place else head
        parts += rest
    first, *middle = parts
    ending = f".*{middle.pop()}" if middle else ""
    return re.compile(first + "".join(f"(?>.*?{part})" for part in middle) + ending, re.DOTALL)


def text_test(value: object) -> Test:
    """Build a test from ``"a*b"``, ``{regex: …}``, ``{exact: …}``, ``{not: …}``, a list or a boolean (present, absent).

    Raises FaultError.
    """
    if isinstance(value, bool):
        return (lambda got: got not in (None, "")) if value else (lambda got: got in (None, ""))
    if isinstance(value, (list, tuple)):
        tests = [text_test(item) for item in value]
        return lambda got: any(test(got) for test in tests)
    if isinstance(value, re.Pattern):
        if not isinstance(value.pattern, str):
            raise FaultError("expected a regular expression over text, got one over bytes")
        return Expression(value.pattern, value.flags)
    if isinstance(value, Mapping):
        return _formed(value)
    if isinstance(value, str):
        if "*" not in value and "+" not in value.split("/"):
            return lambda got: got == value or _same(got, value)
        full = glob(value).fullmatch
        return lambda got: isinstance(got, str) and full(got) is not None
    if value is None or isinstance(value, (int, float)):
        return lambda got: got == value and not isinstance(got, bool)
    raise FaultError(f"expected a string or a pattern, got {shown(value)}")


def _same(got: object, value: str) -> bool:
    """Compare a JSON number or boolean with its text, as a query string has it."""
    if not isinstance(got, (bool, int, float)):
        return False
    return (str(got).lower() if isinstance(got, bool) else str(got)) == value


def _formed(value: Mapping[object, object]) -> Test:
    if len(value) != 1:
        raise FaultError(f"expected one of {', '.join(_TEXT_FORMS)}, got {shown(dict(value))}")
    ((form, inner),) = value.items()
    if form == "not":
        test = text_test(inner)
        return lambda got: not test(got)
    if form not in _TEXT_FORMS:
        raise unknown(str(form), _TEXT_FORMS, "form of a pattern")
    if form == "exact":
        return lambda got: bool(got == inner)
    if not isinstance(inner, str):
        raise FaultError(f"expected a string, got {shown(inner)}", str(form))
    if form == "glob":
        return text_test(inner)
    return Expression(inner)
