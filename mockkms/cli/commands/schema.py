"""``mockkms schema``: the JSON Schema of world files, for editors."""

from __future__ import annotations

import argparse
import json
import sys


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("schema", help="print the JSON Schema of world files", description=__doc__)
    parser.set_defaults(run=run)


def text() -> str:
    """Return the schema, as shipped in ``mockkms/mockkms.schema.json``."""
    from mockkms.worldfile import json_schema

    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


def run(options: argparse.Namespace) -> int:
    """Print it."""
    sys.stdout.write(text())
    return 0
