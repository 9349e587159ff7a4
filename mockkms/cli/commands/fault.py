"""``mockkms fault add|list|enable|disable|remove|clear``: manage the fault rules of a running server."""

from __future__ import annotations

import argparse
from urllib.parse import quote

from mockkms.cli.arguments import CommandError
from mockkms.cli.calling import add_address, add_json, server, show, values


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("fault", help="add, list and remove faults of a running server", description=__doc__)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = actions.add_parser("add", help="mockkms fault add 'transit/encrypt/*' answer=sealed times=2")
    add.add_argument("path", help="path glob; '*' for every request")
    add.add_argument("words", nargs="*", default=[], metavar="word=value", help="keys of a rule; values may be JSON")
    listing = actions.add_parser("list", help="list the rules with their counts")
    enable = actions.add_parser("enable", help="evaluate a disabled rule again")
    enable.add_argument("id")
    disable = actions.add_parser("disable", help="keep a rule and its counts, but do not evaluate it")
    disable.add_argument("id")
    remove = actions.add_parser("remove", help="remove one rule")
    remove.add_argument("id")
    clear = actions.add_parser("clear", help="remove all rules")
    for action in (add, listing, enable, disable, remove, clear):
        add_address(action)
    for action in (add, listing):
        add_json(action)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the action and print its result."""
    if options.action == "add" and options.path.startswith(("{", "[")):
        example = "mockkms fault add 'transit/*' answer=sealed"
        raise CommandError(f"a rule is a path and words, not JSON; example: {example}; rules in YAML: `mockkms load`")
    if options.action == "add" and "=" in options.path and "/" not in options.path.partition("=")[0]:
        example = f"mockkms fault add '*' {options.path}"
        raise CommandError(f"the path comes first, then words such as {options.path}; example: {example}")
    with server(options) as kms:
        if options.action == "add":
            rule = kms.faults.add({"path": options.path, **values(options.words, "answer=sealed")})
            show(rule.describe() if options.json else rule.id)
        elif options.action == "list":
            show(kms.call("GET", "faults") if options.json else kms.faults.describe() or "no rules")
        elif options.action == "clear":
            kms.faults.clear()
        elif options.action in ("enable", "disable"):
            kms.call("POST", _route(options.id), {"enabled": options.action == "enable"})
        else:
            kms.call("DELETE", _route(options.id))
    return 0


def _route(rule_id: str) -> str:
    """Return the control route of a rule, whose errors name the closest id."""
    return "faults/" + quote(rule_id, safe="")
