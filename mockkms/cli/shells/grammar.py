"""The commands, flags and values of ``mockkms``, read from its argparse parsers: for completion and the manual page."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mockkms.cli import parsers
from mockkms.vault.kernel.node import INITIAL_STATES
from mockkms.vault.products import PRODUCTS
from mockkms.worldfile import ready_made

_FILES = frozenset({"FILE", "PEM", "PATH", "WORLD", "FILE|STATE"})
_DIRECTORIES = frozenset({"DIR"})


@dataclass(frozen=True)
class Values:
    """The values that an argument accepts: known words, and files, directories or a command line."""

    words: tuple[str, ...] = ()
    files: bool = False
    directories: bool = False
    command_line: bool = False


@dataclass(frozen=True)
class Flag:
    """One flag with all of its spellings. ``values`` is None if it takes no value."""

    names: tuple[str, ...]
    help: str
    metavar: str
    values: Values | None
    optional: bool = False
    """Whether the value may be left out."""


@dataclass(frozen=True)
class Positional:
    """One positional argument."""

    metavar: str
    help: str
    values: Values
    optional: bool
    repeated: bool


@dataclass(frozen=True)
class Command:
    """A command with its flags and its further commands. ``path`` starts with ``mockkms``."""

    path: tuple[str, ...]
    summary: str
    """One line."""
    description: str
    flags: tuple[Flag, ...]
    positionals: tuple[Positional, ...]
    commands: tuple[Command, ...] = field(default=())

    def walk(self) -> Iterator[Command]:
        """Yield this command and all below it."""
        yield self
        for command in self.commands:
            yield from command.walk()


def grammar() -> Command:
    """Return the whole command line."""
    return _command(parsers()[0], ("mockkms",), "")


def _command(parser: argparse.ArgumentParser, path: tuple[str, ...], summary: str) -> Command:
    flags: list[Flag] = []
    positionals: list[Positional] = []
    commands: list[Command] = []
    formatter = parser._get_formatter()
    for action in parser._actions:
        if action.help is argparse.SUPPRESS:
            continue
        text = " ".join(formatter._expand_help(action).split()) if action.help else ""
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            commands += [_command(sub, (*path, name), helps[name]) for name, sub in action.choices.items()]
        elif action.option_strings:
            values = None if action.nargs == 0 else _values(action)
            flags.append(
                Flag(tuple(action.option_strings), _plain(text), _metavar(action), values, action.nargs == "?")
            )
        else:
            repeated = action.nargs in ("+", "*", argparse.REMAINDER)
            optional = action.nargs in ("?", "*", argparse.REMAINDER)
            positionals.append(Positional(_metavar(action), _plain(text), _values(action), optional, repeated))
    description = _plain(parser.description or "")
    return Command(path, _plain(summary), description, tuple(flags), tuple(positionals), tuple(commands))


def _metavar(action: argparse.Action) -> str:
    if isinstance(action.metavar, str):
        return action.metavar
    if action.choices:
        return "|".join(str(choice) for choice in action.choices)
    return action.dest.upper().replace("_", "-")


def _values(action: argparse.Action) -> Values:
    """Return the values that an argument accepts, derived from its choices, type and metavar."""
    name = _metavar(action)
    words: tuple[str, ...] = tuple(str(choice) for choice in action.choices or ())
    if action.dest == "flavor":
        words = tuple(PRODUCTS)
    elif action.dest == "state":
        words = INITIAL_STATES
    elif action.dest == "seed" or name == "WORLD":
        words = tuple(sorted(ready_made()))
    files = name in _FILES or action.type is Path or action.dest == "files" or name == "world"
    return Values(words, files, name in _DIRECTORIES, action.nargs == argparse.REMAINDER)


def _plain(text: str) -> str:
    """Return a help text without the markup of docstrings."""
    return text.replace("``", "").replace("`", "")
