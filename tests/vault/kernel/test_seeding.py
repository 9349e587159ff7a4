"""Worlds that are written from descriptions, and described again."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mockkms.vault.auth.approle import world as approle_seed
from mockkms.vault.auth.userpass import world as userpass_seed
from mockkms.vault.framework.message import ErrorResponse
from mockkms.vault.framework.world_section import mapping_at
from mockkms.vault.kernel import seeding
from mockkms.vault.mounts.table import Mount
from tests.vault.driving import World


def roles_of(world: World, mount: Mount) -> Mapping[str, object]:
    """Return the roles of an AppRole mount as a world file has them."""
    return mapping_at(approle_seed.section.dump(world.core, mount), "roles")


def users_of(world: World, mount: Mount) -> Mapping[str, object]:
    """Return the users of a userpass mount as a world file has them."""
    return mapping_at(userpass_seed.section.dump(world.core, mount), "users")


def test_a_seeded_token_works_and_comes_back(world: World) -> None:
    spec = {"id": "app-token", "policies": ["app"], "ttl": 3600, "meta": {"a": "b"}, "num_uses": 9, "renewable": False}
    seeding.add_token(world.core, spec)
    assert world.self_of("app-token")["policies"] == ["app", "default"]
    dumped = {token["id"]: token for token in seeding.dump_tokens(world.core)}
    assert dumped["app-token"] == {**spec, "num_uses": 8}
    again = World()
    for token in seeding.dump_tokens(world.core):
        if token["id"] != "root":
            seeding.add_token(again.core, token)
    assert seeding.dump_tokens(again.core) == seeding.dump_tokens(world.core)


def test_seeded_tokens_form_trees(world: World) -> None:
    seeding.add_token(world.core, {"id": "p"})
    seeding.add_token(world.core, {"id": "c", "parent": "p"})
    world.write("auth/token/revoke", {"token": "p"})
    assert not world.alive("c")


def test_a_seeded_root_token_never_ends(world: World) -> None:
    seeding.add_token(world.core, {"id": "s.mine", "policies": ["root"]})
    world.later(10**9)
    assert world.alive("s.mine")


@pytest.mark.parametrize("spec", [{"id": "root"}, {"id": "x", "type": "batch"}, {"ttl": "soon"}])
def test_impossible_tokens_are_refused(world: World, spec: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"exists|batch|duration"):
        seeding.add_token(world.core, spec)


def test_seeded_roles_log_in_and_come_back(world: World) -> None:
    mount = world.core.mount("", "auth/approle/", "approle")
    spec = {"role_id": "web-role", "secret_ids": ["web-secret", {"secret_id": "two", "num_uses": 2, "metadata": "k=v"}],
            "token_policies": ["app"], "token_ttl": "1h"}  # fmt: skip
    approle_seed.add_role(world.core, mount, "web", spec)
    login = {"role_id": "web-role", "secret_id": "web-secret"}
    assert world.write("auth/approle/login", login, token="").errors is None
    dumped = roles_of(world, mount)
    again = World()
    other = again.core.mount("", "auth/approle/", "approle")
    for name in dumped:
        approle_seed.add_role(again.core, other, name, mapping_at(dumped, name))
    assert roles_of(again, other) == dumped
    assert again.write("auth/approle/login", {"role_id": "web-role", "secret_id": "two"}, token="").errors is None


def test_seeded_users_log_in_and_come_back(world: World) -> None:
    mount = world.core.mount("", "auth/userpass/", "userpass")
    userpass_seed.add_user(world.core, mount, "ann", {"password": "pw", "token_policies": ["app"]})
    dumped = users_of(world, mount)
    again = World()
    other = again.core.mount("", "auth/userpass/", "userpass")
    for name in dumped:
        userpass_seed.add_user(again.core, other, name, mapping_at(dumped, name))
    assert users_of(again, other) == dumped
    assert again.write("auth/userpass/login/ann", {"password": "pw"}, token="").errors is None


def test_a_bad_description_is_refused_with_the_servers_text(world: World) -> None:
    mount = world.core.mount("", "auth/userpass/", "userpass")
    with pytest.raises(ErrorResponse, match="must provide either password or password_hash"):
        userpass_seed.add_user(world.core, mount, "ann", {})
