"""``mockkms journal show|clear``: what a running server was asked, and what it answered."""

from __future__ import annotations

import argparse

from mockkms.cli.calling import add_address, server, show, values


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("journal", help="show what a running server was asked", description=__doc__)
    add_address(parser)
    report = parser.add_mutually_exclusive_group()
    report.add_argument("--policy", action="store_true", help="the smallest policy that the requests needed, as HCL")
    report.add_argument("--lint", action="store_true", help="what the client did that a real server would suffer from")
    parser.set_defaults(run=run, words=[], last=None, json=False)
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    listing = actions.add_parser("show", help="mockkms journal show path='transit/*' status=503 --last 20")
    listing.add_argument("words", nargs="*", metavar="word=value", help="words of a match, status, fault, cut, …")
    listing.add_argument("--last", type=int, metavar="N", help="the newest N only")
    listing.add_argument("--json", action="store_true", help="as JSON, with headers and bodies (tokens left out)")
    clear = actions.add_parser("clear", help="forget all requests")
    for action in (listing, clear):
        add_address(action, again=True)


def run(options: argparse.Namespace) -> int:
    """Do it and print what came of it."""
    with server(options) as kms:
        if options.action == "clear":
            kms.journal.clear()
        elif options.policy:
            show(str(kms.privileges()))
        elif options.lint:
            print("\n".join(str(finding) for finding in kms.lint()) or "no findings")
        else:
            query = {**values(options.words), "format": "json" if options.json else "table", "last": options.last}
            show(kms.call("POST", "journal", query))
    return 0
