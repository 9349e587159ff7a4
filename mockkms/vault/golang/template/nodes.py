"""The parts of a parsed template. ``str`` of an expression is what messages show of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from mockkms.vault.golang.fmt import quote
from mockkms.vault.golang.template.values import Value


@dataclass
class TemplateNode:
    """Any part; ``at`` is its place in the text."""

    at: int


@dataclass
class ConstantNode(TemplateNode):
    """A string or a boolean: its source text and its value."""

    text: str
    value: str | bool

    def __str__(self) -> str:
        return self.text


@dataclass
class NumberNode(TemplateNode):
    """A number, with the values that it can stand for."""

    text: str
    integer: int | None
    floating: float | None
    complex: complex | None
    value: Value
    """Its value where no particular type is expected."""

    def __str__(self) -> str:
        return self.text


@dataclass
class DotNode(TemplateNode):
    """The present value."""

    def __str__(self) -> str:
        return "."


@dataclass
class NilNode(TemplateNode):
    """Nothing."""

    def __str__(self) -> str:
        return "nil"


@dataclass
class NameNode(TemplateNode):
    """A function."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass
class FieldNode(TemplateNode):
    """Fields of the present value."""

    names: list[str]

    def __str__(self) -> str:
        return "".join(f".{name}" for name in self.names)


@dataclass
class VariableNode(TemplateNode):
    """A variable, with fields of its value. The name begins with a dollar sign."""

    names: list[str]

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass
class ChainNode(TemplateNode):
    """Fields of the value of an expression."""

    of: Expression
    names: list[str]

    def __str__(self) -> str:
        inner = f"({self.of})" if isinstance(self.of, PipeNode) else str(self.of)
        return inner + "".join(f".{name}" for name in self.names)


@dataclass
class CommandNode(TemplateNode):
    """A function or value, with arguments."""

    words: list[Expression]

    def __str__(self) -> str:
        return " ".join(f"({word})" if isinstance(word, PipeNode) else str(word) for word in self.words)


@dataclass
class PipeNode(TemplateNode):
    """Commands, each of which gets the value of the one before; the last value may be given to variables."""

    commands: list[CommandNode] = field(default_factory=list)
    variables: list[str] = field(default_factory=list)
    assigns: bool = False

    def __str__(self) -> str:
        sign = "=" if self.assigns else ":="
        given = f"{', '.join(self.variables)} {sign} " if self.variables else ""
        return given + " | ".join(map(str, self.commands))


Expression = ConstantNode | NumberNode | DotNode | NilNode | NameNode | FieldNode | VariableNode | ChainNode | PipeNode


@dataclass
class TextNode(TemplateNode):
    """Text between actions."""

    text: str


@dataclass
class ActionNode(TemplateNode):
    """A pipeline whose value is printed, unless it is given to a variable."""

    pipe: PipeNode


@dataclass
class ControlNode(TemplateNode):
    """``if``, ``with`` or ``range``."""

    word: str
    pipe: PipeNode
    body: list[TemplateNode]
    otherwise: list[TemplateNode]


@dataclass
class JumpNode(TemplateNode):
    """``break`` or ``continue``."""

    word: str


@dataclass
class InvocationNode(TemplateNode):
    """``template``, or ``block`` after its definition."""

    name: str
    pipe: PipeNode | None

    def __str__(self) -> str:
        return f"{{{{template {quote(self.name)}{'' if self.pipe is None else f' {self.pipe}'}}}}}"
