"""Plugins: what each product refuses to register, and what reloading says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vault.driving import World


@pytest.mark.parametrize(
    ("flavor", "sent", "text"),
    [
        ("openbao", {}, "missing SHA-256 value"),
        ("openbao", {"sha256": "00"}, "missing command value"),
        ("openbao", {"sha256": "xx", "command": "a"}, "Could not decode SHA-256 value from Hex"),
        ("vault", {"sha256": "00"}, "must provide at least one of command or oci_image"),
        (
            "vault",
            {"sha256": "xx", "command": "a"},
            "Could not decode SHA256 value from Hex xx: encoding/hex: invalid byte: U+0078 'x'",
        ),
    ],
)
def test_what_cannot_be_registered(flavor: str, sent: dict[str, Any], text: str) -> None:
    answer = World(flavor).write("sys/plugins/catalog/secret/mine", sent)
    assert (answer.status, answer.errors) == (400, [text])


pytestmark = pytest.mark.flavors("vault", "vault-1.21")


@pytest.mark.parametrize(
    ("path", "body", "warnings"),
    [
        ("backend", {"plugin": "kv"}, []),
        ("backend", {"plugin": "pki"}, ["no plugins were reloaded"]),
        ("backend", {"plugin": "none"}, ["no plugins were reloaded"]),
        ("backend", {"mounts": "secret"}, []),
        ("secret/kv", {}, []),
        ("unknown/kv", {}, []),
        ("auth/kv", {}, ["no plugins were reloaded"]),
        ("database/mysql-database-plugin", {}, ["no plugins were reloaded"]),
    ],
)
def test_reloading_warns_where_nothing_runs(world: World, path: str, body: dict[str, Any], warnings: list[str]) -> None:
    answer = world.write(f"sys/plugins/reload/{path}", body)
    assert answer.errors is None
    assert set(answer.data or {}) == {"reload_id"}
    assert answer.warnings == warnings


def test_reloading_a_whole_cluster_is_accepted(world: World) -> None:
    assert world.write("sys/plugins/reload/secret/kv", {"scope": "global"}).status == 202
    refused = world.write("sys/plugins/reload/backend", {"plugin": "kv", "scope": "here"})
    assert refused.errors == ["reload scope must be omitted or 'global'"]


def test_a_mount_to_reload_must_be_there(world: World) -> None:
    answer = world.write("sys/plugins/reload/backend", {"mounts": ["nope"]})
    assert answer.status == 500
    assert answer.errors == ['1 error occurred:\n\t* cannot fetch mount entry on "nope/"\n\n']


def test_nothing_is_redirected_below_well_known(world: World) -> None:
    assert world.ask("read", "sys/well-known").data == {}
    assert world.ask("list", "sys/well-known/").status == 404
    assert world.ask("read", "sys/well-known/est").status == 404


def test_tuning_an_auth_method_by_its_mount_needs_sudo() -> None:
    rules = 'path "sys/mounts/*" { capabilities = ["read", "update"] }'
    for flavor, allowed in (("vault", False), ("vault-1.21", True), ("openbao", True)):
        world = World(flavor)
        world.write("sys/policies/acl/tuner", {"policy": rules})
        token = world.token(policies=["tuner"])
        answer = world.ask("read", "sys/mounts/auth/token/tune", token=token)
        assert (answer.errors is None) is allowed
        assert world.ask("read", "sys/mounts/secret/tune", token=token).errors is None


@pytest.mark.parametrize("flavor", ["vault", "vault-1.21"])
@pytest.mark.parametrize(("path", "kind"), [("sys/mounts/old", "ad"), ("sys/auth/old", "pcf")])
def test_mounting_a_deprecated_type_is_answered_with_a_warning(flavor: str, path: str, kind: str) -> None:
    # Vault's change log, 1.12.0 (17058), and the texts of vault/mount.go.
    mounted = World(flavor).write(path, {"type": kind})
    assert (mounted.errors, mounted.warnings) == (None, ["mount entry associated with deprecated builtin"])


@pytest.mark.parametrize("flavor", ["vault", "vault-1.21"])
@pytest.mark.parametrize(("path", "kind"), [("sys/mounts/old", "mysql"), ("sys/auth/old", "app-id")])
def test_types_that_former_versions_had_are_refused_as_removed(flavor: str, path: str, kind: str) -> None:
    # Vault's change log, 1.13.0 (18039), and helper/builtinplugins/registry_full.go: known, and not listed.
    world = World(flavor)
    refused = world.write(path, {"type": kind})
    text = f'could not mount "{kind}": mount entry associated with removed builtin'
    assert (refused.status, refused.errors) == (400, [text])
    catalog = "auth" if "auth" in path else "secret"
    shown = world.ask("read", f"sys/plugins/catalog/{catalog}/{kind}").data or {}
    assert shown["deprecation_status"] == "removed"
    assert kind not in (world.ask("read", "sys/plugins/catalog").data or {})[catalog]
