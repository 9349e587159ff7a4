"""The ``mockkms`` command: a module for each subcommand, imported when it is used.

Exit codes: 0 success, 1 failure (a world with errors), 2 usage or environment error (invalid flag, port in use).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

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
    "run",
    "fault",
    "clock",
    "state",
    "journal",
)


_MODULES = {"check": "worlds", "schema": "worlds", "dump": "worlds"}
"""The modules of commands that share one; that of any other command has its name."""


class _Parser(argparse.ArgumentParser):
    """Reports errors in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; --help lists the flags\n")


def _called() -> str:
    """Return the name of the executable."""
    return Path(sys.argv[0]).name


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["-version"] or (arguments[:1] in (["--version"], ["-v"]) and _called() in ("vault", "bao")):
        # The binary of this name prints its version for these flags.
        arguments = ["version"]
    parser = _Parser(
        prog="mockkms", description="A stand-in for HashiCorp Vault, OpenBao and the RustFS KMS, for tests."
    )
    parser.add_argument("--version", action="version", version=f"mockkms {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    asked = [name for name in arguments[:1] if name in COMMANDS]
    for module in dict.fromkeys(_MODULES.get(name, name) for name in asked or COMMANDS):
        import_module(f"mockkms.cli.commands.{module}").add_parser(subparsers)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except CommandError as error:
        print(f"mockkms {options.command}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
