"""``chaos``: the plan of chaos with which a world starts, with the keys of ``mockkms/faults/chaos``."""

from __future__ import annotations

from mockkms.faults import FaultError
from mockkms.faults.chaos.phases import PHASE_WORDS
from mockkms.faults.chaos.plans import PLAN_WORDS, read_plan
from mockkms.vault.framework.shapes.collections import Problems, Shape
from mockkms.vault.framework.shapes.nodes import Node
from mockkms.world.world import World
from mockkms.worldfile.applying import Applier, problems_of


class PlanShape(Shape):
    """A plan; read as plain data."""

    expected = "a percentage, the name of an incident, or a plan with phases"

    def read(self, node: Node, path: str, problems: Problems) -> object:
        words = node.plain()
        if words is None:
            return None
        try:
            read_plan(words)
        except FaultError as error:
            problems += problems_of(error, node, path)
        return words

    def schema(self) -> dict[str, object]:
        phase = _record(PHASE_WORDS) | {"required": ["name"]}
        plan = _record(PLAN_WORDS, phases={"type": "array", "items": phase})
        return {"anyOf": [{"type": ["string", "number", "null"]}, plan]}


def _record(words: dict[str, str], **shapes: dict[str, object]) -> dict[str, object]:
    properties = {word: {**shapes.get(word, {}), "description": text} for word, text in words.items()}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def apply(to: Applier, section: object) -> None:
    """Start the plan."""
    with to.guard("chaos"):
        to.world.faults.start_chaos(section)


def dump(world: World) -> object:
    """Return the plan that runs, None without one. A world that is loaded starts it from its beginning."""
    slot = world.faults.chaos
    return slot.run.plan.words if slot.run is not None and slot.running else None
