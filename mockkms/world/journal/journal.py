"""The journal: one entry for each request, and assertions about them.

Recording happens on every request, so an entry keeps references, and decodes on access. The journal is a ring: the
oldest entries are dropped when it is full, in entries or in bytes.
"""

from __future__ import annotations

import copy
import logging
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, overload

from mockkms.arguments import CheckedAttribute
from mockkms.faults import addresses
from mockkms.faults.addresses import SHORTEST_TOKEN
from mockkms.faults.parsing import FaultError, texts, whole, within
from mockkms.vault.framework.cache_bounds import LONGEST_CACHED, MOST_CACHED
from mockkms.vault.framework.message import Operation, Trace
from mockkms.world.journal.bounds import PART_LIMIT, shorten, shortened_headers, size, size_of_headers, size_of_target
from mockkms.world.journal.entry import Entry
from mockkms.world.journal.queries import at_place, described, near_misses, read_query
from mockkms.world.journal.redaction import redact

SIZE = 10_000
"""Entries kept."""
MOST_BYTES = 512 * 1024 * 1024
"""Bytes that the entries take together, at most."""
_KINDS_OF_HEADERS = 64
_LONGEST_TOKEN = 512
"""Characters of a token that is remembered, so that it is hidden in targets after its end too."""
_MUCH = 16 * 1024 * 1024
"""Bytes of entries from which on a clear returns memory to the system."""


class Kept(NamedTuple):
    """A journal at one moment."""

    total: int = 0
    entries: tuple[Entry, ...] = ()
    redact: bool = False


class _Headers(NamedTuple):
    """Headers as entries keep them."""

    kept: Mapping[str, str]
    size: int
    cut: bool


class _ShownTarget(NamedTuple):
    """A target as entries keep it."""

    kept: str
    shown: str
    """Without tokens and other secrets."""
    size: int
    """Bytes of both."""


