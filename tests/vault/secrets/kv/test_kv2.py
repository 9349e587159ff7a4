"""KV version 2, endpoint by endpoint."""

from __future__ import annotations

from typing import Any

import pytest

from mockkms.vault.golang.number import Number
from mockkms.vault.secrets.kv import world as kv_seed
from mockkms.vault.secrets.kv.v2.payload import float_text, merge, stored
from tests.vault.driving import START, World


def prepare(world: World) -> None:
    world.core.mount("", "kv/", "kv", options={"version": "2"})


pytestmark = pytest.mark.prepared(by=prepare)


def put(world: World, path: str = "a", cas: object = None, **data: Any) -> Any:
    options = {} if cas is None else {"options": {"cas": cas}}
    return world.write(f"kv/data/{path}", {"data": data, **options})


def test_a_deleted_version_is_404_with_its_metadata(world: World) -> None:
    put(world, v=1)
    world.ask("delete", "kv/data/a")
    answer = world.ask("read", "kv/data/a")
    assert (answer.status, answer.errors) == (404, None)
    assert answer.data is not None
    assert answer.data["data"] is None
    assert answer.data["metadata"]["deletion_time"] == "2027-01-15T08:00:00Z"
    world.write("kv/undelete/a", {"versions": "1"})
    assert world.ask("read", "kv/data/a").status == 0


def test_a_destroyed_version_stays_destroyed(world: World) -> None:
    put(world, v=1)
    world.write("kv/destroy/a", {"versions": [1]})
    world.write("kv/undelete/a", {"versions": [1]})
    answer = world.ask("read", "kv/data/a")
    assert answer.status == 404
    assert answer.data is not None
    assert answer.data["metadata"]["destroyed"] is True


@pytest.mark.parametrize(
    ("cas", "error"),
    [(1, None), ("1", None), (0, "did not match the current version"), (None, "required for this call"),
     (-1, "did not match the current version"), ("x", "error parsing"), (Number("1.0"), "error parsing")],
)  # fmt: skip
def test_check_and_set(world: World, cas: object, error: str | None) -> None:
    put(world, v=1)
    world.write("kv/config", {"cas_required": True})
    answer = put(world, cas=cas, v=2)
    if error is None:
        assert answer.data["version"] == 2
    else:
        assert answer.status == 400
        assert error in answer.errors[0]


@pytest.mark.parametrize(
    ("before", "patch", "after"),
    [
        ({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"c": None}, "n": 1}, {"a": 1, "b": {"d": 3}, "n": 1}),
        ({"a": {"b": 1}}, {"a": [None, {"x": None}]}, {"a": [None, {"x": None}]}),
        ({"a": 1}, {"a": {"x": None, "y": 2}}, {"a": {"y": 2}}),
        ({}, {"l": [{"x": None}]}, {"l": [{}]}),
    ],
)
def test_merge_patch(before: dict[str, Any], patch: dict[str, Any], after: dict[str, Any]) -> None:
    assert merge(before, patch) == after


def test_patching_missing_secrets(world: World) -> None:
    assert world.ask("patch", "kv/data/none", {"data": {"a": 1}}).status == 404
    world.write("kv/data/null", {"data": None})
    answer = world.ask("patch", "kv/data/null", {"data": {"a": 1}})
    assert answer.errors == ["1 error occurred:\n\t* resource does not exist\n\n"]


def test_the_larger_limit_of_versions_applies(world: World) -> None:
    world.write("kv/config", {"max_versions": 2})
    world.write("kv/metadata/a", {"max_versions": 3})
    for number in range(5):
        put(world, v=number)
    shown = world.ask("read", "kv/metadata/a").data
    assert shown is not None
    assert sorted(shown["versions"]) == ["3", "4", "5"]
    assert shown["oldest_version"] == 3


def test_versions_expire_by_the_shorter_time(world: World) -> None:
    world.write("kv/config", {"delete_version_after": "1h"})
    world.write("kv/metadata/a", {"delete_version_after": "10m"})
    assert put(world, v=1).data["deletion_time"] == "2027-01-15T08:10:00Z"
    world.later(600)
    assert world.ask("read", "kv/data/a").status == 404
    world.write("kv/config", {"delete_version_after": "-1s"})
    assert put(world, v=2).data["deletion_time"] == ""


def test_numbers_are_read_back_as_floats() -> None:
    sent = {"i": 9007199254740993, "u": 18446744073709551615, "f": Number("1e20"), "z": Number("0.10")}
    kept = {"i": 9007199254740992, "u": 18446744073709552000, "f": 100000000000000000000, "z": Number("0.1")}
    assert stored(sent) == kept
    assert (float_text(1e21), float_text(1e-7)) == (Number("1e+21"), Number("1e-7"))


def test_a_number_too_large_is_accepted_and_unreadable(world: World) -> None:
    assert put(world, v=10**400).data["version"] == 1
    answer = world.ask("read", "kv/data/a")
    assert answer.status == 500
    assert "cannot unmarshal number 1000" in (answer.errors or [""])[0]


def test_a_trailing_slash_finds_the_metadata_alone(world: World) -> None:
    put(world, v=1)
    assert world.ask("read", "kv/data/a/").errors == ["1 error occurred:\n\t* could not find version data\n\n"]


