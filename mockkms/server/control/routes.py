"""The routes of the control API, one function each. Request and response bodies are JSON objects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from mockkms.error_context import error_context
from mockkms.faults.kinds import KINDS, FaultKind
from mockkms.faults.parsing import FaultError, flag, instant, mapping, span, unknown, whole, within
from mockkms.faults.plan import ServerAction
from mockkms.faults.request_view import View
from mockkms.faults.rule import Rule
from mockkms.server.control.openapi import document
from mockkms.server.control.routing import ROUTES, Asked, ControlError, route
from mockkms.server.gateway.actions import ACTIONS, carry_out
from mockkms.version import __version__
from mockkms.world.clock import rfc3339
from mockkms.world.diff import difference
from mockkms.world.journal.journal import OUTCOMES, Journal
from mockkms.world.world import Snapshot, World

MAX_SNAPSHOTS = 100
_SWITCHES = ("fault_header", "redact")
API = 1
"""Version of this API; it changes with every incompatible change."""


@route("GET", "", "What this server is, and the paths below")
def index(asked: Asked) -> dict[str, object]:
    """Name, version and routes."""
    return {
        "name": "mockkms",
        "version": __version__,
        "api": API,
        "flavor": asked.world.core.product.name,
        **_mode(asked),
        "routes": [f"{known.method} /_mockkms/{known.path}" for known in ROUTES],
    }


def _mode(asked: Asked) -> dict[str, str]:
    """Return the mode: emulator, proxy with the address of the real server, or replay with the recording's path."""
    world = asked.world
    return {"mode": world.mode, "upstream": world.upstream} if world.upstream else {"mode": world.mode}


@route("GET", "openapi.json", "This API as an OpenAPI document")
def openapi(asked: Asked) -> dict[str, object]:
    """The document, made from the routes."""
    return document(ROUTES, __version__)


# -- faults ----------------------------------------------------------------------------------------------------------


@route("GET", "faults", "All rules with their counts; format=table for text")
def list_faults(asked: Asked) -> dict[str, object] | str:
    """Rules, their state, and the problems that a test should report."""
    book = asked.world.faults
    if asked.query.get("format") == "table":
        return book.describe()
    return {"rules": [rule.describe() for rule in book.list()], "state": book.state, "problems": book.problems()}


@route("POST", "faults", "Add a rule, or a list of them (all or none)", body="a rule, or a list of rules")
def add_faults(asked: Asked) -> dict[str, object]:
    """The rules that were added, with their ids."""
    if asked.data is None:
        raise ControlError(400, "the body is empty; expected a rule, or a list of rules")
    added = asked.world.faults.extend(asked.data)
    return {"ok": True, "rules": [rule.describe() for rule in added], "id": added[0].id if len(added) == 1 else None}


@route("DELETE", "faults", "Remove all rules and the script, and stop chaos")
def clear_faults(asked: Asked) -> dict[str, object]:
    """No faults are injected afterwards; a server that refuses connections or does not read them listens again."""
    asked.world.faults.clear()
    asked.world.overdue()  # What ends a phase of chaos.
    asked.host.listen_again()
    return {"ok": True}


@route("GET", "faults/{id}", "One rule with its counts")
def get_fault(asked: Asked) -> dict[str, object]:
    """404 for an unknown id."""
    return _rule(asked).describe()


def _rule(asked: Asked) -> Rule:
    name = asked.names["id"]
    with error_context(raised=partial(ControlError, 404), of=KeyError, text=f"rule {name!r} not found"):
        return asked.world.faults.get(name)


@route("POST", "faults/{id}", "Enable or disable one rule; its counts stay", body="{enabled: true | false}")
def switch_fault(asked: Asked) -> dict[str, object]:
    """404 for an unknown id."""
    words = mapping(asked.data, ("enabled",))
    if "enabled" not in words:
        raise ControlError(400, "enabled: expected true or false")
    book = asked.world.faults
    with within("enabled"):
        enabled = flag(words["enabled"])
    (book.enable if enabled else book.disable)(_rule(asked).id)
    return _rule(asked).describe()  # The book has replaced the rule.


