"""What command line, ini file and markers say of an exploration, read and checked in one place."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

from mockkms.explore.accepting import Acceptance, read_accepted, read_pairs
from mockkms.explore.catalogue import FAILURES, CatalogueError, Failure, read_failures, select
from mockkms.explore.results import Outcome

_NEVER = "none"
_FAIL_ON = [str(outcome) for outcome in Outcome if not outcome.harmless]


def chosen_failures(words: Sequence[str], own: Path | None = None) -> list[Failure]:
    """Return the failures of sets and names, with those of a YAML file. Raises CatalogueError."""
    return select(words, read_failures(own) if own is not None else ())


def read_acceptances(lines: Sequence[str], failures: Sequence[Failure]) -> list[Acceptance]:
    """Read ``failure: outcome`` lines; failures of the catalogue that are not explored are known too.

    Raises AcceptError.
    """
    return read_pairs(lines, _names(failures))


def marker_acceptances(value: object, failures: Sequence[Failure] | None = None) -> list[Acceptance]:
    """Read the mapping of a marker. Raises AcceptError.

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
    """Read the outcomes that fail an exploration: names with commas, or ``none``. Raises CatalogueError."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if words == [_NEVER]:
        return ()
    for word in words:
        if word not in _FAIL_ON:
            close = difflib.get_close_matches(word, [*_FAIL_ON, _NEVER], n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"expected some of {', '.join(_FAIL_ON)}, or {_NEVER}"
            raise CatalogueError(f"no outcome {word!r} to fail on; {hint}")
    return tuple(words)
