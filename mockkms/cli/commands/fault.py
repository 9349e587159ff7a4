"""``mockkms fault add|list|remove|clear``: manage the fault rules of a running server."""

from __future__ import annotations

import argparse

from mockkms.cli.calling import add_address, server, values
from mockkms.cli.errors import CommandError


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("fault", help="add, list and remove faults of a running server", description=__doc__)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = actions.add_parser("add", help="mockkms fault add 'transit/encrypt/*' answer=sealed times=2")
    add.add_argument("path", help="path glob; '*' for every request")
    add.add_argument("words", nargs="*", metavar="word=value", help="keys of a rule; values may be JSON")
    listing = actions.add_parser("list", help="list the rules with their counts")
    remove = actions.add_parser("remove", help="remove one rule")
    remove.add_argument("id")
    clear = actions.add_parser("clear", help="remove all rules")
    for action in (add, listing, remove, clear):
        add_address(action)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the action and print its result."""
    with server(options) as kms:
        if options.action == "add":
            print(kms.faults.add({"path": options.path, **values(options.words)}).id)
        elif options.action == "list":
            print(kms.faults.describe() or "no rules")
        elif options.action == "clear":
            kms.faults.clear()
        elif not kms.faults.remove(options.id):
            raise CommandError(f"rule {options.id!r} not found", 1)
    return 0
