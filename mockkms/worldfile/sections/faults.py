"""``faults``: rules, or a script, with the keys of ``mockkms/faults``."""

from __future__ import annotations

from collections.abc import Mapping

from mockkms.faults import FaultError
from mockkms.faults.kinds import KINDS
from mockkms.faults.parsing import within
from mockkms.faults.rule import OWN_WORDS, Rule, rule_words
from mockkms.faults.schedule import WORDS
from mockkms.faults.script import SCRIPT_WORDS, Script, steps_of
from mockkms.vault.framework.shapes.collections import ListOf, Problems, Shape
from mockkms.vault.framework.shapes.nodes import Node
from mockkms.world.world import World
from mockkms.worldfile.applying import Applier, problems_of


class RuleShape(Shape):
    """One rule, or a script; read as plain data."""

    expected = "a mapping that describes a rule"

    def read(self, node: Node, path: str, problems: Problems) -> dict[str, object]:
        if node.kind != "mapping":
            self.refuse(node, path, problems)
            return {}
        words = {key: entry.value.plain() for key, entry in node.entries.items()}
        try:
            if "script" not in words:
                Rule(words, rule_id="rule", now=0, seed=0)
            else:
                steps = steps_of(words)
                with within("script"):
                    Script(steps)
        except FaultError as error:
            problems += problems_of(error, node, path)
        return words

    def schema(self) -> dict[str, object]:
        helps = {**OWN_WORDS, **WORDS, **{word: kind.help for word, kind in KINDS.items()}}
        words = sorted(rule_words())
        properties = {word: {"description": helps[word]} if word in helps else {} for word in words}
        properties |= {word.replace("_", "-"): properties[word] for word in words}
        script: dict[str, object] = {"type": ["object", "array"], "properties": {word: {} for word in SCRIPT_WORDS}}
        rule = {"type": "object", "properties": properties, "additionalProperties": False}
        alone = {"type": "object", "properties": {"script": script}, "required": ["script"]}
        return {"anyOf": [rule, {**alone, "additionalProperties": False}]}


def shape() -> ListOf:
    """Return the shape of the section."""
    return ListOf(RuleShape())


def apply(to: Applier, section: object) -> None:
    """Add the rules."""
    with to.guard("faults"):
        to.world.faults.extend(section)


def dump(world: World) -> list[dict[str, object]]:
    """Return the rules of a world, and its script, without their counts."""
    found = [{"id": rule.id, **_words(rule.words)} for rule in world.faults.list()]
    script = world.faults.current_script
    if script is None:
        return found
    words: dict[str, object] = {"id": script.id, "steps": [plain(step.words) for step in script.steps]}
    if script.aside:
        words["aside"] = [plain(step.words) for step in script.aside]
    if script.loop:
        words["loop"] = True
    return [*found, {"script": words}]


def _words(words: Mapping[str, object]) -> dict[str, object]:
    return {word: plain(value) for word, value in words.items()}


def plain(value: object) -> object:
    """Return a value as YAML can represent it: times and objects become strings."""
    if isinstance(value, dict):
        return {str(word): plain(item) for word, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
