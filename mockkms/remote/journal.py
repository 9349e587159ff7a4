"""``remote.journal``: the journal of a remote server, which evaluates queries and assertions itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mockkms.faults.parsing import FaultError
from mockkms.remote.wire import Wire
from mockkms.world.journal.entry import Entry, entry_of


class RemoteJournal:
    """The interface of ``Journal`` for a remote world. Entries are copies, without tokens and binary bodies."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def _asked(self, match: Any, words: dict[str, Any], **options: Any) -> Any:
        return self._wire.call("POST", "journal", {**_query(match, words), **options})

    @property
    def total(self) -> int:
        """Number of requests since the last reset, including discarded ones."""
        return int(self._asked(None, {}, last=0)["total"])

    @property
    def redact(self) -> bool:
        """Whether secrets are removed from bodies."""
        return bool(self._wire.call("GET", "state")["redact"])

    @redact.setter
    def redact(self, value: bool) -> None:
        self._wire.call("POST", "state", {"redact": value})

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries())

    def __len__(self) -> int:
        return self.count()

    def __getitem__(self, place: int) -> Entry:
        return self.entries()[place]

    def clear(self) -> None:
        """Remove all entries."""
        self._wire.call("DELETE", "journal")

    def entries(self, match: Any = None, /, **words: Any) -> list[Entry]:
        """Return the matching entries, oldest first. Raises FaultError for unknown keys."""
        return [entry_of(data) for data in self._asked(match, words)["entries"]]

    def count(self, match: Any = None, /, **words: Any) -> int:
        """Return the number of matching entries."""
        return int(self._asked(match, words, last=0)["count"])

    def lines(self, match: Any = None, /, **words: Any) -> list[str]:
        """Return ``METHOD /path?query`` of the matching entries."""
        return [entry_of(data).line for data in self._asked(match, words, bodies=False)["entries"]]

    def table(self, match: Any = None, /, *, last: int | None = None, **words: Any) -> str:
        """Return the matching entries as text, only the ``last`` ones if given."""
        return str(self._asked(match, words, format="table", last=last)).rstrip("\n")

    def assert_called(self, match: Any = None, /, *, times: int | None = None, **words: Any) -> list[Entry]:
        """Raise AssertionError unless a request matches (``times``: exactly that many). Return the entries."""
        called = {**_query(match, words), "times": times, "entries": True}
        return [entry_of(data) for data in self._assert(called=called)["entries"]]

    def assert_not_called(self, match: Any = None, /, **words: Any) -> None:
        """Raise AssertionError if a request matches."""
        self._assert(not_called=_query(match, words))

    def assert_order(self, *matches: Any) -> None:
        """Raise AssertionError unless matching requests came in this order; others may come between them."""
        self._assert(order=list(matches))

    def assert_no_unhandled(self) -> None:
        """Raise AssertionError for unhandled requests, and for those that a script did not expect."""
        self._assert(no_unhandled=True)

    def near_misses(self, match: Any = None, /, **words: Any) -> list[str]:
        """Return the requests closest to matching, each with its differences."""
        return list(self._wire.call("POST", "journal/near-misses", _query(match, words))["misses"])

    def _assert(self, **words: Any) -> Any:
        return self._wire.call("POST", "journal/assert", words)


def _query(match: Any, words: dict[str, Any]) -> dict[str, Any]:
    for word in ("match", "last", "bodies", "format", "entries"):
        if word in words:
            raise FaultError(f"unknown match word {word!r}")
    return {"match": match, **words}
