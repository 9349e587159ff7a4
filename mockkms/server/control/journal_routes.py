"""Routes of the control API for the journal: entries, queries, near misses, assertions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mockkms.faults.match import match_words
from mockkms.faults.parsing import FaultError, flag, mapping, shown, whole, within
from mockkms.server.control.routing import FLAG, FORMATS, ControlError, ControlRequest, Values, route
from mockkms.world.journal.journal import Journal
from mockkms.world.journal.queries import OUTCOMES
from mockkms.world.world import World


@route(
    "GET",
    "journal",
    "Requests that match the query: path, operation, status, …; last=n, bodies=false, format=table",
    query=None,
)
def get_journal(request: ControlRequest) -> dict[str, object] | str:
    """Return the entries that match the parameters of the query, the oldest first; or a table as text."""
    known = {*match_words(), *OUTCOMES, "last", "bodies", "format"}
    words = {str(word): str(value) for word, value in mapping(request.query, known, "word").items()}
    last = words.pop("last", "")
    if last and not _is_number(last):
        raise ControlError(400, "last: expected a whole number of at least 0")
    bodies = _choice("bodies", words.pop("bodies", "true"), FLAG) == "true"
    table = _choice("format", words.pop("format", "json"), FORMATS) == "table"
    return _found(request.world.journal, _typed(words), int(last) if last else None, bodies=bodies, table=table)


@route("POST", "journal", "The same with the query in the body", body="match words, last, bodies, format")
def query_journal(request: ControlRequest) -> dict[str, object] | str:
    """Return the same for queries that do not fit into a query string: bodies, headers, combinations."""
    words = _query(request.data)
    match, last = words.pop("match", None), words.pop("last", None)
    with within("last"):
        latest = None if last is None else whole(last)
    with within("bodies"):
        bodies = flag(words.pop("bodies", True))
    table = _choice("format", words.pop("format", "json"), FORMATS) == "table"
    return _found(request.world.journal, words, latest, bodies=bodies, table=table, match=match)


def _query(data: object) -> dict[str, object]:
    """Return the words of a query in a body; none without a body. Raises FaultError."""
    if data is not None and not isinstance(data, dict):
        raise FaultError(f"expected a mapping of match words, got {shown(data)}")
    return dict(data or {})


def _choice(word: str, value: object, values: Values) -> object:
    """Return ``value`` if it is one of ``values``. Raises FaultError."""
    if value not in values:
        raise FaultError(f"expected {' or '.join(values)}, got {shown(value)}", word)
    return value


@route("POST", "journal/near-misses", "The requests closest to matching, with their differences", body="match words")
def near_misses(request: ControlRequest) -> dict[str, object]:
    """Return at most three descriptions, the nearest first."""
    match, words = _split(request.data)
    return {"misses": request.world.journal.near_misses(match, **words)}


def _split(value: object) -> tuple[object, dict[str, object]]:
    """Return the positional argument (``match``) and the keyword arguments of an assertion that JSON describes."""
    if not isinstance(value, dict):
        return value, {}
    if "match" in value:
        words = {str(word): item for word, item in value.items() if word != "match"}
        return value["match"], words
    return value, {}


def _found(
    journal: Journal, words: dict[str, object], last: int | None, *, bodies: bool, table: bool, match: object = None
) -> dict[str, object] | str:
    if table:
        return journal.table(match, last=last, **words)
    entries = journal.entries(match, **words)
    shown = entries if last is None else entries[len(entries) - min(last, len(entries)) :]
    return {
        "count": len(entries),
        "total": journal.total,
        "entries": [entry.data(bodies=bodies) for entry in shown],
    }


def _is_number(text: str) -> bool:
    """Return whether a text is a whole number of at most 18 digits: Python refuses to parse thousands of digits."""
    return text.isdecimal() and len(text) <= 18


def _typed(query: dict[str, str]) -> dict[str, object]:
    """Convert the numbers and flags of a query string."""
    words: dict[str, object] = {**query}
    flags = {"true": True, "false": False}
    for word, value in query.items():
        if word in OUTCOMES:
            words[word] = int(value) if _is_number(value) else flags.get(value, value)
    return words


@route(
    "GET",
    "journal/{number}",
    "One entry; redact=true without the secrets of its bodies and headers",
    query={"redact": FLAG},
)
def get_entry(request: ControlRequest) -> dict[str, object]:
    """Return one entry. Raises ControlError (404) for a number that the journal does not hold."""
    journal, number = request.world.journal, request.names["number"]
    found = next((entry for entry in journal.entries() if str(entry.number) == number), None)
    if found is None:
        raise ControlError(404, f"the journal has no entry {number!r}; it holds the latest {len(journal):,}")
    return (journal.without_secrets(found) if request.query.get("redact") == "true" else found).data()


@route("DELETE", "journal", "Remove all entries")
def clear_journal(request: ControlRequest) -> dict[str, object]:
    """Remove all entries."""
    request.world.journal.clear()
    return {"ok": True}


def _allowed(value: object) -> list[str]:
    """Return the globs of ``no_unhandled``. Raises FaultError."""
    if value is True:
        return []
    given = mapping(value, ("allowed",), "key").get("allowed")
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise FaultError("expected true, or {allowed: [glob, …]}")
    return given


def _assert_called(world: World, value: object) -> dict[str, object]:
    """Return the entries that were found if the assertion asks for them."""
    given = dict(value) if isinstance(value, dict) else {"path": value}
    times, wanted = given.pop("times", None), given.pop("entries", False)
    with within("times"):
        count = None if times is None else whole(times)
    match, more = _split(given)
    called = world.journal.assert_called(match, times=count, **more)
    return {"entries": [entry.data() for entry in called]} if wanted else {}


def _assert_not_called(world: World, value: object) -> dict[str, object]:
    match, more = _split(value)
    world.journal.assert_not_called(match, **more)
    return {}


def _assert_order(world: World, value: object) -> dict[str, object]:
    world.journal.assert_order(*(value if isinstance(value, list) else [value]))
    return {}


def _assert_no_unhandled(world: World, value: object) -> dict[str, object]:
    if value:
        world.journal.assert_no_unhandled(allowed=_allowed(value))
    return {}


def _assert_faults_fired(world: World, value: object) -> dict[str, object]:
    if value:
        world.faults.assert_all_fired()
    return {}


def _assert_script_done(world: World, value: object) -> dict[str, object]:
    if value:
        world.faults.assert_script_done()
    return {}


_ASSERTIONS: Mapping[str, Callable[[World, object], dict[str, object]]] = {
    "called": _assert_called,
    "not_called": _assert_not_called,
    "order": _assert_order,
    "no_unhandled": _assert_no_unhandled,
    "faults_fired": _assert_faults_fired,
    "script_done": _assert_script_done,
}
"""Functions that raise AssertionError unless the assertion holds, and return further members of the response."""


@route(
    "POST", "journal/assert", "200 if it holds, else 409 with the reason",
    body="{called: match with times} | {not_called: match} | {order: [match, …]} | "
    "{no_unhandled: true or {allowed: [glob, …]}} | {faults_fired: true} | {script_done: true}; match may hold a path "
    "or mapping beside further words",
)  # fmt: skip
def assert_journal(request: ControlRequest) -> dict[str, object]:
    """Check all assertions of the body. Raises AssertionError for the first that does not hold."""
    words = mapping(request.data, _ASSERTIONS, "assertion")
    if not words:
        raise FaultError("nothing is asserted; expected called, not_called, order, no_unhandled, …")
    found: dict[str, object] = {"ok": True}
    for word, value in words.items():
        with within(word):
            found |= _ASSERTIONS[word](request.world, value)
    return found
