"""Routes of the control API for the server itself: what it is, reset, clock, state, snapshots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from mockkms.faults.kinds import KINDS, FaultKind
from mockkms.faults.parsing import FaultError, flag, instant, mapping, span, unknown, within
from mockkms.faults.plan import ServerAction
from mockkms.faults.request_view import View
from mockkms.faults.rivals import check_rivals
from mockkms.server.control.openapi import document
from mockkms.server.control.routing import ControlError, ControlRequest, all_routes, route
from mockkms.server.gateway.actions import ACTIONS, Host, carry_out, time_after, without_effect
from mockkms.version import __version__
from mockkms.world.clock import rfc3339
from mockkms.world.diff import difference
from mockkms.world.world import Snapshot, World

MAX_SNAPSHOTS = 100
_SWITCHES = ("fault_header", "redact")
API = 1
"""Version of this API; it changes with every incompatible change."""


@route("GET", "", "What this server is, and the paths below")
def index(request: ControlRequest) -> dict[str, object]:
    """Return name, version, mode and routes."""
    return {
        "name": "mockkms",
        "version": __version__,
        "api": API,
        "flavor": request.world.core.product.name,
        **_mode(request),
        "routes": [f"{known.method} /_mockkms/{known.path}" for known in all_routes()],
    }


def _mode(request: ControlRequest) -> dict[str, str]:
    """Return the mode: emulator, proxy with the address of the real server, or replay with the recording's path."""
    world = request.world
    return {"mode": world.mode, "upstream": world.upstream} if world.upstream else {"mode": world.mode}


@route("GET", "openapi.json", "This API as an OpenAPI document")
def openapi(request: ControlRequest) -> dict[str, object]:
    """Return the document, made from the routes."""
    return document(all_routes(), __version__)


@route("POST", "reset", "Return to the baseline: state, clock, rules, journal")
def reset(request: ControlRequest) -> dict[str, object]:
    """Return the world to its baseline and drop all tenants; the server listens again if a fault closed its ports."""
    request.world.reset()
    if request.tenants is not None:
        request.tenants.clear()
    request.host.listen_again()
    return {"ok": True}


@route("GET", "clock", "The world's time")
def get_clock(request: ControlRequest) -> dict[str, object]:
    """Return the time in RFC 3339 and in seconds since the epoch."""
    clock = request.world.clock
    now = clock.now()
    return {"now": rfc3339(now), "seconds": now, "frozen": clock.frozen}


@route(
    "POST", "clock", "Move the clock",
    body="{freeze: true | time} | {set: time} | {advance: duration} | {resume: true}; time may be {epoch: seconds}",
)  # fmt: skip
def move_clock(request: ControlRequest) -> dict[str, object]:
    """Carry out the actions in the order set, freeze, advance, resume, and return the time. Raises FaultError."""
    clock = request.world.clock
    words = mapping(request.data, ("freeze", "set", "advance", "resume"), "clock word")
    if words.get("resume") and "freeze" in words:
        raise FaultError("freeze and resume both decide whether the clock runs: use one", "resume")
    with request.world.lock:
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
    return get_clock(request)


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
    "GET",
    "state",
    "The state of the server; format=yaml: the whole world as a world file, secrets included",
    slow=True,
    query={"format": ("json", "yaml")},
)
def get_state(request: ControlRequest) -> dict[str, object] | str:
    """Return seal, flavor, state of the rules and more; or the world as YAML."""
    world = request.world
    if request.query.get("format") == "yaml":
        world.require_state("writing the world")
        if world.dumper is None:
            raise ControlError(501, "this server cannot dump its world")
        return world.dumper(world)
    world.overdue()
    return {
        **_mode(request),
        **_state_facts(world),
        "flavor": world.core.product.name,
        "rng": world.entropy.seed,
        "rules_state": world.faults.state,
        "fault_header": world.faults.header,
        "redact": world.journal.redact,
        "requests": world.journal.total,
    }


def _state_facts(world: World) -> dict[str, object]:
    seal = world.core.seal
    if world.upstream:
        return {"seal": world.mode, "unseal_keys": [], "token": world.root_token}
    token = world.root_token or world.core.state.seal.root_token
    return {"seal": seal.status, "unseal_keys": seal.unseal_keys, "token": token}


@route(
    "POST", "state", "Run actions on the server",
    body=f"{{{' | '.join(ACTIONS)} | set_state: value, fault_header | redact: true | false}}",
)  # fmt: skip
def change_state(request: ControlRequest) -> dict[str, object] | str:
    """Run the actions, named like the fault kinds that act on the server, and return the state afterwards."""
    run_actions(request.data, request.world, request.host)
    return get_state(request)


