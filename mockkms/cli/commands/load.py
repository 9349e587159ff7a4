"""``mockkms load WORLD…``: replace the world of a running server by world files, which ``reset`` then returns to."""

from __future__ import annotations

import argparse

from mockkms.cli.arguments import CommandError
from mockkms.cli.calling import add_address, server
from mockkms.cli.progress import progress


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("load", help="load worlds into a running server", description=__doc__)
    parser.add_argument("worlds", nargs="+", metavar="WORLD", help="world in YAML, or the name of a ready-made one")
    add_address(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Send the worlds; later ones override. Errors are printed with file, line and column."""
    from mockkms.worldfile.problems import SeedError

    with server(options) as kms:
        try:
            with progress("loading the world"):
                kms.load(*options.worlds)
        except SeedError as error:
            raise CommandError("\n".join(["the world stays as it was", *map(str, error.problems)]), 1) from None
    print(f"loaded {', '.join(options.worlds)}")
    return 0
