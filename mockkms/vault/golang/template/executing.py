"""Executes templates, with the error texts of Go."""

from __future__ import annotations

from collections.abc import Mapping

from mockkms.vault.golang.fmt import quote
from mockkms.vault.golang.template.builtins import BUILTINS
from mockkms.vault.golang.template.nodes import (
    ActionNode,
    ChainNode,
    CommandNode,
    ConstantNode,
    ControlNode,
    DotNode,
    Expression,
    FieldNode,
    InvocationNode,
    JumpNode,
    NameNode,
    NilNode,
    NumberNode,
    PipeNode,
    TemplateNode,
    TextNode,
    VariableNode,
)  # fmt: skip
from mockkms.vault.golang.template.parsing import DEEPEST, NAME, parse
from mockkms.vault.golang.template.printf import sprint
from mockkms.vault.golang.template.values import Byte, Data, Function, Value, encoded, is_true, type_of

LONGEST_OUTPUT = 1 << 20
"""Bytes of the longest output; Go has none."""
_WORK = 200_000
"""Steps of one execution; a function needs one more for each ``_SHARE`` bytes that it takes or returns."""
_SHARE = 64


class GoTemplate:
    """A parsed template with its functions."""

    def __init__(self, text: str, functions: Mapping[str, Function], name: str = NAME) -> None:
        """Parse ``text``, which errors call ``name``. Raises ValueError with the text of ``sdk/helper/template``."""
        if not text:
            raise ValueError("missing template")
        self.text, self.functions, self.name = text, {**BUILTINS, **functions}, name
        try:
            self.parts = parse(text, self.functions, name)
        except ValueError as error:
            raise ValueError(f"unable to parse template: {error}") from None

    def generate(self, data: Value, *, strict: bool = False) -> str:
        """Return the output for ``data``. With ``strict``, keys that a map lacks are errors. Raises ValueError."""
        output, fault = self.execute(data, strict=strict)
        if fault:
            raise ValueError(f"unable to apply template: {fault}")
        return output

    def execute(self, data: Value, *, strict: bool = False) -> tuple[str, str]:
        """Return the output for ``data`` up to the first error, and that error's text; empty if there is none."""
        run = _Run(self, data, strict=strict)
        fault = ""
        try:
            run.body(data, self.parts[self.name])
        except ValueError as error:
            fault = str(error)
        return "".join(run.output), fault


class _Missing:
    """What a command gets where no value precedes it, and what a map has for keys that it lacks."""


_MISSING = _Missing()
_Maybe = Value | _Missing


