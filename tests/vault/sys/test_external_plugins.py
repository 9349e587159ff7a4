"""External plugins: registration, versions, pins, programs that are not run, and built-in types that answer for them.

The answers of OpenBao are those of OpenBao 2.6.2 with the same files in its plugin directory.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from mockkms import MockKMS, SeedError
from tests.vault.driving import World

EMPTY = hashlib.sha256(b"").hexdigest()
SCRIPT = b"#!/bin/sh\nexit 0\n"
CATALOG = "sys/plugins/catalog"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A plugin directory: an empty program, a script, a file that is not executable, a folder and a link out of it."""
    place = tmp_path.resolve() / "plugins"
    place.mkdir()
    for name, content, mode in (("empty", b"", 0o755), ("script", SCRIPT, 0o755), ("plain", SCRIPT, 0o644)):
        (place / name).write_bytes(content)
        (place / name).chmod(mode)
    (place / "folder").mkdir()
    (tmp_path / "outside").touch()
    (place / "link").symlink_to(tmp_path / "outside")
    return place


@pytest.fixture
def world(flavor: str, folder: Path) -> World:
    made = World(flavor)
    made.core.server.plugin_directory = str(folder)
    return made


@pytest.fixture(params=["vault", "openbao"])
def flavor(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def registered(world: World, path: str, command: str = "empty", **more: Any) -> None:
    sent = {"sha256": EMPTY, "command": command, **more}
    answer = world.write(f"{CATALOG}/{path}", sent)
    assert answer.errors is None


def names(world: World, kind: str) -> list[str]:
    found = world.ask("list", f"{CATALOG}/{kind}").data
    assert found is not None
    keys: list[str] = found["keys"]
    return keys


def details(world: World, name: str) -> list[dict[str, Any]]:
    found = world.ask("read", CATALOG).data
    assert found is not None
    return [one for one in found["detailed"] if one["name"] == name]


def test_a_registered_plugin_is_in_the_catalog(world: World) -> None:
    registered(world, "secret/mine", args=["a"], env=["KEY=value"])
    shown = world.ask("read", f"{CATALOG}/secret/mine").data
    origins = {"declarative": False, "oci": False} if world.core.product.name == "openbao" else {}
    plain = {"args": ["a"], "builtin": False, "command": "empty", "name": "mine", "sha256": EMPTY, "version": ""}
    assert shown == {**plain, **origins}
    assert "mine" in names(world, "secret")
    assert details(world, "mine") == [
        {"builtin": False, "name": "mine", "sha256": EMPTY, "type": "secret", "version": ""}
    ]
    assert world.ask("read", f"{CATALOG}/auth/mine").status == 404
    world.ask("delete", f"{CATALOG}/secret/mine")
    assert world.ask("read", f"{CATALOG}/secret/mine").status == 404
    assert "mine" not in names(world, "secret")


def test_versions_are_apart_and_in_order(world: World, flavor: str) -> None:
    for version in ("1.10.0", "1.2.0", "v9.0.0+custom", "2.0.0-rc1", "2.0.0"):
        registered(world, "secret/mine", command="empty x y", version=version)
    found = [one["version"] for one in details(world, "mine")]
    assert found == ["v1.2.0", "v1.10.0", "v2.0.0-rc1", "v2.0.0", "v9.0.0+custom"]
    assert ("mine" in names(world, "secret")) is (flavor == "openbao")
    assert world.ask("read", f"{CATALOG}/secret/mine").status == 404
    one = world.ask("read", f"{CATALOG}/secret/mine", {"version": "1.2"}).data
    assert one is not None
    assert (one["args"], one["command"]) == (["x", "y"], "empty")
    world.ask("delete", f"{CATALOG}/secret/mine", {"version": "1.2.0"})
    assert len(details(world, "mine")) == 4


def test_a_plugin_hides_the_built_in_one_of_its_name(world: World) -> None:
    registered(world, "secret/pki", command="script")
    shown = world.ask("read", f"{CATALOG}/secret/pki").data
    assert shown is not None
    assert shown["builtin"] is False
    version = details(World(world.core.product.name), "pki")[0]["version"]
    assert world.ask("read", f"{CATALOG}/secret/pki", {"version": version}).status == 404
    overridden = world.write("sys/mounts/own", {"type": "pki", "config": {"plugin_version": version}})
    assert overridden.errors == [
        f'secret plugin "pki", version {version} not found, as it is overridden by an unversioned plugin of the same'
        " name. Omit `plugin_version` to use the unversioned plugin"
    ]


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("missing", "error while validating the command path: lstat {folder}/missing: no such file or directory"),
        ("{folder}/empty", "error while validating the command path: lstat {folder}{first}: no such file or directory"),
        ("link", "cannot execute files outside of configured plugin directory"),
        ("../outside", "path cannot contain parent references"),
    ],
)
def test_commands_are_in_the_plugin_directory(world: World, folder: Path, command: str, fault: str) -> None:
    places = {"folder": str(folder), "first": "/" + folder.parts[1]}
    sent = {"sha256": EMPTY, "command": command.format(**places)}
    answer = world.write(f"{CATALOG}/secret/mine", sent)
    assert (answer.status, answer.errors) == (500, [f"1 error occurred:\n\t* {fault.format(**places)}\n\n"])


