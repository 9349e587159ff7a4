"""``remote.journal``: the journal of a remote server, which evaluates queries and assertions itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import overload

from mockkms.arguments import check_attribute
from mockkms.faults.parsing import FaultError, shown, texts, within
from mockkms.remote.document import Document
from mockkms.remote.wire import Wire
from mockkms.world.journal.entry import Entry, entry_of
from mockkms.world.journal.queries import at_place


class RemoteJournal:
    """The interface of ``Journal`` for a remote world. Entries are copies, without tokens and binary bodies."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def __repr__(self) -> str:
        return f"<RemoteJournal of {self._wire.url}>"

    def _found(self, match: object, words: Mapping[str, object], **options: object) -> Document:
        return self._wire.post("journal", {**_query(match, words), **options})

    @property
    def total(self) -> int:
        """Number of requests since the last reset, including discarded ones."""
        return self._found(None, {}, last=0).whole("total")

    @property
    def redact(self) -> bool:
        """Whether secrets are removed from bodies."""
        return self._wire.get("state").flag("redact")

    @redact.setter
    def redact(self, value: bool) -> None:
        check_attribute("redact", bool, value)
        self._wire.call("POST", "state", {"redact": value})

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries())

    def __len__(self) -> int:
        return self.count()

    @overload
    def __getitem__(self, place: int, /) -> Entry: ...
    @overload
    def __getitem__(self, place: slice, /) -> list[Entry]: ...
    def __getitem__(self, place: int | slice, /) -> Entry | list[Entry]:
        """Return the entry at a place, or the list of those of a slice. Raises IndexError and TypeError."""
        return at_place(self.entries(), place)

    def clear(self) -> None:
        """Remove all entries."""
        self._wire.call("DELETE", "journal")

    def entries(self, match: object = None, /, **words: object) -> list[Entry]:
        """Return the matching entries, oldest first. Raises FaultError for unknown keys."""
        return _entries(self._found(match, words))

    def count(self, match: object = None, /, **words: object) -> int:
        """Return the number of matching entries."""
        return self._found(match, words, last=0).whole("count")

    def lines(self, match: object = None, /, **words: object) -> list[str]:
        """Return ``METHOD /path?query`` of the matching entries."""
        return [entry.line for entry in _entries(self._found(match, words, bodies=False))]

    def table(self, match: object = None, /, *, last: int | None = None, **words: object) -> str:
        """Return the matching entries as text, only the ``last`` ones if given."""
        query = {**_query(match, words), "format": "table", "last": last}
        return str(self._wire.call("POST", "journal", query)).rstrip("\n")

    def assert_called(self, match: object = None, /, *, times: int | None = None, **words: object) -> list[Entry]:
        """Raise AssertionError unless a request matches (``times``: exactly that many). Return the entries."""
        called = {**_query(match, words), "times": times, "entries": True}
        return _entries(self._assert(called=called))

    def assert_not_called(self, match: object = None, /, **words: object) -> None:
        """Raise AssertionError if a request matches."""
        self._assert(not_called=_query(match, words))

    def assert_order(self, *matches: object) -> None:
        """Raise AssertionError unless matching requests came in this order; others may come between them."""
        self._assert(order=[_sendable(match) for match in matches])

    def assert_no_unhandled(self, *, allowed: Sequence[str] = ()) -> None:
        """Raise AssertionError for unhandled requests, and for those that a script did not expect.

        ``allowed`` has globs of paths that need not be emulated.
        """
        with within("allowed"):
            globs = texts(allowed, "globs of paths")
        self._assert(no_unhandled={"allowed": globs} if globs else True)

    def near_misses(self, match: object = None, /, **words: object) -> list[str]:
        """Return the requests closest to matching, each with its differences."""
        return self._wire.post("journal/near-misses", _query(match, words)).texts("misses")

    def _assert(self, **words: object) -> Document:
        """Send one assertion. The paths of a FaultError are those in the arguments of the method."""
        try:
            return self._wire.post("journal/assert", words)
        except FaultError as error:
            for one in error.each():
                one.path = one.path.removeprefix(next(iter(words))).removeprefix(".")
            raise


def _entries(document: Document) -> list[Entry]:
    return [entry_of(entry.data) for entry in document.documents("entries")]


def _query(match: object, words: Mapping[str, object]) -> dict[str, object]:
    for word in ("match", "last", "bodies", "format", "entries"):
        if word in words:
            raise FaultError(f"unknown match key {word!r}")
    return {"match": _sendable(match), **_without_sets(words)}


def _sendable(match: object) -> object:
    """Return a match, unless it has a set, which would reach the server as a list. Raises FaultError."""
    if isinstance(match, (set, frozenset)):
        raise FaultError(f"expected a path, a list of paths or a mapping, got {shown(match)}")
    return _without_sets(match) if isinstance(match, Mapping) else match


def _without_sets(words: Mapping[str, object]) -> dict[str, object]:
    """Return the words of a match, of which ``status`` alone may be a set. Raises FaultError naming another."""
    for word, value in words.items():
        if word != "status" and isinstance(value, (set, frozenset)):
            with within(str(word)):
                raise FaultError(f"expected a list instead of a set, got {shown(value)}")
    return dict(words)
