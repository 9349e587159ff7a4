"""Templates of generated names: the part of Go's template language that engines use, and the functions they add."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Callable, Mapping

from mockkms.error_context import error_context
from mockkms.vault.golang.fmt import quote
from mockkms.world.entropy import Entropy

_TOKEN = re.compile(r'\s*(?:(\|)|(\()|(\))|"((?:[^"\\]|\\.)*)"|`([^`]*)`|(-?\d+)\b|\.(\w+)|(\w+))')
_ESCAPES = {"n": "\n", "t": "\t"}
_HASH = 8
LONGEST = 1 << 16
"""Characters of the longest random text; the real server has no limit."""


def render(
    template: str, names: Mapping[str, str], entropy: Entropy, now: float, metadata: str = "dbplugin.UsernameMetadata"
) -> str:
    """Return a template filled in with ``names`` (``DisplayName``, ``RoleName``). ``now`` is seconds since the epoch.

    ``metadata`` is the Go type of ``names`` in messages. Raises ValueError for a template that is malformed or cannot
    be filled in.
    """
    found, end = [], 0
    for match in re.finditer(r"\{\{-?(.*?)-?\}\}", template, re.DOTALL):
        found.append(template[end : match.start()])
        found.append(str(_TemplateParser(match.group(1), names, _functions(entropy, now), metadata).whole()))
        end = match.end()
    rest = template[end:]
    if "{{" in rest:
        raise ValueError("unclosed action")
    return "".join([*found, rest])


class _TemplateParser:
    """Parses and evaluates one pipeline."""

    def __init__(
        self, text: str, names: Mapping[str, str], functions: Mapping[str, Callable[..., object]], metadata: str
    ) -> None:
        self.text, self.names, self.functions, self.metadata, self.at = text.rstrip(), names, functions, metadata, 0

    def whole(self) -> object:
        value = self.pipeline()
        if self.at < len(self.text):
            raise ValueError(f"unexpected {quote(self.text[self.at :].strip())} in command")
        return value

    def pipeline(self) -> object:
        value = self.command([])
        while self._peek() == "|":
            self._next()
            value = self.command([value])
        return value

    def command(self, piped: list[object]) -> object:
        match = self._match()
        name = match.group(8) if match else None
        if match is None or match.group(1) or match.group(3):
            raise ValueError("missing value for command")
        if name is None:
            return self._operand()
        self._next()
        function = self.functions.get(name)
        if function is None:
            raise ValueError(f"function {quote(name)} not defined")
        arguments = []
        while self._peek() not in ("|", ")", ""):
            arguments.append(self._operand())
        with error_context(of=(TypeError, AttributeError), text=f"wrong number or type of args for {name}"):
            return function(*arguments, *piped)

    def _operand(self) -> object:
        match = self._next()
        if match.group(2):
            value = self.pipeline()
            if self._peek() != ")":
                raise ValueError("unclosed left paren")
            self._next()
            return value
        if match.group(4) is not None:
            return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found.group(1), found.group(1)), match.group(4))
        if match.group(5) is not None:
            return match.group(5)
        if match.group(6):
            return int(match.group(6))
        if match.group(7):
            if match.group(7) not in self.names:
                raise ValueError(f"can't evaluate field {match.group(7)} in type {self.metadata}")
            return self.names[match.group(7)]
        name = match.group(8)
        if name in self.functions:
            return self.functions[name]()
        raise ValueError(f"function {quote(name)} not defined")

    def _match(self) -> re.Match[str] | None:
        return _TOKEN.match(self.text, self.at)

    def _peek(self) -> str:
        match = self._match()
        return match.group().strip() if match else self.text[self.at :].strip()

    def _next(self) -> re.Match[str]:
        match = self._match()
        if match is None:
            raise ValueError(f"unexpected {quote(self.text[self.at :].strip())} in operand")
        self.at = match.end()
        return match


def _functions(entropy: Entropy, now: float) -> dict[str, Callable[..., object]]:
    return {
        "printf": _printf,
        "random": lambda length: entropy.base62(_bounded(length)),
        "truncate": lambda length, text: text[: _positive(length)],
        "truncate_sha256": _truncate_sha256,
        "uppercase": lambda text: text.upper(),
        "lowercase": lambda text: text.lower(),
        "replace": lambda old, new, text: text.replace(old, new),
        "sha256": lambda text: hashlib.sha256(text.encode()).hexdigest(),
        "base64": lambda text: base64.b64encode(text.encode(errors="surrogateescape")).decode(),
        "utf16le": lambda text: text.encode("utf-16-le").decode(errors="surrogateescape"),
        "unix_time": lambda: str(int(now)),
        "unix_time_millis": lambda: str(int(now * 1000)),
        "timestamp": lambda layout: time.strftime(_layout(layout), time.gmtime(now)),
        "uuid": entropy.uuid,
    }


def _bounded(length: int) -> int:
    if not 0 <= length <= LONGEST:
        raise ValueError(f"no random text has {length} letters and digits")
    return length


def _positive(length: int) -> int:
    if length <= 0:
        raise ValueError(f"max length must be > 0 but was {length}")
    return length


def _truncate_sha256(length: int, text: str) -> str:
    if length <= _HASH:
        raise ValueError(f"max length must be > {_HASH} but was {length}")
    if len(text) <= length:
        return text
    kept = text[: length - _HASH]
    return kept + hashlib.sha256(text[length - _HASH :].encode()).hexdigest()[:_HASH]


def _printf(form: str, *values: object) -> str:
    waiting = list(values)

    def one(match: re.Match[str]) -> str:
        if match.group(1) == "%":
            return "%"
        if not waiting:
            return f"%!{match.group(1)}(MISSING)"
        value = waiting.pop(0)
        return quote(str(value)) if match.group(1) == "q" else str(value)

    return re.sub(r"%([sdvq%])", one, form)


_LAYOUT = (
    ("2006", "%Y"), ("01", "%m"), ("02", "%d"), ("15", "%H"), ("04", "%M"), ("05", "%S"), ("Jan", "%b"), ("Mon", "%a"),
    ("MST", "UTC"), ("Z07:00", "Z"),
)  # fmt: skip


def _layout(layout: str) -> str:
    """Return the ``strftime`` format of a layout of Go, in which the reference time is written out."""

    written = layout.replace("%", "%%")
    for part, directive in _LAYOUT:
        written = written.replace(part, directive)
    return written
