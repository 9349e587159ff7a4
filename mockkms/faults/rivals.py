"""Fault kinds that cannot be combined, because one of them would always win."""

from __future__ import annotations

from collections.abc import Iterable

from mockkms.faults.kinds import FaultKind
from mockkms.faults.parsing import FaultError


def check_rivals(kinds: Iterable[FaultKind]) -> None:
    """Raise FaultError if one of the kinds of a firing leaves another one without effect.

    These are two kinds that decide the same (``FaultKind.decides``), and kinds that change the response beside one that
    ends the connection before any byte of it. The path of the error is the key that came later.
    """
    before: list[FaultKind] = []
    for kind in kinds:
        for known in before:
            if kind.decides and known.decides == kind.decides:
                what = f"both decide {kind.decides}"
                raise FaultError(f"{known.word} and {kind.word} {what}: use one, or two rules", kind.word)
            ending, other = (kind, known) if kind.silent else (known, kind)
            if ending.silent and other.of_response:
                what = f"{ending.word} ends the connection before any byte, so {other.word} has no effect"
                raise FaultError(f"{what}: use one, or two rules", kind.word)
        before.append(kind)
