"""Stable names of the classes of a world's state, by which exact dumps refer to them wherever their code moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

_Class = TypeVar("_Class", bound=type)
_CLASSES: dict[str, type] = {}
_NAMES: dict[type, str] = {}


def stored(name: str) -> Callable[[_Class], _Class]:
    """Name a dataclass of the state: ``@stored("kv2.Version")``.

    Dumps hold the name: it stays when the class is renamed or moved. Raises ValueError for a name already in use.
    """

    def register(cls: _Class) -> _Class:
        other = _CLASSES.get(name)
        if other is not None and (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
            raise ValueError(f"the stored name {name!r} of {cls.__qualname__} is already that of {other.__qualname__}")
        _CLASSES[name] = cls
        _NAMES[cls] = name
        return cls

    return register


def class_of(name: str) -> type | None:
    """Return the class with a stored name; None for an unknown one, or if its module is not imported."""
    return _CLASSES.get(name)


def name_of(cls: type) -> str | None:
    """Return the stored name of a class; None if it was given none."""
    return _NAMES.get(cls)
