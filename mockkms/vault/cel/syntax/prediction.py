"""Which alternative the tokens ahead fit: all are followed in parallel, as the parser's simulation does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mockkms.vault.cel.syntax.network import Network, State
from mockkms.vault.cel.syntax.tokens import EOF, CelToken

MOST_MOMENTS = 5000
"""Sets of states that are kept."""


@dataclass(frozen=True)
class _Config:
    """A state that one alternative reaches."""

    choice: int
    state: State
    stack: tuple[State, ...] = ()
    """Where the rules that were entered go on; beyond the decision's own rule, everything that may follow it does."""
    left: bool = False
    """Whether the decision's rule was left."""


@dataclass(eq=False)
class _Moment:
    """The states reached by the same tokens, and what the next token decides."""

    configs: list[_Config]
    next: dict[str, tuple[int | None, _Moment | None]] = field(default_factory=dict)
    """By kind of token: the alternative, or the states that it leads to."""


class Predictor:
    """Chooses alternatives in one grammar; what was looked at is kept."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._first: dict[tuple[int, int, int], _Moment] = {}
        self._moments: dict[frozenset[_Config], _Moment] = {}

    def predict(self, ways: list[State], level: int, tokens: list[CelToken], at: int) -> tuple[int, int]:
        """Return the alternative, or -1 if none fits, and the position of the last token that was looked at.

        Args:
            ways: The beginnings of the alternatives.
            level: The level of precedence of the present rule.
            tokens: All tokens.
            at: The next token's position.
        """
        key = (id(ways[0]), len(ways), level)
        moment: _Moment | None = self._first.get(key)
        if moment is None:
            begun = self._closed([_Config(choice, way) for choice, way in enumerate(ways)], level)
            moment = self._first[key] = self._moment(begun)
        while True:
            kind = tokens[at].kind
            if kind not in moment.next:
                moment.next[kind] = self._step(moment, kind, level)
            choice, after = moment.next[kind]
            if after is None:
                assert choice is not None
                return choice, at
            moment = after
            at += 1

    def _moment(self, configs: list[_Config]) -> _Moment:
        if len(self._moments) >= MOST_MOMENTS:
            self._first.clear()
            self._moments.clear()
        return self._moments.setdefault(frozenset(configs), _Moment(configs))

    def _step(self, moment: _Moment, kind: str, level: int) -> tuple[int | None, _Moment | None]:
        reached = [
            _Config(one.choice, one.state.follow, one.stack, one.left)
            for one in moment.configs
            if kind in one.state.tokens and one.state.follow is not None
        ]
        if not reached:
            return min((one.choice for one in moment.configs if one.left), default=-1), None
        choices = {one.choice for one in reached}
        if len(choices) == 1:
            return choices.pop(), None
        configs = self._closed(reached, level)
        places = [{(id(one.state), one.stack) for one in configs if one.choice == choice} for choice in choices]
        if kind == EOF or all(place == places[0] for place in places):
            return min(choices), None
        return None, self._moment(configs)

    def _closed(self, configs: Iterable[_Config], level: int) -> list[_Config]:
        """Return the configurations that take a token, or end the rule, reachable without one."""
        found: dict[_Config, None] = {}
        waiting, seen = [*configs], set()
        while waiting:
            one = waiting.pop()
            if one in seen:
                continue
            seen.add(one)
            state = one.state
            if state.needs and level > state.needs and not one.stack and not one.left:
                continue
            if state.tokens:
                found[one] = None
            if state.kind == "stop":
                waiting += self._after(one, found)
            elif state.call and state.follow is not None:
                called = self._network.starts[state.call]
                waiting.append(_Config(one.choice, called, (*one.stack, state.follow), one.left))
            waiting += [_Config(one.choice, way, one.stack, one.left) for way in state.ways]
        return [*found]

    def _after(self, one: _Config, found: dict[_Config, None]) -> list[_Config]:
        """Return where a rule that ends goes on, and note the end of the decision's own."""
        if one.stack:
            return [_Config(one.choice, one.stack[-1], one.stack[:-1], one.left)]
        found[_Config(one.choice, one.state, (), True)] = None
        return [_Config(one.choice, follow, (), True) for follow in self._network.follows.get(one.state.rule, ())]
