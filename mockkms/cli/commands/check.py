"""``mockkms check FILE…``: report all errors of world files, with their positions."""

from __future__ import annotations

import argparse
import sys

from mockkms.cli.errors import CommandError


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    text = f"{__doc__} Exit code 1 if there are errors, 2 if a file cannot be read."
    parser = subparsers.add_parser("check", help="check world files", description=text)
    parser.add_argument("files", nargs="+", metavar="FILE", help="a world in YAML, or the name of a ready-made world")
    parser.add_argument("--layered", action="store_true", help="merge the files in order, then check the result")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check the files and print their errors."""
    from mockkms.worldfile import Problem, SeedError, check

    groups = [options.files] if options.layered else [[file] for file in options.files]
    wrong, unreadable = 0, []
    for files in groups:
        try:
            problems: list[Problem] = check(files)
        except SeedError as error:
            if error.unreadable:
                unreadable.append(str(error))
                continue
            problems = error.problems
        for problem in problems:
            print(problem)
        wrong += len(problems)
        if not problems:
            print("\n".join(f"{file}: ok" for file in files))
    if unreadable:
        raise CommandError("\n".join(unreadable))
    if wrong:
        sys.stdout.flush()
        print(f"{wrong} {'error' if wrong == 1 else 'errors'}", file=sys.stderr)
    return 1 if wrong else 0
