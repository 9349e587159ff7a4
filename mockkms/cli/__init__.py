"""The ``mockkms`` command: a module for each subcommand, imported when it is used.

Exit codes: 0 success, 1 failure (a world with errors), 2 usage or environment error (invalid flag, port in use).
"""

from __future__ import annotations

import argparse
import errno
import re
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from mockkms.cli import streams
from mockkms.cli.arguments import CommandError
from mockkms.version import __version__

COMMANDS = (
    "serve",
    "server",
    "status",
    "version",
    "operator",
    "check",
    "schema",
    "dump",
    "load",
    "run",
    "explore",
    "fault",
    "chaos",
    "clock",
    "state",
    "journal",
    "diff",
    "capture",
    "completion",
    "man",
)


_MODULES = {
    "check": "worlds",
    "schema": "worlds",
    "dump": "worlds",
    "load": "worlds",
    "man": "completion",
    "diff": "real_servers",
    "capture": "real_servers",
}
"""The modules of commands that share one; that of any other command has its name."""


_OF_OUTPUT = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG, errno.EIO, errno.EBADF)
"""Errors that a write to standard output may have."""
_NEGATIVE = re.compile(r"-\.?\d")


class _Parser(argparse.ArgumentParser):
    """Reports errors in one line, with the nearest flag or value, and shows help without markup."""

    made: ClassVar[list[_Parser]] = []
    """The parsers of all commands that were declared."""

    def __init__(self, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        # What begins as a negative number is a value: -1h, -5%. No flag does.
        self._negative_number_matcher = _NEGATIVE
        self.made.append(self)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return the options. Exits with a message for what is not known."""
        options, rest = self.parse_known_args(args, namespace)
        if rest:
            words = [self.prog, getattr(options, "command", None), getattr(options, "action", None)]
            name = " ".join(word for word in words if word)
            # The parsers of the command, and of its action if it has any.
            asked = [parser for parser in self.made if parser.prog == name] or [self]
            flags = {flag for parser in asked for flag in parser._option_string_actions}
            unknown = [word.partition("=")[0] for word in rest if word.startswith("--")]
            hint = "".join([nearest(word, flags) for word in unknown][:1])
            if not hint and unknown and any(action.metavar == "word=value" for action in asked[0]._actions):
                hint = f"; keys are written as words: {' '.join(f'{word[2:]}=…' for word in unknown)}"
            asked[0].error(f"unrecognized arguments: {' '.join(rest)}{hint}")
        return options

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        choices = [str(choice) for choice in action.choices or ()]
        if choices and str(value) not in choices:
            hint = nearest(str(value), choices) or f"; expected one of: {', '.join(choices)}"
            raise argparse.ArgumentError(action, f"invalid choice: {str(value)!r}{hint}")

    def format_help(self) -> str:
        """Return the help without the markup of docstrings."""
        return super().format_help().replace("`", "")

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; --help lists the flags\n")


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a question for the closest known word, as the end of a message; empty if none is close."""
    from difflib import get_close_matches

    close = get_close_matches(word, sorted(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _action(word: str, commands: dict[str, argparse.ArgumentParser]) -> str:
    """Return a question for the commands that have an action of this name, as the end of a message."""
    found = [
        f"{name} {word}"
        for name, parser in commands.items()
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction) and word in action.choices
    ]
    return f"; did you mean {' or '.join(found)}?" if found else ""


def _called() -> str:
    """Return the name of the executable."""
    return Path(sys.argv[0]).name


def parsers(names: Iterable[str] = COMMANDS) -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """Return the parser of ``mockkms`` and those of its commands by name; ``names`` limits what is imported."""
    _Parser.made.clear()
    parser = _Parser(
        prog="mockkms", description="A stand-in for HashiCorp Vault, OpenBao and the RustFS KMS, for tests."
    )
    parser.add_argument("--version", action="version", version=f"mockkms {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in dict.fromkeys(_MODULES.get(name, name) for name in names):
        import_module(f"mockkms.cli.commands.{module}").add_parser(commands)
    return parser, dict(commands.choices)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        return _run(argv)
    except KeyboardInterrupt:
        return 130


def _run(argv: Sequence[str] | None) -> int:
    """Run one command and return its exit code. Raises KeyboardInterrupt."""
    streams.prepare()
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["-version"] or (arguments[:1] in (["--version"], ["-v"]) and _called() in ("vault", "bao")):
        # The binary of this name prints its version for these flags.
        arguments = ["version"]
    asked = [name for name in arguments[:1] if name in COMMANDS]
    parser, known = parsers(asked or COMMANDS)
    if arguments and not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
        everything = f"; expected one of: {', '.join(COMMANDS)}"
        hint = _action(arguments[0], known) or nearest(arguments[0], COMMANDS) or everything
        parser.error(f"unknown command {arguments[0]!r}{hint}")
    options = parser.parse_args(arguments)
    try:
        code = int(options.run(options) or 0)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever reads the output has enough, as in ``mockkms … | head``.
        streams.give_up_output()
        return 1
    except CommandError as error:
        print(f"mockkms {options.command}: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        # Commands report the errors of the files that they are given; this one is of the output, or of the system.
        streams.give_up_output()
        where = f"{error.filename}: " if error.filename else ""
        if error.errno in _OF_OUTPUT and not where:
            where = "cannot write the output: "
        print(f"mockkms {options.command}: {where}{error.strerror or error}", file=sys.stderr)
        return 2
