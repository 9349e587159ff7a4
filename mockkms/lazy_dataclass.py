"""``dataclass`` whose methods are generated when they are first used.

The standard library compiles source text for each dataclass, which takes a third of a millisecond and more. The modules
that a server imports to start declare more than a hundred of them, and most starts, such as that of a test, use a few.
Type checkers see the standard library's decorator. Classes with ``slots`` or ``order`` are generated at once.
"""

from __future__ import annotations

import dataclasses
import inspect
import threading
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls: type | None = None, /, **options: bool) -> Any:
        """Make a class a dataclass, as ``dataclasses.dataclass`` does."""
        if cls is None:
            return lambda decorated: dataclass(decorated, **options)
        if options.get("slots") or options.get("order"):
            return dataclasses.dataclass(cls, **options)
        _Generation(cls, options).postpone()
        return cls


_FIELDS, _PARAMS = "__dataclass_fields__", "__dataclass_params__"
_lock = threading.RLock()


class _Generation:
    """What is still to be generated for one class."""

    def __init__(self, cls: type, options: dict[str, bool]) -> None:
        self._cls, self._options = cls, options
        self._annotations = inspect.get_annotations(cls)
        self._defaults = {name: vars(cls)[name] for name in self._annotations if name in vars(cls)}
        self._hashed = options.get("unsafe_hash") or (options.get("frozen") and options.get("eq", True))
        names = [_FIELDS, _PARAMS, "__match_args__"]
        names += [f"__{name}__" for name in ("init", "repr", "eq") if options.get(name, True)]
        if self._hashed:
            names.append("__hash__")
        self._names = [name for name in names if name not in vars(cls)]

    def postpone(self) -> None:
        """Give the class attributes that start the generation when they are used."""
        cls: Any = self._cls
        for name, default in self._defaults.items():
            if isinstance(default, dataclasses.Field):
                if default.default is dataclasses.MISSING:
                    delattr(cls, name)
                else:
                    setattr(cls, name, default.default)
        if self._options.get("frozen"):
            cls.__setattr__, cls.__delattr__ = _refuse_assignment, _refuse_deletion
        if not self._hashed and self._options.get("eq", True) and "__hash__" not in vars(cls):
            cls.__hash__ = None
        for name in self._names:
            setattr(cls, name, _Postponed(self, name))

    def carry_out(self) -> None:
        """Generate once. Attributes are replaced one by one, so that other threads never miss one."""
        with _lock:
            if not isinstance(vars(self._cls)[_FIELDS], _Postponed):
                return
            generated = vars(dataclasses.dataclass(**self._options)(self._model()))
            if "__replace__" in generated:  # Since Python 3.13.
                self._names.append("__replace__")
            for name in reversed(self._names):
                setattr(self._cls, name, generated[name])

    def _model(self) -> type:
        """Return a class with the same fields, own and inherited, and no behavior."""
        cls = self._cls
        bases = tuple(
            type(base.__name__, (), {name: getattr(base, name) for name in (_FIELDS, _PARAMS)})
            for base in cls.__mro__[1:]
            if _FIELDS in vars(base)
        )
        names = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": "The model of a class."}
        if hasattr(cls, "__post_init__"):
            names["__post_init__"] = ""
        return type(cls.__name__, bases, {**names, "__annotations__": self._annotations, **self._defaults})


class _Postponed:
    """An attribute that is generated when it is looked up."""

    def __init__(self, generation: _Generation, name: str) -> None:
        self._generation, self._name = generation, name

    def __get__(self, instance: object, owner: type) -> Any:
        self._generation.carry_out()
        return getattr(owner if instance is None else instance, self._name)


def _refuse_assignment(_self: object, name: str, _value: object) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deletion(_self: object, name: str) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
