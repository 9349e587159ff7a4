"""Entities, aliases, groups, merges, and what they mean for tokens."""

from __future__ import annotations

import pickle
import re
from typing import Any

import pytest

from mockkms.vault.secrets.identity import world as seed
from tests.vault.driving import World


def prepare(world: World) -> None:
    for name in ("one", "two"):
        world.core.mount("", f"auth/{name}/", "userpass")
        world.write(f"auth/{name}/users/ann", {"password": "pw"})


pytestmark = pytest.mark.prepared(by=prepare)


def accessor(world: World, name: str = "one") -> str:
    mount = world.core.state.mounts.get("", f"auth/{name}/")
    assert mount is not None
    return mount.accessor


def entity(world: World, name: str, **data: Any) -> str:
    answer = world.write("identity/entity", {"name": name, **data}).data
    assert answer is not None
    return str(answer["id"])


def login(world: World, mount: str = "one") -> tuple[str, str]:
    auth = world.write(f"auth/{mount}/login/ann", {"password": "pw"}, token="").auth
    assert auth is not None
    return auth.client_token, auth.entity_id


def shown(world: World, id: str) -> dict[str, Any]:
    data = world.ask("read", f"identity/entity/id/{id}").data
    assert data is not None
    return data


def test_a_login_makes_an_entity_once(world: World) -> None:
    _, first = login(world)
    _, again = login(world)
    assert first == again
    assert re.fullmatch(r"entity_[0-9a-f]{8}\.root", shown(world, first)["name"])
    assert shown(world, first)["aliases"][0]["mount_path"] == "auth/one/"


def test_names_are_found_in_any_case(world: World) -> None:
    id = entity(world, "App")
    found = world.ask("read", "identity/entity/name/aPP").data
    assert found is not None
    assert found["id"] == id
    assert world.write("identity/entity", {"name": "APP"}).status == 204


@pytest.mark.parametrize(
    ("data", "status", "error"),
    [
        ({"id": "bogus"}, 400, "entity not found from id"),
        ({"policies": ["ROOT"]}, 400, "policies cannot contain root"),
        ({"metadata": {"vault-x": "v"}}, 500, 'key prefix "vault-" is reserved for internal use'),
        ({"metadata": {"a b": "v"}}, 500, "key contains invalid characters"),
        ({"metadata": {str(n): "v" for n in range(65)}}, 500, "cannot contain more than 64 key/value pairs"),
    ],
)
def test_refused_entities(world: World, data: dict[str, Any], status: int, error: str) -> None:
    answer = world.write("identity/entity", data)
    assert answer.status == status
    assert error in (answer.errors or [""])[0]


@pytest.mark.parametrize(
    ("flavor", "entity", "group"),
    [
        ("vault", ["Abc", "Zed", "abc"], ["Abc", "Zed"]),
        ("vault-1.21", ["Abc", "Zed", "abc"], ["Abc", "Zed"]),
        ("openbao", ["abc", "zed"], ["abc", "zed"]),
    ],
)
def test_vault_keeps_the_case_of_policies(flavor: str, entity: list[str], group: list[str]) -> None:
    """Vault's entity builder and identity_store_groups.go refuse root in any case, and drop duplicates but no case.

    Groups keep the first of those that differ in case only. What they grant is the policy's in lower case.
    """
    world = World(flavor)
    prepare(world)
    token, id = login(world)
    world.write("sys/policies/acl/zed", {"policy": 'path "sys/mounts" { capabilities = ["read"] }'})
    sent = {"policies": [" Zed", "Abc", "abc", "Zed"]}
    world.write(f"identity/entity/id/{id}", sent)
    assert shown(world, id)["policies"] == entity
    assert world.ask("read", "sys/mounts", token=token).errors is None
    world.write("identity/group/name/g", sent)
    answer = world.ask("read", "identity/group/name/g").data
    assert answer is not None
    assert answer["policies"] == group
    for kind in ("entity", "group"):
        refused = world.write(f"identity/{kind}/name/x", {"policies": ["a", "Root"]})
        assert refused.errors == ["policies cannot contain root"]
    looked_up = world.ask("read", "auth/token/lookup-self", token=token).data
    assert looked_up is not None
    assert looked_up["identity_policies"] == entity


def test_policies_of_entities_and_nested_groups_apply_at_once(world: World) -> None:
    token, id = login(world)
    world.write("sys/policies/acl/own", {"policy": 'path "sys/mounts" { capabilities = ["read"] }'})
    world.write("sys/policies/acl/outer", {"policy": 'path "sys/auth" { capabilities = ["read"] }'})
    assert world.ask("read", "sys/mounts", token=token).status == 403
    world.write(f"identity/entity/id/{id}", {"policies": ["own"]})
    assert world.ask("read", "sys/mounts", token=token).errors is None
    inner = world.write("identity/group", {"name": "in", "member_entity_ids": [id]}).data
    assert inner is not None
    world.write("identity/group", {"name": "out", "policies": ["outer"], "member_group_ids": [inner["id"]]})
    assert world.ask("read", "sys/auth", token=token).errors is None
    assert len(shown(world, id)["inherited_group_ids"]) == 1
    world.write(f"identity/group/id/{inner['id']}", {"member_entity_ids": []})
    assert world.ask("read", "sys/auth", token=token).status == 403


