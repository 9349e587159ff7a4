"""Loading the files of a package that declare endpoints, in a fixed order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module

_waiting: dict[str, tuple[str, ...]] = {}
"""By package, the modules that are not imported yet."""
_postponing = ContextVar("_postponing", default=False)


def load_endpoints(package: str, *modules: str) -> None:
    """Import modules of a package, each of which declares endpoints on the package's engine when it is imported.

    The order counts: of two templates that fit a path, the one declared first answers.

    Args:
        package: Full name of the package.
        modules: Names below the package, such as ``"keys.rotate"``.
    """
    _waiting[package] = modules
    if not _postponing.get():
        load_rest(package)


@contextmanager
def postponed() -> Iterator[None]:
    """Import engines in this block without their endpoints: a new mount needs none until its first request."""
    token = _postponing.set(True)
    try:
        yield
    finally:
        _postponing.reset(token)


def load_rest(package: str) -> None:
    """Import what is still missing of a package; nothing for any other module."""
    for module in _waiting.get(package, ()):
        import_module(f"{package}.{module}")
    # Only now: a second thread that comes here meanwhile must not find the package complete.
    _waiting.pop(package, None)
