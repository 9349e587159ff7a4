"""``mockkms state``: show and change the state of a running server, its snapshots included."""

from __future__ import annotations

import argparse
from pathlib import Path
from urllib.parse import quote

from mockkms.cli.calling import add_address, add_json, call, document, show

_OPTIONAL: dict[str, tuple[object, str]] = {
    "seal": (True, "seal the Vault, permanently or for a DURATION"),
    "unseal": (True, "unseal the Vault without key shares"),
    "restart": ("keep", "close all connections; keep the state, or lose it"),
    "refuse": (1, "stop listening for SECONDS (default: 1)"),
    "deaf": (1, "accept connections without reading from them, for SECONDS (default: 1)"),
    "step-down": (True, "make the active node of a cluster step down"),
}
_NEEDED = {
    "revoke": ("TOKEN", "revoke a token, by id or accessor"),
    "expire": ("LEASE", "expire the leases below a path, or the last one: mockkms state expire last"),
    "advance": ("DURATION", "advance the clock (negative: back): mockkms state advance 1h"),
    "set-clock": ("TIME", "set the clock: mockkms state set-clock 2030-01-01T00:00:00Z"),
}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("state", help="change the state of a running server", description=__doc__)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    plain = {"show": "print seal, flavor, counts", "reset": "return to the baseline", "snapshots": "list the snapshots"}
    for name, what in plain.items():
        action = actions.add_parser(name, help=what)
        add_address(action)
        if name == "show":
            action.description = "Print seal, flavor and counts, always as JSON."
        if name != "reset":
            add_json(action)
    for name, (default, what) in _OPTIONAL.items():
        act = actions.add_parser(name, help=what)
        act.add_argument("value", nargs="?", default=default)
        add_address(act)
    for name, (value, what) in _NEEDED.items():
        act = actions.add_parser(name, help=what)
        act.add_argument("value", metavar=value)
        add_address(act)
    for name, what in (
        ("save", "take a snapshot"),
        ("snapshot", "the same as save"),
        ("restore", "restore a snapshot"),
        ("diff", "show changes since one"),
    ):
        named = actions.add_parser(name, help=what)
        named.add_argument("name")
        if name == "diff":
            named.description = "What changed since a snapshot, or between two state files: mockkms state diff OLD NEW"
            add_json(named)
            named.add_argument("other", nargs="?", help="with two names: state files of serve --state")
        add_address(named)
    exported = actions.add_parser("export", help="write a state file of serve --state as a world in YAML")
    exported.add_argument("file", type=Path, metavar="FILE")
    exported.add_argument("-o", "--output", type=Path, metavar="WORLD", help="write here, not to the screen")
    imported = actions.add_parser("import", help="make a state file of worlds, for serve --state")
    imported.add_argument("worlds", nargs="+", metavar="WORLD", help="in YAML, - for standard input; later ones win")
    imported.add_argument("file", type=Path, metavar="FILE", help="the state file; an existing one is left alone")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the action and print its result."""
    action = options.action
    if action in ("export", "import") or (action == "diff" and options.other is not None):
        from mockkms.cli import state_files

        return state_files.run(options)
    if action == "show":
        show(call(options, "GET", "state"))
    elif action == "reset":
        call(options, "POST", "reset")
    elif action == "snapshots":
        names = document(options, "GET", "snapshots").texts("snapshots")
        show({"snapshots": names} if options.json else "\n".join(names) or "no snapshots")
    elif action in _OPTIONAL or action in _NEEDED:
        show(call(options, "POST", "state", {action: options.value}))
    else:
        name = quote(options.name, safe="")
        if action == "diff":
            text = str(call(options, "GET", f"snapshots/{name}/diff"))
            show({"changes": text.splitlines()} if options.json else text)
        else:
            call(options, "POST", f"snapshots/{name}" + ("/restore" if action == "restore" else ""))
    return 0