@route("DELETE", "faults/{id}", "Remove one rule")
def remove_fault(asked: Asked) -> dict[str, object]:
    """404 for an unknown id."""
    if not asked.world.faults.remove(asked.names["id"]):
        raise ControlError(404, f"rule {asked.names['id']!r} not found")
    return {"ok": True}


@route("GET", "script", "The script's progress")
def get_script(asked: Asked) -> dict[str, object]:
    """404 if no script is active."""
    script = asked.world.faults.current_script
    if script is None:
        raise ControlError(404, "no script is active")
    return script.describe()


@route("POST", "script", "Follow a script: every request must be its next step", body="a list of steps, or a script")
def set_script(asked: Asked) -> dict[str, object]:
    """Replaces an earlier script."""
    return {"ok": True, **asked.world.faults.script(asked.data).describe()}


# -- journal ---------------------------------------------------------------------------------------------------------


@route(
    "GET", "journal", "Requests that match the query: path, operation, status, …; last=n, bodies=false, format=table"
)
def get_journal(asked: Asked) -> dict[str, object] | str:
    """Entries, oldest first."""
    words = dict(asked.query)
    last = words.pop("last", "")
    bodies, table = words.pop("bodies", "true") != "false", words.pop("format", "json") == "table"
    if last and not _is_number(last):
        raise ControlError(400, "last: expected a whole number from 0 on")
    return _found(asked.world.journal, _typed(words), int(last) if last else None, bodies=bodies, table=table)


@route("POST", "journal", "The same with the query in the body", body="match words, last, bodies, format")
def query_journal(asked: Asked) -> dict[str, object] | str:
    """For queries that do not fit into a query string: bodies, headers, combinations."""
    words = dict(asked.data) if isinstance(asked.data, dict) else {}
    match = words.pop("match", None)
    last, bodies, table = words.pop("last", None), words.pop("bodies", True), words.pop("format", "json") == "table"
    if last is not None and (isinstance(last, bool) or not isinstance(last, int) or last < 0):
        raise ControlError(400, "last: expected a whole number from 0 on")
    return _found(asked.world.journal, words, last, bodies=bool(bodies), table=table, match=match)


@route("POST", "journal/near-misses", "The requests closest to matching, with their differences", body="match words")
def near_misses(asked: Asked) -> dict[str, object]:
    """At most three, the nearest first."""
    match, words = _split(asked.data)
    return {"misses": asked.world.journal.near_misses(match, **words)}


def _split(value: object) -> tuple[object, dict[str, object]]:
    """A path or mapping of match words, whose ``match`` is what Python's assertions get as their first argument."""
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


@route("GET", "journal/{number}", "One entry; redact=true without the secrets of its bodies and headers")
def get_entry(asked: Asked) -> dict[str, object]:
    """404 for a number that the journal does not hold."""
    journal, number = asked.world.journal, asked.names["number"]
    found = next((entry for entry in journal.entries() if str(entry.number) == number), None)
    if found is None:
        raise ControlError(404, f"the journal has no entry {number!r}; it holds the latest {len(journal):,}")
    return (journal.without_secrets(found) if asked.query.get("redact") == "true" else found).data()


@route("DELETE", "journal", "Remove all entries")
def clear_journal(asked: Asked) -> dict[str, object]:
    """The journal is empty afterwards."""
    asked.world.journal.clear()
    return {"ok": True}


