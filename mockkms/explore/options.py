"""What command line, ini file and markers say of an exploration, read and checked in one place.

Outcomes are accepted by design with ``{"permission-denied": "raises", "sealed@transit/*": ["raises", "fails"]}``.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from mockkms.explore import ExploreError
from mockkms.explore.catalogue import FAILURES, Failure, nearest_of, read_failures, select
from mockkms.explore.results import Cell, ExploredRequest, Outcome, Wrong

ANY = "any"
_WORDS = {
    "passes": Outcome.TOLERATED, "fails": Outcome.FAILED, "raises": Outcome.RAISED, "hangs": Outcome.HUNG,
    **{str(outcome): outcome for outcome in Outcome if outcome is not Outcome.MISSED},
}  # fmt: skip
_KINDS = [str(kind) for kind in Wrong]
_NEVER = "none"
_FAIL_ON = [str(outcome) for outcome in Outcome if not outcome.harmless]


@dataclass(frozen=True)
class Acceptance:
    """An outcome that is accepted for a failure."""

    failure: str
    """Name of a failure, or ``*``."""
    path: str
    """Glob of ``operation path`` or of the path alone; empty for every request."""
    word: str
    """An outcome, a kind of ``wrong``, or ``any``."""

    def accepts(self, cell: Cell, requests: Mapping[str, ExploredRequest]) -> bool:
        """Return whether it accepts a case: all faults are of this failure, at such requests."""
        if self.word not in (ANY, cell.outcome, cell.kind):
            return False
        return any(
            fnmatchcase(fault.failure, self.failure) and self._at(requests.get(fault.request)) for fault in cell.faults
        )

    def _at(self, request: ExploredRequest | None) -> bool:
        if not self.path:
            return True
        if request is None:
            return False
        texts = (request.path, f"{request.operation} {request.path}")
        return any(fnmatchcase(text, self.path) for text in texts)


def read_accepted(value: object, failures: Sequence[str] = ()) -> list[Acceptance]:
    """Read accepted outcomes: a mapping of failures to an outcome or a list of outcomes.

    ``failures``: the known names; empty leaves them unchecked. Raises ExploreError.
    """
    if not isinstance(value, Mapping):
        raise ExploreError("expected a mapping of failures to outcomes, such as {'permission-denied': 'raises'}")
    found = []
    for key, words in value.items():
        failure, _, path = str(key).partition("@")
        if failures and failure not in (*failures, "*"):
            raise ExploreError(f"no failure {failure!r}; {nearest_of(failure, [*failures, '*'])}")
        for word in [words] if isinstance(words, str) or not isinstance(words, Sequence) else words:
            found.append(Acceptance(failure, path, _outcome(word)))
    return found


def read_pairs(lines: Sequence[str], failures: Sequence[str] = ()) -> list[Acceptance]:
    """Read accepted outcomes from lines ``failure: outcome`` or ``failure=outcome``. Raises ExploreError."""
    found: list[Acceptance] = []
    for line in lines:
        name, separator, words = line.partition(":" if ":" in line else "=")
        if not separator:
            raise ExploreError(f"{line!r}: expected a failure and an outcome, such as timeout: hangs")
        found += read_accepted({name.strip(): [word.strip() for word in words.split(",")]}, failures)
    return found


def _outcome(word: object) -> str:
    if word == ANY or word in _KINDS:
        return str(word)
    if not isinstance(word, str) or word not in _WORDS:
        raise ExploreError(f"no outcome {str(word)!r}; {nearest_of(str(word), [*_WORDS, *_KINDS, ANY])}")
    return str(_WORDS[word])


def accepted(cell: Cell, requests: Mapping[str, ExploredRequest], by: Sequence[Acceptance]) -> bool:
    """Return whether a case is accepted by one of the given acceptances."""
    return not cell.outcome.harmless and any(one.accepts(cell, requests) for one in by)


def chosen_failures(words: Sequence[str], own: Path | None = None) -> list[Failure]:
    """Return the failures of sets and names, with those of a YAML file. Raises ExploreError."""
    return select(words, read_failures(own) if own is not None else ())


def read_acceptances(lines: Sequence[str], failures: Sequence[Failure]) -> list[Acceptance]:
    """Read ``failure: outcome`` lines; failures of the catalogue that are not explored are known too.

    Raises ExploreError.
    """
    return read_pairs(lines, _names(failures))


def marker_acceptances(value: object, failures: Sequence[Failure] | None = None) -> list[Acceptance]:
    """Read the mapping of a marker. Raises ExploreError.

    ``failures``: those that are explored. Without them a name that is close to none of the catalogue is accepted, since
    it may be that of an own failure.
    """
    if failures is not None:
        return read_accepted(value, _names(failures))
    known = _names(())
    given = [str(key).partition("@")[0] for key in value] if isinstance(value, Mapping) else []
    own = [name for name in given if not difflib.get_close_matches(name, known, n=1)]
    return read_accepted(value, [*known, *own])


def _names(failures: Sequence[Failure]) -> list[str]:
    return list(dict.fromkeys(failure.name for failure in (*FAILURES, *failures)))


def fails_on(text: str) -> tuple[str, ...]:
    """Read the outcomes that fail an exploration: names with commas, or ``none``. Raises ExploreError."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if words == [_NEVER]:
        return ()
    for word in words:
        if word not in _FAIL_ON:
            hint = nearest_of(word, [*_FAIL_ON, _NEVER], f"expected some of {', '.join(_FAIL_ON)}, or {_NEVER}")
            raise ExploreError(f"no outcome {word!r} to fail on; {hint}")
    return tuple(words)
