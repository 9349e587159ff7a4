"""Applying sections to a world, and reporting problems at the place of the value that caused them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mockkms.faults import FaultError
from mockkms.vault.framework.message import VaultError
from mockkms.vault.framework.shapes.nodes import Node
from mockkms.vault.framework.world_section import SpecFault, Steps
from mockkms.worldfile.problems import Problem

if TYPE_CHECKING:
    from mockkms.vault.kernel.core import Core
    from mockkms.world.world import World

_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


@dataclass(frozen=True)
class FoundProblem:
    """An error that was found while a world was filled."""

    problem: Problem
    steps: Steps
    """The path to the value."""
    alone: bool
    """Whether the value is wrong whatever stands beside it: it names what the world lacks."""


@dataclass
class Applier:
    """A world that is being filled. ``found`` has the errors found, at the place of the values that caused them."""

    world: World
    root: Node
    found: list[FoundProblem] = field(default_factory=list)
    base: Steps = ()
    """The path to the value from which the steps given to the methods start."""

    @property
    def problems(self) -> list[Problem]:
        """The errors found."""
        return [one.problem for one in self.found]

    @property
    def core(self) -> Core:
        """The world's Vault."""
        return self.world.core

    def fault(self, steps: Steps, message: str, *, alone: bool = True) -> None:
        """Report a problem with the value at ``steps``; not ``alone``: values beside it may be the cause."""
        whole = (*self.base, *steps)
        self.add(problem_at(self.root, whole, message), whole, alone=alone)

    def add(self, problem: Problem, steps: Steps, *, alone: bool) -> None:
        """Report a problem with the value at ``steps``, which start from the root."""
        self.found.append(FoundProblem(problem, steps, alone))

    def below(self, *steps: str | int) -> Applier:
        """Return the same world, with steps that start from the value at ``steps``."""
        return replace(self, base=(*self.base, *steps))

    @contextmanager
    def guard(self, *steps: str | int) -> Iterator[None]:
        """Report errors of the packages below as problems with the value at ``steps``."""
        try:
            yield
        except SpecFault as error:
            self.fault((*steps, *split(error.path)), error.message, alone=False)
        except FaultError as error:
            for one in error.each():
                self.fault((*steps, *split(one.path)), one.message, alone=False)
        except VaultError as error:
            self.fault(steps, "; ".join(error.errors) or "refused", alone=False)
        except (ValueError, TypeError) as error:
            self.fault(steps, str(error), alone=False)


def split(path: str) -> Steps:
    """Return ``versions[1].material`` as steps."""
    return tuple(int(index) if index else name for index, name in _STEP.findall(path))


def find(root: Node, steps: Steps) -> Node:
    """Return the value at ``steps``, or the deepest existing one on the path to it."""
    for step in steps:
        below: Node | None = None
        if root.kind == "mapping":
            entry = root.entries.get(str(step)) or root.entries.get(str(step).replace("_", "-"))
            below = entry.value if entry is not None else None
        elif root.kind == "list" and isinstance(step, int) and step < len(root.items):
            below = root.items[step]
        if below is None:
            break
        root = below
    return root


def problem_at(root: Node, steps: Steps, message: str, *, shown: str = "") -> Problem:
    """Return a problem with the value at ``steps`` below ``root``, whose own path is ``shown``."""
    path = shown
    for place, step in enumerate(steps):
        if isinstance(step, int):
            # A single value may stand for a list of one.
            path += f"[{step}]" if find(root, steps[:place]).kind == "list" else ""
        else:
            path += f".{step}" if path else step
    return find(root, steps).problem(path, " ".join(message.split()))


def problems_of(error: FaultError, node: Node, path: str) -> list[Problem]:
    """Return all errors that are raised together, each at its value, or at the key if that is unknown.

    Args:
        error: The error, whose paths start from ``node``.
        node: The rule, script or plan.
        path: The path to ``node``.
    """
    return [_problem_of(one, node, path) for one in error.each()]


def _problem_of(error: FaultError, node: Node, path: str) -> Problem:
    steps = split(error.path)
    problem = problem_at(node, steps, error.message, shown=path)
    entry = find(node, steps).entries.get(error.unknown)
    if entry is None:
        return problem
    return Problem(entry.value.file, entry.line, entry.column, f"{problem.path}.{entry.key}", problem.message)
