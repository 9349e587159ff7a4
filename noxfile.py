"""The matrix: each Python that is there, and the lowest and newest version of each run-time dependency.

    pipx run nox                      # everything
    pipx run nox -s tests -p 3.13
    pipx run nox -s lowest

A Python that is not installed is reported as skipped.
"""

from __future__ import annotations

import nox

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
LOWEST = ["aiohttp==3.12.7", "cryptography==44.0.3", "pyyaml==6.0.1"]
"""The lower bounds in pyproject.toml (PyYAML 6.0 does not build with current Cython)."""
FAST = ["-n", "2", "-q", "-rs", "--ignore=tests/clients", "--ignore=tests/bench", "--ignore=tests/test_packaging.py"]

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False


def _install(session: nox.Session, *more: str) -> None:
    session.install("--quiet", "--upgrade", "pip>=25.1")  # The first that knows dependency groups.
    session.install("--quiet", "--group", "dev", *more, "-e", ".")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests with what the lock's ranges resolve to today."""
    _install(session)
    session.run("python", "-m", "pytest", *FAST, *session.posargs)


@nox.session(python=PYTHONS[0])
def lowest(session: nox.Session) -> None:
    """Run the tests with the lowest versions that the package says it takes."""
    _install(session)
    # Not resolved together: extras that the tests need ask for newer ones.
    session.install("--quiet", "--no-deps", *LOWEST)
    session.run("python", "-m", "pytest", *FAST, *session.posargs)


@nox.session(python=PYTHONS[-2])
def newest(session: nox.Session) -> None:
    """Run the tests with the newest versions, releases before the final one included."""
    _install(session)
    session.install("--quiet", "--upgrade", "--pre", "aiohttp>=3.12.7,<3.15", "cryptography", "pyyaml")
    session.run("python", "-m", "pytest", *FAST, *session.posargs)
