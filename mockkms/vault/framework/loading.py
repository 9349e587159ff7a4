"""Loading the modules that declare the endpoints of an engine, in a fixed order."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module

_waiting: dict[str, tuple[str, ...]] = {}
"""By the module of an engine, the modules with its endpoints that are not imported yet."""
_postponing = ContextVar("_postponing", default=False)


def load_endpoints(module: str, *endpoints: str) -> None:
    """Name modules, each of which declares endpoints on the engine of ``module`` when it is imported.

    They are imported by ``load_rest``, before the first request; with a package also at once, unless that is postponed.
    The order counts: of two templates that fit a path, the one declared first answers.

    Args:
        module: Full name of the module that holds the engine, ``__name__`` there; its last statement is this call.
        endpoints: Names below its package, such as ``"keys.rotate"``.
    """
    package = sys.modules[module].__package__
    _waiting[module] = tuple(f"{package}.{name}" for name in endpoints)
    # The import of an endpoint may be what imports the engine's module; a package comes before all of its modules.
    if package == module and not _postponing.get():
        load_rest(module)


@contextmanager
def postponed() -> Iterator[None]:
    """Import engines in this block without their endpoints: a new mount needs none until its first request."""
    token = _postponing.set(True)
    try:
        yield
    finally:
        _postponing.reset(token)


def load_rest(module: str) -> None:
    """Import what is still missing of an engine's endpoints; nothing for any other module."""
    for endpoints in _waiting.get(module, ()):
        import_module(endpoints)
    # Only now: a second thread that gets here in the meantime must not find the engine complete.
    _waiting.pop(module, None)
