"""Programs: ordered variables, each an expression that can use the previous ones, and a result expression."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mockkms.vault.cel import check
from mockkms.vault.cel.errors import located
from mockkms.vault.cel.messages import MESSAGES, message_types
from mockkms.vault.framework.fields import go_kind, go_type
from mockkms.vault.golang.fmt import quote
from mockkms.vault.golang.number import Number

EXTRA = "CEL programs need the extra mockkms[cel]: pip install 'mockkms[cel]'"


_NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")


class CelError(ValueError):
    """An invalid program or a failed evaluation; the text is the real server's."""


@dataclass
class Variable:
    """A named expression."""

    name: str = ""
    expression: str = ""


@dataclass
class Program:
    """A program as text; nothing compiled is kept, so that it pickles."""

    expression: str = ""
    variables: list[Variable] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        """Return the program as the API shows it; ``variables`` is omitted if empty."""
        shown: dict[str, Any] = {}
        if self.variables:
            shown["variables"] = [{"name": one.name, "expression": one.expression} for one in self.variables]
        return {**shown, "expression": self.expression}

    def validate(self, declared: frozenset[str]) -> None:
        """Raise CelError for invalid syntax, or an undeclared reference in the last expression."""
        names = set(declared)
        for index, variable in enumerate(self.variables):
            try:
                parse(variable.expression)
            except CelError as fault:
                where = f"variable[{index}].{variable.name}: failed to validate: "
                syntax = f"invalid CEL syntax for variable '{variable.name}': {fault}"
                raise CelError(f"failed to validate variables: {where}{syntax}") from None
            names.add(variable.name)
        try:
            tree = parse(self.expression)
        except CelError as fault:
            raise CelError(f"invalid CEL syntax for main expression: {fault}") from None
        clash = next((one.name for one in self.variables if one.name in declared), None)
        faults = check.faults(tree, self.expression, names)
        if clash is not None:
            faults = [f"ERROR: <input>:-1:0: overlapping identifier for name '{clash}'"]
        if faults:
            raise CelError("error type-checking CEL MainProgram: " + "\n".join(faults))

    def evaluate(self, data: Mapping[str, Any]) -> Any:
        """Evaluate the program with the variables of ``data``; return a value of the library's types.

        Raises CelError.
        """
        known = {name: _value(value) for name, value in data.items()}
        for index, variable in enumerate(self.variables):
            try:
                known[variable.name] = _evaluated(variable.expression, known)
            except CelError as fault:
                text = f"failed to evaluate variables: variable[{index}].{variable.name}: {fault}"
                raise CelError(text) from None
        try:
            return _evaluated(self.expression, known)
        except CelError as fault:
            raise CelError(f"failed to evaluate expression: {fault}") from None


def library(module: str = "celpy") -> Any:
    """Import a module of the library. Raises CelError if the extra is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise CelError(EXTRA) from None


def read_program(raw: Mapping[str, Any]) -> Program:
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


def _variable(raw: Any, place: str, faults: list[str]) -> Variable:
    if raw is None:
        return Variable()
    if not isinstance(raw, dict):
        faults.append(f"'{place}' expected a map or struct, got \"{go_kind(raw)}\"")
        return Variable()
    name = _text(raw, "name", f"{place}.Name", faults)
    return Variable(name, _text(raw, "expression", f"{place}.Expression", faults))


def _text(raw: Mapping[str, Any], name: str, place: str, faults: list[str]) -> str:
    value = _member(raw, name)
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, (int, Number)) and not isinstance(value, bool):
        return str(value)
    faults.append(f"'{place}' expected type 'string', got unconvertible type '{go_type(value)}'")
    return ""


def _member(raw: Mapping[str, Any], name: str) -> Any:
    """Return a member by name, ignoring case as the real decoder does."""
    return raw[name] if name in raw else next((value for key, value in raw.items() if key.lower() == name), None)


def parse(text: str) -> Any:
    """Return the syntax tree. Raises CelError."""
    celpy = library()
    end = "mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, " + (
        "NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
    )
    if not text.strip():
        raise CelError(f"ERROR: <input>:1:0: Syntax error: {end}")
    try:
        return celpy.Environment().compile(text)
    except celpy.CELParseError as error:
        cause = error.__cause__ or error.__context__
        position = getattr(cause, "pos_in_stream", None)
        if position is None or position < 0 or getattr(getattr(cause, "token", None), "type", "") == "$END":
            raise CelError(located(text, len(text.rstrip()), f"Syntax error: {end}")) from None
        found = text[position : position + 1]
        raise CelError(located(text, position, f"Syntax error: extraneous input '{found}' expecting <EOF>")) from None


def _evaluated(text: str, known: Mapping[str, Any]) -> Any:
    from mockkms.vault.cel import errors, functions

    celpy = library()
    try:
        tree = parse(text)
    except CelError as fault:
        raise CelError(f"invalid CEL syntax for expression {quote(text)}: {fault}") from None
    types = message_types(library("celpy.celtypes"), library("celpy.evaluation"))
    environment = celpy.Environment(annotations={name: types[name] for name in MESSAGES})
    program = environment.program(tree, functions=functions.all_of(library("celpy.celtypes")))
    try:
        return program.evaluate({name: value for name, value in known.items() if _NAME.fullmatch(name)})
    except (celpy.CELEvalError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise CelError(f"failed to evaluate expression {quote(text)}: {errors.in_go(error)}") from None


def _value(value: Any) -> Any:
    """Convert a value to the library's types. Numbers of a JSON text become doubles, as in Go's decoder."""
    types = library("celpy.celtypes")
    if isinstance(value, bool):
        return types.BoolType(value)
    if isinstance(value, (int, float, Number)):
        return types.DoubleType(float(value))
    if isinstance(value, str):
        return types.StringType(value)
    if isinstance(value, list):
        return types.ListType([_value(item) for item in value])
    if isinstance(value, dict):
        return types.MapType({types.StringType(name): _value(item) for name, item in value.items()})
    return value
