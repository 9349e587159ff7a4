"""Namespaces: found by header and path, walled off, locked, sealed, deleted with all they hold."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vault.driving import World


def prepare(world: World) -> None:
    world.write("sys/namespaces/team", {"custom_metadata": {"owner": "ann"}})
    world.write("sys/namespaces/app", namespace="team")
    world.write("sys/mounts/kv", {"type": "kv"}, namespace="team/app")
    world.write("kv/a", {"v": "1"}, namespace="team/app")


pytestmark = pytest.mark.prepared(by=prepare)


@pytest.mark.parametrize(
    ("header", "path"),
    [
        ("team/app", "kv/a"), ("/team/app/", "kv/a"), ("team", "app/kv/a"), ("", "team/app/kv/a"),
        ("root", "team/app/kv/a"), ("team//app", "kv/a"),
    ],
)  # fmt: skip
def test_header_and_path_name_a_namespace_together(world: World, header: str, path: str) -> None:
    assert world.ask("read", path, namespace=header).data == {"v": "1"}


@pytest.mark.parametrize(
    ("header", "path", "text"),
    [
        ("none", "kv/a", "namespace not found"),
        ("team/none", "kv/a", "namespace not found"),
        ("team", "kv/a", 'no handler for route "kv/a". route entry not found.'),
    ],
)
def test_nothing_leaks_from_one_namespace_into_another(world: World, header: str, path: str, text: str) -> None:
    response = world.ask("read", path, namespace=header)
    assert (response.status, response.errors) == (404, [text])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("root", '"root/" is a reserved path'),
        ("a b", '"a b" contains space characters'),
        ("a*", '"a*" contains wildcard characters'),
        ("a\x00b", "contains unicode characters"),
    ],
)
def test_names_that_cannot_be(world: World, name: str, text: str) -> None:
    response = world.write(f"sys/namespaces/{name}")
    assert response.status == 400
    assert response.errors is not None
    assert text in response.errors[0]


def test_scan_goes_deep_list_does_not(world: World) -> None:
    assert (world.ask("list", "sys/namespaces/").data or {})["keys"] == ["team/"]
    assert (world.ask("scan", "sys/namespaces/").data or {})["keys"] == ["team/", "team/app/"]


def test_metadata_merges_on_patch_and_is_replaced_on_write(world: World) -> None:
    patched = world.ask("patch", "sys/namespaces/team", {"custom_metadata": {"owner": None, "x": "1"}}).data or {}
    assert patched["custom_metadata"] == {"x": "1"}
    written = world.write("sys/namespaces/team", {"custom_metadata": {"y": "2"}}).data or {}
    assert written["custom_metadata"] == {"y": "2"}
    refused = world.write("sys/namespaces/team", {"custom_metadata": {"y": 2}})
    assert refused.errors == ["custom_metadata values must be strings"]


def test_a_lock_shuts_everything_below_until_its_key_opens_it(world: World) -> None:
    key = (world.write("sys/namespaces/api-lock/lock/team").data or {})["unlock_key"]
    assert world.ask("read", "kv/a", namespace="team/app").status == 503
    assert world.write("sys/namespaces/api-lock/unlock/team", {"unlock_key": "no"}).errors == ["incorrect unlock key"]
    assert world.write("sys/namespaces/api-lock/unlock/team", {"unlock_key": key}).errors is None
    assert world.ask("read", "kv/a", namespace="team/app").data == {"v": "1"}


def test_a_namespace_with_a_seal_of_its_own(world: World) -> None:
    seal = 'seal "shamir" { shares = 3\n threshold = 2 }'
    made = world.write("sys/namespaces/vaulted", {"seal": seal}).data or {}
    assert (len(made["key_shares"]), made["key_threshold"]) == (3, 2)
    assert world.ask("read", "sys/mounts", namespace="vaulted").errors == ["namespace is sealed"]
    refused = world.ask("delete", "sys/namespaces/vaulted")
    assert (refused.status, refused.errors) == (503, ["namespace is sealed"])
    world.write("sys/namespaces/vaulted/seal")
    assert world.ask("read", "sys/mounts", namespace="vaulted").errors == ["namespace is sealed"]
    for share in made["key_shares"][1:]:
        world.write("sys/namespaces/vaulted/unseal", {"key": share})
    status = world.ask("read", "sys/namespaces/vaulted/seal-status").data or {}
    assert (status["sealed"], status["n"], status["t"]) == (False, 3, 2)
    assert world.ask("read", "sys/mounts", namespace="vaulted").errors is None


@pytest.mark.parametrize(
    ("seal", "error"),
    [
        ("x", "At 1:3: key 'x' expected start of object ('{') or assignment ('=')"),
        ("1.5", "At 1:1: expected: IDENT | STRING | ASSIGN | LBRACE got: FLOAT"),
        ('seal = "x"', "error parsing 'seal': seal.seal: At 1:8: root: not an object type for map (*ast.LiteralType)"),
        (
            'seal "shamir" {\n shares = [1]\n}',
            "error parsing 'seal': seal.shamir: '' expected type 'string', got unconvertible type '[]interface {}', "
            "value: '[1]'",
        ),
    ],
)
def test_a_seal_that_cannot_be_read(world: World, seal: str, error: str) -> None:
    """The texts are OpenBao's, recorded."""
    refused = world.write("sys/namespaces/vaulted", {"seal": seal})
    text = f"1 error occurred:\n\t* unable to parse seal config: {error}\n\n"
    assert (refused.status, refused.errors) == (500, [text])


