"""The control API's routes about whole worlds: load one, mark the baseline, explain a decision."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from mockkms.faults.parsing import mapping, text, within
from mockkms.handle import Handle
from mockkms.server.control.routing import Asked, ControlError, route
from mockkms.world.world import World


class _Held(Handle):
    """The world that a request is about."""

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def world(self) -> World:
        """The world itself."""
        return self._world


@route(
    "POST", "world", "Replace the world by the initial one with others merged over it, and make that the baseline",
    body="{worlds: [a world as data | its YAML as text, …]}; none: the world of the start",
)  # fmt: skip
def load_world(asked: Asked) -> Any:
    """An invalid world is refused, with all errors in ``problems``: file, line, column, path, message."""
    worlds = mapping(asked.data or {}, ("worlds",)).get("worlds", [])
    if not isinstance(worlds, list) or not all(isinstance(world, (dict, str)) for world in worlds):
        raise ControlError(400, "worlds: expected a list of mappings and YAML texts")
    # A text without a line break would be the path of a file here.
    sources = [world if isinstance(world, dict) else world + "\n" for world in worlds]
    try:
        _Held(asked.world).load(*sources)
    except ValueError as error:
        problems = [asdict(problem) for problem in getattr(error, "problems", ())]
        raise ControlError(400, str(error), problems=problems) from None
    return {"ok": True}


@route("POST", "baseline", "Make the current state the baseline, until a world is loaded")
def set_baseline(asked: Asked) -> Any:
    """State, clock, rules and journal."""
    _Held(asked.world).set_baseline()
    return {"ok": True}


@route("POST", "explain", "Explain the policy decision for a token", body="{token, operation, path}")
def explain(asked: Asked) -> Any:
    """The decision, and the explanation as text."""
    words = mapping(asked.data, ("token", "operation", "path"))
    given = []
    for word in ("token", "operation", "path"):
        with within(word):
            given.append(text(words.get(word, "")))
    token, operation, path = given
    try:
        told = _Held(asked.world).explain(token, operation, path)
    except ValueError as error:
        raise ControlError(400, str(error)) from None
    return {"allowed": told.allowed, "rule": told.decision.rule, "text": str(told)}
