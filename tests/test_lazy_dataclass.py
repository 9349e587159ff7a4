"""Dataclasses whose methods are generated at their first use: they behave as the standard library's."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys
from abc import ABC, abstractmethod
from dataclasses import field
from threading import Barrier, Thread
from typing import ClassVar

import pytest

from mockkms.lazy_dataclass import dataclass


@dataclass
class Point:
    x: int
    y: int = field(default=2, repr=False)
    tags: list[str] = field(default_factory=list)
    count: ClassVar[int] = 7

    def __post_init__(self) -> None:
        self.sum = self.x + self.y


@dataclass(frozen=True)
class Name:
    text: str
    note: str = field(default="", compare=False)


@dataclass
class Point3(Point):
    z: int = 0


class Shape(ABC):
    @abstractmethod
    def area(self) -> int: ...


@dataclass(eq=False)
class Square(Shape):
    side: int

    def area(self) -> int:
        return self.side**2


def _fresh() -> type:
    @dataclass
    class Fresh:
        a: int
        b: str = "b"

    return Fresh


def test_fields_defaults_and_post_init() -> None:
    point = Point(1)
    assert (point.x, point.y, point.tags, point.sum, Point.y, Point.count) == (1, 2, [], 3, 2, 7)
    assert not hasattr(Point, "tags")
    assert repr(point) == "Point(x=1, tags=[])"
    assert [item.name for item in dataclasses.fields(Point)] == ["x", "y", "tags"]
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        Point()  # type: ignore[call-arg]


def test_equality_hash_and_copies() -> None:
    assert Point(1) == Point(1, 2)
    assert Point(1) != Point(2)
    assert Point.__hash__ is None
    assert {Name("a", "x"), Name("a", "y")} == {Name("a")}
    assert Square(2) != Square(2)
    assert len({Square(2), Square(2)}) == 2
    assert dataclasses.replace(Point(1), y=5).sum == 6
    assert dataclasses.asdict(Point3(1, z=4)) == {"x": 1, "y": 2, "tags": [], "z": 4}
    assert pickle.loads(pickle.dumps(Name("a", "b"))).note == "b"
    assert copy.deepcopy(Point(3)) == Point(3)


def test_inheritance_and_matching() -> None:
    assert repr(Point3(1, z=9)) == "Point3(x=1, tags=[], z=9)"
    match Point3(1, 2, ["t"], 3):
        case Point3(1, 2, tags, z):
            assert (tags, z) == (["t"], 3)
        case _:
            pytest.fail("not matched")
    assert Square(3).area() == 9


def test_frozen() -> None:
    name = Name("a")
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'text'"):
        name.text = "b"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'text'"):
        del name.text


@pytest.mark.parametrize("first", ["init", "fields", "is", "repr", "match", "eq"])
def test_each_attribute_starts_the_generation(first: str) -> None:
    fresh = _fresh()
    bare = fresh.__new__(fresh)
    bare.__dict__.update(a=1, b="b")
    if first == "fields":
        assert len(dataclasses.fields(fresh)) == 2
    elif first == "is":
        assert dataclasses.is_dataclass(fresh)
    elif first == "repr":
        assert repr(bare).endswith("Fresh(a=1, b='b')")
    elif first == "match":
        assert fresh.__match_args__ == ("a", "b")  # type: ignore[attr-defined]
    elif first == "eq":
        other = fresh.__new__(fresh)
        other.__dict__.update(a=1, b="b")
        assert bare == other
    assert fresh(1) == bare


def test_many_threads_use_a_new_class_at_once() -> None:
    for _ in range(20):
        fresh, start, made = _fresh(), Barrier(8), []

        def make(fresh: type = fresh, start: Barrier = start, made: list[object] = made) -> None:
            start.wait()
            made.append(fresh(1))

        threads = [Thread(target=make) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert made == [fresh(1)] * 8


_COUNT = """
import dataclasses, sys
generated = []
process = dataclasses._process_class
def count(cls, *options, **more):
    frame = sys._getframe()
    while not frame.f_globals["__name__"].startswith(("mockkms", "importlib")) and frame.f_back:
        frame = frame.f_back
    if frame.f_globals["__name__"] == cls.__module__ and not options[8]:
        generated.append(f"{cls.__module__}.{cls.__qualname__}")
    return process(cls, *options, **more)
dataclasses._process_class = count
import mockkms.kms, mockkms.vault.sys
print(*generated)
"""


def test_imports_of_a_server_generate_few() -> None:
    done = subprocess.run([sys.executable, "-c", _COUNT], capture_output=True, text=True, check=True)
    assert len(done.stdout.split()) <= 8, done.stdout