class _Run:
    """One execution. Variables are in ``variables``, the innermost last."""

    def __init__(self, template: GoTemplate, data: Value, *, strict: bool) -> None:
        self.output: list[str] = []
        self._template, self._strict = template, strict
        self._name, self._variables = template.name, [("$", data)]
        self._node: TemplateNode = TemplateNode(0)
        self._left, self._length, self._depth = _WORK, 0, 0

    def fault(self, text: str) -> ValueError:
        """Return the error at the part that is being executed."""
        before = self._template.text[: self._node.at]
        line, column = before.count("\n") + 1, len(encoded(before.rpartition("\n")[2]))
        at = f"{self._template.name}:{line}:{column}"
        return ValueError(f"template: {at}: executing {quote(self._name)} at <{self._node}>: {text}")

    def _spend(self, steps: int = 1) -> None:
        self._left -= steps
        if self._left < 0:
            raise self.fault(f"the template takes more than {_WORK} steps")

    def _write(self, text: str) -> None:
        self._length += len(text)
        if self._length > LONGEST_OUTPUT:
            raise self.fault(f"the output is longer than {LONGEST_OUTPUT} bytes")
        self.output.append(text)

    # -- parts

    def body(self, dot: Value, parts: list[TemplateNode]) -> str:
        """Execute parts in order, up to ``break`` or ``continue``, which is returned; else an empty text."""
        for part in parts:
            self._spend()
            match part:
                case TextNode():
                    self._write(part.text)
                case ActionNode():
                    value = self._pipe(dot, part.pipe)
                    if not part.pipe.variables:
                        self._node = part.pipe
                        self._write("<no value>" if value is None else sprint([value]))
                case ControlNode():
                    if jump := self._range(dot, part) if part.word == "range" else self._branch(dot, part):
                        return jump
                case InvocationNode():
                    self._invoke(dot, part)
                case JumpNode():
                    return part.word
        return ""

    def _branch(self, dot: Value, part: ControlNode) -> str:
        known = len(self._variables)
        value = self._pipe(dot, part.pipe)
        if is_true(value):
            jump = self.body(value if part.word == "with" else dot, part.body)
        else:
            jump = self.body(dot, part.otherwise)
        del self._variables[known:]
        return jump

    def _range(self, dot: Value, part: ControlNode) -> str:
        known = len(self._variables)
        value = self._pipe(dot, part.pipe)
        inside = len(self._variables)
        names = part.pipe.variables
        pairs: list[tuple[Value, Value]] | None = None
        count = 0
        if isinstance(value, int) and not isinstance(value, bool):
            if len(names) > 1:
                raise self.fault(f"can't use {sprint([value])} to iterate over more than one variable")
            count = max(0, value)
        elif isinstance(value, dict):
            pairs = [(key, _plain(value[key])) for key in sorted(value)]
        elif isinstance(value, list):
            pairs = [(at, _plain(member)) for at, member in enumerate(value)]
        elif value is not None:
            raise self.fault(f"range can't iterate over {sprint([value])}")
        if pairs is not None:
            count = len(pairs)
        for at in range(count):
            self._spend()
            index, element = pairs[at] if pairs is not None else (None, at)
            for name, given in zip(names, (index, element) if len(names) > 1 else (element,), strict=False):
                self._set(name, given)
            jump = self.body(element, part.body)
            del self._variables[inside:]
            if jump == "break":
                break
        # After {{else}}, Go's break ends this range, and continue goes to the loop around it.
        jump = "" if count else self.body(dot, part.otherwise)
        del self._variables[known:]
        return "" if jump == "break" else jump

    def _invoke(self, dot: Value, part: InvocationNode) -> None:
        self._node = part
        if part.name not in self._template.parts:
            raise self.fault(f"template {quote(part.name)} not defined")
        value = None if part.pipe is None else self._pipe(dot, part.pipe)
        self._node = part
        if self._depth >= DEEPEST:
            raise self.fault(f"exceeded maximum template depth ({DEEPEST})")
        outer = self._name, self._variables
        self._name, self._variables, self._depth = part.name, [("$", value)], self._depth + 1
        self.body(value, self._template.parts[part.name])
        self._name, self._variables = outer
        self._depth -= 1

    # -- expressions

    def _pipe(self, dot: Value, pipe: PipeNode) -> Value:
        self._node = pipe
        value: _Maybe = _MISSING
        for command in pipe.commands:
            value = self._command(dot, command, value)
        assert not isinstance(value, _Missing)
        for name in pipe.variables:
            if pipe.assigns:
                self._set(name, value)
            else:
                self._variables.append((name, value))
        return value

    def _set(self, name: str, value: Value) -> None:
        """Give a variable that is in scope another value."""
        for at in reversed(range(len(self._variables))):
            if self._variables[at][0] == name:
                self._variables[at] = (name, value)
                return
        raise self.fault(f"undefined variable: {name}")

    def _command(self, dot: Value, command: CommandNode, piped: _Maybe) -> Value:
        self._spend()
        word, *arguments = command.words
        if isinstance(word, NameNode):
            return self._call(dot, word, command, arguments, piped)
        if not isinstance(word, PipeNode):
            self._node = word
        if arguments or not isinstance(piped, _Missing):
            if isinstance(word, FieldNode | ChainNode) or (isinstance(word, VariableNode) and len(word.names) > 1):
                self._value(dot, word)
                self._node = word
                raise self.fault(f"{word.names[-1]} has arguments but cannot be invoked as function")
            raise self.fault(f"can't give argument to non-function {word}")
        if isinstance(word, NilNode):
            raise self.fault("nil is not a command")
        return self._value(dot, word)

    def _value(self, dot: Value, word: Expression) -> Value:
        """Return the value of an expression where no particular type is expected."""
        self._node = word
        match word:
            case DotNode():
                return dot
            case NilNode():
                return None
            case ConstantNode():
                return word.value
            case NumberNode():
                if word.value is None:
                    raise self.fault(f"{word.text} overflows int")
                return word.value
            case FieldNode():
                return self._fields(dot, word.names)
            case VariableNode():
                found = next(value for name, value in reversed(self._variables) if name == word.names[0])
                return self._fields(found, word.names[1:])
            case NameNode():
                return self._call(dot, word, word, [], _MISSING)
            case PipeNode():
                return self._pipe(dot, word)
            case ChainNode():
                if isinstance(word.of, NilNode):
                    raise self.fault(f"indirection through explicit nil in {word}")
                inner = self._value(dot, word.of)
                return self._fields(inner, word.names)

    def _fields(self, value: Value, names: list[str]) -> Value:
        declared = ""  # The type of values in maps, whatever they are.
        for name in names:
            if isinstance(value, Data) and name in value.fields:
                value, declared = value.fields[name], ""
            elif isinstance(value, dict):
                if self._strict and name not in value:
                    raise self.fault(f"map has no entry for key {quote(name)}")
                value, declared = _plain(value.get(name)), "interface {}"
            elif value is not None:
                raise self.fault(f"can't evaluate field {name} in type {declared or type_of(value)}")
        return value

    def _call(
        self, dot: Value, name: NameNode, at: CommandNode | NameNode, arguments: list[Expression], piped: _Maybe
    ) -> Value:
        """Return the result of a function."""
        self._node = name
        function = self._template.functions[name.name]
        count = len(arguments) + (not isinstance(piped, _Missing))
        fixed = len(function.takes) - function.variadic
        if function.variadic and count < fixed:
            raise self.fault(f"wrong number of args for {name}: want at least {fixed} got {len(arguments)}")
        if not function.variadic and count != fixed:
            raise self.fault(f"wrong number of args for {name}: want {fixed} got {count}")
        if name.name in ("and", "or"):
            return self._short(dot, name.name, arguments, piped)
        kinds = [function.takes[min(at, len(function.takes) - 1)] for at in range(count)]
        values = [self._argument(dot, kind, word) for kind, word in zip(kinds, arguments, strict=False)]
        if not isinstance(piped, _Missing):
            values.append(self._checked(piped, kinds[-1]))
        if name.name == "call" and values[0] is not None:
            self._node = at
            shown = str(arguments[0]) if arguments else sprint(values)
            raise self.fault(f"error calling call: non-function {shown} of type {type_of(values[0])}")
        self._spend(1 + sum(len(value) for value in values if isinstance(value, str)) // _SHARE)
        try:
            found = function.call(*values)
        except ValueError as error:
            self._node = at
            raise self.fault(f"error calling {name}: {error}") from None
        if isinstance(found, str):
            self._spend(len(found) // _SHARE)
        return found

    def _short(self, dot: Value, name: str, arguments: list[Expression], piped: _Maybe) -> Value:
        """Return the result of ``and`` or ``or``, which evaluate no more arguments than they need."""
        value: Value = None
        for word in arguments:
            value = self._argument(dot, "any", word)
            if is_true(value) == (name == "or"):
                return value
        return value if isinstance(piped, _Missing) else piped

    def _argument(self, dot: Value, kind: str, word: Expression) -> Value:
        """Return an argument of a function that takes this type there."""
        self._node = word
        if kind == "any":
            return self._value(dot, word)
        if isinstance(word, NilNode):
            raise self.fault(f"cannot assign nil to {kind}")
        if isinstance(word, ConstantNode | NumberNode):
            if kind == "int":
                if isinstance(word, NumberNode) and word.integer is not None:
                    return word.integer
                raise self.fault(f"expected integer; found {word}")
            if isinstance(word, ConstantNode) and isinstance(word.value, str):
                return word.value
            raise self.fault(f"expected string; found {word}")
        return self._checked(self._value(dot, word), kind)

    def _checked(self, value: Value, kind: str) -> Value:
        if kind == "any":
            return value
        if value is None:
            raise self.fault(f"invalid value; expected {kind}")
        if type_of(value) != kind:
            raise self.fault(f"wrong type for value; expected {kind}; got {type_of(value)}")
        return value


def _plain(value: object) -> Value:
    """Return a member of decoded JSON as a value."""
    return value if isinstance(value, bool | int | float | str | dict | list | Byte) else None
