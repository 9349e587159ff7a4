"""Programs: ordered variables, each an expression that can use the previous ones, and a result expression."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mockkms.error_context import error_context
from mockkms.vault.cel import check
from mockkms.vault.cel.limits import TOO_NESTED, depth_fault, size_fault
from mockkms.vault.cel.messages import LOGINS, Dialect
from mockkms.vault.cel.syntax import errors as syntax
from mockkms.vault.cel.syntax import tree as syntax_tree
from mockkms.vault.framework.fields import go_kind, go_type
from mockkms.vault.golang.fmt import quote
from mockkms.vault.golang.number import Number
from mockkms.world.stored import stored

if TYPE_CHECKING:
    from celpy.celtypes import TimestampType, Value
    from lark import Token, Tree

    from mockkms.vault.cel.budget import Allowance

EXTRA = "CEL programs need the extra mockkms[cel]: pip install 'mockkms[cel]'"


class CelError(ValueError):
    """An invalid program or a failed evaluation; the text is the real server's."""


_DOTS, _MARKS = "．.", "＾^"
"""What marks a place below the source line: wide signs below characters beyond ASCII."""


@stored("cel.Variable")
@dataclass
class Variable:
    """A named expression."""

    name: str = ""
    expression: str = ""


@stored("cel.Program")
@dataclass
class Program:
    """A program as text; nothing compiled is kept, so that it pickles."""

    expression: str = ""
    variables: list[Variable] = field(default_factory=list)

    def shown(self) -> dict[str, object]:
        """Return the program as the API shows it; ``variables`` is omitted if empty."""
        shown: dict[str, object] = {}
        if self.variables:
            shown["variables"] = [{"name": one.name, "expression": one.expression} for one in self.variables]
        return {**shown, "expression": self.expression}

    def validate(self, declared: frozenset[str], dialect: Dialect = LOGINS) -> None:
        """Raise CelError for invalid syntax, or an undeclared reference in the last expression."""
        _require_library()
        names = set(declared) | dialect.names
        for index, variable in enumerate(self.variables):
            where = f"failed to validate variables: variable[{index}].{variable.name}: failed to validate: "
            with error_context(f"{where}invalid CEL syntax for variable '{variable.name}': ", CelError):
                check_syntax(variable.expression)
            names.add(variable.name)
        with error_context("invalid CEL syntax for main expression: ", CelError):
            tree = check_syntax(self.expression)

        clash = next((one.name for one in self.variables if one.name in declared), None)
        own = frozenset(one.name for one in self.variables)
        faults = [
            _located(self.expression, at, text) for at, text in check.faults(tree, frozenset(names), own, dialect)
        ]
        if clash is not None:
            faults = [f"ERROR: <input>:-1:0: overlapping identifier for name '{clash}'"]
        if faults:
            raise CelError("error type-checking CEL MainProgram: " + "\n".join(faults))

    def evaluate(self, data: Mapping[str, object], dialect: Dialect = LOGINS) -> Value:
        """Evaluate the program with the variables of ``data``; return a value of the library's types.

        Raises CelError.
        """
        _require_library()
        from mockkms.vault.cel import evaluation
        from mockkms.vault.cel.budget import Allowance

        budget = Allowance()
        known = {name: evaluation.to_cel(value) for name, value in data.items()} | evaluation.constants(dialect)
        for index, variable in enumerate(self.variables):
            with error_context(f"failed to evaluate variables: variable[{index}].{variable.name}: ", CelError):
                known[variable.name] = _evaluated(variable.expression, known, dialect, budget)
        with error_context("failed to evaluate expression: ", CelError):
            return _evaluated(self.expression, known, dialect, budget)


def _require_library() -> None:
    """Raise CelError if the extra is not installed."""
    with error_context(raised=CelError, of=ImportError, text=EXTRA):
        importlib.import_module("celpy")


def timestamp(seconds: float) -> TimestampType:
    """Return a time, in seconds since the epoch, as a value for programs. Raises CelError without the extra."""
    _require_library()
    from celpy.celtypes import TimestampType

    return TimestampType(datetime.fromtimestamp(seconds, UTC))


