"""What a world says is there when the server runs."""

from __future__ import annotations

import base64
from copy import deepcopy
from typing import Any

import hvac
import pytest

from mockkms import MockKMS
from mockkms.vault.framework.message import Operation, Request, Response
from mockkms.world.world import World
from mockkms.worldfile import SeedError, exact, json_schema, load, populate, ready_made

DESIGN = """\
mockkms: 1
rng: 42
clock: 2026-01-01T00:00:00Z
vault:
  root_token: root
  policies:
    app: |
      path "transit/encrypt/orders" { capabilities = ["update"] }
  mounts:
    transit/:
      type: transit
      keys:
        orders: {type: aes256-gcm96, versions: 2}
        signer: {type: ed25519, exportable: true}
    secret/:
      type: kv
      version: 2
      secrets:
        app/db: {password: s3cr3t}
  auth:
    approle/:
      type: approle
      roles:
        web: {role_id: web-role, secret_ids: [web-secret], token_policies: [app], token_ttl: 1h}
  tokens:
    - {id: app-token, policies: [app], ttl: 1h}
rustfs:
  configured: true
  keys:
    my-encryption-key: {status: Enabled}
faults:
  - match: {path: transit/decrypt/*, operation: update}
    skip: 1
    times: 2
    answer: sealed
"""


def made(*sources: Any) -> World:
    return MockKMS(seed=list(sources)).world


def ask(world: World, path: str, data: dict[str, Any] | None = None, token: str = "root") -> Response:
    operation = Operation.READ if data is None else Operation.UPDATE
    return world.core.handle(Request(operation, path, data=data or {}, token=token))


def test_the_world_of_the_design_loads_as_it_stands() -> None:
    world = made(DESIGN)
    assert world.clock.now() == 1767225600
    assert world.clock.frozen
    assert ask(world, "transit/keys/orders").data["latest_version"] == 2  # type: ignore[index]
    assert ask(world, "secret/data/app/db").data["data"] == {"password": "s3cr3t"}  # type: ignore[index]
    login = ask(world, "auth/approle/login", {"role_id": "web-role", "secret_id": "web-secret"}, token="")
    assert login.auth is not None
    assert login.auth.token_policies == ["app", "default"]
    plaintext = {"plaintext": base64.b64encode(b"x").decode()}
    assert not ask(world, "transit/encrypt/orders", plaintext, token="app-token").errors
    assert ask(world, "secret/data/app/db", token="app-token").status == 403
    assert list(world.rustfs.state.keys) == ["my-encryption-key"]
    assert world.rustfs.state.configured
    assert len(world.faults) == 1
    lookup = ask(world, "auth/token/lookup-self").data
    assert lookup is not None
    assert lookup["creation_time"] == 1767225600


def test_material_follows_from_rng_and_name_alone() -> None:
    world = made(DESIGN)
    cipher = ask(world, "transit/encrypt/orders", {"plaintext": base64.b64encode(b"order").decode()}).data
    assert cipher is not None
    other = made(DESIGN, {"vault": {"mounts": {"transit/": {"type": "transit", "keys": {"another": {}}}}}})
    clear = ask(other, "transit/decrypt/orders", {"ciphertext": cipher["ciphertext"]}).data
    assert clear is not None
    assert base64.b64decode(clear["plaintext"]) == b"order"


def test_layers_unite_mappings_and_replace_the_rest() -> None:
    below = {"vault": {"policies": {"a": "", "b": ""}, "tokens": [{"id": "one"}, {"id": "two"}]}}
    above = 'vault:\n  policies:\n    b: \'path "x" { policy = "read" }\'\n  tokens: [{id: three}]\nrng: 7\n'
    spec = load([below, above])
    assert spec.sections["vault"]["policies"]["a"] == ""
    assert "read" in spec.sections["vault"]["policies"]["b"]
    assert spec.sections["vault"]["tokens"] == [{"id": "three"}]
    assert spec.rng == 7


