"""``mockkms fault add|list|remove|clear``: the fault rules of a running server."""

from __future__ import annotations

import argparse
from typing import Any
from urllib.parse import quote

from mockkms.cli.calling import add_address, call, show, values


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("fault", help="add, list and remove faults of a running server", description=__doc__)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = actions.add_parser("add", help="mockkms fault add 'transit/encrypt/*' answer=sealed times=2")
    add.add_argument("path", help="path glob; '*' for every request")
    add.add_argument("words", nargs="*", metavar="word=value", help="words of a rule; values may be JSON")
    listing = actions.add_parser("list", help="the rules with their counts")
    remove = actions.add_parser("remove", help="remove one rule")
    remove.add_argument("id")
    clear = actions.add_parser("clear", help="remove all rules")
    for action in (add, listing, remove, clear):
        add_address(action)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Do it and print what came of it."""
    if options.action == "add":
        words: dict[str, Any] = {"path": options.path, **values(options.words)}
        added = call(options, "POST", "faults", words)
        print(added["id"])
    elif options.action == "list":
        for rule in call(options, "GET", "faults")["rules"]:
            counts = f"matched {rule.pop('matched')}, fired {rule.pop('fired')}"
            print(f"{rule.pop('id')}: {counts}: {rule}")
    elif options.action == "remove":
        call(options, "DELETE", "faults/" + quote(options.id, safe=""))
    else:
        show(call(options, "DELETE", "faults"))
    return 0
