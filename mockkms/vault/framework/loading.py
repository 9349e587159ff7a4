"""Loading the files of a package that declare endpoints, in a fixed order."""

from __future__ import annotations

from importlib import import_module


def load_endpoints(package: str, *modules: str) -> None:
    """Import modules of a package, each of which declares endpoints on the package's engine when it is imported.

    The order counts: of two templates that fit a path, the one declared first answers.

    Args:
        package: Full name of the package.
        modules: Names below the package, such as ``"keys.rotate"``.
    """
    for module in modules:
        import_module(f"{package}.{module}")
