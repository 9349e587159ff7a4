"""Snapshots share secrets with their world: whatever is done to one of them changes none of the others."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockkms import MockKMS
from mockkms.vault.framework.message import Operation, Request, VaultError
from mockkms.world.world import Snapshot, World

PATHS = ("a", "b/c", "b/c/d", "/a/")
SETTINGS: list[dict[str, Any]] = [
    {"max_versions": 2}, {"cas_required": True}, {"custom_metadata": {"x": "1"}}, {"delete_version_after": "1h"},
]  # fmt: skip
paths = st.sampled_from(PATHS)
versions = st.fixed_dictionaries({"versions": st.lists(st.integers(1, 4), min_size=1, max_size=2)})
data = st.fixed_dictionaries({"data": st.dictionaries(st.sampled_from("pq"), st.integers(0, 9), min_size=1)})
setting = st.sampled_from(SETTINGS)


def request(operation: Operation, prefix: str, body: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(lambda path, given: (operation, prefix + path.strip("/"), given), paths, body)


requests = st.one_of(
    request(Operation.UPDATE, "secret/data/", data),
    request(Operation.PATCH, "secret/data/", data),
    request(Operation.DELETE, "secret/data/", st.just({})),
    request(Operation.UPDATE, "secret/delete/", versions),
    request(Operation.UPDATE, "secret/undelete/", versions),
    request(Operation.UPDATE, "secret/destroy/", versions),
    request(Operation.UPDATE, "secret/metadata/", setting),
    request(Operation.PATCH, "secret/metadata/", setting),
    request(Operation.DELETE, "secret/metadata/", st.just({})),
    st.tuples(st.just(Operation.UPDATE), st.just("secret/config"), setting),
    request(Operation.UPDATE, "one/", st.dictionaries(st.sampled_from("pq"), st.text("x", max_size=1), min_size=1)),
    request(Operation.DELETE, "one/", st.just({})),
)
steps = st.lists(st.one_of(requests, st.sampled_from(["snapshot", "restore first", "restore last"])), max_size=40)


def made(flavor: str) -> World:
    world = MockKMS(flavor=flavor).world
    world.clock.freeze()
    world.core.mount("", "one/", "kv", options={"version": "1"})
    for path in ("one/a", "one/b", "secret/data/a", "secret/data/a", "secret/data/b/c", "secret/data/b/c"):
        ask(world, Operation.UPDATE, path, {"data": {"p": 1}})
    ask(world, Operation.UPDATE, "secret/delete/a", {"versions": [1]})
    return world


def ask(world: World, operation: Operation, path: str, given: dict[str, Any]) -> None:
    world.core.handle(Request(operation, path, data=copy.deepcopy(given), token="root"))


@pytest.mark.parametrize("flavor", ["vault", "openbao"])
@pytest.mark.parametrize(("operation", "path", "given"), [
    (Operation.UPDATE, "secret/data/a", {"data": {"p": 2}}),
    (Operation.PATCH, "secret/data/a", {"data": {"p": 2}}),
    (Operation.DELETE, "secret/data/a", {}),
    (Operation.UPDATE, "secret/delete/a", {"versions": [2]}),
    (Operation.UPDATE, "secret/delete/a", {"versions": [9]}),
    (Operation.UPDATE, "secret/undelete/a", {"versions": [1]}),
    (Operation.UPDATE, "secret/destroy/a", {"versions": [1, 2]}),
    *((Operation.UPDATE, "secret/metadata/a", given) for given in SETTINGS),
    *((Operation.PATCH, "secret/metadata/a", given) for given in SETTINGS),
    (Operation.DELETE, "secret/metadata/a", {}),
    (Operation.UPDATE, "secret/config", {"max_versions": 1}),
    (Operation.UPDATE, "secret/config", {"delete_version_after": "1h"}),
    (Operation.UPDATE, "one/a", {"p": "2"}),
    (Operation.UPDATE, "one/new", {"p": "2"}),
    (Operation.DELETE, "one/a", {}),
])  # fmt: skip
def test_each_change(flavor: str, operation: Operation, path: str, given: dict[str, Any]) -> None:
    world = made(flavor)
    snapshot, before = world.snapshot(), copy.deepcopy(world.core.state.mounts)
    ask(world, operation, path, given)
    changed = copy.deepcopy(world.core.state.mounts)
    assert changed != before or given == {"versions": [9]}, "it changes who was last, if that is kept"
    assert snapshot.load()[0].mounts == before
    world.restore(snapshot)
    assert world.core.state.mounts == before
    ask(world, operation, path, given)
    assert world.core.state.mounts == changed
    assert snapshot.load()[0].mounts == before


@pytest.mark.parametrize("flavor", ["vault", "openbao"])
@settings(max_examples=100)
@given(steps=steps)
def test_snapshots_stay_as_they_were(flavor: str, steps: list[Any]) -> None:
    world = made(flavor)
    kept: list[tuple[Snapshot, Any]] = []

    def state() -> Any:
        return copy.deepcopy(world.core.state.mounts)

    for step in ["snapshot", *steps]:
        if step == "snapshot":
            kept.append((world.snapshot(), state()))
        elif isinstance(step, str):
            snapshot, before = kept[0 if step == "restore first" else -1]
            world.restore(snapshot)
            assert world.core.state.mounts == before
        else:
            operation, path, given = step
            ask(world, operation, path, given)
    for snapshot, before in kept:
        assert snapshot.load()[0].mounts == before
        world.restore(snapshot)
        assert world.core.state.mounts == before


TOKEN_STEPS = ("create", "child", "limited", "use", "renew", "revoke", "orphan", "advance", "wrap", "lookup", "leased")
token_steps = st.lists(
    st.tuples(st.sampled_from([*TOKEN_STEPS, "snapshot", "restore first", "restore last"]), st.integers(0, 9)),
    max_size=40,
)


class TokenWorld:
    """Tokens and leases of one world, changed by numbered steps."""

    def __init__(self) -> None:
        self.world = MockKMS(seed={"clock": 1_800_000_000}, rng=1).world
        self.world.core.mount("", "database/", "database")
        config = {"plugin_name": "mysql-database-plugin", "connection_url": "x", "verify_connection": False}
        self.ask("database/config/db", {**config, "allowed_roles": "*"})
        self.ask("database/roles/r", {"db_name": "db", "creation_statements": "x", "default_ttl": 60, "max_ttl": 600})

    def ask(self, path: str, given: dict[str, Any], token: str = "root") -> None:
        with contextlib.suppress(VaultError):
            self.world.core.handle(Request(Operation.UPDATE, path, data=copy.deepcopy(given), token=token))

    def step(self, what: str, number: int) -> None:
        tokens = [token for token in self.world.core.state.tokens.by_id if token != "root"]
        some = tokens[number % len(tokens)] if tokens else "none"
        leases = list(self.world.core.state.leases.items)
        lease = leases[number % len(leases)] if leases else "none"
        match what:
            case "create" | "limited":
                uses = {"num_uses": 2 + number % 2} if what == "limited" else {}
                self.ask("auth/token/create", {"policies": ["root"], "ttl": "1h", "explicit_max_ttl": "4h", **uses})
            case "child":
                self.ask("auth/token/create", {"ttl": 60 * number}, some)
            case "use":
                self.ask("auth/token/lookup-self", {}, some)
            case "renew":
                self.ask("auth/token/renew", {"token": some, "increment": "2h"})
                self.ask("sys/leases/renew", {"lease_id": lease})
            case "revoke":
                self.ask("auth/token/revoke", {"token": some})
                self.ask("sys/leases/revoke", {"lease_id": lease})
            case "orphan":
                self.ask("auth/token/revoke-orphan", {"token": some})
            case "advance":
                self.world.clock.advance(600 * number)
            case "wrap":
                request = Request(Operation.UPDATE, "auth/token/create", data={}, token="root")
                request.wrap_ttl = 300
                self.world.core.handle(request)
            case "leased":
                with contextlib.suppress(VaultError):
                    self.world.core.handle(Request(Operation.READ, "database/creds/r", token=some))

    def state(self) -> object:
        return copy.deepcopy((self.world.core.state.tokens, self.world.core.state.leases))


@settings(max_examples=150)
@given(steps=token_steps)
def test_snapshots_of_tokens_stay_as_they_were(steps: list[tuple[str, int]]) -> None:
    made = TokenWorld()
    kept: list[tuple[Snapshot, object]] = []
    for what, number in [("create", 0), ("snapshot", 0), *steps]:
        if what == "snapshot":
            kept.append((made.world.snapshot(), made.state()))
        elif what.startswith("restore"):
            snapshot, before = kept[0 if what == "restore first" else -1]
            made.world.restore(snapshot)
            assert made.state() == before
        else:
            made.step(what, number)
    for snapshot, before in kept:
        vault, _ = snapshot.load()
        assert (vault.tokens, vault.leases) == before


@settings(max_examples=50)
@given(steps=token_steps)
def test_snapshots_change_nothing_in_the_world(steps: list[tuple[str, int]]) -> None:
    alone, watched = TokenWorld(), TokenWorld()
    for what, number in steps:
        if what in TOKEN_STEPS:
            alone.step(what, number)
            watched.world.snapshot()
            watched.step(what, number)
    assert watched.state() == alone.state()


def test_the_use_of_a_shared_token_is_counted_once() -> None:
    made = TokenWorld()
    made.ask("auth/token/create", {"id": "few", "num_uses": 2})
    snapshot = made.world.snapshot()
    for _ in range(2):
        made.ask("auth/token/lookup-self", {}, "few")
    assert "few" not in made.world.core.state.tokens.by_id
    assert snapshot.load()[0].tokens.by_id["few"].num_uses == 2


def test_restoring_many_secrets_copies_none() -> None:
    world = made("vault")
    for number in range(200):
        world.core.handle(Request(Operation.UPDATE, f"secret/data/{number}", data={"data": {"a": 1}}, token="root"))

    def keys() -> dict[str, object]:
        found: dict[str, object] = world.core.state.mounts.entries["secret/"].state.keys
        return found

    snapshot, before = world.snapshot(), keys()
    world.restore(snapshot)
    assert keys() is not before
    assert all(key is before[path] for path, key in keys().items())
    world.core.handle(Request(Operation.UPDATE, "secret/data/7", data={"data": {"a": 2}}, token="root"))
    changed = [path for path, key in keys().items() if key is not before[path]]
    assert changed == ["7"]