@route(
    "POST", "journal/assert", "200 if it holds, else 409 with the reason",
    body="{called: match with times} | {not_called: match} | {order: [match, …]} | "
    "{no_unhandled: true or {allowed: [glob, …]}} | {faults_fired: true} | {script_done: true}; match may hold a path "
    "or mapping beside further words",
)  # fmt: skip
def assert_journal(asked: Asked) -> dict[str, object]:
    """Several may be given; all must hold."""
    words = mapping(
        asked.data, ("called", "not_called", "order", "no_unhandled", "faults_fired", "script_done"), "assertion"
    )
    journal = asked.world.journal
    found: dict[str, object] = {"ok": True}
    for word, value in words.items():
        if word == "called":
            given = dict(value) if isinstance(value, dict) else {"path": value}
            times, wanted = given.pop("times", None), given.pop("entries", False)
            with within("called", "times"):
                times = None if times is None else whole(times)
            match, more = _split(given)
            called = journal.assert_called(match, times=times, **more)
            if wanted:
                found["entries"] = [entry.data() for entry in called]
        elif word == "not_called":
            match, more = _split(value)
            journal.assert_not_called(match, **more)
        elif word == "order":
            journal.assert_order(*(value if isinstance(value, list) else [value]))
        elif word == "no_unhandled" and value:
            journal.assert_no_unhandled(allowed=_allowed(value))
        elif word == "faults_fired" and value:
            asked.world.faults.assert_all_fired()
        elif word == "script_done" and value:
            asked.world.faults.assert_script_done()
    return found


def _allowed(value: object) -> list[str]:
    """Return the globs of ``no_unhandled``. Raises FaultError."""
    if value is True:
        return []
    given = mapping(value, ("allowed",), "key").get("allowed")
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise FaultError("no_unhandled: expected true, or {allowed: [glob, …]}")
    return given


# -- clock, state, snapshots -----------------------------------------------------------------------------------------


@route("POST", "reset", "Return to the baseline: state, clock, rules, journal")
def reset(asked: Asked) -> dict[str, object]:
    """The world as it was when the server started; it listens, even if a fault closed its ports."""
    asked.world.reset()
    asked.host.listen_again()
    return {"ok": True}


@route("GET", "clock", "The world's time")
def get_clock(asked: Asked) -> dict[str, object]:
    """As RFC 3339 and in seconds since the epoch."""
    clock = asked.world.clock
    now = clock.now()
    return {"now": rfc3339(now), "seconds": now, "frozen": clock.frozen}


@route(
    "POST", "clock", "Move the clock",
    body="{freeze: true | time} | {set: time} | {advance: duration} | {resume: true}; time may be {epoch: seconds}",
)  # fmt: skip
def move_clock(asked: Asked) -> dict[str, object]:
    """Several actions run in the order set, freeze, advance, resume."""
    clock = asked.world.clock
    words = mapping(asked.data, ("freeze", "set", "advance", "resume"), "clock word")
    with asked.world.lock:
        if "set" in words:
            with _reading("set"):
                clock.set(_moment(words["set"]))
        if "freeze" in words:
            at = words["freeze"]
            with _reading("freeze"):
                clock.freeze(None if at is True else _moment(at))
        if "advance" in words:
            with _reading("advance"):
                clock.advance(span(words["advance"]))
        if words.get("resume"):
            clock.resume()
    return get_clock(asked)


def _moment(value: object) -> float:
    try:
        return instant(value)
    except FaultError as error:
        if isinstance(value, (int, float, str)):
            raise FaultError(f"{error.message}; to move the clock by a duration, use advance") from None
        raise


@contextmanager
def _reading(word: str) -> Iterator[None]:
    """Turn a ValueError of the body into a FaultError whose path begins with ``word``."""
    with within(word):
        try:
            yield
        except FaultError:
            raise
        except ValueError as error:
            raise FaultError(str(error)) from None


@route(
    "GET", "state", "The state of the server; format=yaml: the whole world as a world file, secrets included", slow=True
)
def get_state(asked: Asked) -> dict[str, object] | str:
    """Seal, flavor, rules' state; or the world."""
    world = asked.world
    if asked.query.get("format") == "yaml":
        world.own_state("writing the world")
        if world.dumper is None:
            raise ControlError(501, "this server cannot dump its world")
        return world.dumper(world)
    world.overdue()
    return {
        **_mode(asked),
        **_own_state(world),
        "flavor": world.core.product.name,
        "rng": world.entropy.seed,
        "rules_state": world.faults.state,
        "fault_header": world.faults.header,
        "redact": world.journal.redact,
        "requests": world.journal.total,
    }


