"""Damaged worlds: every one is loaded, or refused with places and reasons; nothing else ever comes out of it."""

from __future__ import annotations

import copy
import random
import re
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from mockkms import MockKMS
from mockkms.worldfile import Problem, SeedError, check, dump
from tests.server.gateway.fuzzing import FACTOR
from tests.server.gateway.test_fuzz import furnished

HERE = Path(__file__).resolve().parents[2]
DAMAGES = 120
"""Damaged worlds of one seed."""
VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 10**30, -(10**400), 1.5, 1e308, float("inf"), float("nan"), "", " ", "x", "*",
    "a\0b", "\ud7ff", "ü" * 300, "1h", "-1h", "9" * 5000, "2026-01-01T00:00:00Z", "9999-99-99", "../../x", "{{", "}}",
    "root", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "AAAA", "%%", "$2b$10$x", "(" * 50, "a/b/",
    "/", "//", "sys/", "auth/", [], {}, [None], [[]], [{}], {"a": None}, {"": ""}, {1: 2}, {None: None}, [[[[]]]],
]  # fmt: skip
TEXTS = [
    "\t", "\0", "\u2028", "&a [*a]", "*x", "<<: *y", "!!python/object:os.system x", "{", "}", "[", "]", ": ", "- ", "|",
    ">", "\"", "'", "#", "---\n", "...\n", "%YAML 9", "? ", "\ufeff", "\ud83d\ude00", "\n", "  ", "!!binary AA",
    "1e999999", "0x" + "f" * 3000, "~", "2026-13-41", "!!set {a}", "!!timestamp x", "@stored", "=", "x: &x\n  - *x",
]  # fmt: skip


@cache
def worlds() -> list[str]:
    found = [path.read_text(encoding="utf-8") for path in sorted((HERE / "fixtures").glob("*.yaml"))]
    page = (HERE / "docs" / "worlds.md").read_text(encoding="utf-8")
    found += re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    return found + [dump(furnished(flavor)) for flavor in ("vault", "openbao")]


def places(tree: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [above] if above else []
    children = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for step, child in children:
        found += places(child, (*above, step))
    return found


def damaged_tree(dice: random.Random, tree: Any) -> Any:
    """A copy with some values changed, lost, doubled or moved."""
    tree = copy.deepcopy(tree)
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        known = places(tree)
        if not known:
            break
        place = dice.choice(known)
        parent = tree
        for step in place[:-1]:
            parent = parent[step]
        step, kind = place[-1], dice.randrange(6)
        if kind == 0:
            del parent[step]
        elif kind == 1 and isinstance(parent, dict):
            parent[dice.choice([*VALUES[:36], str(step) + "x", str(step)[:-1]])] = parent.pop(step)
        elif kind == 2:
            other = tree
            for part in dice.choice(known):
                if not isinstance(other, dict | list):
                    break
                other = other[part] if (part in other if isinstance(other, dict) else part < len(other)) else other
            parent[step] = copy.deepcopy(other)
        else:
            parent[step] = copy.deepcopy(dice.choice(VALUES))
    return tree


def damaged_text(dice: random.Random, text: str) -> str:
    for _ in range(dice.choice((1, 1, 2, 3))):
        place, length = dice.randrange(len(text) + 1), dice.choice((0, 0, 1, 1, 5, 40))
        new = dice.choice([*TEXTS, chr(dice.randrange(0xD7FF)), text[place : place + 30], ""])
        text = text[:place] + new + text[place + length :]
    return text


def damaged(dice: random.Random) -> Any:
    """A world as a mapping or as text."""
    text = dice.choice(worlds())
    if dice.random() < 0.5:
        return damaged_text(dice, text) + "\n"
    tree = damaged_tree(dice, yaml.safe_load(text))
    return tree if isinstance(tree, dict) and dice.random() < 0.5 else yaml.safe_dump(tree) + "\n"


def problems_of(kms: MockKMS, world: Any) -> list[Problem]:
    """Load a world and return what is wrong with it."""
    try:
        kms.load(world)
    except SeedError as error:
        return error.problems
    except Exception as error:
        raise AssertionError(f"{world}") from error
    return []


@pytest.mark.parametrize("seed", range(2 * FACTOR))
def test_a_damaged_world_is_loaded_or_refused_with_reasons(seed: int) -> None:
    dice = random.Random(f"world {seed}")
    kms = MockKMS()
    refused = 0
    for number in range(DAMAGES):
        world = damaged(dice)
        found = problems_of(kms, world)
        refused += bool(found)
        for problem in found:
            assert problem.message, (seed, number, world)
            assert problem.line >= (1 if isinstance(world, str) else 0), (seed, number, problem, world)
        if number % 10 == 0 or found:
            with suppress(SeedError):
                assert [problem for problem in found if problem not in check([world])] == [], (seed, number, world)
    assert 0 < refused < DAMAGES


def deep(kind: str) -> Any:
    nested: Any = {}
    for _ in range(5000):
        nested = [nested] if kind == "list" else {"a": nested}
    return {"vault": {"mounts": {"kv/": {"type": "kv", "secrets": {"a": {"b": nested}}}}}}


LOOP: dict[str, Any] = {}
LOOP["vault"] = LOOP


@pytest.mark.parametrize(
    "world",
    [
        pytest.param("a: " + "[" * 2_000_000 + "\n", id="brackets"),
        pytest.param("vault: " + "{a: " * 200_000 + "\n", id="braces"),
        pytest.param("a:\n" + "- " * 500_000 + "x\n", id="dashes"),
        pytest.param("\n".join(" " * level + "a:" for level in range(2000)) + "\n", id="indentation"),
        pytest.param(deep("list"), id="lists"),
        pytest.param(deep("mapping"), id="mappings"),
        pytest.param(LOOP, id="loop"),
    ],
)
def test_values_nested_too_deeply_are_refused(world: Any) -> None:
    (problem,) = problems_of(MockKMS(), world)
    assert problem.message == "values are nested more than 200 levels deep"


def test_brackets_in_texts_are_no_levels() -> None:
    secrets = {"a": {"b": "[" * 5000, "c": {"d": ["{" * 300]}}}
    world = {"vault": {"mounts": {"kv/": {"type": "kv", "secrets": secrets}}}}
    assert problems_of(MockKMS(), yaml.safe_dump(world) + "\n") == []


@pytest.mark.parametrize(
    ("name", "value"), [("clock", [1]), ("clock", {"$tuple": ["a", 1]}), ("entropy", {"$tuple": [1, 2]}), ("vault", 1)]
)
def test_an_exact_part_of_a_wrong_kind(name: str, value: Any) -> None:
    (problem,) = problems_of(MockKMS(), {"exact": [{"at": [name], "is": value}]})
    assert name in problem.message or "expected" in problem.message
