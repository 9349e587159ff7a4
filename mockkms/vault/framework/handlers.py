"""Typed parameters of handlers: keyword-only arguments are the parameters of the endpoint with the same names.

    @keys.on(Operation.READ)
    def read(state: Transit, call: Sent, *, name: str, version: int | None = None) -> Reply: ...

Each argument gets the converted value, else the field's default, else the kind's zero value, as ``call["name"]`` does.
An argument with the default None gets None if the parameter was not sent.

Annotations are not read when the program runs: the tests compare those of every handler with the kinds of its fields
(``tests/vault/framework/test_handlers.py``). Names and defaults are determined at the first call.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

from mockkms.vault.framework.fields import Kind, zero

R = TypeVar("R")


class DeclaredField(Protocol):
    """The part of a field that this module uses."""

    @property
    def kind(self) -> Kind: ...
    @property
    def default(self) -> object: ...


class Declaration(Protocol):
    """The part of an endpoint that this module uses."""

    @property
    def template(self) -> str: ...
    @property
    def fields(self) -> Mapping[str, DeclaredField]: ...


class Sent(Protocol):
    """The part of a call that this module uses."""

    @property
    def given(self) -> dict[str, object]: ...


def keyword_names(handler: Callable[..., object]) -> tuple[str, ...]:
    """Return the names of a function's keyword-only arguments."""
    code = getattr(handler, "__code__", None)  # A callable object has none, and no typed parameters.
    if code is None or not code.co_kwonlyargcount:
        return ()
    start: int = code.co_argcount
    names: tuple[str, ...] = code.co_varnames[start : start + code.co_kwonlyargcount]
    return names


def with_parameters(handler: Callable[..., R], endpoint: Declaration) -> Callable[..., R]:
    """Return a function of state and call that passes ``handler`` its parameters; itself if it takes none."""
    if not keyword_names(handler):
        return handler
    arguments = Arguments(handler, endpoint)

    @functools.wraps(handler)
    def handle(state: object, call: Sent) -> R:
        return handler(state, call, **arguments.of(call))

    return handle


class Arguments:
    """The keyword-only arguments of one handler."""

    __slots__ = ("_endpoint", "_fresh", "_handler", "_usual")

    def __init__(self, handler: Callable[..., object], endpoint: Declaration) -> None:
        self._handler = handler
        self._endpoint = endpoint
        self._usual: dict[str, object] | None = None
        self._fresh: dict[str, DeclaredField] = {}

    def of(self, call: Sent) -> dict[str, object]:
        """Return the arguments by name. Raises TypeError for an invalid declaration of the handler."""
        usual = self._usual
        if usual is None:
            usual = self._usual = self._absent(self._endpoint.fields)
        given = call.given
        values = usual.copy()
        for name in usual:
            value = given.get(name)
            if value is not None:
                values[name] = value
            elif name in self._fresh:
                values[name] = zero(self._fresh[name].kind)
        return values

    def _absent(self, fields: Mapping[str, DeclaredField]) -> dict[str, object]:
        """Return the value of each argument whose parameter is not sent; new lists and dictionaries for each call."""
        handler = self._handler
        unknown = [name for name in keyword_names(handler) if name not in fields]
        if unknown:
            raise TypeError(f"{handler.__qualname__}: {self._endpoint.template} has no parameter {', '.join(unknown)}")
        optional: Mapping[str, object] = handler.__kwdefaults__ or {}
        absent: dict[str, object] = {}
        for name in keyword_names(handler):
            declared = fields[name]
            if name in optional:
                if optional[name] is not None:
                    raise TypeError(f"{handler.__qualname__}: the default of {name} must be None, or on its field")
                absent[name] = None
                continue
            absent[name] = zero(declared.kind) if declared.default is None else declared.default
            if declared.default is None and isinstance(absent[name], (list, dict)):
                self._fresh[name] = declared
        return absent
