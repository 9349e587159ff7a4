"""How much one program may compute, so that it ends soon: the real server evaluates for as long as it takes.

Imported with the library, on first use.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from celpy import InterpretedRunner
from celpy.celtypes import Value
from celpy.evaluation import Activation, Context, Evaluator
from lark import Token, Tree

MOST_STEPS = 250_000
"""Nodes of trees that a program visits, those of a macro once for each element: one or two seconds."""
MOST_SIZE = 4 * 1024 * 1024
"""Characters, bytes or elements of one value."""
TOO_MANY_STEPS = f"mockkms evaluates at most {MOST_STEPS:,} steps of a program"
TOO_LARGE = f"mockkms evaluates values of at most {MOST_SIZE:,} characters or elements"


class Exhausted(Exception):
    """A program computes too much."""


@dataclass
class Allowance:
    """What is left to the expressions of one program."""

    steps: int = MOST_STEPS

    def step(self) -> None:
        """Count a step. Raises Exhausted after the last one."""
        self.steps -= 1
        if self.steps < 0:
            raise Exhausted(TOO_MANY_STEPS)


class _BoundedEvaluator(Evaluator):
    """Evaluates a tree within a budget."""

    def __init__(self, ast: Tree[Token], activation: Activation, budget: Allowance) -> None:
        super().__init__(ast, activation)
        self.budget = budget

    def sub_evaluator(self, ast: Tree[Token]) -> Evaluator:
        """Return the evaluator of the expression in a macro, within the same budget."""
        return _BoundedEvaluator(ast, self.activation, self.budget)

    def visit_children(self, tree: Tree[Token]) -> list[Any]:
        """Return the values of the parts of a tree. Raises Exhausted."""
        self.budget.step()
        values = cast(list[Any], super().visit_children(tree))
        for value in values:
            if isinstance(value, (str, bytes, list)) and len(value) > MOST_SIZE:
                raise Exhausted(TOO_LARGE)
        return values


def runner_within(budget: Allowance) -> type[InterpretedRunner]:
    """Return the class that runs expressions within a budget, for the library's ``Environment``."""

    class BoundedRunner(InterpretedRunner):
        def evaluate(self, context: Context) -> Value:
            return _BoundedEvaluator(self.ast, self.new_activation(), budget).evaluate(context)

    return BoundedRunner


def check_size(size: int) -> None:
    """Raise Exhausted for the size of a value that is not made yet."""
    if size > MOST_SIZE:
        raise Exhausted(TOO_LARGE)


def weight(values: Iterable[object]) -> int:
    """Return the characters and elements in values and the lists in them, counted until they are too many."""
    total, waiting = 0, [iter(values)]
    while waiting and total <= MOST_SIZE:
        value = next(waiting[-1], waiting)
        if value is waiting:
            waiting.pop()
        elif isinstance(value, (str, bytes)):
            total += len(value) + 1
        else:
            total += 1
            if isinstance(value, list):
                waiting.append(iter(value))
    return total
