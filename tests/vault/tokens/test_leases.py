"""Leases of secrets: registered, renewed, revoked and expired, with the engine told of each end."""

from __future__ import annotations

from typing import Any

import pytest

from mockkms.vault.framework import registry
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.message import BackendError, Lease, Operation, Response
from tests.vault.driving import START, World

REVOKED: list[str] = []


def _revoke(state: dict[str, Any], call: Call) -> None:
    if state.get("stuck"):
        raise BackendError("the database is away")
    REVOKED.append(call.raw["user"])


engine = Engine("leasing", kind="secret", new_state=dict, revoke=_revoke)
creds = engine.path("creds/{name}")


@creds.on(Operation.READ)
def read(state: dict[str, Any], call: Call) -> Response:
    renewable = call["name"] != "fixed"
    lease = Lease(ttl=600, max_ttl=3600, renewable=renewable, internal={"user": call["name"]})
    return Response(data={"user": call["name"]}, lease=lease)


@pytest.fixture(autouse=True)
def leasing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the engine of these tests."""
    REVOKED.clear()
    for name in ("engine", "bare_engine"):
        original = getattr(registry, name)
        find = lambda type, original=original: engine if "leasing" in type else original(type)  # noqa: E731
        monkeypatch.setattr(registry, name, find)


def prepare(world: World) -> None:
    world.core.mount("", "db/", "leasing")


pytestmark = pytest.mark.prepared(by=prepare)


def lease_of(world: World, token: str = "root", name: str = "ann") -> Lease:
    response = world.ask("read", f"db/creds/{name}", token=token)
    assert response.lease is not None, response.errors
    return response.lease


def test_a_secret_ends_with_its_lease(world: World) -> None:
    lease = lease_of(world)
    assert (lease.ttl, lease.lease_id.rpartition("/")[0]) == (600, "db/creds/ann")
    world.later(599)
    assert world.write("sys/leases/lookup", {"lease_id": lease.lease_id}).errors is None
    world.later(1)
    assert world.write("sys/leases/lookup", {"lease_id": lease.lease_id}).errors == ["invalid lease"]
    assert REVOKED == ["ann"]


def test_renewals_end_at_the_largest_lifetime(world: World) -> None:
    id = lease_of(world).lease_id
    world.later(500)
    renewed = world.write("sys/leases/renew", {"lease_id": id, "increment": 9999})
    assert renewed.lease is not None
    assert renewed.lease.ttl == 3100
    assert renewed.warnings == [
        'TTL of "2h46m39s" exceeded the effective max_ttl of "51m40s"; TTL value is capped accordingly'
    ]
    assert world.core.state.leases.items[id].expires == START + 3600


def test_a_revoked_token_takes_its_leases_along(world: World) -> None:
    token = world.token(policies=["root"])
    lease_of(world, token)
    world.write("auth/token/revoke", {"token": token})
    assert REVOKED == ["ann"]


def test_a_batch_tokens_lease_ends_with_the_token_and_goes_with_its_parent(world: World) -> None:
    world.write("sys/policies/acl/db", {"policy": (
        'path "db/*" { capabilities = ["read"] } path "auth/token/create" { capabilities = ["update"] }')})  # fmt: skip
    parent = world.token(policies=["db"])
    batch = world.token(by=parent, type="batch", ttl="100s")
    assert lease_of(world, batch).ttl == 100
    world.write("auth/token/revoke", {"token": parent})
    assert REVOKED == ["ann"]
    assert world.core.state.leases.by_token == {}


def test_a_batch_tokens_lease_is_not_renewed_by_an_engine_that_renews_none(world: World) -> None:
    world.write("sys/policies/acl/db", {"policy": 'path "db/*" { capabilities = ["read"] }'})
    batch = world.token(policies=["db"], type="batch", ttl="100s")
    for token, text in (
        ("root", "lease is not renewable"),
        (batch, "failed to renew entry: resp: (*logical.Response)(nil) err: unsupported operation"),
    ):
        renewed = world.write("sys/leases/renew", {"lease_id": lease_of(world, token, "fixed").lease_id})
        assert (renewed.status, renewed.errors) == (400, [text])


def test_a_last_use_gives_no_leased_secret(world: World) -> None:
    token = world.token(policies=["root"], num_uses=1)
    answer = world.ask("read", "db/creds/ann", token=token)
    assert (answer.status, answer.errors) == (400, [
        "Secret cannot be returned; token had one use left, so leased credentials were immediately revoked."
    ])  # fmt: skip
    assert REVOKED == ["ann"]


def test_revoke_prefix_ends_what_lies_below_and_no_more(world: World) -> None:
    for name in ("ann", "anna", "bob"):
        lease_of(world, name=name)
    world.write("sys/leases/revoke-prefix/db/creds/ann")
    assert REVOKED == ["ann"]
    listed = world.ask("list", "sys/leases/lookup/db/creds/").data
    assert listed == {"keys": ["anna/", "bob/"]}


def test_what_cannot_be_revoked_is_listed_until_it_is_forced(world: World) -> None:
    lease_of(world)
    mount = world.core.state.mounts.get("", "db/")
    assert mount is not None
    mount.state["stuck"] = True
    world.later(600)
    counted = world.ask("read", "sys/leases/count", {"type": "irrevocable"}).data
    assert counted == {"lease_count": 1, "counts": {mount.accessor: 1}}
    assert world.write("sys/leases/revoke-force/db").errors is None
    assert world.ask("read", "sys/leases/count", {"type": "irrevocable"}).data == {"lease_count": 0, "counts": {}}


@pytest.mark.parametrize(("sync", "status"), [(True, 204), (False, 202)])
def test_revocation_may_be_left_for_later(world: World, sync: bool, status: int) -> None:
    lease = lease_of(world)
    assert world.write("sys/leases/revoke", {"lease_id": lease.lease_id, "sync": sync}).status == status
    assert REVOKED == ["ann"]


@pytest.mark.parametrize(("flavor", "text"), [
    ("openbao", "1 error occurred:\n\t* unsupported path\n\n"), ("vault", "lease not found")])  # fmt: skip
def test_the_old_paths_are_one_products_only(flavor: str, text: str) -> None:
    assert World(flavor).write("sys/renew", {"lease_id": "bogus"}).errors == [text]


def test_a_lease_id_that_is_no_text_is_refused(world: World) -> None:
    assert world.write("sys/leases/lookup", {"lease_id": {"a": 1}}).errors == ["invalid lease ID"]