def run_actions(data: object, world: World, host: Host) -> None:
    """Run actions by their names, as in ``{"seal": true}``, in the order in which they are given.

    On the server's thread only. Raises FaultError for unknown ones, for invalid values, and for what would have no
    effect after those before it; NoState in proxy mode.
    """
    words = mapping(data, (*ACTIONS, "set_state", *_SWITCHES), "action")
    switches, kinds = dict[str, bool](), dict[str, FaultKind]()
    for word, value in words.items():
        with _reading(word):
            if word in _SWITCHES:
                switches[word] = flag(value)
            else:
                kinds[word] = KINDS[word](value)
                if word == "revoke" and value is True:
                    raise FaultError("expected an accessor or a token")
    check_rivals(kinds.values())
    actions = [ServerAction(word, getattr(kind, "value", None), before=True) for word, kind in kinds.items()]
    for kind in kinds.values():
        if kind.needs_state:
            world.require_state(kind.word)
    _check_effects(actions, world)
    world.faults.check(kinds.values())
    world.faults.header = switches.get("fault_header", world.faults.header)
    world.journal.redact = switches.get("redact", world.journal.redact)
    view = View()
    done: list[str] = []
    for action in actions:
        word = action.word
        if reason := without_effect(word, action.value, world, world.clock.now()):
            raise FaultError(f"{reason} any more: {', '.join(done)} came before it, and stays", word)
        if word == "set_state":
            world.faults.state = str(words[word])
        else:
            carry_out(action, world, host, view)
        done.append(word)


def _check_effects(actions: Sequence[ServerAction], world: World) -> None:
    """Raise FaultError for an action that would have no effect, as far as is known before the first is carried out."""
    started = now = world.clock.now()
    for action in actions:
        if action.word == "restart" and action.value == "lose":
            return  # What exists then is known only after it.
        if reason := without_effect(action.word, action.value, world, now):
            raise FaultError(reason if now == started else f"{reason} after the clock has moved", action.word)
        now = time_after(action.word, action.value, now)


@route("GET", "snapshots", "Names of the snapshots")
def list_snapshots(request: ControlRequest) -> dict[str, object]:
    """Return the names in the order in which the snapshots were taken."""
    return {"snapshots": list(request.world.snapshots)}


@route("POST", "snapshots/{name}", "Take a snapshot of state, clock, rules and journal under this name")
def take_snapshot(request: ControlRequest) -> dict[str, object]:
    """Take a snapshot, in place of one with the same name. Raises ControlError (409) for more than 100."""
    request.world.require_state("a snapshot")
    snapshots, name = request.world.snapshots, request.names["name"]
    if name not in snapshots and len(snapshots) >= MAX_SNAPSHOTS:
        raise ControlError(409, f"the limit of {MAX_SNAPSHOTS} snapshots is reached; delete one")
    snapshots[name] = request.world.snapshot()
    return {"ok": True, "name": name}


@route("DELETE", "snapshots/{name}", "Delete a snapshot")
def drop_snapshot(request: ControlRequest) -> dict[str, object]:
    """Delete a snapshot. Raises ControlError (404) for an unknown name."""
    _snapshot(request, request.names["name"])
    del request.world.snapshots[request.names["name"]]
    return {"ok": True}


@route("POST", "snapshots/{name}/restore", "Restore a snapshot")
def restore_snapshot(request: ControlRequest) -> dict[str, object]:
    """Restore a snapshot. Raises ControlError (404) for an unknown name."""
    request.world.restore(_snapshot(request, request.names["name"]))
    return {"ok": True}


@route(
    "GET",
    "snapshots/{name}/diff",
    "The changes from this snapshot to another (with=name) or to the current state, as text",
    slow=True,
    query={"with": ()},
)
def diff_snapshot(request: ControlRequest) -> str:
    """Return the changes as lines with + - ~; keys and tokens are shown in full."""
    old = _snapshot(request, request.names["name"])
    other = request.query.get("with", "")
    new = _snapshot(request, other) if other else request.world.snapshot()
    return difference(old.load(), new.load())


def _snapshot(request: ControlRequest, name: str) -> Snapshot:
    request.world.require_state("a snapshot")
    known = request.world.snapshots
    if name not in known:
        raise ControlError(404, unknown(name, known, "snapshot").message)
    return known[name]
