"""``mockkms chaos start|status|stop|list|show``: failures on the live traffic of a running server."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from mockkms.cli.calling import add_address, add_json, server, show
from mockkms.cli.options import chaos
from mockkms.remote.document import Document


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("chaos", help="make the live traffic of a running server fail", description=__doc__)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    start = actions.add_parser("start", help="mockkms chaos start leader-election")
    plan = "2%%, the name of an incident, a YAML file, or phases: normal=30s failover=5s sealed=10s"
    start.add_argument("plan", nargs="+", metavar="PLAN", help=plan)
    chaos.add_options(start)
    status = actions.add_parser("status", help="print the plan that runs, its phase, and counts")
    stop = actions.add_parser("stop", help="stop the plan and undo what its phase has done")
    listing = actions.add_parser("list", help="list the incidents")
    shown = actions.add_parser("show", help="print an incident's phases, and what a client should do")
    shown.add_argument("incident", metavar="INCIDENT")
    for action in (start, status, stop, listing, shown):
        add_address(action)
        add_json(action)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the action and print its result."""
    plan = chaos.plan(options.plan) if options.action == "start" else None
    with server(options) as kms:
        if options.action == "list":
            found = Document(kms.call("GET", "chaos/incidents"))
            show(found.data if options.json else "\n".join(_row(one) for one in found.documents("incidents")))
            return 0
        if options.action == "show":
            incident = Document(kms.chaos.describe(options.incident))
            show(incident.data if options.json else "\n".join(_described(incident)))
            return 0
        stopped = False
        if options.action == "start":
            kms.chaos.start(plan, seed=options.seed, phase=options.phase, loop=False if options.once else None)
        elif options.action == "stop":
            stopped = kms.chaos.stop()
        status = Document(kms.chaos.status())
    if options.json:
        show(status.data)
    elif options.action == "stop":
        show("stopped" if stopped else "no chaos")
    else:
        show("\n".join(_lines(status)))
    return 0


def _row(incident: Document) -> str:
    return f"{incident.text('name'):<20} {incident.text('summary')}"


def _described(incident: Document) -> Iterator[str]:
    yield f"{incident.text('name')}: {incident.text('summary')}"
    yield ""
    for phase in incident.documents("phases"):
        yield _phase(phase)
    yield ""
    yield "A client should:"
    yield from (f"- {line}" for line in incident.texts("client"))


def _phase(phase: Document) -> str:
    lasts = phase.data.get("lasts")
    duration = f"{lasts:g}s" if isinstance(lasts, (int, float)) else "no end"
    return f"  {phase.text('name'):<16} {duration:>7}  {phase.text('note')}".rstrip()


def _lines(status: Document) -> Iterator[str]:
    if not status.flag("active"):
        yield "no chaos"
        return
    left = status.data.get("left")
    until = f", {left:.0f}s left" if isinstance(left, (int, float)) else ""
    failed, requests = status.whole("failed"), status.whole("requests")
    yield f"{status.text('name')}: phase {status.text('phase')}{until}; seed {status.data['seed']}"
    yield f"{failed} of {requests} requests failed"
    for phase in status.documents("phases"):
        mark = ">" if phase.text("name") == status.text("phase") else " "
        yield f"{mark}{_phase(phase)[1:]}".rstrip() + f"  ({phase.whole('failed')} of {phase.whole('requests')} failed)"
