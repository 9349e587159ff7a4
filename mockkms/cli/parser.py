"""The parser of the command line: what it says of a flag or word that a command does not have, and where it belongs."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable
from typing import Any, ClassVar, NoReturn

_NEGATIVE = re.compile(r"-\.?\d")
_WORDS = "word=value"
"""How the arguments of actions are named that take keys of rules or queries."""
_NAMED = 3
"""How many commands or actions with a flag are named."""


class Parser(argparse.ArgumentParser):
    """Reports errors in one line, with the nearest flag or value, and shows help without markup."""

    made: ClassVar[list[Parser]] = []
    """The parsers of all commands that were declared."""
    given: ClassVar[list[str]] = []
    """The arguments that are parsed."""

    def __init__(self, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        # What begins as a negative number is a value: -1h, -5%. No flag does.
        self._negative_number_matcher = _NEGATIVE
        self.made.append(self)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return the options. Exits with a message for what is not known."""
        self.given[:] = sys.argv[1:] if args is None else args
        options, rest = self.parse_known_args(args, namespace)
        if rest:
            words = [self.prog, getattr(options, "command", None), getattr(options, "action", None)]
            name = " ".join(word for word in words if word)
            asked = next((parser for parser in self.made if parser.prog == name), self)
            asked.error(f"unrecognized arguments: {' '.join(rest)}{asked._hint(rest)}")
        return options

    def _hint(self, rest: list[str]) -> str:
        """Return the end of a message about arguments that are unknown here: where they belong, or the nearest flag."""
        unknown = [word.partition("=")[0] for word in rest if _is_flag(word)]
        hints = (hint for flag in unknown if (hint := self._place(flag) or nearest(flag, self._flags())))
        if hint := next(hints, ""):
            return hint
        if unknown and self._takes_words():
            written = [f"{flag.lstrip('-')}=…" for flag in unknown]
            return f"; keys are written as words: {' '.join(written)}"
        files = [word for word in rest if word.endswith((".yaml", ".yml", ".json"))]
        return f"; worlds are given with --seed: --seed {files[0]}" if files and "--seed" in self._flags() else ""

    def _place(self, flag: str) -> str:
        """Return where a flag belongs that came too early or too late, as the end of a message; empty if nowhere."""
        if flag in self._flags():
            # Parsed by a parser above this one, which does not have it.
            return f"; {flag} comes after the {self._what()} {self.prog.rpartition(' ')[2]}"
        above = [parser for parser in self.made if self.prog.startswith(f"{parser.prog} ") and flag in parser._flags()]
        return f"; {flag} comes before {self.prog.removeprefix(above[0].prog).split()[0]}" if above else ""

    def _what(self) -> str:
        """Return what selects this parser: a command, or the action of one."""
        return "action" if self.prog.count(" ") > 1 else "command"

    def _flags(self) -> Iterable[str]:
        return self._option_string_actions

    def _takes_words(self) -> bool:
        return any(action.metavar == _WORDS for action in self._actions)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        choices = [str(choice) for choice in action.choices or ()]
        if choices and str(value) not in choices:
            if isinstance(action, argparse._SubParsersAction):
                self._refuse_early(action, str(value))
            hint = nearest(str(value), choices) or _expected(choices)
            raise argparse.ArgumentError(action, f"invalid choice: {str(value)!r}{hint}")

    def _refuse_early(self, below: argparse._SubParsersAction[Parser], value: str) -> None:
        """Exit if what was taken for an action is the value of a flag, or a word, of an action that comes after it."""
        place = self.given.index(value) if value in self.given else 0
        flag = self.given[place - 1] if place else ""
        words = [name for name, parser in below.choices.items() if parser._takes_words()]
        if words and "=" in value:
            self.error(f"unrecognized arguments: {value}; words come after the action: {words[0]} {value}")
        if not _is_flag(flag) or "=" in flag or flag in self._flags() or self._get_option_tuples(flag):
            return
        having = [name for name, parser in below.choices.items() if flag in parser._flags()]
        if having:
            names = f" {' or '.join(having)}" if len(having) <= _NAMED else ""
            hint = f"; {flag} comes after the {next(iter(below.choices.values()))._what()}{names}"
        else:
            hint = nearest(flag, {known for parser in (self, *below.choices.values()) for known in parser._flags()})
        if not hint and words and flag.startswith("--"):
            hint = f"; keys are written as words: {words[0]} {flag.lstrip('-')}={value}"
        self.error(f"unrecognized arguments: {flag} {value}{hint}")

    def format_help(self) -> str:
        """Return the help without the markup of docstrings."""
        return super().format_help().replace("`", "")

    def error(self, message: str) -> NoReturn:
        """Exit with a message in one line, which names the commands or actions if none was given."""
        names = [action for action in self._actions if isinstance(action, argparse._SubParsersAction)]
        if names and message.endswith(f"are required: {names[0].metavar}"):
            message = f"no {str(names[0].metavar).lower()} given{_expected(names[0].choices)}"
        self.exit(2, f"{self.prog}: {message}; --help lists the flags\n")


def _is_flag(word: str) -> bool:
    return word.startswith("-") and word.strip("-") != "" and not _NEGATIVE.match(word)


def _expected(choices: Iterable[str]) -> str:
    return f"; expected one of: {', '.join(choices)}"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a question for the closest known word, as the end of a message; empty if none is close.

    The dashes of flags do not count: they would make all flags alike.
    """
    from difflib import get_close_matches

    bare = {one.lstrip("-"): one for one in sorted(known, reverse=True)}
    close = get_close_matches(word.lstrip("-"), sorted(bare), n=1)
    return f"; did you mean {bare[close[0]]}?" if close else ""