class Journal:
    """The requests of one world, newest last."""

    if TYPE_CHECKING:
        redact: bool
    else:
        redact = CheckedAttribute(bool)

    def __init__(
        self,
        size: int = SIZE,
        body_limit: int = PART_LIMIT,
        most_bytes: int = MOST_BYTES,
        *,
        issued: Callable[[str], bool] = lambda token: False,
    ) -> None:
        self._ring: deque[Entry] = deque(maxlen=size)
        self._limit = body_limit
        self._unshortened = min(body_limit, PART_LIMIT)
        """Bytes of an entry up to which no part of it can be too large."""
        self._most_bytes = most_bytes
        self.bytes = 0
        """About how many bytes the entries take."""
        self._lock = threading.Lock()
        self._headers: dict[int, _Headers] = {}
        """Headers last seen, by the length of the body: a client sends the same ones again and again."""
        self.total = 0
        """Requests ever recorded; more than ``len`` once the ring has turned."""
        self._generation = 0
        """Counts how often the numbers of entries have started again."""
        self.redact = False
        """Whether entries are recorded without secrets: tokens, passwords, keys, plaintexts, data of KV."""
        self._issued = issued
        """Whether the world has issued this token."""
        self._tokens: set[str] = set()
        """Tokens that clients have sent recently."""
        self._asked: dict[tuple[Operation, str], tuple[Operation, str]] = {}
        """Recent operations with their tokens: entries share them."""
        self._targets: dict[str, _ShownTarget] = {}
        """Recent targets, each with its form without tokens: entries share them."""
        self._traces: dict[str, Trace] = {}
        """The latest trace of each endpoint: entries share equal ones, which are a sixth of a usual entry."""
        self._listeners: list[Callable[[Entry], None]] = []

    def record(self, entry: Entry) -> Entry:
        """Record a request, each part cut to its limit. The oldest entries are dropped beyond the limit of bytes."""
        if entry.asked is not None:
            entry.asked = self._asked.get(entry.asked) or self._remember_asked(entry.asked)
        if self.redact:
            redact(entry, self._known)
            target = size_of_target(entry.target, entry.shown_target)
        else:
            entry.target, entry.shown_target, target = self._targets.get(entry.target) or self._shown(entry)
        if not entry.cut:  # A request whose client has left may still be under way, and its trace not complete.
            entry.trace = self._shared_trace(entry.trace)
        headers = self._shared(entry.headers, len(entry.body))
        entry.headers = headers.kept
        entry.size = size(entry, headers.size, target)
        if entry.size > self._unshortened:
            shorten(entry, self._limit)
            entry.size = size(entry, headers.size, target)
        if headers.cut:
            entry.shortened += ("headers",)
        ring = self._ring
        with self._lock:
            self.total = entry.number = self.total + 1
            if len(ring) == ring.maxlen:
                self._drop()
            ring.append(entry)
            self.bytes += entry.size
            while self.bytes > self._most_bytes and len(ring) > 1:
                self._drop()
        for listener in self._listeners:
            try:
                listener(entry)
            except Exception:
                # Not the client's fault, whose response this is.
                logging.getLogger("mockkms").exception("a listener of the journal failed")
        return entry

    def without_secrets(self, entry: Entry) -> Entry:
        """Return a copy of an entry as a redacting journal would have kept it."""
        found = copy.copy(entry)
        redact(found, self._known)
        return found

    def __repr__(self) -> str:
        kept = "" if len(self) == self.total else f", {len(self):,} of them kept"
        last = f"; the last one: {self._ring[-1]}" if self._ring else ""
        return f"<Journal of {self.total:,} requests{kept}{last}>"

    def subscribe(self, listener: Callable[[Entry], None]) -> None:
        """Call ``listener`` with each new entry, on the thread that answers the request."""
        self._listeners.append(listener)

    def unsubscribe(self, listener: Callable[[Entry], None]) -> None:
        """End ``subscribe``; a listener that is not subscribed is ignored."""
        self._listeners = [known for known in self._listeners if known != listener]

    def _remember_asked(self, asked: tuple[Operation, str]) -> tuple[Operation, str]:
        self._remember(asked[1])
        if len(asked[1]) <= _LONGEST_TOKEN:
            self._asked[asked] = asked
        return asked

    def _remember(self, token: str) -> None:
        if len(self._asked) >= MOST_CACHED or len(self._tokens) >= MOST_CACHED:
            self._asked.clear()
            self._tokens.clear()
        if SHORTEST_TOKEN <= len(token) <= _LONGEST_TOKEN:
            self._tokens.add(token)

    def _known(self, text: str) -> bool:
        """Return whether a text is a token that this world has issued or that was sent to it."""
        if text in self._tokens:
            return True
        if len(text) < SHORTEST_TOKEN or not self._issued(text):
            return False
        self._remember(text)  # The text may occur again after the token has expired.
        return True

    def _shown(self, entry: Entry) -> _ShownTarget:
        """Return an entry's target, cut to its limit, and its form without tokens. Short targets are cached."""
        target = entry.target
        if len(target) > PART_LIMIT:
            target = addresses.cut(target, PART_LIMIT)
            entry.shortened = ("target",)
        shown = addresses.hide(target, self._known)
        found = _ShownTarget(target, shown, size_of_target(target, shown))
        if len(target) <= LONGEST_CACHED:
            if len(self._targets) >= MOST_CACHED:
                self._targets.clear()
            self._targets[target] = found
        return found

    def _drop(self) -> None:
        self.bytes -= self._ring.popleft().size

    def _shared_trace(self, trace: Trace) -> Trace:
        """Return one shared object for equal traces that follow one another at an endpoint.

        One with text of the client is not kept here: nothing counts how long it is.
        """
        if trace.hint or len(trace.namespace) > LONGEST_CACHED:
            return trace
        known = self._traces.get(trace.endpoint)
        if known == trace:
            return known
        if len(self._traces) >= MOST_CACHED:
            self._traces.clear()
        self._traces[trace.endpoint] = trace
        return trace

    def _shared(self, headers: Mapping[str, str], length: int) -> _Headers:
        """Return one shared object for equal headers, which are the largest part of most entries."""
        known = self._headers.get(length)
        if known is not None:
            kept = known.kept
            if kept is headers or (kept == headers and [*kept] == [*headers]):
                return known
        if len(self._headers) >= _KINDS_OF_HEADERS:
            self._headers.clear()
        short = shortened_headers(headers)
        kept = headers if short is None else short
        made = self._headers[length] = _Headers(kept, size_of_headers(kept), short is not None)
        return made

    # -- reading -------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._ring.copy())

    def __len__(self) -> int:
        return len(self._ring)

    @overload
    def __getitem__(self, place: int, /) -> Entry: ...
    @overload
    def __getitem__(self, place: slice, /) -> list[Entry]: ...
    def __getitem__(self, place: int | slice, /) -> Entry | list[Entry]:
        """Return the entry at a place, or the list of those of a slice. Raises IndexError and TypeError."""
        return at_place(self._ring.copy(), place)

    def clear(self) -> None:
        """Remove all entries."""
        much = self.bytes > _MUCH
        with self._lock:
            self._ring.clear()
            self._headers.clear()
            self._tokens.clear()
            self._asked.clear()
            self._targets.clear()
            self._traces.clear()
            self.total = self.bytes = 0
            self._generation += 1
        if much:
            _give_back()

    def entries(self, match: object = None, /, **words: object) -> list[Entry]:
        """Return the matching entries, oldest first: ``entries("transit/*", operation="update", status=503)``.

        The keys are those of a rule's match, and ``status``, ``fault`` (a rule's id, or true), ``cut``, ``phase`` (of
        chaos), ``denied``, ``unhandled``. Raises FaultError for others.
        """
        fits = read_query(match, words)
        return [entry for entry in self if fits(entry)]

    @property
    def progress(self) -> tuple[int, int]:
        """How often the numbers of entries have started again, and the latest number, both of one moment."""
        with self._lock:
            return self._generation, self.total

    def latest(self, count: int) -> list[Entry]:
        """Return the newest ``count`` entries, oldest first."""
        with self._lock:
            return list(islice(reversed(self._ring), count))[::-1]

    def count(self, match: object = None, /, **words: object) -> int:
        """Return the number of matching entries."""
        return len(self.entries(match, **words))

    def lines(self, match: object = None, /, **words: object) -> list[str]:
        """Return ``METHOD /path?query`` of the matching entries, without tokens."""
        return [entry.shown_line for entry in self.entries(match, **words)]

    def table(self, match: object = None, /, *, last: int | None = None, **words: object) -> str:
        """Return the matching entries as readable lines, the newest ``last`` of them; empty if there are none."""
        if last is not None:
            with within("last"):
                last = whole(last)
        found = self.entries(match, **words)
        return "\n".join(str(entry) for entry in (found if last is None else found[-last:] if last else []))

    # -- asserting -----------------------------------------------------------------------------------------------

    def assert_called(self, match: object = None, /, *, times: int | None = None, **words: object) -> list[Entry]:
        """Raise AssertionError unless a request matches (``times``: exactly so many); return the entries.

        Raises FaultError for an invalid query or number.
        """
        if times is not None:
            with within("times"):
                times = whole(times)
        fits = read_query(match, words)
        found = [entry for entry in self if fits(entry)]
        if len(found) == times or (times is None and found):
            return found
        wanted = "at least once" if times is None else f"{times} times"
        raise AssertionError(self._text(f"expected {described(match, words)} {wanted}, got {len(found)}", match, words))

    def assert_not_called(self, match: object = None, /, **words: object) -> None:
        """Raise AssertionError if a request matches."""
        found = self.entries(match, **words)
        if found:
            listed = "\n".join(str(entry) for entry in found)
            raise AssertionError(f"expected no {described(match, words)}, got {len(found)}:\n{listed}")

    def assert_order(self, *matches: object) -> None:
        """Raise AssertionError unless matching requests came in this order, possibly with others between them."""
        if not matches:
            raise FaultError("nothing is asserted; expected a path or mapping for each step")
        if len(matches) == 1 and isinstance(matches[0], (list, tuple)):
            raise FaultError("a list of paths is one step; give each step as an argument of its own")
        steps = []
        for step, match in enumerate(matches):
            with within(step):
                steps.append(read_query(match, {}))
        entries, place = [*self], 0
        for step, (match, fits) in enumerate(zip(matches, steps, strict=True)):
            place = next((i + 1 for i in range(place, len(entries)) if fits(entries[i])), -1)
            if place < 0:
                text = (
                    f"step {step + 1} of {len(matches)}, {described(match, {})}, did not come after the steps before it"
                )
                raise AssertionError(self._text(text, match, {}))

    def assert_no_unhandled(self, *, allowed: Sequence[str] = ()) -> None:
        """Raise AssertionError for requests that nothing emulates, or that a script did not expect.

        ``allowed`` has globs of paths that need not be emulated. Raises FaultError for an invalid one.
        """
        with within("allowed"):
            globs = texts(allowed, "globs of paths")
        fits = read_query({"path": globs}, {}) if globs else None
        found = [entry for entry in self if entry.unexpected or (entry.unhandled and (fits is None or not fits(entry)))]
        if found:
            listed = "\n".join(str(entry) for entry in found)
            count = "1 request was" if len(found) == 1 else f"{len(found)} requests were"
            raise AssertionError(f"{count} not expected or not emulated:\n{listed}")

    def near_misses(self, match: object = None, /, **words: object) -> list[str]:
        """Return the requests closest to matching, each with its differences."""
        return near_misses(self, match, words)

    def _text(self, headline: str, match: object, words: Mapping[str, object]) -> str:
        parts = [headline]
        near = self.near_misses(match, **words)
        if near:
            parts += ["nearest:", *near]
        parts += ["journal:", self.table(last=20) or "   (no request at all)"]
        return "\n".join(parts)

    # -- worlds --------------------------------------------------------------------------------------------------

    def snapshot(self) -> Kept:
        """Return the journal's content, for ``restore``."""
        return Kept(self.total, tuple(self._ring.copy()), self.redact)

    def restore(self, kept: Kept) -> None:
        """Restore what ``snapshot`` returned."""
        with self._lock:
            self._ring.clear()
            # A text that was no token in the world before may be one in this. Tokens are still those of entries.
            self._headers.clear()
            self._asked.clear()
            self._targets.clear()
            self.total, entries, self.redact = kept
            self._generation += 1
            self._ring.extend(entries)
            self.bytes = sum(entry.size for entry in self._ring)


def _give_back() -> None:
    """Return free memory to the operating system if the C library is glibc; takes milliseconds.

    Without this, the memory of many long requests stays with the process after the journal has dropped them.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes  # Costs milliseconds of a start that does not need it.

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(ctypes.c_size_t(0))
