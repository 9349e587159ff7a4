"""Parses templates, with the error texts of Go."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from mockkms.error_context import error_context
from mockkms.vault.golang.fmt import quote
from mockkms.vault.golang.template import literals
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
from mockkms.vault.golang.template.scanning import Lexeme, TemplateLexer

NAME = "template"
"""The name of the template itself, in messages and among the defined ones."""
DEEPEST = 40
"""Levels of parentheses and blocks; Go has a limit of 10,000 for the former."""
_OPERANDS = {
    "bool", "rune", "complex", "dot", "field", "identifier", "number", "nil", "raw", "string", "variable", "(",
}  # fmt: skip
_VALUES = (ConstantNode, DotNode, NilNode, NumberNode)
"""Expressions that take no arguments, so that only the first command of a pipeline may be one."""


def parse(text: str, functions: Collection[str], shown: str = NAME) -> dict[str, list[TemplateNode]]:
    """Return the templates that a text defines, by name. Raises ValueError with Go's text, which names it ``shown``."""
    parser = _TemplateParser(text, functions, shown)
    parser.templates[shown] = parser.whole()
    return parser.templates


class _TemplateParser:
    """Parses one text. Names of variables in scope are in ``variables``, the innermost last."""

    def __init__(self, text: str, functions: Collection[str], shown: str) -> None:
        self.templates: dict[str, list[TemplateNode]] = {}
        self._functions, self._shown = functions, shown
        self._tokens: Iterator[Lexeme] = TemplateLexer(text).tokens()
        self._waiting: list[Lexeme] = []
        self._variables = ["$"]
        self._loops, self._depth, self._line, self._action = 0, 0, 1, 0

    # -- tokens

    def _next(self) -> Lexeme:
        if self._waiting:
            return self._waiting.pop()
        token = next(self._tokens)
        self._line = token.line
        return token

    def _back(self, *tokens: Lexeme) -> None:
        """Put tokens back; the first one is read next."""
        self._waiting += reversed(tokens)

    def _peek(self) -> Lexeme:
        token = self._next()
        self._back(token)
        return token

    def _word(self) -> Lexeme:
        """Return the next token that is not a space."""
        token = self._next()
        while token.kind == "space":
            token = self._next()
        return token

    def _peek_word(self) -> Lexeme:
        token = self._word()
        self._back(token)
        return token

    def _expect(self, kind: str, context: str) -> Lexeme:
        token = self._word()
        if token.kind != kind:
            raise self._unexpected(token, context)
        return token

    @property
    def _position(self) -> str:
        """What precedes the text of an error."""
        return f"template: {self._shown}:{self._line}: "

    def _fault(self, text: str) -> ValueError:
        return ValueError(self._position + text)

    def _unexpected(self, token: Lexeme, context: str) -> ValueError:
        if token.kind != "error":
            return self._fault(f"unexpected {token} in {context}")
        started = ""
        if self._action and self._action != token.line:
            started = f" in action started at {self._shown}:{self._action}"
            if token.text.endswith(" action"):
                started = started.removeprefix(" in action")
        return self._fault(f"{token}{started}")

    def _deeper(self) -> None:
        """Enter one more level. Raises ValueError at the limit."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._fault("max expression depth exceeded")

    # -- text and actions

    def whole(self) -> list[TemplateNode]:
        """Return the parts of the template itself."""
        found: list[TemplateNode] = []
        while (token := self._peek()).kind != "eof":
            if token.kind == "left":
                left = self._next()
                word = self._word()
                if word.kind == "define":
                    self._definition()
                    continue
                self._back(left, word)
            node = self._part()
            if isinstance(node, Lexeme):
                raise self._fault(f"unexpected {{{{{node.text}}}}}")
            found.append(node)
        return found

    def _definition(self) -> None:
        name = self._template_name(self._word(), "define clause")
        self._expect("right", "define clause")
        self._define(name, "define clause")

    def _define(self, name: str, context: str) -> None:
        """Parse the body of a definition, in which only ``$`` is known, and keep it."""
        outer, loops, self._variables, self._loops = self._variables, self._loops, ["$"], 0
        body, end = self._body()
        self._variables, self._loops = outer, loops
        if end.kind != "end":
            raise self._fault(f"unexpected {{{{{end.text}}}}} in {context}")
        if not _empty(self.templates.get(name, [])):
            if not _empty(body):
                raise self._fault(f"template: multiple definition of template {quote(name)}")
            return
        self.templates[name] = body

    def _body(self) -> tuple[list[TemplateNode], Lexeme]:
        """Return the parts up to ``end`` or ``else``, and that token."""
        self._deeper()
        found: list[TemplateNode] = []
        while self._peek_word().kind != "eof":
            node = self._part()
            if isinstance(node, Lexeme):
                self._depth -= 1
                return found, node
            found.append(node)
        raise self._fault("unexpected EOF")

    def _part(self) -> TemplateNode | Lexeme:
        """Return the next part, or the token ``end`` or ``else``."""
        token = self._word()
        if token.kind == "text":
            return TextNode(token.at, token.text)
        if token.kind != "left":
            raise self._unexpected(token, "input")
        self._action = token.line
        found = self._after_left()
        self._action = 0
        return found

    def _after_left(self) -> TemplateNode | Lexeme:
        token = self._word()
        if token.kind in ("if", "with", "range"):
            return self._control(token)
        if token.kind == "end":
            self._expect("right", "end")
            return token
        if token.kind == "else":
            if self._peek_word().kind not in ("if", "with"):
                self._expect("right", "else")
            return token
        if token.kind in ("break", "continue"):
            shown = f"{{{{{token.kind}}}}}"
            self._expect("right", shown)
            if not self._loops:
                raise self._fault(f"{shown} outside {{{{range}}}}")
            return JumpNode(token.at, token.kind)
        if token.kind in ("template", "block"):
            return self._invocation(token.kind)
        self._back(token)
        return ActionNode(token.at, self._pipe("command", "right"))

    def _control(self, word: Lexeme) -> ControlNode:
        """Parse ``if``, ``with`` or ``range``, whose word was read; a chain of ``else if`` becomes nested parts."""
        known, depth = len(self._variables), self._depth
        outermost = made = ControlNode(word.at, word.kind, PipeNode(word.at), [], [])
        while True:
            made.pipe = self._pipe(word.kind, "right")
            self._loops += word.kind == "range"
            made.body, end = self._body()
            self._loops -= word.kind == "range"
            if end.kind != "else":
                break
            following = self._peek_word()
            if word.kind == "range" or following.kind != word.kind:
                made.otherwise, end = self._body()
                if end.kind != "end":
                    raise self._fault(f"expected end; found {{{{{end.text}}}}}")
                break
            self._word()
            inner = ControlNode(following.at, word.kind, PipeNode(following.at), [], [])
            made.otherwise, made = [inner], inner
            self._deeper()
        self._depth = depth
        del self._variables[known:]
        return outermost

    def _invocation(self, word: str) -> InvocationNode:
        context = f"{word} clause"
        token = self._word()
        name = self._template_name(token, context)
        if word == "template" and self._peek_word().kind == "right":
            self._word()
            return InvocationNode(token.at, name, None)
        pipe = self._pipe(context, "right")
        if word == "block":
            self._define(name, context)
        return InvocationNode(token.at, name, pipe)

    def _template_name(self, token: Lexeme, context: str) -> str:
        if token.kind not in ("string", "raw"):
            raise self._unexpected(token, context)
        return self._string(token)

    # -- expressions

    def _pipe(self, context: str, end: str) -> PipeNode:
        first = self._peek_word()
        pipe = PipeNode(first.at)
        self._declarations(pipe, context)
        while True:
            token = self._word()
            if token.kind == end:
                break
            if token.kind not in _OPERANDS:
                raise self._unexpected(token, context)
            self._back(token)
            pipe.commands.append(self._command())
        if not pipe.commands:
            raise self._fault(f"missing value for {context}")
        for stage, command in enumerate(pipe.commands[1:], 2):
            if isinstance(command.words[0], _VALUES):
                raise self._fault(f"non executable command in pipeline stage {stage}")
        return pipe

    def _declarations(self, pipe: PipeNode, context: str) -> None:
        """Read the variables that a pipeline sets, if any."""
        while self._peek_word().kind == "variable":
            variable = self._word()
            adjacent = self._next()
            following = adjacent if adjacent.kind != "space" else self._word()
            if following.kind in ("assign", "declare"):
                pipe.assigns = following.kind == "assign"
            elif following.text != "," or following.kind != "char":
                self._back(variable, *([adjacent] if adjacent is not following else []), following)
                return
            pipe.variables.append(variable.text)
            self._variables.append(variable.text)
            if following.kind != "char":
                return
            if context != "range" or len(pipe.variables) > 1:
                raise self._fault(f"too many declarations in {context}")
            if self._peek_word().kind not in ("variable", "right", ")"):
                raise self._fault("range can only initialize variables")

    def _command(self) -> CommandNode:
        command = CommandNode(self._peek_word().at, [])
        while True:
            self._peek_word()
            operand = self._operand()
            if operand is not None:
                command.words.append(operand)
            token = self._next()
            if token.kind == "space":
                continue
            if token.kind in ("right", ")"):
                self._back(token)
            elif token.kind != "pipe":
                raise self._unexpected(token, "operand")
            break
        if not command.words:
            raise self._fault("empty command")
        return command

    def _operand(self) -> Expression | None:
        """Return a term with the fields that follow it, or None."""
        term = self._term()
        if term is None or self._peek().kind != "field":
            return term
        at, names = self._peek().at, []
        while self._peek().kind == "field":
            names.append(self._next().text[1:])
        if isinstance(term, _VALUES):
            raise self._fault(f"unexpected . after term {quote(str(term))}")
        if isinstance(term, FieldNode | VariableNode):
            return type(term)(at, term.names + names)
        return ChainNode(at, term, names)

    def _term(self) -> Expression | None:
        token = self._word()
        match token.kind:
            case "identifier":
                if token.text not in self._functions:
                    raise self._fault(f"function {quote(token.text)} not defined")
                return NameNode(token.at, token.text)
            case "dot":
                return DotNode(token.at)
            case "nil":
                return NilNode(token.at)
            case "variable":
                if token.text not in self._variables:
                    raise self._fault(f"undefined variable {quote(token.text)}")
                return VariableNode(token.at, [token.text])
            case "field":
                return FieldNode(token.at, [token.text[1:]])
            case "bool":
                return ConstantNode(token.at, token.text, token.text == "true")
            case "rune" | "complex" | "number":
                return self._number(token)
            case "string" | "raw":
                return ConstantNode(token.at, token.text, self._string(token))
            case "(":
                self._deeper()
                pipe = self._pipe("parenthesized pipeline", ")")
                self._depth -= 1
                return pipe
        self._back(token)
        return None

    def _string(self, token: Lexeme) -> str:
        with error_context(self._position):
            return literals.string(token.text, raw=token.kind == "raw")

    def _number(self, token: Lexeme) -> NumberNode:
        with error_context(self._position):
            return literals.rune(token) if token.kind == "rune" else literals.number(token)


def _empty(parts: list[TemplateNode]) -> bool:
    return all(isinstance(part, TextNode) and not part.text.strip() for part in parts)
