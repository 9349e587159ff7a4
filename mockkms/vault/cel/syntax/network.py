"""The grammar of CEL as a network of states, from which the parser of cel-go derives its error messages.

Each rule is a chain of states; a transition is a set of tokens, the call of a rule, or nothing. The states have the
kinds of those of ANTLR: where a parser synchronises with the tokens, and how, depends on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mockkms.vault.cel.syntax.tokens import BYTES, EOF, ESCAPED, FLOAT, IDENTIFIER, INT, STRING, UINT


@dataclass(eq=False)
class State:
    """A state, with where it leads: by tokens, by a call of ``rule``, or freely to each of ``ways``."""

    rule: str
    kind: str = ""
    tokens: frozenset[str] = frozenset()
    call: str = ""
    level: int = 0
    """The level of precedence at which ``call`` is made."""
    follow: State | None = None
    """The state after the tokens or the call."""
    ways: list[State] = field(default_factory=list)
    needs: int = 0
    """The highest level at which this way may be taken; 0: any."""


class RulePart:
    """A part of a rule."""


@dataclass(eq=False)
class Take(RulePart):
    """One token out of a set, or all that a rule accepts."""

    state: State


@dataclass(eq=False)
class RuleChoice(RulePart):
    """Alternatives: a block, an optional part or a loop."""

    kind: str
    """``block``, ``optional``, ``star`` or ``plus``."""
    entry: State
    back: State
    """Where a loop goes on; ``entry`` otherwise."""
    bodies: list[list[RulePart]]
    predicts: bool
    """Whether the parser looks ahead as far as it needs to, rather than at the next token alone."""
    simple: bool = False
    """Whether the alternatives are told apart by the next token, without looking for errors first."""


_WORDS = frozenset(("true", "false", "null"))
_RELATIONS = frozenset(("<", "<=", ">=", ">", "==", "!=", "in"))


class Network:
    """All rules, built once."""

    def __init__(self) -> None:
        self.starts: dict[str, State] = {}
        self.stops: dict[str, State] = {}
        self.bodies: dict[str, list[RulePart]] = {}
        self.follows: dict[str, list[State]] = {}
        self._firsts: dict[int, frozenset[str]] = {}
        for name, build in _RULES.items():
            self._rule(name, build)

    def _rule(self, name: str, spec: list[object]) -> None:
        stop = self.stops[name] = State(name, "stop")
        parts, start = self._sequence(name, spec, stop)
        self.starts[name], self.bodies[name] = start, parts

    def _sequence(self, rule: str, spec: list[object], after: State) -> tuple[list[RulePart], State]:
        parts: list[RulePart] = []
        for item in reversed(spec):
            part, after = self._item(rule, item, after)
            parts.append(part)
        return parts[::-1], after

    def _item(self, rule: str, item: object, after: State) -> tuple[RulePart, State]:
        if isinstance(item, (str, frozenset)):
            state = State(rule, tokens=frozenset((item,)) if isinstance(item, str) else item, follow=after)
            return Take(state), state
        assert isinstance(item, tuple)
        if item[0] == "call":
            state = State(rule, call=item[1], level=item[2] if len(item) > 2 else 0, follow=after)
            self.follows.setdefault(item[1], []).append(after)
            return Take(state), state
        return self._choice(rule, item, after)

    def _choice(self, rule: str, item: tuple[object, ...], after: State) -> tuple[RulePart, State]:
        kind, predicts, *specs = item
        assert isinstance(kind, str)
        kinds = {"star": ("star entry", "star back"), "plus": ("plus entry", "plus back")}
        entry_kind, back_kind = kinds.get(kind, ("block", "block"))
        entry = State(rule, entry_kind)
        back = State(rule, back_kind) if kind in ("star", "plus") else entry
        bodies = []
        for spec in specs:
            assert isinstance(spec, list)
            needs = spec[0] if isinstance(spec[0], int) else 0
            parts, first = self._sequence(rule, spec[1:] if needs else spec, back if back is not entry else after)
            bodies.append(parts)
            way = State(rule, ways=[first], needs=needs)
            entry.ways.append(way)
            if kind in ("star", "plus"):
                back.ways.append(way)
        if kind in ("star", "optional"):
            entry.ways.append(after)
        if kind in ("star", "plus"):
            back.ways.append(after)
        return RuleChoice(kind, entry, back, bodies, predicts is True, predicts == "simple"), entry

    def expected(self, state: State) -> frozenset[str]:
        """Return the tokens that may follow within the state's rule; an empty text if it may end there."""
        known = self._firsts.get(id(state))
        if known is None:
            known = self._firsts[id(state)] = frozenset(self._expected(state, set()))
        return known

    def _expected(self, state: State, seen: set[int]) -> Iterator[str]:
        if id(state) in seen:
            return
        seen.add(id(state))
        if state.kind == "stop":
            yield ""
        yield from state.tokens
        if state.call:
            yield from self.expected(self.starts[state.call])
        for way in state.ways:
            yield from self._expected(way, seen)


