"""Worlds with errors: what can be said of their sound parts, by making a world of these.

An error that is found in such a world is reported only if it would be found in the whole world, too. One record, such
as a key or a role, may depend on values beside it, on other keys of its mount, and on what it names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from mockkms.vault.framework.shapes.nodes import KNOWN_HERE, Node
from mockkms.vault.framework.world_section import Steps
from mockkms.worldfile.applying import FoundProblem, find
from mockkms.worldfile.problems import Problem
from mockkms.worldfile.spec import WorldSpec

_NAMES = ("id", "name")
_WORD = re.compile(r"[^\s\"'`,;:()]{2,}|(?<=[\"'`])[^\"'`]+(?=[\"'`])")
"""A word of a message that may be a name; one letter only in quotation marks."""
_PLACEHOLDER = {"answer": 503, "enabled": False}
"""Stands for a rule with errors: the others keep their places and default ids."""


class SoundParts:
    """The parts of a world that have no error themselves.

    Args:
        spec: The world, with empty values in place of those with errors.
        problems: The errors.
    """

    def __init__(self, spec: WorldSpec, problems: Iterable[Problem]) -> None:
        self._root = spec.root
        places = _places(spec.root, {problem.path for problem in problems if problem.path})
        # A record whose type is wrong was read as an empty one.
        places += [steps[:-1] for steps in places if len(steps) > 1 and _is_lost(spec, steps[:-1])]
        # What fills a mount does not expect lists of records with some of them missing.
        places += [
            _record_at(spec.root, steps) for steps in places if isinstance(steps[-1], int) and _read(spec, steps) == {}
        ]
        self._lacks_section = any(_is_lost_section(spec, steps) for steps in places)
        self._damaged = {_record_at(spec.root, steps) for steps in places}
        self._names: set[str] = set()
        self._names_of_rules: set[str] = set()
        for steps in self._damaged:
            self._add_names(steps)
        for steps in places:
            self._add_names(steps, all_texts=True)
        if any(steps[0] == "vault" and len(steps) == 2 for steps in places):
            self._names.add("root")  # Perhaps the root token should have had another id.
        self._places = {*places}
        sections = _without(spec.sections, self._places)
        assert isinstance(sections, dict)
        # Patches need the whole state; a plan of chaos is read as a whole.
        left_out = {"exact"} | {steps[0] for steps in places if len(steps) == 1 or steps[0] == "chaos"}
        self.spec = replace(spec, sections={key: value for key, value in sections.items() if key not in left_out})
        """The world without the values that have errors."""

    def _add_names(self, steps: Steps, *, all_texts: bool = False) -> None:
        if steps[:1] == ("faults",):
            self._names_of_rules |= {*_names_at(self._root, steps, all_texts=True)}
        else:
            self._names |= {*_names_at(self._root, steps, all_texts=all_texts)}

    def sure(self, found: Iterable[FoundProblem]) -> list[Problem]:
        """Return the errors, of those in the world made of the sound parts, that the whole world has too."""
        doubtful, sure = [*found], list[FoundProblem]()
        while True:
            sure = [one for one in doubtful if self._is_sure(one)]
            if len(sure) == len(doubtful):
                # The names that exist in the made world are not all.
                return [replace(one.problem, message=one.problem.message.partition(KNOWN_HERE)[0]) for one in sure]
            # What these describe was not made, though it might be in the whole world.
            for one in doubtful:
                if one not in sure:
                    steps = _record_at(self._root, one.steps)
                    self._damaged.add(steps)
                    self._add_names(steps)
            doubtful = sure

    def _is_sure(self, found: FoundProblem) -> bool:
        if any(found.steps[:length] in self._places for length in range(1, len(found.steps) + 1)):
            return False
        if found.steps[0] in ("vault", "rustfs") and self._lacks_section:
            return False
        of_rule = found.steps[:1] == ("faults",)
        if of_rule and found.steps[-1] == "in_state" and self._names_of_rules:
            return False  # Any of the damaged rules may set the state.
        if found.alone:
            value = find(self._root, found.steps).text
            return not {value, value.rstrip("/")} & (self._names_of_rules if of_rule else self._names)
        if any(_depends(found.steps, steps) for steps in self._damaged):
            return False
        return self._names.isdisjoint(_WORD.findall(found.problem.message))


def _places(root: Node, paths: set[str]) -> list[Steps]:
    """Return the steps to the values at these paths."""
    found: list[Steps] = []
    open_: list[tuple[Node, Steps, str]] = [(root, (), "")]
    while open_:
        node, steps, path = open_.pop()
        if path in paths:
            found.append(steps)
        for key, entry in node.entries.items():
            open_.append((entry.value, (*steps, key), f"{path}.{key}" if path else key))
        open_ += [(item, (*steps, index), f"{path}[{index}]") for index, item in enumerate(node.items)]
    return found


def _read(spec: WorldSpec, steps: Steps) -> object:
    """Return the value that was read at ``steps``; None if there is none."""
    value: object = spec.sections
    for step in steps:
        if isinstance(value, Mapping):
            value = value.get(str(step))
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _is_lost(spec: WorldSpec, steps: Steps) -> bool:
    """Return whether the world has a mapping at ``steps`` of which nothing was read."""
    return _read(spec, steps) == {} and bool(find(spec.root, steps).entries)


def _is_lost_section(spec: WorldSpec, steps: Steps) -> bool:
    """Return whether a whole section of the server is missing, and with it the names of all that is in it."""
    node, rest = find(spec.root, steps), _area(steps)[1]
    whole = steps[0] == "vault" and len(rest) < _record_length(spec.root, steps)
    return whole and _read(spec, steps) in ([], {}) and not node.entries and not node.items


def _without(value: object, places: set[Steps], steps: Steps = ()) -> object:
    """Return plain data without the records at ``places``: items of lists become None, rules become disabled ones.

    Values that are no records stay: what their shapes returned has the expected type.
    """
    if steps == ("faults",) and isinstance(value, list):
        wrong = {place[1] for place in places if place[:1] == steps and len(place) > 1}
        return [_stand_in(item) if index in wrong else item for index, item in enumerate(value)]
    if steps in places and (value is None or isinstance(value, Mapping)):
        return None
    if isinstance(value, Mapping):
        items = {key: _without(item, places, (*steps, key)) for key, item in value.items()}
        return {key: item for key, item in items.items() if item is not None or (*steps, key) not in places}
    if isinstance(value, list):
        return [_without(item, places, (*steps, index)) for index, item in enumerate(value)]
    return value


def _stand_in(rule: object) -> dict[str, object]:
    rule_id = rule.get("id") if isinstance(rule, Mapping) else None
    return {**_PLACEHOLDER, "id": rule_id} if isinstance(rule_id, str) and rule_id else dict(_PLACEHOLDER)


def _area(steps: Steps) -> tuple[Steps, Steps]:
    """Return the steps to the sections of a namespace, and the rest."""
    if steps[:1] != ("vault",):
        return (), steps
    depth = 3 if steps[1:2] == ("namespaces",) else 1
    return steps[:depth], steps[depth:]


def _record_at(root: Node, steps: Steps) -> Steps:
    """Return the steps to the record that a value belongs to: a token, a rule, a key of a mount, the mount itself."""
    area, rest = _area(steps)
    return (*area, *rest[: _record_length(root, steps)])


def _record_length(root: Node, steps: Steps) -> int:
    """Return how many steps lead to a record from the sections of its namespace."""
    area, rest = _area(steps)
    if rest[:1] in (("mounts",), ("auth",)) and len(rest) > 3:
        # One of several by name, or a configuration.
        return 4 if find(root, (*area, *rest[:4])).kind == "mapping" else 3
    if rest[:1] == ("identity",):
        return 4 if rest[1:2] in (("oidc",), ("mfa",)) else 3
    return 1 if rest[:1] == ("rustfs",) else 2


def _depends(steps: Steps, damaged: Steps) -> bool:
    """Return whether an error at ``steps`` may be due to a damaged record."""
    if steps[:1] == ("rustfs",):
        return damaged[:1] in (("rustfs",), ("vault",))  # It uses the Vault.
    shorter = min(len(steps), len(damaged))
    if steps[:shorter] == damaged[:shorter]:
        return True
    (area, rest), (other_area, other) = _area(steps), _area(damaged)
    in_mount = rest[:1] in (("mounts",), ("auth",)) and area == other_area and rest[:2] == other[:2]
    # Other parts of the mount, such as its configuration; not others by name in the same part.
    return in_mount and rest[2:3] != other[2:3]


def _names_at(root: Node, steps: Steps, *, all_texts: bool = False) -> Iterator[str]:
    """Return the names under which a value, and what is in it, may be meant elsewhere; perhaps all texts in it."""
    yield from _names_of(steps[-1] if steps else "")
    open_ = [find(root, steps)]
    while open_:
        node = open_.pop()
        open_ += node.items
        for item in node.items if all_texts else ():
            yield from _names_of(item.text)
        for key, entry in node.entries.items():
            open_.append(entry.value)
            if key in _NAMES or all_texts:
                yield from _names_of(entry.value.text)
            if entry.value.kind == "mapping":
                yield from _names_of(key)


def _names_of(step: str | int) -> tuple[str, ...]:
    if isinstance(step, int) or not step:
        return ()
    name = step.rstrip("/")
    return step, name, f"{name}/", f"auth/{name}", f"auth/{name}/"