def _own_state(world: World) -> dict[str, object]:
    seal = world.core.seal
    if world.upstream:
        return {"seal": world.mode, "unseal_keys": [], "token": world.root_token}
    token = world.root_token or world.core.state.seal.root_token
    return {"seal": seal.status, "unseal_keys": seal.unseal_keys, "token": token}


@route(
    "POST", "state", "Run actions on the server",
    body=f"{{{' | '.join(ACTIONS)} | set_state: value, fault_header | redact: true | false}}",
)  # fmt: skip
def change_state(asked: Asked) -> dict[str, object] | str:
    """Names and values are those of the fault kinds that act on the server."""
    words = mapping(asked.data, (*ACTIONS, "set_state", *_SWITCHES), "action")
    switches, kinds = dict[str, bool](), dict[str, FaultKind]()
    for word, value in words.items():
        with _reading(word):
            if word in _SWITCHES:
                switches[word] = flag(value)
            else:
                kinds[word] = KINDS[word](value)
    for word, kind in kinds.items():
        if kind.needs_state:
            asked.world.own_state(word)
    asked.world.faults.check(kinds.values())
    asked.world.faults.header = switches.get("fault_header", asked.world.faults.header)
    asked.world.journal.redact = switches.get("redact", asked.world.journal.redact)
    view = View()
    for word, kind in kinds.items():
        if word == "set_state":
            asked.world.faults.state = str(words[word])
        elif word == "revoke" and words[word] is True:
            raise ControlError(400, "revoke: expected an accessor or a token")
        else:
            carry_out(ServerAction(word, getattr(kind, "value", None), True), asked.world, asked.host, view)
    return get_state(asked)


@route("GET", "snapshots", "Names of the snapshots")
def list_snapshots(asked: Asked) -> dict[str, object]:
    """In the order in which they were taken."""
    return {"snapshots": list(asked.world.snapshots)}


@route("POST", "snapshots/{name}", "Take a snapshot of state, clock, rules and journal under this name")
def take_snapshot(asked: Asked) -> dict[str, object]:
    """Replaces one of the same name."""
    asked.world.own_state("a snapshot")
    snapshots, name = asked.world.snapshots, asked.names["name"]
    if name not in snapshots and len(snapshots) >= MAX_SNAPSHOTS:
        raise ControlError(409, f"the limit of {MAX_SNAPSHOTS} snapshots is reached; delete one")
    snapshots[name] = asked.world.snapshot()
    return {"ok": True, "name": name}


@route("DELETE", "snapshots/{name}", "Delete a snapshot")
def drop_snapshot(asked: Asked) -> dict[str, object]:
    """404 for an unknown name."""
    _snapshot(asked, asked.names["name"])
    del asked.world.snapshots[asked.names["name"]]
    return {"ok": True}


@route("POST", "snapshots/{name}/restore", "Restore a snapshot")
def restore_snapshot(asked: Asked) -> dict[str, object]:
    """404 for an unknown name."""
    asked.world.restore(_snapshot(asked, asked.names["name"]))
    return {"ok": True}


@route(
    "GET",
    "snapshots/{name}/diff",
    "The changes from this snapshot to another (with=name) or to the current state, as text",
    slow=True,
)
def diff_snapshot(asked: Asked) -> str:
    """Lines with + - ~; keys and tokens are shown in full."""
    old = _snapshot(asked, asked.names["name"])
    other = asked.query.get("with", "")
    new = _snapshot(asked, other) if other else asked.world.snapshot()
    return difference(old.load(), new.load())


def _snapshot(asked: Asked, name: str) -> Snapshot:
    asked.world.own_state("a snapshot")
    known = asked.world.snapshots
    if name not in known:
        raise ControlError(404, unknown(name, known, "snapshot").message)
    return known[name]