def test_deleted_and_disabled_entities_are_refused(world: World) -> None:
    token, id = login(world)
    world.write(f"identity/entity/id/{id}", {"disabled": True})
    assert world.write("auth/one/login/ann", {"password": "pw"}, token="").status == 403
    assert not world.alive(token)
    world.write(f"identity/entity/id/{id}", {"disabled": False})
    assert world.alive(token)
    world.ask("delete", f"identity/entity/id/{id}")
    assert not world.alive(token)
    assert world.core.identity.by_factors(accessor(world), "ann") is None


def test_cycles_of_groups_are_refused(world: World) -> None:
    ids = []
    for name in ("a", "b", "c"):
        answer = world.write("identity/group", {"name": name, "member_group_ids": ids[-1:]}).data
        assert answer is not None
        ids.append(answer["id"])
    answer = world.write(f"identity/group/id/{ids[0]}", {"member_group_ids": [ids[2]]})
    assert (answer.errors or [""])[0].startswith("cyclic relationship detected for member group ID")
    assert world.write(f"identity/group/id/{ids[0]}", {"member_group_ids": [ids[0]]}).status == 500


def test_an_alias_moves_to_another_entity(world: World) -> None:
    _, old = login(world)
    alias = shown(world, old)["aliases"][0]["id"]
    new = entity(world, "new")
    answer = world.write(f"identity/entity-alias/id/{alias}", {"canonical_id": new})
    assert answer.data == {"canonical_id": new, "id": alias}
    assert shown(world, old)["aliases"] == []
    assert login(world)[1] == new


def test_a_refused_move_of_an_alias_found_by_name_keeps_its_new_metadata(world: World) -> None:
    _, id = login(world)
    alias = {"name": "ann", "mount_accessor": accessor(world), "custom_metadata": {"team": "one"}}
    assert world.write("identity/entity-alias", {**alias, "canonical_id": "none"}).status == 400
    assert shown(world, id)["aliases"][0]["custom_metadata"] == {"team": "one"}
    del alias["custom_metadata"]
    assert world.write("identity/entity-alias", {**alias, "canonical_id": entity(world, "new")}).errors is None
    found = world.ask("list", "identity/entity-alias/id").data or {}
    assert [info["custom_metadata"] for info in found["key_info"].values()] == [{}]


def test_merged_entities_keep_their_tokens(world: World) -> None:
    _, kept = login(world)
    token, gone = login(world, "two")
    assert world.write("identity/entity/merge", {"to_entity_id": kept, "from_entity_ids": [gone]}).status == 204
    assert world.alive(token)
    assert shown(world, kept)["merged_entity_ids"] == [gone]
    assert login(world, "two")[1] == kept


def test_a_merge_of_aliases_on_one_mount_requires_a_choice(world: World) -> None:
    _, kept = login(world)
    world.write("auth/one/users/bob", {"password": "pw"})
    auth = world.write("auth/one/login/bob", {"password": "pw"}, token="").auth
    assert auth is not None
    ask = {"to_entity_id": kept, "from_entity_ids": [auth.entity_id]}
    answer = world.write("identity/entity/merge", ask)
    assert answer.status == 400
    assert answer.document is not None
    assert [item["alias"] for item in answer.document["data"]] == ["ann", "bob"]
    chosen = shown(world, kept)["aliases"][0]["id"]
    assert world.write("identity/entity/merge", {**ask, "conflicting_alias_ids_to_keep": [chosen]}).status == 204


def test_logins_set_the_members_of_external_groups(world: World) -> None:
    group = world.write("identity/group", {"name": "ext", "type": "external"}).data
    assert group is not None
    world.write("identity/group-alias", {"name": "Dev", "canonical_id": group["id"], "mount_accessor": accessor(world)})
    mount = world.core.state.mounts.get("", "auth/one/")
    assert mount is not None
    names = [{"name": "dev"}, {"name": "none"}]
    id = world.core.identity.login(mount, {"name": "ann"}, names)
    assert names == [{"name": "dev"}]
    assert [g.name for g in world.core.identity.groups_of(id)] == ["ext"]
    world.core.identity.login(mount, {"name": "ann"}, [])
    assert world.core.identity.groups_of(id) == []


def test_restored_worlds_forget_later_changes(world: World) -> None:
    _, id = login(world)
    before = pickle.dumps(world.core.state)
    world.write(f"identity/entity/id/{id}", {"policies": ["later"]})
    assert world.core.identity.policies_of(id) == {"": ["later"]}
    world.core.replace_state(pickle.loads(before), world.core.product.name)
    world.write(f"identity/entity/id/{id}", {"metadata": {"a": "b"}})
    assert world.core.identity.policies_of(id) == {}


def test_seeds_come_back(world: World) -> None:
    ann = {"id": "ann-id", "policies": ["p"], "aliases": [{"mount": "auth/one/", "name": "ann"}]}
    groups = {"in": {"type": "internal", "members": ["ann"]}, "out": {"type": "internal", "groups": ["in"]}}
    seed.add_entity(world.core, "ann", ann)
    for name, spec in groups.items():
        seed.add_group(world.core, name, spec)
    assert login(world)[1] == "ann-id"
    assert seed.dump_entities(world.core) == {"ann": ann}
    assert seed.dump_groups(world.core) == groups
