"""What every section needs while it is put into a world: the world, and where faults of its values belong."""

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


@dataclass
class Applier:
    """One world being filled. Faults are collected in ``problems``, each at the place of the value that caused it."""

    world: World
    root: Node
    problems: list[Problem] = field(default_factory=list)
    base: Steps = ()
    """The value that the steps given to the methods lead from."""

    @property
    def core(self) -> Core:
        """The world's Vault."""
        return self.world.core

    def fault(self, steps: Steps, message: str) -> None:
        """Note what is wrong with the value at ``steps``."""
        self.problems.append(problem_at(self.root, (*self.base, *steps), message))

    def below(self, *steps: str | int) -> Applier:
        """Return the same world, with steps that lead from the value at ``steps``."""
        return replace(self, base=(*self.base, *steps))

    @contextmanager
    def guard(self, *steps: str | int) -> Iterator[None]:
        """Turn the refusals of the rooms below into faults of the value at ``steps``."""
        try:
            yield
        except SpecFault as error:
            self.fault((*steps, *split(error.path)), error.message)
        except FaultError as error:
            self.fault((*steps, *split(error.path)), error.message)
        except VaultError as error:
            self.fault(steps, "; ".join(error.errors) or "refused")
        except (ValueError, TypeError) as error:
            self.fault(steps, str(error))


def split(path: str) -> Steps:
    """Return ``versions[1].material`` as steps."""
    return tuple(int(index) if index else name for index, name in _STEP.findall(path))


def find(root: Node, steps: Steps) -> Node:
    """Return the value at ``steps``, or the deepest one on the way there that exists."""
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
    """Return a fault of the value at ``steps`` below ``root``, whose own path is ``shown``."""
    path = shown
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else str(step)
    return find(root, steps).problem(path, " ".join(message.split()))