def test_without_a_type_the_program_would_have_to_run(world: World, folder: Path) -> None:
    answer = world.write(f"{CATALOG}/mine", {"sha256": EMPTY, "command": "empty"})
    fault = f"fork/exec {folder}/empty: exec format error"
    loading = "failed to load plugin as database"
    assert answer.errors == [
        f"3 errors occurred:\n\t* {loading} v5: {fault}\n\t* {loading} v4: {fault}\n"
        f"\t* failed to dispense v4 backend plugin: {fault}\n\n"
    ]


@pytest.mark.parametrize(
    ("command", "content", "fault"),
    [
        ("empty", b"", "fork/exec {folder}/empty: exec format error"),
        ("empty", b"other", "checksums did not match"),
        ("folder", b"", "error verifying checksum: read {folder}/folder: is a directory"),
        pytest.param(
            "plain",
            SCRIPT,
            "fork/exec {folder}/plain: permission denied",
            marks=pytest.mark.skipif(os.name == "nt", reason="this system has no such permissions"),
        ),
    ],
)
def test_a_program_that_cannot_run_is_not_mounted(
    world: World, folder: Path, command: str, content: bytes, fault: str
) -> None:
    digest = hashlib.sha256(content).hexdigest()
    line = f"\t* {fault.format(folder=folder)}\n"
    expected = f"version: 2 errors occurred:\n{line}{line}\n"
    for kind in ("secret", "auth", "database"):
        registered(world, f"{kind}/mine", command, sha256=digest)
    assert world.write("sys/mounts/own", {"type": "mine"}).errors == [f"invalid backend {expected}"]
    assert world.write("sys/auth/own", {"type": "mine"}).errors == [f"invalid backend {expected}"]
    assert world.write("sys/mounts/own", {"type": "plugin", "plugin_name": "mine"}).errors == [
        f"invalid backend {expected}"
    ]
    world.write("sys/mounts/database", {"type": "database"})
    refused = world.write("database/config/one", {"plugin_name": "mine", "allowed_roles": "*"})
    assert refused.errors == [f"error creating database object: invalid database {expected}"]


def test_a_program_that_is_no_plugin_fails_the_handshake(world: World, folder: Path) -> None:
    registered(world, "secret/mine", "script", sha256=hashlib.sha256(SCRIPT).hexdigest())
    (error,) = world.write("sys/mounts/own", {"type": "mine"}).errors or []
    assert error.count("Unrecognized remote plugin message: \nFailed to read any lines from plugin's stdout\n") == 2
    assert f"  Path: {folder}/script\n  Mode: -rwxr-xr-x\n" in error


def test_a_version_that_is_not_registered_is_not_mounted(world: World) -> None:
    registered(world, "secret/mine", version="1.0.0")
    answer = world.write("sys/mounts/own", {"type": "mine", "config": {"plugin_version": "2.0.0"}})
    assert answer.errors == ["plugin not found in the catalog: mine, version=v2.0.0"]
    assert world.write("sys/auth/own", {"type": "mine"}).errors == ["plugin not found in the catalog: mine"]


def test_reloading_knows_registered_plugins(world: World) -> None:
    registered(world, "secret/mine")
    registered(world, "database/own-database-plugin")
    assert world.write("sys/plugins/reload/backend", {"plugin": "mine"}).errors is None
    refused = world.write("sys/plugins/reload/backend", {"plugin": "own-database-plugin"}).errors
    text = 'plugin "own-database-plugin" cannot be reloaded, only plugins of type auth and secret can be reloaded'
    assert refused == ([text] if world.core.product.name == "openbao" else None)


@pytest.mark.parametrize("flavor", ["vault", "vault-1.21"])
def test_pins(world: World, flavor: str) -> None:
    for version in ("1.0.0", "2.0.0"):
        registered(world, "secret/mine", version=version)
    path = "sys/plugins/pins/secret/mine"
    assert world.ask("read", path).status == 404
    assert world.write(path, {"version": "3.0.0"}).errors == [
        'plugin not found in the catalog; secret plugin "mine" version v3.0.0 does not exist'
    ]
    assert world.write(path, {"version": "1.0.0"}).errors is None
    pinned = {"name": "mine", "type": "secret", "version": "v1.0.0"}
    assert world.ask("read", path).data == pinned
    assert world.ask("read", "sys/plugins/pins").data == {"pinned_versions": [pinned]}
    kept = world.ask("delete", f"{CATALOG}/secret/mine", {"version": "1.0.0"})
    assert kept.errors == ["1 error occurred:\n\t* cannot delete a pinned version\n\n"]
    world.ask("delete", path)
    assert world.ask("read", path).status == 404
    assert world.ask("delete", f"{CATALOG}/secret/mine", {"version": "1.0.0"}).errors is None


