"""The shapes of single values. One description reads, checks, and becomes the JSON Schema.

``shape.read(node, path, problems)`` returns the plain value and appends all problems; it never raises.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from mockkms.crypto.encoding import pem
from mockkms.vault.framework.shapes.nodes import Node, Problem, nearest
from mockkms.vault.golang.duration import parse_seconds
from mockkms.vault.golang.number import Number
from mockkms.world.clock import in_range, parse_rfc3339

Problems = list[Problem]
_ARTICLE = {"integer": "an integer"}


class Shape:
    """The allowed values of one place in a world file."""

    expected = "a value"

    def read(self, node: Node, path: str, problems: Problems) -> object:
        """Return the plain value; append problems to ``problems``."""
        raise NotImplementedError(type(self).__name__)

    def schema(self) -> dict[str, object]:
        """Return the JSON Schema of this shape."""
        return {}

    def refuse(self, node: Node, path: str, problems: Problems) -> None:
        """Report a value of the wrong type."""
        found = {"mapping": "a mapping", "list": "a list", "null": "nothing"}.get(node.kind)
        if found is None:
            found = f"{_ARTICLE.get(node.kind, 'a ' + node.kind)} ({node.text})"
        hint = f'; quote it: "{node.text}"' if self.expected.startswith("text") and node.kind not in (
            "mapping", "list", "null") else ""  # fmt: skip
        problems.append(node.problem(path, f"expected {self.expected}, found {found}{hint}"))


@dataclass
class Text(Shape):
    """Text; ``check`` returns what is wrong with a text that is not empty, or nothing."""

    what: str = "text"
    check: Callable[[str], str | None] | None = None
    pattern: str = ""

    def __post_init__(self) -> None:
        self.expected = self.what if self.what.startswith("text") else f"text ({self.what})"

    def read(self, node: Node, path: str, problems: Problems) -> str:
        if node.kind not in ("text", "time"):
            self.refuse(node, path, problems)
            return ""
        text = str(node.value)
        wrong = self.check(text) if self.check and text else None
        if not wrong and self.pattern and not re.fullmatch(self.pattern, text):
            wrong = f"{text!r} is not a valid {self.what}"
        if wrong:
            problems.append(node.problem(path, wrong))
        return text

    def schema(self) -> dict[str, object]:
        return {"type": "string", **({"pattern": f"^(?:{self.pattern})$"} if self.pattern else {})}


@dataclass
class Integer(Shape):
    """A whole number within bounds."""

    least: int | None = None
    most: int | None = None

    def __post_init__(self) -> None:
        self.expected = "a whole number"

    def read(self, node: Node, path: str, problems: Problems) -> int:
        number = node.value
        if node.kind != "integer" or not isinstance(number, int):
            self.refuse(node, path, problems)
            return 0
        if (self.least is not None and number < self.least) or (self.most is not None and number > self.most):
            bounds = " to ".join("" if end is None else f"{end}" for end in (self.least, self.most))
            problems.append(node.problem(path, f"{number} is out of bounds ({bounds.strip()})"))
        return number

    def schema(self) -> dict[str, object]:
        bounds = {"minimum": self.least, "maximum": self.most}
        return {"type": "integer", **{name: end for name, end in bounds.items() if end is not None}}


class Boolean(Shape):
    """true or false."""

    expected = "true or false"

    def read(self, node: Node, path: str, problems: Problems) -> object:
        if node.kind != "boolean":
            self.refuse(node, path, problems)
            return False
        return node.value

    def schema(self) -> dict[str, object]:
        return {"type": "boolean"}


class Seconds(Shape):
    """A duration: whole seconds, or Vault's text (``1h30m``, ``2d``). Reads as seconds."""

    expected = 'a duration (3600, "1h30m", "2d")'

    def read(self, node: Node, path: str, problems: Problems) -> int:
        if node.kind not in ("integer", "text"):
            self.refuse(node, path, problems)
            return 0
        try:
            seconds = int(parse_seconds(node.value))
        except ValueError:
            problems.append(node.problem(path, f'{node.text!r} is not a duration; write 3600, "1h30m" or "2d"'))
            return 0
        if seconds < 0:
            problems.append(node.problem(path, f"{node.text!r} is negative"))
        return seconds

    def schema(self) -> dict[str, object]:
        return {
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": "^[0-9.]+[a-zµ]*([0-9.]+[a-zµ]+)*$"},
            ]
        }


