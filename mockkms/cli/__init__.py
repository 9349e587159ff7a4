"""The ``mockkms`` command: a module for each subcommand, imported when it is used.

Exit codes: 0 success, 1 failure (a world with errors), 2 usage or environment error (invalid flag, port in use).
"""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path

from mockkms.cli import streams
from mockkms.cli.arguments import CommandError
from mockkms.cli.parser import Parser, nearest
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
    Parser.made.clear()
    parser = Parser(
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