def test_anchors_and_merge_keys() -> None:
    spec = load(
        "vault:\n  mounts:\n    kv/:\n      type: kv\n      secrets:\n        a: &base {user: app, host: db}\n"
        "        b: {<<: *base, host: other}\n"
    )
    assert spec.sections["vault"]["mounts"]["kv/"]["secrets"]["b"] == {"user": "app", "host": "other"}


def test_namespaces_hold_the_same_things() -> None:
    world = made({
        "flavor": "openbao",
        "vault": {"namespaces": {
            "team/": {"mounts": {"kv/": {"type": "kv", "secrets": {"a": {"b": "c"}}}}, "policies": {"p": ""}},
            "team/app/": {"tokens": [{"policies": ["p"]}]},
        }},
    })  # fmt: skip
    assert ask(world, "team/kv/a").data == {"b": "c"}
    assert {token.namespace for token in world.core.state.tokens.by_id.values()} == {"", "team/app/"}


def test_tokens_have_the_ids_that_are_written_in_namespaces_too() -> None:
    tokens = [
        {"id": "app-token", "policies": ["app"]},
        {"id": "child.of-it", "parent": "app-token", "meta": {"a": "b"}},
    ]
    seed = {"flavor": "openbao", "vault": {"namespaces": {"team/": {"tokens": tokens}}}}
    with MockKMS(seed=seed) as kms:
        kms.clock.freeze()  # A dump has the lifetimes that are left.
        app, child = (hvac.Client(kms.url, token, namespace="team/") for token in ("app-token", "child.of-it"))
        seen = app.auth.token.lookup_self()["data"]
        assert (seen["id"], seen["namespace_path"], seen["policies"]) == ("app-token", "team/", ["app", "default"])
        assert child.auth.token.lookup_self()["data"]["meta"] == {"a": "b"}
        dumped = kms.dump()
        kms.load(dumped)
        assert kms.dump() == dumped
        app.auth.token.revoke_self()
        with pytest.raises(hvac.exceptions.Forbidden):
            child.auth.token.lookup_self()


@pytest.mark.parametrize("state", ["sealed", "unsealed", "uninitialized"])
def test_states_of_the_server(state: str) -> None:
    world = made({"vault": {"state": state}})
    assert world.core.seal.status == state


def test_history_of_a_secret() -> None:
    world = made("payments")
    assert ask(world, "secret/data/payments/database").data["metadata"]["version"] == 3  # type: ignore[index]
    metadata = ask(world, "secret/metadata/payments/database").data
    assert metadata is not None
    assert metadata["versions"]["2"]["destroyed"] is True
    assert metadata["custom_metadata"] == {"owner": "payments", "rotation": "monthly"}


def test_people_of_the_payments_world() -> None:
    world = made("payments")
    login = ask(world, "auth/userpass/login/alice", {"password": "alice-password"}, token="")
    assert login.auth is not None
    assert login.auth.identity_policies == ["payments-api"]
    # An identifier is its entity's: both logins are the same person.
    again = ask(world, "auth/userpass/login/alice", {"password": "alice-password"}, token="")
    assert again.auth is not None
    assert again.auth.entity_id == login.auth.entity_id


def test_a_world_that_cannot_be_made_changes_nothing() -> None:
    world = made(DESIGN)
    before = deepcopy(exact.roots(world))
    bad = load({"vault": {"policies": {"new": ""}, "tokens": [{"entity": "nobody"}]}, "clock": 5, "rustfs": {}})
    with pytest.raises(SeedError, match="nobody"):
        populate(world, bad)
    assert exact.roots(world) == before
    assert world.clock.now() == 1767225600


def test_every_ready_made_world_is_there() -> None:
    assert set(ready_made()) == {"dev", "rustfs", "payments"}


def test_schema_names_the_sections() -> None:
    assert set(json_schema()["properties"]) == {
        "mockkms", "rng", "clock", "flavor", "vault", "rustfs", "faults", "chaos", "fault_header", "journal",
        "exact",
    }  # fmt: skip
