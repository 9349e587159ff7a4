"""The control API's routes about whole worlds: load one, set the baseline."""

from __future__ import annotations

from dataclasses import asdict

from mockkms.faults.parsing import mapping
from mockkms.handle import Handle
from mockkms.server.control.routing import ControlError, ControlRequest, route
from mockkms.world.world import World


class WorldHandle(Handle):
    """Access to the world of a request."""

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def world(self) -> World:
        """The world itself."""
        return self._world


@route(
    "POST", "world", "Replace the world by the initial one with others merged over it, and make that the baseline",
    body="YAML, or {worlds: [a world as data | its YAML as text, …]}; empty list: the initial world", text=True,
    slow_if_large=True,
)  # fmt: skip
def load_world(request: ControlRequest) -> dict[str, object]:
    """Load worlds and drop all tenants.

    Raises ControlError for an invalid world, with all of its errors in ``problems``: file, line, column, …
    """
    if request.data is None:
        raise ControlError(400, "the body is empty; expected a world in YAML, or {worlds: [world, …]}")
    data = {"worlds": [request.data]} if _is_world(request.data) else request.data
    worlds = mapping(data, ("worlds",)).get("worlds", [])
    if not isinstance(worlds, list) or not all(isinstance(world, (dict, str)) for world in worlds):
        raise ControlError(400, "worlds: expected a list of mappings and YAML texts")
    # A text without a line break would be the path of a file here.
    sources = [world if isinstance(world, dict) else world + "\n" for world in worlds]
    try:
        WorldHandle(request.world).load(*sources)
    except ValueError as error:
        problems = [asdict(problem) for problem in getattr(error, "problems", ())]
        raise ControlError(400, str(error), problems=problems) from None
    if request.tenants is not None:
        request.tenants.clear()
    return {"ok": True}


def _is_world(data: object) -> bool:
    """Return whether a body is a world itself: YAML text, or a world as JSON."""
    return isinstance(data, str) or (isinstance(data, dict) and "mockkms" in data)


@route("POST", "baseline", "Make the current state the baseline, until a world is loaded")
def set_baseline(request: ControlRequest) -> dict[str, object]:
    """Keep state, clock, rules and journal as what ``reset`` returns to."""
    WorldHandle(request.world).set_baseline()
    return {"ok": True}