def test_what_a_namespace_cannot_be_made_with(world: World) -> None:
    seal = 'seal "shamir" { shares = 2 threshold = 2 }'
    again = world.write("sys/namespaces/team", {"seal": seal})
    assert (again.status, again.errors) == (400, ["cannot modify existing namespace seal config"])
    world.write("sys/mounts/taken/kv", {"type": "kv"})
    taken = world.write("sys/namespaces/taken")
    assert (taken.status, taken.errors) == (400, ["new namespace conflicts with existing mount: taken/kv/"])
    keys = world.write("sys/namespaces/other", {"seal": seal, "pgp_keys": ["one"]})
    assert "count mismatch" in (keys.errors or [""])[0]
    assert world.ask("read", "sys/namespaces/other").status == 404


def test_deleting_takes_everything_with_it(world: World) -> None:
    refused = world.ask("delete", "sys/namespaces/team")
    assert refused.errors == ["unable to delete namespace containing child namespaces"]
    inner = world.write("auth/token/create", {"policies": ["default"]}, namespace="team/app")
    assert inner.auth is not None
    world.ask("delete", "sys/namespaces/app", namespace="team")
    core = world.core
    assert not [key for key in core.state.mounts.entries if key.startswith("team/app/")]
    assert inner.auth.client_token not in core.state.tokens.by_id
    assert not [key for key in core.state.policies.acl if key[0] == "team/app/"]
    world.write("sys/namespaces/app", namespace="team")
    assert world.ask("read", "kv/a", namespace="team/app").status == 404


def test_some_paths_belong_to_the_root_alone(world: World) -> None:
    for path, text in (
        ("sys/health", "operation unavailable in namespaces"),
        ("sys/audit", "operation only available in root namespace"),
    ):
        assert world.ask("read", path, namespace="team").errors == [text]


def test_the_other_product_ignores_the_header_and_stubs_the_endpoints() -> None:
    world = World("vault")
    plain: dict[str, Any] | None = world.ask("read", "sys/mounts", namespace="anything").data
    assert plain == world.ask("read", "sys/mounts").data
    refused = world.ask("list", "sys/namespaces/")
    assert (refused.status, refused.errors) == (404, ["enterprise-only feature"])
