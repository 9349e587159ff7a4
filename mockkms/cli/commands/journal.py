"""``mockkms journal [show|clear]``: show the requests to a running server, its responses, and reports on them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mockkms.cli.arguments import CommandError, report_file, whole, written_report
from mockkms.cli.calling import add_address, add_json, server, show, values

if TYPE_CHECKING:
    from mockkms.api import Kms


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("journal", help="show the requests to a running server", description=__doc__)
    add_address(parser)
    report = parser.add_mutually_exclusive_group()
    report.add_argument("--policy", action="store_true", help="print the minimal policy for the requests, as HCL")
    report.add_argument("--lint", action="store_true", help="print bad habits of the client")
    saved = "write both, unused grants, unfired rules and requests that are not emulated: a page, or JSON"
    report.add_argument("--report", type=report_file, metavar="FILE", help=saved)
    add_json(parser)
    parser.set_defaults(run=run, words=[], last=None)
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    listing = actions.add_parser("show", help="mockkms journal show path='transit/*' status=503 --last 20")
    listing.add_argument(
        "words", nargs="*", default=[], metavar="word=value", help="keys of a match, status, fault, cut, …"
    )
    listing.add_argument("--last", type=whole(1, 10**9), metavar="N", help="show the last N requests only")
    add_json(listing, again=True)
    listing.description = "Show requests; with --json, their headers and bodies as well, without tokens."
    clear = actions.add_parser("clear", help="remove all entries")
    for action in (listing, clear):
        add_address(action, again=True)


def run(options: argparse.Namespace) -> int:
    """Run the action and print its result."""
    with server(options) as kms:
        if options.action == "clear":
            kms.journal.clear()
        elif options.report is not None:
            _report(kms, options.report)
        elif options.policy:
            policy = str(kms.privileges())
            show({"policy": policy} if options.json else policy)
        elif options.lint:
            findings = kms.lint()
            if options.json:
                show({"findings": [{"rule": finding.rule, "message": finding.message} for finding in findings]})
            else:
                show("\n".join(map(str, findings)) or "no findings")
        else:
            query = {"format": "json" if options.json else "table", "last": options.last}
            found = kms.call("POST", "journal", {**values(options.words, "status=503"), **query})
            show(found if options.json or str(found).strip() else "no requests")
    return 0


def _report(kms: Kms, path: Path) -> None:
    """Write the report of a server, and print what was found. Raises CommandError."""
    from mockkms.report.model import Usage
    from mockkms.report.observing import observe
    from mockkms.report.suite import report_of

    use = Usage(kms.url)
    observe(use, kms)
    if use.problems:
        raise CommandError(use.problems[0])
    report = report_of([use])
    written_report(path, report)
    show(f"{', '.join(map(str, report.wrong)) or 'nothing found'}; see {path}")
