"""Observation of a run: the requests to its servers, in order, and the state in which it leaves them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from mockkms.explore.places import Place, place_of
from mockkms.explore.states import State, difference, state_of
from mockkms.handle import Handle
from mockkms.world.journal.entry import Entry

MOST_REQUESTS = 10_000
"""Requests of one run that are kept."""
_MOST_EFFECTS = 300
"""Writes of one run whose effect on the state is looked at."""
INJECTED = "explored-"
"""Beginning of the ids of injected rules; the number of the fault in its case follows."""
_OF_TOKENS = re.compile(r"(.*/)?(auth/([^/]+/)+login(/.*)?|auth/token/.*|sys/(leases|renew|revoke|wrapping)(/.*|-.*)?)")
"""Paths of requests that change tokens and leases alone."""
_PATHS_BETWEEN = ("sys/health", "sys/seal-status", "sys/leader", "auth/token/lookup-self")
"""Paths that clients read between a failed request and its repetition."""
WRITES = frozenset(("create", "update", "patch", "delete"))


@dataclass
class SeenRequest:
    """One request of a run."""

    entry: Entry
    place: Place
    at: float
    """Monotonic time at which it was answered, in seconds."""
    phase: str
    """``setup`` or ``call``."""
    retry: bool = False
    """Whether it repeats a request that failed just before."""
    effective: bool = False
    """Whether it changed the state of its server; looked at in plain runs only."""
    injected_applied: bool = False
    """Whether a fault of the case struck it and let it take effect."""

    @property
    def server(self) -> int:
        """Number of the server."""
        return self.place.server

    @property
    def failed(self) -> bool:
        """Whether the client saw a failure."""
        return self.entry.status == 0 or self.entry.status >= 400 or bool(self.entry.cut)

    @property
    def injected(self) -> list[int]:
        """Numbers of the faults of the case that struck it."""
        return [int(rule.removeprefix(INJECTED)) for rule in self.entry.rules if rule.startswith(INJECTED)]

    @property
    def writes(self) -> bool:
        """Whether it is a write that may change more than tokens and leases."""
        return self.entry.operation in WRITES and _OF_TOKENS.fullmatch(self.entry.path) is None

    def equals(self, other: SeenRequest) -> bool:
        """Return whether a client would send the two as the same request, whatever token it has."""
        mine, theirs = self.entry, other.entry
        return (
            self.server == other.server
            and (mine.method, mine.target) == (theirs.method, theirs.target)
            and mine.body_key == theirs.body_key
        )


@dataclass
class Observation:
    """What a run did."""

    requests: list[SeenRequest] = field(default_factory=list)
    states: dict[int, State] = field(default_factory=dict)
    """The state of each server at the end of the call."""
    doubled: str = ""
    """The state that a write changed when it was applied again after its answer was lost; empty if none did."""
    overflowed: bool = False
    """Whether there were more requests than are kept."""

    @property
    def retries(self) -> int:
        """Number of requests that repeated a failed one."""
        return sum(seen.retry for seen in self.requests)

    def struck(self, number: int = 1) -> SeenRequest | None:
        """Return the request that a fault of the case struck; None if it was not made."""
        return next((seen for seen in self.requests if number in seen.injected), None)


@dataclass(frozen=True)
class InjectedRule:
    """A rule to inject, on which server, and whether its request takes effect all the same."""

    words: Mapping[str, object]
    server: int = 0
    applied: bool = False


class Observer:
    """Injects rules into the servers of one run and observes it; ``attach`` each server, ``finish``, ``detach``.

    ``effects``: find out which writes change the state (for plain runs). ``reseed``: let the ids of a repeatable world
    differ from those of other runs, so that they are recognised as noise.
    """

    def __init__(self, rules: Sequence[InjectedRule] = (), *, effects: bool = False, reseed: bool = False) -> None:
        self.seen = Observation()
        self.phase = "setup"
        """``setup``, ``call``, or ``teardown``, whose requests are not observed."""
        self._rules, self._effects, self._reseed = rules, effects, reseed
        self._kept: list[tuple[Handle, Callable[[Entry], None]]] = []
        self._latest: dict[int, State] = {}
        self._looked = 0
        self._pending: tuple[SeenRequest, State] | None = None
        """The write whose answer was lost, and the state after it, until another write takes effect."""

    def attach(self, kms: Handle) -> None:
        """Observe a server from now on; servers are numbered in this order. Raises FaultError."""
        server = len(self._kept)
        # Rules of later faults come first, so that they count the requests that earlier ones decide.
        rules = [
            {"id": f"{INJECTED}{number}", **rule.words}
            for number, rule in reversed([*enumerate(self._rules, 1)])
            if rule.server == server
        ]
        if self._reseed and kms.world.entropy.seeded:
            kms.world.entropy.reseed(f"{kms.world.entropy.seed}/explore")
        kms.faults.inject(rules)
        if self._effects:
            self._latest[server] = state_of(kms.world)
        listener = partial(self.record, kms=kms, server=server)
        self._kept.append((kms, listener))
        kms.journal.subscribe(listener)

    @property
    def attached(self) -> bool:
        """Whether a server is observed."""
        return bool(self._kept)

    def finish(self) -> Observation:
        """Keep the final states, observe no further request, and return the observation."""
        self.phase = "teardown"
        for server, (kms, _) in enumerate(self._kept):
            self.seen.states[server] = state_of(kms.world)
        return self.seen

    def detach(self) -> None:
        """Withdraw the rules and leave the servers alone."""
        self.phase = "teardown"
        for kms, listener in self._kept:
            kms.journal.unsubscribe(listener)
            kms.faults.inject(())
        self._kept.clear()
        self._latest.clear()
        self._pending = None

    def record(self, entry: Entry, kms: Handle, server: int) -> None:
        """Keep a request. Called on the server's thread, after the request was answered or its answer was lost."""
        if self.phase == "teardown":
            return
        found = self.seen.requests
        if len(found) >= MOST_REQUESTS:
            self.seen.overflowed = True
            return
        seen = SeenRequest(entry, place_of(entry, server), time.monotonic(), self.phase)
        seen.retry = any(before.failed and before.equals(seen) for before in _straight_before(found, server))
        found.append(seen)
        seen.injected_applied = any(self._rules[number - 1].applied for number in seen.injected)
        if seen.writes and (seen.injected_applied or 200 <= entry.status < 400):
            self._look(seen, kms, server)

    def _look(self, seen: SeenRequest, kms: Handle, server: int) -> None:
        """Look at the effect of a write, where that is of interest."""
        if self._effects and self._looked < _MOST_EFFECTS:
            self._looked += 1
            now = state_of(kms.world)
            seen.effective = bool(difference(self._latest[server], now))
            self._latest[server] = now
        if seen.injected_applied:
            self._pending = (seen, state_of(kms.world))
        elif self._pending is not None and not seen.injected:
            first, before = self._pending
            self._pending = None
            if first.equals(seen):
                self.seen.doubled = difference(before, state_of(kms.world))


def _straight_before(found: Sequence[SeenRequest], server: int) -> list[SeenRequest]:
    """Return the latest request to a server; requests for its status, and for a new token, may come in between."""
    latest: list[SeenRequest] = []
    for seen in reversed(found[-20:]):
        if seen.server != server:
            continue
        latest.append(seen)
        if seen.entry.path not in _PATHS_BETWEEN and "/login" not in seen.entry.path:
            break
    return latest
