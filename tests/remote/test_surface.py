"""``MockKMS`` and ``RemoteKMS`` have the same names, which take the same arguments and refuse the same nonsense."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import requests

from mockkms import MockKMS, RemoteError, RemoteKMS
from tests.test_arguments import CALLS, NONSENSE

PARTS = ("", "journal", "faults", "clock", "chaos")
OF_THE_CONNECTION = {"call", "close", "connect", "control_token"}
"""What a remote server alone has."""
AS_TEXT = {"faults.add", "journal.entries"}
"""Calls with several values of which one side refuses another first."""
INDEXES: list[Any] = [
    0,
    -1,
    5,
    slice(0, 2),
    slice(None, None, -1),
    slice(1, None),
    "x",
    1.5,
    None,
    True,
    [0],
    slice("a", 1),
]


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[MockKMS, RemoteKMS]]:
    with MockKMS() as here, MockKMS() as there, RemoteKMS(there.url) as remote:
        yield here, remote


def part(kms: Any, name: str) -> Any:
    return getattr(kms, name) if name else kms


def public(one: object) -> dict[str, object]:
    return {name: getattr(type(one), name, None) for name in dir(one) if not name.startswith("_")}


def outcome(call: Callable[[], object]) -> type[BaseException] | None:
    """Return the class of the error as users catch it: those of rules are of ValueError."""
    try:
        call()
    except (AssertionError, RemoteError, ValueError) as error:
        return next((kind for kind in (AssertionError, ValueError) if isinstance(error, kind)), type(error))
    return None


@pytest.mark.parametrize("name", PARTS)
def test_names_and_arguments(both: tuple[MockKMS, RemoteKMS], name: str) -> None:
    here, there = (public(part(kms, name)) for kms in both)
    assert there.keys() - here.keys() == (OF_THE_CONNECTION if not name else set())
    for shared in here.keys() & there.keys():
        ours, theirs = here[shared], there[shared]
        if inspect.isfunction(ours) and inspect.isfunction(theirs):
            taken = [
                [(one.name, one.kind, one.default) for one in inspect.signature(method).parameters.values()]
                for method in (ours, theirs)
            ]
            assert taken[0] == taken[1], shared


@pytest.mark.parametrize("place", INDEXES, ids=repr)
def test_places_in_the_journal(both: tuple[MockKMS, RemoteKMS], place: Any) -> None:
    found: list[object] = []
    for kms in both:
        kms.reset()
        for path in ("sys/health", "sys/seal-status", "sys/leader"):
            requests.get(f"{kms.url}/v1/{path}", timeout=60)
        try:
            got = kms.journal[place]
        except (IndexError, TypeError) as error:
            found.append(f"{type(error).__name__}: {error}")
        else:
            found.append([one.path for one in got] if isinstance(got, list) else got.path)
    assert found[0] == found[1]


@pytest.mark.parametrize("name", sorted(CALLS.keys() - AS_TEXT))
def test_nonsense_is_refused_with_the_same_class(both: tuple[MockKMS, RemoteKMS], name: str) -> None:
    for value in NONSENSE:
        found = []
        for kms in both:
            given = iter([1]) if isinstance(value, str) and value == "GENERATOR" else value
            found.append(outcome(lambda kms=kms, given=given: CALLS[name](kms, given)))  # type: ignore[misc]
            with suppress(ValueError):
                kms.reset()
        assert found[0] is found[1], ascii(value)
