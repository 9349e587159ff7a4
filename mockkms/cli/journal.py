"""``mockkms journal show|clear``: what a running server was asked, and what it answered."""

from __future__ import annotations

import argparse
from typing import Any

from mockkms.cli.calling import add_address, call, show, values


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("journal", help="show what a running server was asked", description=__doc__)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("show", help="mockkms journal show path='transit/*' status=503 --last 20")
    listing.add_argument("words", nargs="*", metavar="word=value", help="words of a match, status, fault, cut, …")
    listing.add_argument("--last", type=int, metavar="N", help="the newest N only")
    listing.add_argument("--json", action="store_true", help="as JSON, with headers and bodies (tokens left out)")
    clear = actions.add_parser("clear", help="forget all requests")
    for action in (listing, clear):
        add_address(action)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Do it and print what came of it."""
    if options.action == "clear":
        call(options, "DELETE", "journal")
        return 0
    query: dict[str, Any] = values(options.words)
    query["format"] = "json" if options.json else "table"
    if options.last is not None:
        query["last"] = options.last
    show(call(options, "POST", "journal", query))
    return 0
