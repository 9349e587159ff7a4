"""KV version 1."""

from __future__ import annotations

import pytest

from mockkms.vault.golang.number import Number
from tests.vault.driving import World


def prepare(world: World) -> None:
    world.core.mount("", "kv/", "kv", options={"version": "1"})


pytestmark = pytest.mark.prepared(by=prepare)


def test_secrets_are_stored_as_sent(world: World) -> None:
    data = {"s": "x", "big": 12345678901234567890, "f": Number("1.50"), "none": None, "path": "mine"}
    assert world.write("kv/a", data).status == 204
    assert world.ask("read", "kv/a").data == data


@pytest.mark.parametrize(
    ("data", "seconds"),
    [({"ttl": "1h"}, 3600), ({"lease": "30m"}, 1800), ({"ttl": "1h", "lease": "2h"}, 3600), ({"ttl": None}, 0),
     ({"ttl": -5}, -5), ({"ttl": "x"}, 2764800), ({"ttl": True}, 2764800), ({"ttl": Number("1.5")}, 2764800)],
)  # fmt: skip
def test_a_read_lasts_as_long_as_the_secret_says(world: World, data: dict[str, object], seconds: int) -> None:
    world.write("kv/a", data)
    lease = world.ask("read", "kv/a").lease
    assert lease is not None
    assert lease.ttl == seconds
    assert not lease.renewable


def test_lists_show_folders_and_scan_shows_all(world: World) -> None:
    for path in ("b", "a", "dir/x", "dir/sub/y"):
        world.write(f"kv/{path}", {"k": 1})
    assert world.ask("list", "kv/").data == {"keys": ["a", "b", "dir/"]}
    assert world.ask("list", "kv/dir/").data == {"keys": ["sub/", "x"]}
    assert world.ask("scan", "kv/").data == {"keys": ["a", "b", "dir/x", "dir/sub/y"]}
    assert world.ask("list", "kv/none/").status == 404


@pytest.mark.parametrize(
    ("path", "data", "error"), [("kv/a", {}, "missing data fields"), ("kv", {"a": 1}, "missing path")]
)
def test_bad_writes(world: World, path: str, data: dict[str, object], error: str) -> None:
    response = world.write(path, data)
    assert (response.status, response.errors) == (400, [error])


def test_deleted_secrets_are_gone(world: World) -> None:
    world.write("kv/a", {"k": 1})
    assert world.ask("delete", "kv/a").status == 204
    assert world.ask("read", "kv/a").status == 404
    assert world.ask("delete", "kv/a").status == 204


def test_an_upgraded_mount_keeps_its_secrets(world: World) -> None:
    world.write("kv/dir/a", {"k": 1})
    answer = world.write("sys/mounts/kv/tune", {"options": {"version": "2"}})
    assert answer.warnings[0].startswith("Upgrading mount from version 1 to version 0.")
    read = world.ask("read", "kv/data/dir/a").data
    assert read is not None
    assert read["data"] == {"k": 1}
    shown = world.ask("read", "kv/metadata/dir/a").data
    assert shown is not None
    assert (shown["current_version"], shown["oldest_version"]) == (1, 1)
