"""Typed parameters of handlers: what they are passed, and that annotations fit the kinds of the fields."""

from __future__ import annotations

import builtins
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from mockkms.vault.framework import registry
from mockkms.vault.framework.endpoint import Call, Endpoint, Field, Reply
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.handlers import keyword_names
from mockkms.vault.framework.message import Operation, Request
from mockkms.vault.framework.records import Record
from mockkms.vault.mounts.table import Mount
from tests.vault.driving import World

_STRINGS = (list[str], Sequence[str])
_OBJECTS = (dict[str, Any], dict[str, object], Mapping[str, Any], Mapping[str, object])
TYPES: dict[Kind, tuple[Any, ...]] = {
    Kind.STRING: (str,), Kind.LOWER_STRING: (str,), Kind.NAME: (str,), Kind.BOOL: (bool,), Kind.INT: (int,),
    Kind.INT64: (int,), Kind.FLOAT: (float,), Kind.SECONDS: (int,), Kind.SIGNED_SECONDS: (int,),
    Kind.MAP: _OBJECTS, Kind.HEADER: _OBJECTS, Kind.KV_PAIRS: (dict[str, str], Mapping[str, str], *_OBJECTS),
    Kind.SLICE: (list[Any], list[object], Sequence[Any], Sequence[object]), Kind.STRING_SLICE: _STRINGS,
    Kind.COMMA_STRINGS: _STRINGS, Kind.COMMA_INTS: (list[int], Sequence[int]), Kind.TIME: (float,),
}  # fmt: skip
"""The types of what a kind is converted to. A time that was not sent is None."""


def _alternatives(annotation: object) -> set[object]:
    parts = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
    return set(parts) - {type(None)}


def _handlers(endpoint: Endpoint) -> Iterator[Callable[..., object]]:
    for handler in {*endpoint.operations.values(), *([endpoint.exists] if endpoint.exists else [])}:
        yield getattr(handler, "__wrapped__", handler)


def _faults(endpoint: Endpoint) -> Iterator[str]:
    for handler in _handlers(endpoint):
        for name in keyword_names(handler):
            place = f"{handler.__module__}.{handler.__qualname__}: {name}"
            declared = endpoint.fields.get(name)
            if declared is None:
                yield f"{place} is not a parameter of {endpoint.template}"
                continue
            text = handler.__annotations__.get(name, "")
            annotation = eval(text, {**vars(builtins), **handler.__globals__}) if isinstance(text, str) else text
            found = _alternatives(annotation)
            if found == {object}:
                continue
            if endpoint.outside:
                yield f"{place} is not converted outside the core: annotate it as object"
            elif len(found) != 1 or found.pop() not in TYPES[declared.kind]:
                yield f"{place} is annotated as {text}, the field is a {declared.kind.name}"
            optional = name in (handler.__kwdefaults__ or {})
            may_be_none = optional or (declared.kind is Kind.TIME and declared.default is None)
            if may_be_none != (type(None) in typing.get_args(annotation)):
                yield f"{place}: None in the annotation requires the default None, and vice versa"


@pytest.mark.parametrize("name", registry.names())
def test_annotations_fit_the_fields(name: str) -> None:
    assert [fault for endpoint in registry.engine(name) for fault in _faults(endpoint)] == []


def _records(of: type[Record] = Record) -> Iterator[type[Record]]:
    for record in of.__subclasses__():
        yield record
        yield from _records(record)


def test_members_of_records_have_the_types_of_their_kinds() -> None:
    for name in registry.names():
        registry.engine(name)
    wrong = []
    for record in {one for one in _records() if one.__module__.startswith("mockkms.")}:
        for base in record.__mro__:
            for name, text in vars(base).get("__annotations__", {}).items():
                if not str(text).startswith("Annotated[") or name not in record.params():
                    continue
                annotated = eval(text, {**vars(builtins), **vars(__import__(base.__module__, fromlist=["_"]))})
                found = _alternatives(typing.get_args(annotated)[0])
                if not found & set(TYPES[record.params()[name].field.kind]):
                    wrong.append(f"{base.__qualname__}.{name}: {text}")
    assert wrong == []


def _endpoint() -> Endpoint:
    return Engine("x", kind="secret", new_state=dict).path(
        "things/{name}",
        {
            "size": Field(Kind.INT, default=3),
            "text": Field(Kind.STRING),
            "tags": Field(Kind.COMMA_STRINGS),
            "ttl": Field(Kind.SECONDS),
        },
    )


def _asked(endpoint: Endpoint, **data: Any) -> Reply:
    core = World().core
    mount = Mount("x/", "x", "", "", {})
    call, _ = endpoint.call(core, mount, Request(Operation.UPDATE, "things/a", data=data), {"name": "a"}, "")
    return endpoint.operations[Operation.UPDATE]({}, call)


def test_arguments_are_converted_defaults_and_zero_values() -> None:
    endpoint = _endpoint()

    @endpoint.on(Operation.UPDATE)
    def write(
        state: object, call: Call, *, name: str, size: int, text: str, tags: list[str], ttl: int | None = None
    ) -> Reply:
        tags.append("kept by the handler")
        return {"all": (name, size, text, tags, ttl)}

    fresh = {"all": ("a", 3, "", ["kept by the handler"], None)}
    assert _asked(endpoint) == fresh
    assert _asked(endpoint) == fresh
    sent = {"all": ("a", 7, "1", ["x", "y", "kept by the handler"], 60)}
    assert _asked(endpoint, size="7", text=True, tags="x, y", ttl="1m") == sent
    assert _asked(endpoint, ttl=None, size=0) == {"all": ("a", 0, "", ["kept by the handler"], None)}


def test_a_handler_without_parameters_is_registered_itself() -> None:
    endpoint = _endpoint()

    @endpoint.on(Operation.UPDATE)
    def write(state: object, call: Call) -> Reply:
        return None

    assert endpoint.operations[Operation.UPDATE] is write


def test_an_existence_check_takes_parameters() -> None:
    endpoint = _endpoint()

    @endpoint.existence
    def exists(state: dict[str, Any], call: Call, *, name: str) -> bool:
        return name in state

    assert exists({"a": 1}, None, name="a")  # type: ignore[arg-type]
    assert endpoint.exists is not None
    mount = Mount("x/", "x", "", "", {})
    call, _ = endpoint.call(World().core, mount, Request(Operation.UPDATE, "things/a"), {"name": "a"}, "")
    assert endpoint.exists({"a": 1}, call)
    assert not endpoint.exists({}, call)


def test_declarations_that_do_not_fit_are_refused() -> None:
    endpoint = _endpoint()
    endpoint.on(Operation.UPDATE)(lambda state, call, *, missing: None)
    with pytest.raises(TypeError, match="has no parameter missing"):
        _asked(endpoint)
    endpoint = _endpoint()
    endpoint.on(Operation.UPDATE)(lambda state, call, *, size=5: None)
    with pytest.raises(TypeError, match="the default of size must be None, or on its field"):
        _asked(endpoint)


def test_the_check_of_annotations_finds_what_does_not_fit() -> None:
    endpoint = _endpoint()

    @endpoint.on(Operation.UPDATE)
    def write(state: object, call: Call, *, size: str, text: str | None, other: int) -> Reply:
        return None

    faults = list(_faults(endpoint))
    assert len(faults) == 3
    assert "size is annotated as str, the field is a INT" in faults[0]
