"""A world written down loads to an equal world: state, clock, randomness."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockkms import MockKMS
from mockkms.vault.framework.message import Operation, Request, Response
from mockkms.world.world import World
from mockkms.worldfile import SeedError, dump, exact, load


def made(*sources: Any, **words: Any) -> World:
    return MockKMS(seed=list(sources), **words).world


def ask(world: World, operation: Operation, path: str, data: dict[str, Any] | None = None, **more: Any) -> Response:
    more.setdefault("token", world.root_token)
    return world.core.handle(Request(operation, path, data=data or {}, **more))


def busy(world: World) -> None:
    """Some of everything that leaves traces which no description covers."""
    update, read = Operation.UPDATE, Operation.READ
    ask(world, update, "sys/mounts/more", {"type": "transit"})
    ask(world, update, "more/keys/k", {"type": "ecdsa-p256"})
    ask(world, update, "more/keys/k/rotate")
    ask(world, update, "more/keys/derived", {"derived": True, "convergent_encryption": True})
    secret = {"text": "a\tb \u2028 é \x7f", "n": 1, "nested": {"x": [None, True]}}
    ask(world, update, "secret/data/new", {"data": secret})
    ask(world, Operation.DELETE, "secret/data/new")
    ask(world, update, "cubbyhole/mine", {"a": "b"})
    ask(world, read, "secret/config", wrap_ttl=60)
    ask(world, update, "auth/token/create", {"ttl": "1h", "num_uses": 3})
    ask(world, update, "auth/token/create", {"type": "batch", "ttl": "1h"})
    ask(world, update, "sys/auth/userpass", {"type": "userpass"})
    ask(world, update, "auth/userpass/users/eve", {"password": "p"})
    ask(world, update, "auth/userpass/login/eve", {"password": "wrong"}, token="")
    ask(world, update, "auth/userpass/login/eve", {"password": "p"}, token="")
    ask(world, update, "identity/entity", {"name": "extra", "metadata": {"a": "b"}})
    ask(world, update, "sys/auth/kubernetes", {"type": "kubernetes"})
    role = {"bound_service_account_names": "*", "bound_service_account_namespaces": "*"}
    ask(world, update, "auth/kubernetes/role/r", role)
    ask(world, update, "sys/config/cors", {"allowed_origins": "*", "enabled": True})
    ask(world, update, "sys/quotas/rate-limit/q", {"rate": 1000})
    world.clock.advance(90)


SEEDS: list[Any] = ["dev", "rustfs", "payments", {}, {"rng": 3, "clock": "2026-01-01T00:00:00Z"}, {"flavor": "openbao"}]


@pytest.mark.parametrize("seed", SEEDS, ids=str)
@pytest.mark.parametrize("used", [False, True], ids=["fresh", "used"])
def test_dump_loads_to_an_equal_world(seed: Any, used: bool) -> None:
    world = made(seed)
    if used:
        busy(world)
    text = dump(world)
    again = made(text)
    mine, other = exact.roots(world), exact.roots(again)
    assert other["vault"] == mine["vault"]
    assert other["rustfs"] == mine["rustfs"]
    assert other["clock"] == mine["clock"]
    assert other["entropy"] == mine["entropy"]
    assert again.root_token == world.root_token
    assert again.core.product == world.core.product
    assert exact.roots(made(dump(again))) == mine


def test_equal_worlds_answer_equally_and_go_on_equally() -> None:
    world = made("payments", {"clock": "2026-01-01T00:00:00Z"})
    cipher = ask(world, Operation.UPDATE, "transit/encrypt/cards", {"plaintext": base64.b64encode(b"4111").decode()})
    again = made(dump(world))
    assert cipher.data is not None
    clear = ask(again, Operation.UPDATE, "transit/decrypt/cards", {"ciphertext": cipher.data["ciphertext"]})
    assert clear.data is not None
    assert base64.b64decode(clear.data["plaintext"]) == b"4111"
    restored = made(dump(world))
    first = ask(restored, Operation.UPDATE, "auth/token/create", {"ttl": "1h"}).auth
    second = ask(world, Operation.UPDATE, "auth/token/create", {"ttl": "1h"}).auth
    assert first == second


def test_objects_in_two_places_stay_one() -> None:
    again = made(dump(made("payments")))
    state = again.core.state.identity
    for entity in state.entities.values():
        for alias in entity.aliases:
            assert state.aliases[alias.id] is alias


def test_a_frozen_seeded_world_needs_nothing_exact() -> None:
    assert "exact" not in load(dump(made("dev", {"clock": "2026-01-01T00:00:00Z"}))).sections


def test_dump_is_deterministic_and_leaves_the_world_alone() -> None:
    world = made("payments", {"clock": "2026-01-01T00:00:00Z"})
    before = exact.roots(world)["entropy"]
    assert dump(world) == dump(world)
    assert exact.roots(world)["entropy"] == before


def test_rules_and_script_are_written() -> None:
    world = made({"faults": [{"id": "slow", "match": "secret/*", "delay": 0.5, "times": 2}]})
    world.faults.script([{"expect": "sys/health", "answer": 503}])
    sections = load(dump(world)).sections
    assert sections["faults"][0] == {"id": "slow", "match": "secret/*", "delay": 0.5, "times": 2}
    assert made(dump(world)).faults.current_script is not None


def test_a_world_that_descriptions_cannot_make_is_written_exactly() -> None:
    world = made({})
    ask(world, Operation.UPDATE, "auth/token/create", {"id": "odd"})
    world.core.state.mounts.get("", "secret/").state.keys["no such"] = None  # type: ignore[union-attr]
    world.core.state.system["set"] = {("a", 1), ("b", 2)}
    assert exact.roots(made(exact_text(world)))["vault"].system == world.core.state.system


def exact_text(world: World) -> str:
    world.core.state.mounts.get("", "secret/").state.keys.pop("no such")  # type: ignore[union-attr]
    return dump(world)


_KEYS = st.text(max_size=6) | st.integers() | st.tuples(st.text(max_size=3), st.integers())
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12)
    | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner)
    | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(value=_VALUES)
def test_any_value_survives(value: Any) -> None:
    world = World()
    world.begin(root_token="root", rng=1, flavor="vault", clock=1e9)
    world.core.state.system["value"] = value
    again = made(dump(world)).core.state.system["value"]
    assert again == value
    assert repr(again) == repr(value)


def test_a_secret_too_deep_for_yaml_is_reported() -> None:
    depth = 900
    with MockKMS(flavor="openbao") as kms:
        body = b'{"data": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
        headers = {"X-Vault-Token": kms.token, "Content-Type": "application/json"}
        written = requests.post(f"{kms.url}/v1/secret/data/deep", data=body, headers=headers, timeout=60)
        assert written.status_code == 200
        with pytest.raises(SeedError, match="nested too deeply to be written as YAML"):
            dump(kms.world)


def test_a_dump_of_many_tokens_leaves_the_world_as_it_is(kms: MockKMS) -> None:
    """What a dump makes to compare the world with is emptied afterwards, the world is not."""
    kms.clock.freeze()  # A dump says how long each token is still valid.
    for _ in range(1_200):
        made = kms.world.core.handle(
            Request(Operation.UPDATE, "auth/token/create", data={"policies": ["default"]}, token="root")
        )
    before = len(kms.world.core.state.tokens.by_id)
    first = kms.dump()
    assert (kms.dump(), len(kms.world.core.state.tokens.by_id)) == (first, before)
    assert made.auth is not None
    assert kms.world.core.tokens.lookup(made.auth.client_token) is not None
    with MockKMS(seed=first) as other:
        assert len(other.world.core.state.tokens.by_id) == before
        assert other.world.core.tokens.lookup(made.auth.client_token) is not None
