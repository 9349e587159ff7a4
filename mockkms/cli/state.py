"""``mockkms state``: show and change the state of a running server, its snapshots included."""

from __future__ import annotations

import argparse
from urllib.parse import quote

from mockkms.cli.calling import add_address, call, show

_ACTS = {
    "seal": True,
    "unseal": True,
    "restart": "keep",
    "refuse": 1,
    "deaf": 1,
    "revoke": None,
    "expire": None,
    "step-down": True,
}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("state", help="change the state of a running server", description=__doc__)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    plain = {"show": "seal, flavor, counts", "reset": "back to the baseline", "snapshots": "their names"}
    for name, what in plain.items():
        add_address(actions.add_parser(name, help=what))
    for name, default in _ACTS.items():
        act = actions.add_parser(name)
        act.add_argument("value", nargs=None if default is None else "?", default=default)
        add_address(act)
    for name, what in (("save", "take a snapshot"), ("restore", "go back to one"), ("diff", "what changed since one")):
        named = actions.add_parser(name, help=what)
        named.add_argument("name")
        add_address(named)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Do it and print what came of it."""
    action = options.action
    if action == "show":
        show(call(options, "GET", "state"))
    elif action == "reset":
        call(options, "POST", "reset")
    elif action == "snapshots":
        print("\n".join(call(options, "GET", "snapshots")["snapshots"]))
    elif action in _ACTS:
        show(call(options, "POST", "state", {action: options.value}))
    else:
        name = quote(options.name, safe="")
        if action == "diff":
            show(call(options, "GET", f"snapshots/{name}/diff"))
        else:
            call(options, "POST", f"snapshots/{name}" + ("/restore" if action == "restore" else ""))
    return 0
