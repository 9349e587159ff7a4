"""Userpass: users, logins, lockout."""

from __future__ import annotations

import pytest

from mockkms.vault.framework.message import Response
from tests.vault.driving import World


def prepare(world: World) -> None:
    world.core.mount("", "auth/userpass/", "userpass")
    world.write("auth/userpass/users/Ann", {"password": "right", "token_policies": "a", "token_ttl": "10m"})


pytestmark = pytest.mark.prepared(by=prepare)


def login(world: World, password: str, name: str = "ann") -> Response:
    return world.write(f"auth/userpass/login/{name}", {"password": password}, token="")


BODY = "abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"
WRONG = ["invalid username or password"]


def test_names_are_not_case_sensitive(world: World) -> None:
    auth = login(world, "right", "ANN").auth
    assert auth is not None
    assert (auth.display_name, auth.metadata) == ("userpass-ann", {"username": "ann"})
    assert auth.policies == ["a", "default"]


def test_five_failures_lock_a_user_out_for_a_quarter_of_an_hour(world: World) -> None:
    for _ in range(5):
        assert login(world, "wrong").errors == WRONG
    assert login(world, "right").errors == ["permission denied"]
    world.later(899)
    assert login(world, "right").errors == ["permission denied"]
    world.later(1)
    assert login(world, "right").errors is None
    assert login(world, "wrong").errors == WRONG


def test_a_successful_login_resets_the_counter(world: World) -> None:
    for _ in range(4):
        login(world, "wrong")
    login(world, "right")
    for _ in range(4):
        login(world, "wrong")
    assert login(world, "right").errors is None


def test_users_that_do_not_exist_are_never_locked(world: World) -> None:
    assert [login(world, "x", "nobody").errors for _ in range(7)] == [WRONG] * 7


def test_the_mount_decides_about_the_lockout(world: World) -> None:
    mount = world.core.state.mounts.get("", "auth/userpass/")
    assert mount is not None
    mount.config.user_lockout = {"threshold": 2, "duration": 60}
    login(world, "wrong")
    login(world, "wrong")
    assert world.core.lockout.users(mount) == ["ann"]
    assert login(world, "right").errors == ["permission denied"]
    world.core.lockout.unlock(mount.accessor, "ann")
    assert login(world, "right").errors is None


def test_renewal_follows_the_user(world: World) -> None:
    auth = login(world, "right").auth
    assert auth is not None
    token = auth.client_token
    world.write("auth/userpass/users/ann", {"token_ttl": "20m"})
    renewed = world.write("auth/token/renew-self", token=token).auth
    assert renewed is not None
    assert renewed.lease_duration == 1200
    world.ask("delete", "auth/userpass/users/ann")
    assert world.write("auth/token/renew-self", token=token).status == 204


@pytest.mark.parametrize(
    ("flavor", "status", "text"),
    [("openbao", 500, "missing password"), ("vault", 400, "invalid credentials")],
)
def test_a_login_without_password_fails_as_the_product_does(flavor: str, status: int, text: str) -> None:
    world = World(flavor)
    world.core.mount("", "auth/userpass/", "userpass")
    answer = world.write("auth/userpass/login/ann", {}, token="")
    assert (answer.status, answer.errors) == (status, [text])


def test_one_product_alone_binds_to_the_address_of_the_login() -> None:
    for flavor, shown in (("openbao", True), ("vault", False)):
        world = World(flavor)
        world.core.mount("", "auth/userpass/", "userpass")
        world.write("auth/userpass/users/ann", {"password": "x", "token_strictly_bind_ip": True})
        auth = login(world, "x").auth
        assert auth is not None
        assert ("bound_cidrs" in world.self_of(auth.client_token)) is shown
        data = world.ask("read", "auth/userpass/users/ann").data
        assert data is not None
        assert ("token_strictly_bind_ip" in data) is shown


def test_a_password_hash_replaces_the_password(world: World) -> None:
    hashed = f"$2b$05${BODY}"
    assert world.write("auth/userpass/users/bob", {"password_hash": hashed}).errors is None
    assert login(world, "secret", "bob").errors is None
    assert login(world, "secrex", "bob").errors == WRONG


@pytest.mark.parametrize(
    ("hashed", "text"),
    [
        ("nohash", "password_hash is not a valid bcrypt hash"),
        (f"$2b$04${BODY}", "bcrypt cost of 4 is too low, want 5 at minimum"),
        (f"$2b$13${BODY}", "bcrypt cost of 13 exceeds maximum cost of 12"),
    ],
)
def test_bad_hashes_are_refused(world: World, hashed: str, text: str) -> None:
    assert world.write("auth/userpass/users/bob", {"password_hash": hashed}).errors == [text]


def test_the_locked_are_listed_and_let_in_again(world: World) -> None:
    for _ in range(5):
        login(world, "wrong")
    mount = world.core.state.mounts.get("", "auth/userpass/")
    assert mount is not None
    data = world.ask("read", "sys/locked-users").data
    assert data is not None
    assert data["total"] == 1
    assert data["by_namespace"][0]["mount_accessors"] == [
        {"mount_accessor": mount.accessor, "counts": 1, "alias_identifiers": ["ann"]}
    ]
    assert world.write(f"sys/locked-users/{mount.accessor}/unlock/ann").status == 204
    assert world.ask("read", "sys/locked-users").data == {
        "by_namespace": [{"namespace_id": "root", "namespace_path": "", "counts": 0, "mount_accessors": []}],
        "total": 0,
    }
    assert login(world, "right").errors is None


