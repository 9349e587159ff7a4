"""``mockkms dump URL``: write a running world as a world file, secrets included. Loading it gives an equal world."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mockkms.cli.calling import add_token, call
from mockkms.cli.errors import CommandError
from mockkms.error_context import file_context


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("dump", help="write a running world as YAML", description=__doc__)
    parser.add_argument("url", nargs="?", help="address of the server (default: $MOCKKMS_URL, $VAULT_ADDR)")
    add_token(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write to this file instead of stdout")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Fetch the world and write it."""
    world = str(call(options, "GET", "state?format=yaml"))
    if options.output is None:
        sys.stdout.write(world)
        return 0
    with file_context(f"cannot write {options.output}: ", CommandError):
        options.output.write_text(world, encoding="utf-8")
    return 0
