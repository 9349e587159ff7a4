"""Fault kinds that cannot be combined, because one of them would always win."""

from __future__ import annotations

from collections.abc import Iterable

from mockkms.faults.kinds import FaultKind
from mockkms.faults.parsing import Errors, FaultError


def check_rivals(kinds: Iterable[FaultKind]) -> None:
    """Raise FaultError if one of the kinds of a firing leaves another one without effect.

    These are two kinds that decide the same (``FaultKind.decides``), and kinds that change the response beside one that
    ends the connection before any byte of it. The path of the error is the key that came later.
    """
    before: list[FaultKind] = []
    errors = Errors()
    for kind in kinds:
        with errors.at():
            for known in before:
                _check_pair(known, kind)
        before.append(kind)
    errors.raise_all()


def _check_pair(known: FaultKind, kind: FaultKind) -> None:
    """Raise FaultError if one of two kinds leaves the other one, ``known`` or ``kind``, without effect."""
    if kind.decides and known.decides == kind.decides:
        what = f"both decide {kind.decides}"
        raise FaultError(f"{known.word} and {kind.word} {what}: use one, or two rules", kind.word)
    ending, other = (kind, known) if kind.silent else (known, kind)
    if ending.silent and other.of_response:
        what = f"{ending.word} ends the connection before any byte, so {other.word} has no effect"
        raise FaultError(f"{what}: use one, or two rules", kind.word)
