"""The syntax errors of an expression, as cel-go's parser reports them and goes on after each."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from mockkms.vault.cel.limits import MOST_NESTED, TOO_NESTED
from mockkms.vault.cel.syntax.network import Network, RuleChoice, RulePart, State, Take
from mockkms.vault.cel.syntax.prediction import Predictor
from mockkms.vault.cel.syntax.tokens import (
    EOF,
    FLOAT,
    INT,
    KINDS,
    PACKAGES,
    SIGNS,
    STRING,
    UINT,
    CelToken,
    shown,
    split,
)
from mockkms.vault.golang.number import of_digits

_SURROGATE = re.compile(r"(?<!\\)(?:\\\\)*\\(?:u|U0000)[dD][89a-fA-F]")
_RESERVED = re.compile(r"no viable alternative at input '\.(true|false|null)'")
RESERVED = frozenset((
    "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop",
    "namespace", "null", "package", "return", "true", "var", "void", "while",
))  # fmt: skip
"""Words that are no names of variables and functions."""


def _whole(text: str) -> int:
    return int(text, 16) if text.startswith("0x") else of_digits(text)


_NUMBERS: dict[str, tuple[str, Callable[[str, int], bool]]] = {
    INT: ("int", lambda text, sign: -(1 << 63) <= sign * _whole(text) < 1 << 63),
    UINT: ("uint", lambda text, _sign: _whole(text[:-1]) < 1 << 64),
    FLOAT: ("double", lambda text, _sign: math.isfinite(float(text))),
}
"""The names of numbers in messages, and whether one, with its sign, fits into 64 bits."""


@lru_cache(maxsize=1)
def _grammar() -> tuple[Network, Predictor]:
    network = Network()
    return network, Predictor(network)


def errors(text: str) -> list[tuple[int, str]]:
    """Return the position and text of each syntax error, in the order of their positions; -1 is none."""
    tokens, misfits = split(text)
    found = [(start, f"Syntax error: token recognition error at: '{text[start:end]}'") for start, end in misfits]
    parser = _RuleParser(tokens, text, misfits)
    parser.parse()
    return sorted([*found, *parser.found], key=lambda error: error[0])


def for_library(text: str) -> str:
    """Return an expression as the library takes it, of the same length.

    Commas before closing brackets, which change nothing, are spaces, and ``math.abs(…)`` is ``math_abs(…)``.
    """
    tokens, _ = split(text)
    chars = [*text]
    for before, token, after in zip([tokens[-1], *tokens], tokens, tokens[1:], strict=False):
        if token.kind == "," and after.kind in ("]", "}"):
            chars[token.start] = " "
        elif token.text in PACKAGES and after.kind == "." and before.kind != ".":
            chars[after.start] = "_"
    return "".join(chars)


class _RuleError(Exception):
    """Leaves a rule: the parser cannot go on in it."""

    def __init__(self, message: str, token: CelToken) -> None:
        super().__init__(message)
        self.message, self.token = message, token


@dataclass
class _Frame:
    """A rule that is being parsed."""

    name: str
    level: int
    follow: State | None


class _RuleParser:
    """Follows the rules; ``at`` is the next token."""

    def __init__(self, tokens: list[CelToken], text: str, misfits: list[tuple[int, int]]) -> None:
        self.network, self._predictor = _grammar()
        self.tokens, self.text, self._misfits = tokens, text, misfits
        self.at = 0
        self.found: list[tuple[int, str]] = []
        self._frames: list[_Frame] = []
        self._recovering = False
        self._stuck_at = -1
        self._stuck_in: set[int] = set()
        self._state: State = self.network.starts["start"]
        self._depths: dict[str, int] = {}

    def parse(self) -> None:
        """Parse all tokens. A rule is no nested call: expressions may be nested more deeply than Python allows."""
        running = [self._rule("start", 0, None)]
        while running:
            called = next(running[-1], None)
            if called is None:
                running.pop()
            elif self._depths.get(called.call, 0) >= MOST_NESTED:
                self.found.append((-1, TOO_NESTED))
                return
            else:
                running.append(self._rule(called.call, called.level, called.follow))

    def _rule(self, name: str, level: int, follow: State | None) -> Iterator[State]:
        """Parse one rule, and yield the rules that it calls; after an error, skip to a token that may follow it."""
        self._frames.append(_Frame(name, level, follow))
        self._depths[name] = self._depths.get(name, 0) + 1
        try:
            yield from self._run(self.network.bodies[name])
        except _RuleError as error:
            if not self._recovering:
                self._recovering = True
                self._report(error.message, error.token)
            if name == "escapeIdent" and self._frames[-2].name == "member":
                self.found.append((error.token.start, "unsupported ident kind"))
            self._recover()
        finally:
            self._frames.pop()
            self._depths[name] -= 1

    def _run(self, parts: list[RulePart]) -> Iterator[State]:
        for part in parts:
            if isinstance(part, Take):
                self._state = part.state
                if part.state.call:
                    yield part.state
                else:
                    self._match(part.state)
            elif isinstance(part, RuleChoice):
                yield from self._choose(part)

    # -- decisions -------------------------------------------------------------------------------------------------

    def _choose(self, part: RuleChoice) -> Iterator[State]:
        if part.kind == "block":
            yield from self._block(part)
            return
        self._synchronise(part.entry)
        if part.kind == "optional":
            if self._kind() in self.network.expected(part.entry.ways[0]):
                yield from self._run(part.bodies[0])
            return
        again = part.kind == "plus" or self._enters(part, part.entry)
        while again:
            yield from self._run(part.bodies[0])
            self._synchronise(part.back)
            again = self._enters(part, part.back)

    def _enters(self, part: RuleChoice, state: State) -> bool:
        self._state = state
        if part.predicts:
            return self._predict(state.ways) == 0
        return self._kind() in self.network.expected(state.ways[0])

    def _block(self, part: RuleChoice) -> Iterator[State]:
        if part.simple:
            self._synchronise(part.entry)
            chosen = [at for at, way in enumerate(part.entry.ways) if self._kind() in self.network.expected(way)]
            if not chosen:
                raise _RuleError(f"no viable alternative at input {self._display(self._next())}", self._next())
            yield from self._run(part.bodies[chosen[0]])
            return
        self._synchronise(part.entry)
        begin = self.at
        choice = self._predict(part.entry.ways)
        yield from self._run(part.bodies[choice])
        if part.entry.rule == "primary" and choice < 2:
            self._check_name(self.tokens[begin + (self.tokens[begin].kind == ".")])
        elif part.entry.rule == "literal":
            self._check_literal(self.tokens[begin : begin + 2])

    def _check_name(self, token: CelToken) -> None:
        if token.text in RESERVED:
            self.found.append((token.start, f"reserved identifier: {token.text}"))

    def _check_literal(self, tokens: list[CelToken]) -> None:
        negative = tokens[0].kind == "-"
        number = tokens[1] if negative else tokens[0]
        if number.kind == STRING and number.text[:1] not in "rR" and _SURROGATE.search(number.text):
            self.found.append((number.start, "invalid unicode code point"))
        if number.kind not in _NUMBERS:
            return
        name, fits = _NUMBERS[number.kind]
        if not fits(number.text, -1 if negative else 1):
            self.found.append((tokens[0].start, f"invalid {name} literal"))

    def _predict(self, ways: list[State]) -> int:
        chosen, last = self._predictor.predict(ways, self._frames[-1].level, self.tokens, self.at)
        if chosen < 0:
            begin, end = self.tokens[self.at], self.tokens[last]
            given = EOF if begin.kind == EOF else self._between(begin, end)
            raise _RuleError(f"no viable alternative at input {shown(given)}", end)
        return chosen

    def _between(self, begin: CelToken, end: CelToken) -> str:
        """Return the text from one token to another, without what is no token."""
        pieces, at = [], begin.start
        for start, after in self._misfits:
            if at <= start < end.start:
                pieces.append(self.text[at:start])
                at = after
        return "".join(pieces) + self.text[at : len(self.text) if end.kind == EOF else end.start + len(end.text)]

    # -- tokens ----------------------------------------------------------------------------------------------------

    def _next(self) -> CelToken:
        return self.tokens[self.at]

    def _kind(self, ahead: int = 0) -> str:
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)].kind

    def _consume(self) -> None:
        self.at = min(self.at + 1, len(self.tokens) - 1)

    def _matched(self) -> None:
        self._recovering, self._stuck_at, self._stuck_in = False, -1, set()

    def _match(self, state: State) -> None:
        if self._kind() in state.tokens:
            self._matched()
            self._consume()
        elif self._delete():
            self._consume()
        elif self._kind() in self._allowed(state.follow):
            if not self._recovering:
                self._recovering = True
                self._report(f"missing {_listed(self._allowed(state))} at {self._display(self._next())}", self._next())
        else:
            raise self._mismatch()

    def _mismatch(self) -> _RuleError:
        token = self._next()
        return _RuleError(f"mismatched input {self._display(token)} expecting {_listed(self._allowed())}", token)

    def _allowed(self, state: State | None = None) -> frozenset[str]:
        """Return the tokens that may come at a state, those after the rules that may end there included."""
        found = self.network.expected(state or self._state)
        allowed = set(found)
        for frame in reversed(self._frames):
            if "" not in found:
                break
            found = self.network.expected(frame.follow) if frame.follow is not None else frozenset((EOF,))
            allowed |= found
        return frozenset(allowed - {""})

    # -- errors ----------------------------------------------------------------------------------------------------

    def _report(self, message: str, token: CelToken) -> None:
        message = _RESERVED.sub(r"mismatched input '\1' expecting IDENTIFIER", message)
        self.found.append((token.start, f"Syntax error: {message}"))

    def _display(self, token: CelToken) -> str:
        return shown(token.text)

    def _synchronise(self, state: State) -> None:
        """Check before a decision that the next token is possible there, and skip it if the one after it is."""
        self._state = state
        expected = self.network.expected(state)
        if self._recovering or "" in expected or self._kind() in expected:
            return
        if state.kind.endswith("back"):
            self._unwanted()
            self._skip_to(self._allowed() | self._resuming())
        elif not self._delete():
            raise self._mismatch()

    def _delete(self) -> bool:
        """Skip a token if the one after it is possible; return whether it was."""
        if self._kind(1) not in self._allowed():
            return False
        self._unwanted()
        self._consume()
        self._matched()
        return True

    def _unwanted(self) -> None:
        if not self._recovering:
            self._recovering = True
            token = self._next()
            self._report(f"extraneous input {self._display(token)} expecting {_listed(self._allowed())}", token)

    def _recover(self) -> None:
        if self._stuck_at == self.at and id(self._state) in self._stuck_in:
            self._consume()
        self._stuck_at = self.at
        self._stuck_in.add(id(self._state))
        self._skip_to(self._resuming())

    def _resuming(self) -> frozenset[str]:
        """Return the tokens that may follow one of the rules that are being parsed."""
        follows = [self.network.expected(frame.follow) for frame in self._frames if frame.follow is not None]
        return frozenset().union(*follows) - {""}

    def _skip_to(self, kinds: frozenset[str]) -> None:
        while self._kind() != EOF and self._kind() not in kinds:
            self._consume()


def _listed(kinds: frozenset[str]) -> str:
    names = [f"'{kind}'" if kind in SIGNS else kind for kind in KINDS if kind in kinds]
    return names[0] if len(names) == 1 else "{" + ", ".join(names) + "}"