PLUGINS = [
    {"type": "secret", "name": "my-kv", "engine": "kv-v2", "version": "1.0.0"},
    {"type": "secret", "name": "my-kv", "engine": "kv-v2", "version": "1.1.0", "sha256": EMPTY},
    {"type": "auth", "name": "my-login", "engine": "userpass"},
    {"type": "database", "name": "my-database-plugin", "engine": "postgresql-database-plugin"},
    {"type": "secret", "name": "only-listed"},
]
MOUNTED = {"my/": {"type": "kv-v2", "plugin": "my-kv", "secrets": {"app": {"password": "s3cr3t"}}}}


def test_built_in_types_answer_for_plugins(flavor: str) -> None:
    seed = {"vault": {"plugins": PLUGINS, "mounts": MOUNTED}}
    kms = MockKMS(seed=seed, flavor=flavor)
    world = World(flavor)
    world.core = kms.world.core
    assert world.write("sys/mounts/own", {"type": "my-kv"}).errors is None
    shown = world.ask("read", "sys/mounts/own").data
    assert shown is not None
    assert (shown["type"], shown["plugin_version"], shown["running_plugin_version"], shown["running_sha256"]) == (
        "my-kv", "v1.1.0", "v1.1.0", EMPTY,
    )  # fmt: skip
    world.write("own/data/app", {"data": {"a": "b"}})
    read = world.ask("read", "own/data/app").data
    assert read is not None
    assert read["data"] == {"a": "b"}
    seeded = world.ask("read", "my/data/app").data
    assert seeded is not None
    assert seeded["data"] == {"password": "s3cr3t"}
    assert world.write("sys/auth/own", {"type": "my-login"}).errors is None
    assert world.write("auth/own/users/anna", {"password": "pw"}).errors is None
    assert world.write("auth/own/login/anna", {"password": "pw"}, token="").auth is not None
    world.write("sys/mounts/database", {"type": "database"})
    url = "postgresql://{{username}}:{{password}}@db.example.org/app"
    connection = {"plugin_name": "my-database-plugin", "connection_url": url, "username": "root", "password": "pw"}
    assert world.write("database/config/one", connection | {"verify_connection": False}).errors is None
    details = world.ask("read", "database/config/one").data
    assert details is not None
    assert details["plugin_name"] == "my-database-plugin"
    assert world.write("sys/mounts/other", {"type": "only-listed"}).errors == [
        "plugin not found in the catalog: only-listed"
    ]
    # A name with a type that answers for it can be registered without a program, in any version.
    assert world.write(f"{CATALOG}/secret/my-kv", {"sha256": EMPTY, "command": "x", "version": "2.0.0"}).errors is None
    assert world.write("sys/mounts/my/tune", {"plugin_version": "2.0.0"}).errors is None
    assert world.write(f"{CATALOG}/secret/other", {"sha256": EMPTY, "command": "x"}).errors == [
        "1 error occurred:\n\t* could not set plugin, plugin directory is not configured\n\n"
    ]


def test_a_world_with_plugins_loads_what_it_dumps(flavor: str) -> None:
    kms = MockKMS(seed={"vault": {"plugins": PLUGINS, "mounts": MOUNTED}}, flavor=flavor)
    text = kms.dump()
    assert "plugin" not in text.partition("exact:")[2]
    again = MockKMS(seed=text)
    assert again.dump() == text


@pytest.mark.parametrize(
    ("plugin", "text"),
    [
        ({"type": "secret", "name": "a", "engine": "userpass"}, '"userpass" is no built-in secret plugin'),
        ({"type": "database", "name": "a", "engine": "kv"}, '"kv" is no built-in database plugin'),
        ({"type": "secret", "name": "a", "version": "x"}, 'version "x" is not a valid semantic version'),
    ],
)
def test_wrong_plugins_in_worlds_are_named(plugin: dict[str, str], text: str) -> None:
    with pytest.raises(SeedError) as caught:
        MockKMS(seed={"vault": {"plugins": [plugin]}})
    assert text in str(caught.value)


def test_the_settings_of_the_server_name_the_directory(folder: Path) -> None:
    kms = MockKMS(plugin_directory=folder)
    world = World("vault")
    world.core = kms.world.core
    found = world.ask("read", "sys/config/state/sanitized").data
    assert found is not None
    assert found["plugin_directory"] == str(folder)
