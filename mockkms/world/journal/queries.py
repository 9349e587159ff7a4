"""Queries of the journal: the keys of a match, and conditions on the outcome of a request."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from difflib import SequenceMatcher
from operator import index

from mockkms.faults import expressions
from mockkms.faults.match import match_words, read_match
from mockkms.faults.matchers import All, Matcher
from mockkms.faults.parsing import FaultError, mapping, shown
from mockkms.faults.request_view import Seen
from mockkms.world.journal.entry import Entry

_COMPARED = 256
"""Characters of two paths that are compared: the time grows with their product."""


class _Outcome(Matcher):
    """A condition on the outcome of a request."""

    def __init__(self, word: str, value: object) -> None:
        fits = _OUTCOME_VALUES[word]
        values = value if word == "status" and isinstance(value, (list, tuple, range, set)) else [value]
        if not all(isinstance(one, fits) and (bool in fits or not isinstance(one, bool)) for one in values):
            raise FaultError(f"expected {OUTCOMES[word]}, got {shown(value)}", word)
        self.word, self.value = word, value

    def __call__(self, seen: Seen) -> bool:
        value, word = self.value, self.word
        if not isinstance(seen, Entry):
            return False
        if word == "status":
            return seen.status in value if isinstance(value, (list, tuple, range, set)) else seen.status == value
        if word == "fault":
            return bool(seen.rules) is value if isinstance(value, bool) else value in seen.rules
        if word in ("cut", "phase"):
            found = seen.cut if word == "cut" else seen.phase
            return bool(found) is value if isinstance(value, bool) else found == value
        return bool(getattr(seen, word)) is bool(value)

    def misses(self, seen: Seen) -> list[str]:
        return [] if self(seen) else [self.word]


OUTCOMES = {
    "status": "HTTP status sent, or a list of them; 0 is none",
    "fault": "id of a rule that fired, or true / false",
    "cut": "close, reset, hang, left, or true / false",
    "phase": "plan of chaos and its phase, as in leader-election/election, or true / false",
    "denied": "true if the policies said no, else false",
    "unhandled": "true if nothing emulates it, else false",
}


_OUTCOME_VALUES: dict[str, tuple[type, ...]] = {
    "status": (int,), "fault": (str, bool), "cut": (str, bool), "phase": (str, bool), "denied": (bool,),
    "unhandled": (bool,),
}  # fmt: skip


def read_query(match: object, words: Mapping[str, object]) -> All:
    """Return a matcher over entries from a path, a list of paths or a mapping, and further words. Raises FaultError."""
    expressions.restart_clock()
    parts: list[Matcher] = []
    for given in (match, dict(words)):
        if given is None or given == {}:
            continue
        if not given:
            raise FaultError(f"expected a path, a list of paths or a mapping, got {shown(given)}")
        if isinstance(given, Mapping):
            mapping(given, {*match_words(), *OUTCOMES}, "word")
            rest = {word: value for word, value in given.items() if word not in OUTCOMES}
            parts += [_Outcome(word, value) for word, value in given.items() if word in OUTCOMES]
            parts += read_match(rest).parts
        else:
            parts += read_match(given).parts
    return All(tuple(parts))


def near_misses(entries: Iterable[Entry], match: object, words: Mapping[str, object]) -> list[str]:
    """Return the three entries closest to matching as text, each with its differences. Raises FaultError."""
    fits = read_query(match, words)
    wanted = _path_of(match, words)
    scored = []
    for entry in entries:
        wrong = fits.misses(entry)
        similarity = _similarity(wanted, entry.path) if wanted else 0.0
        if wrong and (len(wrong) < len(fits.parts) or similarity > 0.5):
            scored.append((len(wrong) - similarity, f"{entry}  <- wrong: {', '.join(wrong)}"))
    scored.sort(key=lambda pair: pair[0])
    return [text for _, text in scored[:3]]


def _similarity(wanted: str, path: str) -> float:
    """Return the similarity of two paths, 0 to 1; 0 if it is below a half."""
    compared = SequenceMatcher(None, wanted[:_COMPARED], path[:_COMPARED])
    return compared.ratio() if compared.real_quick_ratio() > 0.5 and compared.quick_ratio() > 0.5 else 0.0


def described(match: object, words: Mapping[str, object]) -> str:
    """Return a query as text, for messages."""
    parts = [] if match is None or match == {} else [str(match)]
    parts += [f"{word}={value!r}" for word, value in words.items()]
    return "request " + " ".join(parts) if parts else "request"


def _path_of(match: object, words: Mapping[str, object]) -> str:
    path = match.get("path", "") if isinstance(match, Mapping) else match
    path = path or words.get("path", "")
    if isinstance(path, (list, tuple)):
        path = path[0]
    return path if isinstance(path, str) else ""


def at_place(entries: Collection[Entry], place: object) -> Entry | list[Entry]:
    """Return the entry at a place, the oldest being 0 and the newest -1, or the list of those of a slice.

    Raises IndexError if there is no such entry, TypeError for what is neither a whole number nor a slice of them.
    """
    listed = [*entries]
    if isinstance(place, slice):
        return listed[place]
    try:
        number = index(place)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"journal[{shown(place)}]: expected a number or a slice; entries(…) finds requests") from None
    if not -len(listed) <= number < len(listed):
        kept = "1 entry" if len(listed) == 1 else f"{len(listed)} entries"
        raise IndexError(f"journal[{number}]: the journal has {kept}")
    return listed[number]