@dataclass
class Moment(Shape):
    """A time in RFC 3339, or seconds since the epoch. Reads as seconds since the epoch."""

    of_clock: bool = False
    """Whether a clock is moved to it, which goes from 1970 to 9999."""

    def __post_init__(self) -> None:
        self.expected = "a time (2026-01-01T00:00:00Z)"

    def read(self, node: Node, path: str, problems: Problems) -> float:
        is_number = isinstance(node.value, (int, float)) and node.kind in ("integer", "number")
        if not is_number and node.kind not in ("time", "text"):
            self.refuse(node, path, problems)
            return 0.0
        try:
            moment = float(str(node.value)) if is_number else parse_rfc3339(node.text)
        except ValueError:
            moment = math.nan
        if not math.isfinite(moment):
            problems.append(node.problem(path, f"{node.text!r} is not a time; write 2026-01-01T00:00:00Z"))
            return 0.0
        if self.of_clock and not in_range(moment):
            problems.append(node.problem(path, f"{node.text} is out of range: use the years 1970 to 9999"))
        return moment

    def schema(self) -> dict[str, object]:
        return {"type": ["string", "number"], "description": "RFC 3339 time, or seconds since the epoch"}


def base64_fault(text: str) -> str | None:
    """Return what is wrong with a text that should be base64, white space aside; None if nothing is."""
    try:
        base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        return f"not base64: {error}"
    return None


def pem_fault(text: str) -> str | None:
    """Return what is wrong with a text that should be a block of PEM; None if nothing is."""
    return None if pem.decode(text.strip() + "\n") else "not PEM: no whole block between BEGIN and END"


class Base64(Shape):
    """Bytes in base64. Reads as bytes."""

    expected = "text (base64)"

    def read(self, node: Node, path: str, problems: Problems) -> bytes:
        if node.kind != "text":
            self.refuse(node, path, problems)
            return b""
        text = str(node.value)
        wrong = base64_fault(text)
        if wrong:
            problems.append(node.problem(path, wrong))
        return b"" if wrong else base64.b64decode("".join(text.split()))

    def schema(self) -> dict[str, object]:
        return {"type": "string", "contentEncoding": "base64"}


@dataclass
class Choice(Shape):
    """One of several fixed texts."""

    words: tuple[str, ...]
    what: str = "word"

    def __post_init__(self) -> None:
        self.expected = f"a {self.what} ({', '.join(self.words)})"

    def read(self, node: Node, path: str, problems: Problems) -> str:
        if node.kind not in ("text", "integer"):
            self.refuse(node, path, problems)
            return self.words[0]
        if node.text not in self.words:
            problems.append(node.problem(path, f'unknown {self.what} "{node.text}"{nearest(node.text, self.words)}'))
            return self.words[0]
        return node.text

    def schema(self) -> dict[str, object]:
        return {"enum": [*self.words, *(int(word) for word in self.words if word.isdigit())]}


class Json(Shape):
    """Any value, kept as JSON data; a number with a fraction keeps its text."""

    def read(self, node: Node, path: str, problems: Problems) -> object:
        if node.kind == "mapping":
            return {k: self.read(e.value, f"{path}.{k}", problems) for k, e in node.entries.items()}
        if node.kind == "list":
            return [self.read(item, f"{path}[{i}]", problems) for i, item in enumerate(node.items)]
        if node.kind == "number":
            if not re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", node.text):
                problems.append(node.problem(path, f"{node.text} is not a JSON number"))
            return Number(node.text)
        return node.value
