"""What products do differently with policies, asked of the whole server."""

from __future__ import annotations

import pytest

from mockkms.vault.framework.message import Operation
from mockkms.vault.policy.explain import explain
from tests.vault.driving import World

PRODUCTS = ("vault", "vault-1.21", "openbao")


@pytest.mark.parametrize(
    ("flavor", "names"),
    [
        ("vault", ["default", "default-ceiling", "root"]),
        ("vault-1.21", ["default", "root"]),
        ("openbao", ["default", "root"]),
    ],
)
def test_the_policies_of_a_fresh_server(flavor: str, names: list[str]) -> None:
    world = World(flavor)
    assert world.ask("list", "sys/policies/acl").data == {"keys": names}


def test_the_default_ceiling_can_be_changed_and_stays() -> None:
    world = World("vault")
    path = "sys/policies/acl/default-ceiling"
    assert world.ask("delete", path).errors == ["cannot delete default-ceiling policy"]
    assert world.write(path, {"policy": 'path "a" { policy = "read" }'}).errors is None
    other = World("vault-1.21")
    assert other.write(path, {"policy": 'path "a" { policy = "read" }'}).errors is None
    assert other.ask("delete", path).errors is None


@pytest.mark.parametrize(("flavor", "there"), [("vault", True), ("vault-1.21", True), ("openbao", False)])
def test_the_policy_of_control_groups(flavor: str, there: bool) -> None:
    world = World(flavor)
    answer = world.ask("read", "sys/policy/control-group")
    assert (answer.errors is None) is there
    written = world.write("sys/policy/control-group", {"policy": 'path "a" { policy = "read" }'})
    assert (written.errors == ['cannot update "control-group" policy']) is there


@pytest.mark.parametrize("flavor", PRODUCTS)
def test_a_listing_is_decided_alike_everywhere(flavor: str) -> None:
    world = World(flavor)
    text = 'path "secret/metadata*" { capabilities = ["list"] } path "secret/metadata/a/*" { capabilities = ["read"] }'
    world.write("sys/policies/acl/p", {"policy": text})
    world.write("secret/data/a/b", {"data": {}})
    token = world.token(policies=["p"])
    expected = flavor != "openbao"
    assert (world.ask("list", "secret/metadata/a/", token=token).errors is None) is expected
    asked = world.write("sys/capabilities-self", {"paths": ["secret/metadata/a/"]}, token=token).data
    assert asked is not None
    assert ("list" in asked["capabilities"]) is expected
    held = world.core.tokens.lookup(token)
    assert held is not None
    assert explain(world.core, held, Operation.LIST, "secret/metadata/a").allowed is expected


@pytest.mark.parametrize("value", ["*", "+", "a*"])
@pytest.mark.parametrize(("flavor", "allowed"), [("vault", False), ("vault-1.21", True), ("openbao", False)])
def test_wildcards_in_identity_values(flavor: str, allowed: bool, value: str) -> None:
    world = World(flavor)
    world.write("sys/auth/userpass", {"type": "userpass"})
    mounts = world.ask("read", "sys/auth").data
    assert mounts is not None
    policy = 'path "cubbyhole/{{identity.entity.metadata.team}}" { policy = "write" } path "x" { policy = "read" }'
    world.write("sys/policies/acl/p", {"policy": policy})
    world.write("auth/userpass/users/ann", {"password": "x", "token_policies": ["p"], "token_no_default_policy": True})
    entity = world.write("identity/entity", {"name": "ann", "metadata": {"team": value}}).data
    assert entity is not None
    accessor = mounts["userpass/"]["accessor"]
    world.write("identity/entity-alias", {"name": "ann", "canonical_id": entity["id"], "mount_accessor": accessor})
    token = world.token(by="", path="auth/userpass/login/ann", password="x")
    assert (world.write("cubbyhole/abc", {"a": "b"}, token=token).errors is None) is allowed


@pytest.mark.parametrize("flavor", PRODUCTS)
@pytest.mark.parametrize("path", ["sys/config/ui/headers/a/b", "sys/internal/inspect/x/y/z", "sys/audit/"])
def test_a_protected_path_where_nothing_answers(flavor: str, path: str) -> None:
    world = World(flavor)
    world.write("sys/policies/acl/all", {"policy": 'path "sys/*" { capabilities = ["read", "list"] }'})
    world.write("sys/policies/acl/sudo", {"policy": 'path "sys/*" { capabilities = ["read", "list", "sudo"] }'})
    assert world.ask("list", path, token=world.token(policies=["all"])).status == 403
    assert world.ask("list", path, token=world.token(policies=["sudo"])).status in (404, 405)
    assert world.core.needs_sudo("", path)


@pytest.mark.parametrize(("flavor", "status"), [("vault", 403), ("vault-1.21", 404), ("openbao", 404)])
def test_a_protected_path_of_one_product(flavor: str, status: int) -> None:
    world = World(flavor)
    world.write("sys/policies/acl/all", {"policy": 'path "sys/*" { capabilities = ["read", "list"] }'})
    token = world.token(policies=["all"])
    assert world.ask("list", "sys/config/oauth-resource-server/a/b/", token=token).status == status
