"""``mockkms clock show|advance|freeze|set|resume``: show or change the clock of a running server."""

from __future__ import annotations

import argparse

from mockkms.cli.calling import add_address, add_json, document, show


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("clock", help="change the clock of a running server", description=__doc__)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    shown = actions.add_parser("show", help="print the time")
    resume = actions.add_parser("resume", help="resume a frozen clock")
    advance = actions.add_parser("advance", help="mockkms clock advance 30m")
    advance.add_argument("value", metavar="DURATION")
    moved = actions.add_parser("set", help="mockkms clock set 2026-01-01T00:00:00Z")
    moved.add_argument("value", metavar="TIME")
    freeze = actions.add_parser("freeze", help="stop the clock, now or at a time")
    freeze.add_argument("value", metavar="TIME", nargs="?", default=True)
    for action in (shown, resume, advance, moved, freeze):
        add_address(action)
        add_json(action)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Change the clock and print its time."""
    if options.action == "show":
        clock = document(options, "GET", "clock")
    else:
        clock = document(options, "POST", "clock", {options.action: getattr(options, "value", True)})
    now, frozen = clock.text("now"), clock.flag("frozen")
    show({"now": now, "frozen": frozen} if options.json else now + (" (frozen)" if frozen else ""))
    return 0
