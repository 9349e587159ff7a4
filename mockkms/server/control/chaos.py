"""Routes of the control API for chaos: start, look at and stop a plan, and read the incidents of the package."""

from __future__ import annotations

from functools import partial

from mockkms.error_context import error_context
from mockkms.faults.chaos.plans import PLAN_WORDS
from mockkms.faults.parsing import FaultError
from mockkms.server.control.routing import ControlError, ControlRequest, route
from mockkms.world.chaos import Chaos

_BODY = f'"2%" | "an incident" | "normal=30s sealed=10s" | {{{", ".join(PLAN_WORDS)}}}'


@route("GET", "chaos", "The plan of chaos that runs, its phase with the seconds left, and counts")
def get_chaos(request: ControlRequest) -> dict[str, object]:
    """Return the plan that was started last, also if it is over; ``active`` says whether it is running."""
    return Chaos(request.world).status()


@route("POST", "chaos", "Start a plan of chaos in place of a running one", body=_BODY)
def start_chaos(request: ControlRequest) -> dict[str, object]:
    """Start a plan, carry out the actions of its first phase, and return its status.

    Raises FaultError, with the nearest name for an unknown incident.
    """
    if request.data is None:
        raise ControlError(400, f"the body is empty; expected {_BODY}")
    return Chaos(request.world).start(request.data).status()


@route("DELETE", "chaos", "Stop the plan of chaos, and undo what its phase has done to the server")
def stop_chaos(request: ControlRequest) -> dict[str, object]:
    """Return the status of the stopped plan; ``stopped`` says whether it was running."""
    chaos = Chaos(request.world)
    return {"ok": True, "stopped": chaos.stop(), **chaos.status()}


@route("GET", "chaos/incidents", "The incidents that chaos can be started with")
def list_incidents(request: ControlRequest) -> dict[str, object]:
    """Return each incident with its summary, its phases, and what a client should do."""
    chaos = Chaos(request.world)
    return {"incidents": [chaos.describe(name) for name in chaos.incidents()]}


@route("GET", "chaos/incidents/{name}", "One incident: summary, phases, what a client should do")
def get_incident(request: ControlRequest) -> dict[str, object]:
    """Return one incident. Raises ControlError (404), with the nearest name, for an unknown one."""
    with error_context(raised=partial(ControlError, 404), of=FaultError):
        return Chaos(request.world).describe(request.names["name"])