def _call(name: str, level: int = 0) -> tuple[object, ...]:
    return ("call", name, level)


def _optional(*spec: object) -> tuple[object, ...]:
    return ("optional", False, [*spec])


def _listed(*spec: object) -> tuple[object, ...]:
    """Return a repetition that looks ahead, since a comma may be the last one."""
    return ("star", True, [*spec])


_RULES: dict[str, list[object]] = {
    "start": [_call("expr"), EOF],
    "expr": [_call("or"), _optional("?", _call("or"), ":", _call("expr"))],
    "or": [_call("and"), ("star", False, ["||", _call("and")])],
    "and": [_call("relation"), ("star", False, ["&&", _call("relation")])],
    "relation": [_call("calc"), ("star", True, [1, _RELATIONS, _call("relation", 2)])],
    "calc": [
        _call("unary"),
        ("star", True, [(
            "block", True, [2, frozenset("*/%"), _call("calc", 3)], [1, frozenset("+-"), _call("calc", 2)],
        )]),
    ],
    "unary": [
        (
            "block", True,
            [_call("member")], [("plus", False, ["!"]), _call("member")], [("plus", True, ["-"]), _call("member")],
        )
    ],
    "member": [
        _call("primary"),
        ("star", True, [(
            "block", True,
            [".", _optional("?"), _call("escapeIdent")],
            [".", IDENTIFIER, "(", _optional(_call("exprList")), ")"],
            ["[", _optional("?"), _call("expr"), "]"],
        )]),
    ],
    "primary": [(
        "block", True,
        [_optional("."), IDENTIFIER],
        [_optional("."), IDENTIFIER, "(", _optional(_call("exprList")), ")"],
        ["(", _call("expr"), ")"],
        ["[", _optional(_call("listInit")), _optional(","), "]"],
        ["{", _optional(_call("mapInit")), _optional(","), "}"],
        [
            _optional("."), IDENTIFIER, ("star", False, [".", IDENTIFIER]),
            "{", _optional(_call("fieldInit")), _optional(","), "}",
        ],
        [_call("literal")],
    )],
    "exprList": [_call("expr"), ("star", False, [",", _call("expr")])],
    "listInit": [_call("optExpr"), _listed(",", _call("optExpr"))],
    "fieldInit": [_call("optField"), ":", _call("expr"), _listed(",", _call("optField"), ":", _call("expr"))],
    "optField": [_optional("?"), _call("escapeIdent")],
    "mapInit": [_call("optExpr"), ":", _call("expr"), _listed(",", _call("optExpr"), ":", _call("expr"))],
    "escapeIdent": [("block", "simple", [IDENTIFIER], [ESCAPED])],
    "optExpr": [_optional("?"), _call("expr")],
    "literal": [(
        "block", True,
        [_optional("-"), INT], [UINT], [_optional("-"), FLOAT], [STRING], [BYTES], ["true"], ["false"], ["null"],
    )],
}  # fmt: skip
