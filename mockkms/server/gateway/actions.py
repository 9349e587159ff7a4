"""The effects of fault kinds on the server itself: seal, ports, tokens, leases, clock and leadership."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from mockkms.faults.kinds.state import leases_below
from mockkms.faults.parsing import text
from mockkms.faults.plan import ServerAction
from mockkms.faults.request_view import View
from mockkms.server.gateway.exchange import HttpReply, HttpRequest
from mockkms.world.clock import LAST
from mockkms.world.world import World


class Ports(Protocol):
    """The part of a server that owns its ports."""

    def cut_all(self) -> None:
        """Abort every connection."""

    def refuse(self, seconds: float) -> None:
        """Close the ports and abort every connection; listen on the same ports again after ``seconds``."""

    def deaf(self, seconds: float) -> None:
        """Accept connections without reading from them for ``seconds``."""

    def listen_again(self) -> None:
        """End ``refuse`` and ``deaf`` early."""


class Host(Ports, Protocol):
    """The server that serves a world, as the actions need it."""

    def step_down(self) -> None:
        """Make the active node of a cluster step down."""

    def earlier(self, http: HttpRequest, snapshot: str) -> HttpReply:
        """Return the response of the world at a snapshot. Raises FaultError for an unknown name."""

    def reset(self) -> None:
        """Return the world to its baseline; rules, journal and counts stay."""


def carry_out(action: ServerAction, world: World, host: Host, view: View) -> None:
    """Carry out one action."""
    with world.lock:
        ACTIONS[action.word](action.value, world, host, view)


def _seal(value: object, world: World, host: Host, view: View) -> None:
    world.core.seal.seal()
    if isinstance(value, float) and value:
        world.faults.later(world.clock.now() + value, ServerAction("unseal", value=True, before=True))


def _unseal(value: object, world: World, host: Host, view: View) -> None:
    unseal(world)


def unseal(world: World) -> None:
    """Unseal without shares, as an operator with all of them would."""
    barrier = world.core.seal.barrier
    if barrier.initialized:
        barrier.reset()
        barrier.sealed = False


def _restart(value: object, world: World, host: Host, view: View) -> None:
    if value == "lose":
        host.reset()
    host.cut_all()


def _refuse(value: object, world: World, host: Host, view: View) -> None:
    host.refuse(_number(value))


def _deaf(value: object, world: World, host: Host, view: View) -> None:
    host.deaf(_number(value))


def without_effect(word: str, value: object, world: World, now: float) -> str:
    """Return why an action would do nothing at ``now`` (Unix seconds); empty if it would do something.

    What has ended by then does not exist, even if the clock has not got there yet.
    """
    with world.lock:
        if word == "revoke" and isinstance(value, str):
            tokens = world.core.tokens
            known = tokens.lookup(value) or tokens.by_accessor(value)
            lease = world.core.leases.of_token(known) if known is not None else None
            ended = lease is not None and 0 < lease.expires <= now
            return "no token has this id or accessor" if known is None else "the token has expired" if ended else ""
        if word == "expire" and not _expiring(value, world, now):
            return "no secret has a lease" if value == "last" else f"no lease that could expire is below {value!r}"
    return ""


def time_after(word: str, value: object, now: float) -> float:
    """Return the time of a clock that stands at ``now`` after an action."""
    if word == "advance":
        return min(now + _number(value), LAST)
    return _number(value) if word == "set_clock" else now


def _revoke(value: object, world: World, host: Host, view: View) -> None:
    tokens = world.core.tokens
    wanted = view.token if value is True else text(value)
    token = tokens.lookup(wanted) or tokens.by_accessor(wanted)
    if token is not None:
        tokens.revoke(token)


def _expire(value: object, world: World, host: Host, view: View) -> None:
    leases, now = world.core.leases, world.clock.now()
    for name in _expiring(value, world, now):
        # Ending one may end others, such as those of a token.
        entry = leases.state.items.get(name)
        if entry is not None:
            entry.expires = now
            leases.revoke_quietly(entry)


def _expiring(value: object, world: World, now: float) -> list[str]:
    """Return the keys of the leases that ``expire`` ends; those that are due have ended already."""
    ending = [(name, entry) for name, entry in world.core.leases.state.items.items() if entry.expires > now]
    if value == "last":
        return [name for name, entry in ending if entry.auth is None][-1:]
    fits = leases_below(text(value))
    return [name for name, entry in ending if fits(f"{entry.namespace}{entry.id}/")]


def _advance(value: object, world: World, host: Host, view: View) -> None:
    world.clock.advance(_number(value))


def _set_clock(value: object, world: World, host: Host, view: View) -> None:
    world.clock.set(_number(value))


def _number(value: object) -> float:
    """Return a value that its fault kind has read as seconds."""
    assert isinstance(value, (int, float))
    return value


def _step_down(value: object, world: World, host: Host, view: View) -> None:
    host.step_down()


ACTIONS: dict[str, Callable[[object, World, Host, View], None]] = {
    "seal": _seal,
    "unseal": _unseal,
    "restart": _restart,
    "refuse": _refuse,
    "deaf": _deaf,
    "revoke": _revoke,
    "expire": _expire,
    "advance": _advance,
    "set_clock": _set_clock,
    "step_down": _step_down,
}
