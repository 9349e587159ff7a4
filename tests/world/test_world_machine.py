"""A hypothesis state machine over the whole surface: all declared operations, mixed with what tests do to a world.

Requests come from the declarations of all endpoints (``tests/server/gateway/fuzzing.py``). Between them the clock
moves, the server is sealed and unsealed, rules are added and removed, snapshots are taken and put back, and the world
is dumped and loaded. After each step: no failure that the real server would not send, one journal entry for each
request, no client token in a redacted journal. ``MOCKKMS_MACHINE_EXAMPLES`` sets how many runs are made (20), each of
at most ``MOCKKMS_MACHINE_STEPS`` steps (40); with any other number the runs differ each time.
"""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mockkms import MockKMS
from mockkms.server.gateway.exchange import HttpReply
from mockkms.vault.products import PRODUCTS
from mockkms.world.world import Snapshot, World
from mockkms.worldfile import dump, exact
from tests.server.gateway.fuzzing import Fuzzer, Shot
from tests.server.gateway.test_fuzz import faults, furnished, over_the_wire, sendable, with_request

EXAMPLES = int(os.environ.get("MOCKKMS_MACHINE_EXAMPLES", "20"))
STEPS = int(os.environ.get("MOCKKMS_MACHINE_STEPS", "40"))
SERVERS: list[MockKMS] = []
TOKEN = re.compile(r'"(?:client_)?token": ?"([\w.-]{8,})"')
RULES: list[dict[str, Any]] = [
    {"path": "transit/*", "answer": "sealed", "times": 1},
    {"operation": "read", "status": 429, "times": 2},
    {"path": "secret/*", "chance": 0.5, "seed": 1, "answer": 500, "times": None},
    {"path": "sys/*", "skip": 3, "status": 503},
]


@dataclass
class Kept:
    """A snapshot, and what the world held when it was taken."""

    snapshot: Snapshot = field(repr=False)
    parts: dict[str, Any] = field(repr=False)
    requests: int


def parts(world: World) -> dict[str, Any]:
    """Return a copy of all that a snapshot and an exact dump must bring back."""
    return copy.deepcopy(exact.roots(world))


@cache
def server_of(flavor: str) -> MockKMS:
    """Return a running server whose baseline has something mounted and stored of everything."""
    kms = MockKMS(flavor=flavor, root_token="root", rng=7)
    kms.world.restore(furnished(flavor).snapshot())
    kms.world.journal.clear()
    kms.world.baseline = kms.world.snapshot()
    kms.start()
    SERVERS.append(kms)
    return kms


@pytest.fixture(scope="module", autouse=True)
def _stopped() -> Iterator[None]:
    """Stop the servers that the machine started."""
    yield
    while SERVERS:
        SERVERS.pop().stop()
    server_of.cache_clear()


class WorldMachine(RuleBasedStateMachine):
    """One world, driven by requests and by the control of a test."""

    def __init__(self) -> None:
        super().__init__()
        self.world: World
        self.kept: list[Kept] = []
        self.requests = 0
        self.tokens: set[str] = set()
        """Every token that an answer has given so far."""
        self.flavor = ""

    @initialize(flavor=st.sampled_from(sorted(PRODUCTS)))
    def start(self, flavor: str) -> None:
        """Start with a world that has something mounted and stored of everything."""
        self.flavor = flavor
        self.kms = server_of(flavor)
        self.kms.reset()
        self.world = self.kms.world
        self.world.journal.redact = True

    def ask(self, shot: Shot) -> HttpReply:
        """Send one request and note what it gives."""
        reply = over_the_wire(self.kms.url, shot)
        self.requests += 1
        self.tokens |= set(TOKEN.findall(reply.body.decode("utf-8", "replace")))
        return reply

    @rule(seed=st.integers(0, 2**32))
    def request(self, seed: int) -> None:
        """Send a request that the seed decides."""
        shot = Fuzzer(seed, PRODUCTS[self.flavor]).shot()
        fired = self.world.journal.count(fault=True) if len(self.world.faults) else 0
        assume(
            sendable(shot) and "Origin" not in shot.headers
        )  # The journal leaves out what the browser guard refuses.
        reply = self.ask(shot)
        if not (len(self.world.faults) and self.world.journal.count(fault=True) > fired):
            wrong = faults(self.world, shot, with_request(self.world, reply))
            assert not wrong, f"{shot}: {reply.status} {reply.body[:500]!r} {wrong}"

    @rule(
        path=st.sampled_from(["auth/token/create", "auth/token/create-orphan"]), ttl=st.sampled_from(["", "1s", "1h"])
    )
    def create_token(self, path: str, ttl: str) -> None:
        """Create a token, so that there is one to be hidden and to expire."""
        body = json.dumps({"ttl": ttl, "policies": ["default"]} if ttl else {}).encode()
        self.ask(Shot("POST", f"/v1/auth/token/{path}", "", {"X-Vault-Token": "root"}, body))

    @rule(seconds=st.sampled_from([0.001, 1.0, 3600.0, 86400.0 * 400]))
    def advance(self, seconds: float) -> None:
        """Move the clock, past what expires."""
        self.world.clock.advance(seconds)

    @rule(state=st.sampled_from(["sealed", "unsealed"]))
    def settle(self, state: str) -> None:
        """Seal or unseal the server."""
        assume(self.world.core.seal.status != "uninitialized")
        self.world.set_initial_state(state)

    @rule(document=st.sampled_from(RULES))
    def add_rule(self, document: dict[str, Any]) -> None:
        """Add a fault rule."""
        self.world.faults.extend([document])

    @rule()
    def clear_rules(self) -> None:
        """Remove every fault rule."""
        self.world.faults.clear()

    @rule()
    def snapshot(self) -> None:
        """Keep the world."""
        self.kept.append(Kept(self.world.snapshot(), parts(self.world), self.requests))

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        """Go back to a snapshot: all is as it was."""
        kept = data.draw(st.sampled_from(self.kept))
        self.world.restore(kept.snapshot)
        self.requests = kept.requests
        found = parts(self.world)
        found["clock"] = kept.parts["clock"] if self.world.clock.state()[1] is None else found["clock"]
        assert found == kept.parts

    @rule()
    def dump_and_load(self) -> None:
        """Write the world as YAML and load it: an equal world."""
        text = dump(self.world)
        again = MockKMS(seed=[text]).world
        mine, other = exact.roots(self.world), exact.roots(again)
        for name in mine:
            if name != "clock" or self.world.clock.frozen:
                assert other[name] == mine[name], name

    @invariant()
    def the_journal_counts_every_request(self) -> None:
        """Each request has one entry."""
        if self.flavor:
            assert len(self.world.journal) == self.requests

    @invariant()
    def no_token_is_in_a_redacted_journal(self) -> None:
        """Entries, the table and messages hide the tokens of clients."""
        if not self.flavor:
            return
        text = json.dumps([entry.data() for entry in self.world.journal]) + self.world.journal.table()
        assert not {token for token in self.tokens if token in text}


WorldMachine.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # Shrinking takes minutes; the seeds stand in the report.
    derandomize=EXAMPLES == 20,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
test_worlds_hold_whatever_happens = WorldMachine.TestCase
