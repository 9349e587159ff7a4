"""``mockkms check``, ``schema``, ``dump`` and ``load``: check, describe, write and load worlds."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from mockkms.cli.arguments import CommandError, whole
from mockkms.cli.calling import add_address, add_json, call, server, show
from mockkms.cli.options import tls
from mockkms.cli.progress import progress
from mockkms.cli.streams import write_data
from mockkms.error_context import file_context
from mockkms.files import write_text


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    text = "Report all errors of world files, with their positions."
    text += " Exit code 1 if there are errors, 2 if a file cannot be read."
    parser = subparsers.add_parser("check", help="check world files", description=text)
    text = "a world in YAML, the name of a ready-made world, or - for standard input"
    parser.add_argument("files", nargs="+", metavar="FILE", help=text)
    parser.add_argument("--layered", action="store_true", help="merge the files in order, then check the result")
    add_json(parser)
    served = parser.add_argument_group("flags of `mockkms serve`, for rules that need them")
    served.add_argument("--nodes", type=whole(1, 99), metavar="N", help="a cluster: rules may use step_down")
    tls.add_options(served)
    parser.set_defaults(run=_check)
    text = "Print the JSON Schema of world files, for editors."
    parser = subparsers.add_parser("schema", help="print the JSON Schema of world files", description=text)
    parser.set_defaults(run=_print_schema)
    text = "Write a running world as a world file, secrets included. Loading it gives an equal world."
    parser = subparsers.add_parser("dump", help="write a running world as YAML", description=text)
    parser.add_argument("address", nargs="?", metavar="URL", help="the same as --url")
    add_address(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write to this file instead of stdout")
    parser.set_defaults(run=_dump)
    text = "Replace the world of a running server by world files, to which reset then returns."
    parser = subparsers.add_parser("load", help="load worlds into a running server", description=text)
    text = "world in YAML, name of a ready-made one, or - for standard input"
    parser.add_argument("worlds", nargs="+", metavar="WORLD", help=text)
    add_address(parser)
    parser.set_defaults(run=_load)


def _check(options: argparse.Namespace) -> int:
    """Check the files and print their errors."""
    from mockkms.cli.named_worlds import sources
    from mockkms.worldfile import Problem, SeedError, check

    named = dict(zip(options.files, sources(options.files), strict=True))
    groups = [options.files] if options.layered else [[file] for file in options.files]
    refused = tls.refused_faults(options)
    wrong: list[Problem] = []
    unreadable: list[str] = []
    for files in groups:
        try:
            with progress(f"checking {', '.join(files)}"):
                layers = [named[file] for file in files]
                problems = check(layers, cluster=options.nodes is not None, refused_tls=refused)
        except SeedError as error:
            if error.unreadable:
                unreadable.append(str(error))
                continue
            problems = error.problems
        wrong += problems
        if not options.json:
            lines = [str(problem) for problem in problems] or [f"{file}: ok" for file in files]
            print("\n".join(lines))
    if options.json:
        sound = not wrong and not unreadable
        show({"ok": sound, "problems": [asdict(problem) for problem in wrong], "unreadable": unreadable})
        return 2 if unreadable else 1 if wrong else 0
    if unreadable:
        raise CommandError("\n".join(unreadable))
    if wrong:
        sys.stdout.flush()
        print(f"{len(wrong)} {'error' if len(wrong) == 1 else 'errors'}", file=sys.stderr)
    return 1 if wrong else 0


def schema() -> str:
    """Return the schema, which a checkout, but not the wheel, also has as ``mockkms/mockkms.schema.json``."""
    from mockkms.worldfile import editor_schema

    return json.dumps(editor_schema(), indent=1, ensure_ascii=False) + "\n"


def _print_schema(options: argparse.Namespace) -> int:
    """Print the schema."""
    write_data(schema())
    return 0


def _dump(options: argparse.Namespace) -> int:
    """Fetch the world and write it."""
    options.url = options.address or options.url
    with progress("writing the world"):
        world = str(call(options, "GET", "state?format=yaml"))
    if options.output is None:
        write_data(world)
        return 0
    with file_context(f"cannot write {options.output}: ", CommandError):
        write_text(options.output, world)
    return 0


def _load(options: argparse.Namespace) -> int:
    """Send the worlds; later ones override. Errors are printed with file, line and column."""
    from mockkms.cli.named_worlds import sources
    from mockkms.worldfile import SeedError

    worlds = sources(options.worlds)
    with server(options) as kms:
        try:
            with progress("loading the world"):
                kms.load(*worlds)
        except SeedError as error:
            raise CommandError("\n".join(["the world stays as it was", *map(str, error.problems)]), 1) from None
    print(f"loaded {', '.join(options.worlds)}")
    return 0