def read_program(raw: Mapping[str, object]) -> Program:
    """Return the program of a request. Raises CelError with the faults of all members, with the decoder's text."""
    faults: list[str] = []
    program = Program()
    listed = _member(raw, "variables")
    if isinstance(listed, list):
        program.variables = [_variable(item, f"Variables[{index}]", faults) for index, item in enumerate(listed)]
    elif listed is not None:
        faults.append(f"'Variables' source data must be an array or slice, got {go_kind(listed)}")
    program.expression = _text(raw, "expression", "Expression", faults)
    if faults:
        raise CelError("decoding failed due to the following error(s):\n\n" + "\n".join(faults))
    return program


def _variable(raw: object, place: str, faults: list[str]) -> Variable:
    if raw is None:
        return Variable()
    if not isinstance(raw, dict):
        faults.append(f"'{place}' expected a map or struct, got \"{go_kind(raw)}\"")
        return Variable()
    name = _text(raw, "name", f"{place}.Name", faults)
    return Variable(name, _text(raw, "expression", f"{place}.Expression", faults))


def _text(raw: Mapping[str, object], name: str, place: str, faults: list[str]) -> str:
    value = _member(raw, name)
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, (int, Number)) and not isinstance(value, bool):
        return str(value)
    faults.append(f"'{place}' expected type 'string', got unconvertible type '{go_type(value)}'")
    return ""


def _member(raw: Mapping[str, object], name: str) -> object:
    """Return a member by name, ignoring case as the real decoder does."""
    return raw[name] if name in raw else next((value for key, value in raw.items() if key.lower() == name), None)


def check_syntax(text: str) -> syntax_tree.CelNode:
    """Return the tree of an expression. Raises CelError with the text of each error."""
    _refuse(text, size_fault(text))
    found = syntax.errors(text)
    if found and not text:
        raise CelError(f"ERROR: <input>:1:0: {found[0][1]}")
    if not found:
        tree, found = syntax_tree.parse(text)
    if found:
        raise CelError("\n".join(_located(text, at, fault) for at, fault in found))
    _refuse(text, depth_fault(tree))
    return tree


def parse(text: str) -> Tree[Token]:
    """Return the syntax tree, within the limits of the real parser. Raises CelError."""
    _require_library()
    checked = check_syntax(text)
    from celpy import Environment
    from celpy.celparser import CELParseError

    from mockkms.vault.cel.rewriting import needs_rewriting, rewritten

    with error_context(raised=CelError):
        written = rewritten(checked) if needs_rewriting(checked) else syntax.for_library(text)
    try:
        tree = Environment().compile(written)
    except CELParseError as error:
        # Such as optional fields, which the library lacks.
        raise CelError(f"mockkms does not evaluate {quote(text)}: {str(error.args[0]).partition(chr(10))[0]}") from None
    return tree


def _refuse(text: str, fault: str) -> None:
    """Raise CelError with a fault of the whole expression, unless it is empty."""
    if fault:
        raise CelError(_located(text, -1, fault))


def _nested() -> error_context:
    """Raise CelError for expressions nested too deeply for the library, some of which the real server evaluates."""
    return error_context(raised=CelError, of=RecursionError, text=f"ERROR: <input>:-1:0: {TOO_NESTED}")


def _evaluated(text: str, known: Mapping[str, Value], dialect: Dialect, budget: Allowance) -> Value:
    with error_context(f"invalid CEL syntax for expression {quote(text)}: ", CelError):
        tree = parse(text)
    from mockkms.vault.cel import evaluation

    with error_context(f"failed to evaluate expression {quote(text)}: ", CelError), _nested():
        return evaluation.evaluate(tree, known, dialect, budget)


def _located(text: str, position: int, message: str) -> str:
    """Return a message with its position: line and column, the source line, and a mark below it; -1 is no position."""
    if position < 0:
        return f"ERROR: <input>:-1:0: {message}"
    before = text[:position]
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1)
    shown = text.split("\n")[line - 1]
    dots = "".join(_DOTS[char.isascii()] for char in shown[:column])
    mark = _MARKS[shown[column : column + 1].isascii()]
    shown = shown.replace("\t", " ")
    return f"ERROR: <input>:{line}:{column + 1}: {message}\n | {shown}\n | {dots}{mark}"