@pytest.mark.flavors("vault", "vault-1.21")
def test_vault_lists_no_namespace_without_locked_users(world: World) -> None:
    world.core.mount("", "auth/a/", "userpass")
    for path in ("auth/userpass", "auth/a"):
        world.write(f"{path}/users/bob", {"password": "right"})
        for _ in range(5):
            world.write(f"{path}/login/bob", {"password": "wrong"}, token="")
    mounts = world.core.state.mounts.of("", auth=True)
    accessors = sorted(mount.accessor for mount in mounts if mount.type == "userpass")
    data = world.ask("read", "sys/locked-users").data
    assert data is not None
    # Mounts with as many users are in the order of the storage's listing.
    assert [m["mount_accessor"] for m in data["by_namespace"][0]["mount_accessors"]] == accessors
    for accessor in accessors:
        world.write(f"sys/locked-users/{accessor}/unlock/bob")
    assert world.ask("read", "sys/locked-users").data == {"by_namespace": [], "total": 0}
    one = world.ask("read", "sys/locked-users", {"mount_accessor": accessors[0]}).data
    assert one is not None
    assert [space["namespace_id"] for space in one["by_namespace"]] == ["root"]


@pytest.mark.parametrize(
    ("hashed", "text"),
    [
        (f"$2b$10${BODY}x", "password hash has incorrect length"),
        (f"$2x$10${BODY}", "password hash has incorrect prefix"),
    ],
)
def test_vault_validates_the_form_of_a_hash(hashed: str, text: str) -> None:
    world = World("vault")
    world.core.mount("", "auth/userpass/", "userpass")
    refused = world.write("auth/userpass/users/x", {"password_hash": hashed})
    assert (refused.status, refused.errors) == (500, [f"1 error occurred:\n\t* {text}\n\n"])
    assert world.write("auth/userpass/users/x", {"password_hash": f"$2b$31${BODY}"}).errors is None
    assert login(world, "right", "x").errors == WRONG


def test_a_password_given_under_a_name_in_capitals_is_kept_where_no_login_finds_it(world: World) -> None:
    assert world.write("auth/userpass/users/ANN/password", {"password": "other"}).errors is None
    assert login(world, "other").errors == WRONG
    assert login(world, "right").errors is None
    assert world.write("auth/userpass/users/ann/password", {"password": "other"}).errors is None
    assert login(world, "other").errors is None
    listed = world.ask("list", "auth/userpass/users/").data
    assert listed is not None
    assert listed["keys"] == ["ANN", "ann"]


def test_alias_metadata_is_for_a_new_alias_and_emptied_by_a_write_without_it() -> None:
    world, user = World("vault"), "auth/userpass/users/ann"
    world.core.mount("", "auth/userpass/", "userpass")

    def custom() -> object:
        (alias,) = world.core.state.identity.aliases.values()
        return alias.custom_metadata

    def shown() -> object:
        return (world.ask("read", user).data or {})["alias_metadata"]

    world.write(user, {"password": "right", "alias_metadata": {"team": "blue"}})
    assert shown() == {"team": "blue"}
    login(world, "right")
    assert custom() == {"team": "blue"}
    world.write(user, {"alias_metadata": {"team": "red"}})
    login(world, "right")
    assert custom() == {"team": "blue"}
    world.write(user, {"token_ttl": "5m"})
    assert shown() == {}


@pytest.mark.parametrize(
    ("policies", "later", "flavors"),
    [
        ({"token_policies": "a,b"}, {}, ["vault", "vault-1.21", "openbao"]),
        ({"token_policies": "A"}, {}, ["vault", "vault-1.21"]),
        ({}, {}, ["vault", "vault-1.21", "openbao"]),
        ({"token_no_default_policy": True}, {}, ["vault", "vault-1.21"]),
        ({"token_policies": "a"}, {"token_policies": "A"}, ["vault", "vault-1.21"]),
        ({"token_policies": "a"}, {"token_policies": "b"}, []),
    ],
)
@pytest.mark.parametrize("flavor", ["vault", "vault-1.21", "openbao"])
def test_a_login_is_renewed_while_its_policies_are_the_same(
    flavor: str, policies: dict[str, object], later: dict[str, object], flavors: list[str]
) -> None:
    """Vault's policyutil.go compares names in lower case, and takes policies that were never set for none."""
    world = World(flavor)
    prepare(world)
    world.write("auth/userpass/users/bob", {"password": "right", **policies})
    auth = login(world, "right", "bob").auth
    assert auth is not None
    world.write("auth/userpass/users/bob", later)
    renewed = world.write("auth/token/renew", {"token": auth.client_token})
    refused = None if flavor in flavors else "failed to renew entry: policies have changed, not renewing"
    assert (refused in str(renewed.errors)) if refused else (renewed.errors is None), renewed.errors
