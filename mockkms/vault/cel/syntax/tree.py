"""Syntax trees of valid expressions, with the positions that cel-go gives to their parts."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from mockkms.vault.cel.syntax.tokens import BYTES, EOF, FLOAT, IDENTIFIER, INT, STRING, UINT, CelToken, split

T = TypeVar("T")
Steps: TypeAlias = Generator[Any, Any, T]
"""A call that yields the calls it makes and is sent their results, so that no depth of nesting is too deep."""

_LITERALS = {
    INT: "int", UINT: "uint", FLOAT: "double", STRING: "string", BYTES: "bytes", "true": "bool", "false": "bool",
    "null": "null",
}  # fmt: skip
_RELATIONS = ("<", "<=", ">=", ">", "==", "!=", "in")
_QUANTIFIERS = ("all", "exists", "exists_one", "existsOne", "map", "filter", "sortBy", "optMap", "optFlatMap")


@dataclass
class CelNode:
    """A part of an expression."""

    kind: str
    """``literal``, ``name``, ``select``, ``has``, ``call``, ``list``, ``map``, ``message`` or ``macro``."""
    at: int
    name: str = ""
    """The type of a literal, a field, a function, a message or a macro."""
    target: CelNode | None = None
    parts: list[CelNode] = field(default_factory=list)
    text: str = ""
    """Of a literal or name, as it is written."""
    labels: list[tuple[str, int]] = field(default_factory=list)
    """The fields of a message, and where their colons are; ``?`` precedes those that may be missing."""

    def path(self) -> str:
        """Return a dotted name such as ``pb.Auth``; empty for anything else."""
        names, node = [], self
        while node.kind == "select" and node.target is not None:
            names.append(node.name)
            node = node.target
        return ".".join([node.name, *reversed(names)]) if node.kind == "name" else ""


def run(call: Steps[T]) -> T:
    """Return the result of a call, and of those that it makes."""
    running: list[Steps[Any]] = [call]
    result: Any = None
    while running:
        try:
            called = running[-1].send(result)
        except StopIteration as end:
            running.pop()
            result = end.value
        else:
            running.append(called)
            result = None
    found: T = result
    return found


def parse(text: str) -> tuple[CelNode, list[tuple[int, str]]]:
    """Return the tree of an expression without syntax errors, and the errors of its macros with their positions."""
    parser = _TreeParser(split(text)[0])
    return run(parser.expression()), parser.errors


class _TreeParser:
    """Reads the tokens of an expression that is valid."""

    def __init__(self, tokens: list[CelToken]) -> None:
        self._tokens, self._at = tokens, 0
        self.errors: list[tuple[int, str]] = []

    def _next(self, ahead: int = 0) -> CelToken:
        return self._tokens[min(self._at + ahead, len(self._tokens) - 1)]

    def _take(self) -> CelToken:
        token = self._next()
        self._at += 1
        return token

    def _skip(self, kind: str) -> bool:
        """Skip a token of this kind; return whether it was there."""
        found = self._next().kind == kind
        self._at += found
        return found

    def expression(self) -> Steps[CelNode]:
        condition: CelNode = yield self._logical("||", "&&")
        if self._next().kind != "?":
            return condition
        at = self._take().start
        chosen = yield self._logical("||", "&&")
        self._take()
        other = yield self.expression()
        return CelNode("call", at, "_?_:_", parts=[condition, chosen, other])

    def _logical(self, sign: str, inner: str) -> Steps[CelNode]:
        operand = self._logical(inner, "") if inner else self._relation()
        terms, at = [(yield operand)], -1
        while self._next().kind == sign:
            at = self._take().start
            terms.append((yield self._logical(inner, "") if inner else self._relation()))
        return terms[0] if at < 0 else CelNode("call", at, f"_{sign}_", parts=terms)

    def _relation(self) -> Steps[CelNode]:
        left: CelNode = yield self._sum(("+", "-"))
        while self._next().kind in _RELATIONS:
            sign = self._take()
            right = yield self._sum(("+", "-"))
            left = CelNode("call", sign.start, "@in" if sign.kind == "in" else f"_{sign.kind}_", parts=[left, right])
        return left

    def _sum(self, signs: tuple[str, ...]) -> Steps[CelNode]:
        products = signs == ("+", "-")
        left: CelNode = yield self._sum(("*", "/", "%")) if products else self._unary()
        while self._next().kind in signs:
            sign = self._take()
            right = yield self._sum(("*", "/", "%")) if products else self._unary()
            left = CelNode("call", sign.start, f"_{sign.kind}_", parts=[left, right])
        return left

    def _unary(self) -> Steps[CelNode]:
        sign, at, count = self._next().kind, self._next().start, 0
        if sign == "-" and self._next(1).kind in (INT, FLOAT):
            number: CelNode = yield self._member()
            return number
        while sign in ("-", "!") and self._skip(sign):
            count += 1
        inner: CelNode = yield self._member()
        return CelNode("call", at, f"{sign}_", parts=[inner]) if count % 2 else inner

    def _member(self) -> Steps[CelNode]:
        node: CelNode = yield self._primary()
        while self._next().kind in (".", "["):
            opening = self._take()
            optional = self._skip("?")
            if opening.kind == "[":
                index = yield self.expression()
                self._take()
                node = CelNode("call", opening.start, "_[?_]" if optional else "_[_]", parts=[node, index])
                continue
            name = self._take()
            if name.kind == IDENTIFIER and self._next().kind == "(" and not optional:
                at = self._take().start
                arguments = yield self._list(")")
                node = self._called(at, name.text, node, arguments)
            else:
                text = name.text.strip("`")
                node = CelNode("select", opening.start, text, node, labels=[("?", opening.start)] if optional else [])
        return node

    def _primary(self) -> Steps[CelNode]:
        token = self._take()
        if token.kind == "(":
            inner: CelNode = yield self.expression()
            self._take()
            return inner
        if token.kind == "[":
            flags: list[tuple[str, int]] = []
            items: list[CelNode] = yield self._list("]", flags)
            return CelNode("list", token.start, parts=items, labels=flags)
        if token.kind == "{":
            made: CelNode = yield self._entries(CelNode("map", token.start))
            return made
        if token.kind == "-":
            number = self._take()
            return CelNode("literal", token.start, _LITERALS[number.kind], text=f"-{number.text}")
        if token.kind in _LITERALS:
            return CelNode("literal", token.start, _LITERALS[token.kind], text=token.text)
        leading = token.kind == "."
        name = self._take() if leading else token
        if self._next().kind == "(":
            at = self._take().start
            arguments = yield self._list(")")
            return self._called(at, f".{name.text}" if leading else name.text, None, arguments)
        names, ahead = [name.text], 0
        while self._next(ahead).kind == "." and self._next(ahead + 1).kind == IDENTIFIER:
            names.append(self._next(ahead + 1).text)
            ahead += 2
        if self._next(ahead).kind == "{":
            self._at += ahead
            message: CelNode = yield self._entries(CelNode("message", self._take().start, ".".join(names)))
            return message
        return CelNode("name", name.start, f".{name.text}" if leading else name.text, text=name.text)

    def _list(self, closing: str, flags: list[tuple[str, int]] | None = None) -> Steps[list[CelNode]]:
        """Read expressions up to a bracket; ``flags`` gets ``?`` for optional ones."""
        found = []
        while self._next().kind not in (closing, EOF):
            if not self._skip(","):
                optional = self._skip("?")
                if flags is not None:
                    flags.append(("?" if optional else "", self._next().start))
                found.append((yield self.expression()))
        self._take()
        return found

    def _entries(self, node: CelNode) -> Steps[CelNode]:
        """Read the entries of a map or message up to the closing brace."""
        while not self._skip("}") and self._next().kind != EOF:
            if self._skip(","):
                continue
            label = "?" if self._skip("?") else ""
            if node.kind == "message":
                label += self._take().text.strip("`")
            else:
                node.parts.append((yield self.expression()))
            node.labels.append((label, self._take().start))
            node.parts.append((yield self.expression()))
        return node

    def _called(self, at: int, name: str, target: CelNode | None, arguments: list[CelNode]) -> CelNode:
        """Return a call, or what a macro makes of it."""
        if target is None and name == "has" and len(arguments) == 1:
            tested = arguments[0]
            if tested.kind != "select":
                self.errors.append((tested.at, "invalid argument to has() macro"))
            return CelNode("has", at, tested.name, tested.target)
        if target is not None and target.path() == "math" and name in ("greatest", "least"):
            self._check_extreme(name, target, arguments)
        macro = target is not None and name in _QUANTIFIERS
        if macro and (len(arguments) == 2 or (name == "map" and len(arguments) == 3)):
            if arguments[0].kind != "name":
                text = "argument is not an identifier" if name == "sortBy" else "argument must be a simple name"
                self.errors.append((arguments[0].at, text))
            return CelNode("macro", at, name, target, arguments)
        return CelNode("call", at, name, target, arguments)

    def _check_extreme(self, name: str, target: CelNode, arguments: list[CelNode]) -> None:
        """Check the arguments of ``math.greatest`` and ``math.least`` that are plain to see."""
        if not arguments:
            self.errors.append((target.at, f"math.{name}() requires at least one argument"))
        single = len(arguments) == 1
        text = "invalid single argument value" if single else "simple literal arguments must be numeric"
        for one in arguments:
            inner = one.parts if single and one.kind == "list" else [one]
            if any(part.kind == "literal" and part.name not in ("int", "uint", "double") for part in inner):
                self.errors.append((one.at, f"math.{name}() {text}"))