@pytest.mark.parametrize("flavor", ["vault", "vault-1.21", "openbao"])
def test_subkeys_below_a_trailing_slash(flavor: str) -> None:
    """An error of the server, in every product: of Vault, ``data/`` alone refuses such paths before.

    Source: the patterns and handlers in ``path_subkeys.go`` and ``path_data.go`` of ``vault-plugin-secrets-kv``.
    """
    world = World(flavor)
    world.ask("update", "sys/mounts/kv", {"type": "kv", "options": {"version": "2"}})
    put(world, v=1)
    answer = world.ask("read", "kv/subkeys/a/")
    assert (answer.status, answer.errors) == (500, ["1 error occurred:\n\t* could not find version data\n\n"])
    assert world.ask("read", "kv/subkeys/b/").status == 404


@pytest.mark.parametrize(("depth", "keys"), [(0, {"b": {"c": None}, "a": None}), (1, {"b": None, "a": None})])
def test_subkeys(world: World, depth: int, keys: dict[str, Any]) -> None:
    put(world, a=1, b={"c": [1]})
    data = world.ask("read", "kv/subkeys/a", {"depth": depth}).data
    assert data is not None
    assert data["subkeys"] == keys


def test_custom_metadata_limits(world: World) -> None:
    answer = world.write("kv/metadata/a", {"custom_metadata": {"": "v", "k": "v" * 513}})
    assert answer.status == 400
    assert (answer.errors or [""])[0].startswith("2 errors occurred:\n\t* custom_metadata validation failed: length of")


def test_metadata_check_and_set_and_patch(world: World) -> None:
    world.write("kv/metadata/a", {"metadata_cas_required": True, "metadata_cas": 0})
    assert world.ask("patch", "kv/metadata/a", {"max_versions": 2}).status == 400
    world.ask("patch", "kv/metadata/a", {"custom_metadata": {"a": "b", "c": None}, "metadata_cas": 1})
    shown = world.ask("read", "kv/metadata/a").data
    assert shown is not None
    assert (shown["custom_metadata"], shown["current_metadata_version"]) == ({"a": "b"}, 2)
    odd = world.ask("patch", "kv/metadata/a", {"custom_metadata": {"a": 5}, "metadata_cas": 2})
    assert odd.status == 500


def test_paths_without_data_get_a_hint(world: World) -> None:
    answer = world.ask("read", "kv/a")
    assert (answer.status, answer.errors, answer.data) == (404, None, None)
    assert answer.warnings[0].endswith("use 'bao kv get' for this operation.")


def test_the_other_product(world: World) -> None:
    other = World("vault")
    answer = other.write("secret/data/a", {"data": {"v": 1}})
    assert answer.mount_type == "kv"
    shown = other.ask("read", "secret/metadata/a").data
    assert shown is not None
    assert "current_metadata_version" not in shown
    assert shown["versions"]["1"]["created_by"]["operation"] == "create"
    ignored = other.write("secret/metadata/a", {"metadata_cas_required": False, "max_versions": 1})
    assert ignored.errors is None
    assert other.ask("list", "secret/detailed-metadata/").status == 404
    other.ask("delete", "secret/data/a")
    assert other.ask("read", "secret/data/a").mount_type == ""


def test_the_other_product_lists_without_deleted_keys() -> None:
    other = World("vault")
    for name in ("a", "b", "dir/c"):
        other.write(f"secret/data/{name}", {"data": {}})
    other.ask("delete", "secret/data/a")
    listed = other.ask("list", "secret/metadata/", {"exclude_deleted": "true"})
    assert listed.data == {"keys": ["b", "dir/"]}


def test_lists_by_pages(world: World) -> None:
    for name in ("c", "a", "b/x"):
        put(world, name, v=1)
    assert world.ask("list", "kv/metadata/", {"after": "a", "limit": 1}).data == {"keys": ["b/"]}
    detailed = world.ask("list", "kv/detailed-metadata/").data
    assert detailed is not None
    assert detailed["key_info"]["b/"] == {}
    assert detailed["key_info"]["a"]["current_version"] == 1


def test_seeded_keys_come_back(world: World) -> None:
    mount = world.core.state.mounts.match("", "kv/")
    assert mount is not None
    spec = {"versions": [{"v": 1}, {"data": {"v": 2}, "deleted": True}, {"destroyed": True}], "max_versions": 7}
    kv_seed.add_key(world.core, mount, "app/db", spec)
    kv_seed.add_secret(world.core, mount, "plain", {"k": "v"})
    assert kv_seed.dump_keys(mount.state, START)["app/db"] == spec
    assert kv_seed.dump_secrets(mount.state, START) == {"plain": {"k": "v"}}


def test_names_in_refusals_of_custom_metadata_are_quoted_as_go_does(world: World) -> None:
    answer = world.write("kv/metadata/a", {"custom_metadata": {"a\x07": "v"}})
    assert answer.errors == [
        "1 error occurred:\n\t* custom_metadata validation failed: "
        'key "a\\a" (a\x07) contains unprintable characters\n\n'
    ]


@pytest.mark.parametrize(
    ("flavor", "lifetime", "status"), [("openbao", "1h0m0s", 204), ("vault", "0s", 404), ("vault-1.21", "0s", 404)]
)
def test_a_metadata_patch_of_zero_and_of_nothing(flavor: str, lifetime: str, status: int) -> None:
    world = World(flavor)
    world.core.mount("", "kv/", "kv", options={"version": "2"})
    world.write("kv/metadata/a", {"delete_version_after": "1h"})
    world.ask("patch", "kv/metadata/a", {"delete_version_after": "0s"})
    data = world.ask("read", "kv/metadata/a").data
    assert data is not None
    assert data["delete_version_after"] == lifetime
    assert world.ask("patch", "kv/metadata/none", {}).status == status
