"""Rules of storage, rate limits and the OpenAPI document, read off the real server's source."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vault.driving import World


def refusal(world: World, operation: str, path: str, data: dict[str, Any] | None = None) -> tuple[int, list[str]]:
    response = world.ask(operation, path, data)
    return response.status, response.errors or []


def test_a_stored_value_keeps_its_compression(world: World) -> None:
    assert world.write("sys/raw/a", {"value": "x", "compression_type": "gzip"}).errors is None
    assert world.write("sys/raw/a", {"value": "y"}).errors is None
    assert refusal(world, "update", "sys/raw/a", {"value": "y", "compression_type": "snappy"}) == (
        400, ["the entry uses a different compression scheme then compression_type"],
    )  # fmt: skip
    assert world.write("sys/raw/a", {"value": "y", "compression_type": ""}).errors is None
    assert refusal(world, "update", "sys/raw/a", {"value": "y", "compression_type": "gzip"})[0] == 400
    world.ask("delete", "sys/raw/a")
    assert world.write("sys/raw/a", {"value": "x", "compression_type": "gzip"}).errors is None
    assert (world.ask("read", "sys/raw/a").data or {}) == {"value": "x"}


def test_the_encoding_is_looked_at_before_the_compression(world: World) -> None:
    body = {"value": "x", "encoding": "odd", "compression_type": "odd"}
    assert refusal(world, "update", "sys/raw/a", body) == (400, ['invalid encoding "odd"'])
    assert refusal(world, "update", "sys/raw/a", {"compression_type": "odd"}) == (
        400, ['invalid compression type "odd"'],
    )  # fmt: skip


@pytest.mark.parametrize("key", ["core/keyring", "core/cluster/local/info/x"])
def test_the_servers_own_keys_are_out_of_reach(world: World, key: str) -> None:
    assert refusal(world, "read", f"sys/raw/{key}") == (400, [f'cannot access "{key}"'])
    assert refusal(world, "delete", f"sys/raw/{key}") == (400, [f'cannot access "{key}"'])
    assert refusal(world, "list", f"sys/raw/{key}/") == (400, [f'cannot access "{key}/"'])
    assert refusal(world, "update", f"sys/raw/{key}", {"value": "x"}) == (
        500, ["1 error occurred:\n\t* internal error\n\n"],
    )  # fmt: skip


@pytest.mark.parametrize("flavor", ["vault", "vault-1.21"])
@pytest.mark.parametrize("key", ["core/keyring", "core/cluster/local/info/x"])
def test_vault_names_the_operation_on_its_own_keys(flavor: str, key: str) -> None:
    world = World(flavor)
    for operation, verb in (("read", "read"), ("delete", "delete"), ("update", "write"), ("list", "list")):
        path = f"sys/raw/{key}"
        named = f"{key}/" if operation == "list" else key
        body = {"value": "?", "encoding": "base64"} if operation == "update" else None
        assert refusal(world, operation, path, body) == (400, [f'cannot {verb} "{named}"'])


@pytest.mark.parametrize(("flavor", "known"), [("vault", True), ("vault-1.21", True), ("openbao", False)])
@pytest.mark.parametrize("kind", ["lz4", "lzw"])
def test_only_vault_compresses_with_older_methods(flavor: str, known: bool, kind: str) -> None:
    answer = World(flavor).write("sys/raw/a", {"value": "x", "compression_type": kind})
    assert (answer.errors is None) is known


@pytest.mark.parametrize(
    ("exempt", "answers"),
    [
        (["kv/*"], [404, 404]),
        (["*"], [404, 404]),
        (["*", "!kv/"], [404, 429]),
        (["/kv"], [404, 429]),
        (["kv/", "!kv/a"], [404, 429]),
    ],
)
def test_exempt_paths_are_prefixes(world: World, exempt: list[str], answers: list[int]) -> None:
    world.write("sys/mounts/kv", {"type": "kv"})
    world.write("sys/quotas/config", {"rate_limit_exempt_paths": exempt})
    world.write("sys/quotas/rate-limit/r", {"path": "kv", "rate": 1, "interval": "1h"})
    assert [world.ask("read", "kv/a").status for _ in range(2)] == answers


def paths_seen(world: World, token: str, **data: Any) -> set[str]:
    response = world.ask("read", "sys/internal/specs/openapi", data, token=token)
    assert response.document is not None
    return set(response.document["paths"])


def test_the_openapi_document_shows_what_the_caller_may_reach(world: World) -> None:
    world.write("sys/policies/acl/kv", {"policy": 'path "secret/*" { capabilities = ["read"] }'})
    assert not paths_seen(world, "")
    seen = paths_seen(world, world.token(policies=["kv"], no_default_policy=True))
    assert seen
    assert all(path.startswith("/secret/") for path in seen)
    world.write("sys/mounts/secret/tune", {"listing_visibility": "unauth"})
    assert paths_seen(world, "") == seen


def test_the_openapi_document_is_that_of_the_product() -> None:
    documents = {
        flavor: World(flavor).ask("read", "sys/internal/specs/openapi").document or {}
        for flavor in ("openbao", "vault", "vault-1.21")
    }
    cors = {
        flavor: document["paths"]["/sys/config/cors"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        for flavor, document in documents.items()
    }
    offered = {flavor: "allow_credentials" in schema["properties"] for flavor, schema in cors.items()}
    assert offered == {"openbao": True, "vault": False, "vault-1.21": False}
    rekey = {flavor: document["paths"]["/sys/rekey/init"] for flavor, document in documents.items()}
    opened = {flavor: item.get("x-vault-unauthenticated", False) for flavor, item in rekey.items()}
    assert opened == {"openbao": True, "vault": False, "vault-1.21": True}


def test_mounts_may_stand_as_variables_in_the_openapi_document(world: World) -> None:
    world.write("sys/auth/my-roles", {"type": "approle"})
    seen = paths_seen(world, "root", generic_mount_paths=True)
    assert "/auth/{my_roles_mount_path}/login" in seen
    assert "/auth/token/lookup-self" in seen
    assert "/sys/health" in seen
    assert not any(path.startswith(("/secret/", "/auth/my-roles")) for path in seen)
    document = world.ask("read", "sys/internal/specs/openapi", {"generic_mount_paths": True}).document or {}
    assert document["paths"]["/{secret_mount_path}/config"]["parameters"][-1] == {
        "name": "secret_mount_path", "description": "Path that the backend was mounted at", "in": "path",
        "schema": {"type": "string", "default": "secret"}, "required": True,
    }  # fmt: skip


def test_a_level_of_blanks_alone_is_the_usual_one(world: World) -> None:
    world.write("sys/loggers", {"level": "debug"})
    assert refusal(world, "update", "sys/loggers", {"level": ""}) == (400, ["level is empty"])
    assert world.write("sys/loggers", {"level": " "}).status == 204
    assert (world.ask("read", "sys/loggers").data or {})["core"] == "info"


@pytest.mark.parametrize(("level", "status"), [("", 0), (" Info ", 0), (" ", 400), ("notice", 400)])
def test_levels_of_the_log_stream(world: World, level: str, status: int) -> None:
    assert world.ask("read", "sys/monitor", {"log_level": level}).status == status


def test_an_accessor_is_of_the_namespace_that_is_asked(world: World) -> None:
    world.write("sys/namespaces/team")
    other = world.write("auth/token/create", {}, namespace="team").auth
    own = world.write("auth/token/create", {}).auth
    assert other is not None
    assert own is not None
    elsewhere = (500, ["1 error occurred:\n\t* cannot lookup token in different namespace\n\n"])
    asked = "sys/capabilities-accessor"
    assert refusal(world, "update", asked, {"accessor": other.accessor, "paths": "a"}) == elsewhere
    answer = world.write(asked, {"accessor": own.accessor, "paths": "a"}, namespace="team")
    assert (answer.status, answer.errors) == elsewhere
    assert world.write(asked, {"accessor": other.accessor, "paths": "a"}, namespace="team").errors is None


def test_an_id_may_name_the_root_namespace(world: World) -> None:
    world.write("sys/namespaces/team")
    lease = world.core.state.leases
    world.write("auth/token/create", {"ttl": "1h"})
    known = next(id for id in lease.items if id.startswith("auth/token/create/"))
    in_team = world.write("sys/leases/lookup", {"lease_id": known}, namespace="team")
    assert in_team.errors == ["invalid lease"]
    lease.items[f"{known}.root"] = lease.items[known]
    assert world.write("sys/leases/lookup", {"lease_id": f"{known}.root"}, namespace="team").errors is None


def test_numbers_of_thousands_of_digits_are_out_of_range(world: World) -> None:
    many = "9" * 5000
    world.write("sys/auth/userpass", {"type": "userpass"})
    lockout = {"user_lockout_config": {"lockout_threshold": many}}
    for path, body in ((f"sys/tools/random/{many}", {}), ("sys/auth/userpass/tune", lockout)):
        status, errors = refusal(world, "update", path, body)
        assert status == 400
        assert errors[0].endswith(f'parsing "{many}": value out of range')
    assert world.ask("read", "sys/pprof/heap", query={"seconds": many}).status == 400


@pytest.mark.parametrize("flavor", ["openbao", "vault"])
def test_the_routers_tables_show_routes_or_mounts_alone(flavor: str) -> None:
    world = World(flavor)
    world.core.mount("", "auth/users/", "userpass")
    tables = {
        tag: {
            entry["mount_path"]: entry
            for entry in (world.ask("read", f"sys/internal/inspect/router/{tag}").data or {})[tag]
        }
        for tag in ("root", "uuid")
    }
    users = tables["root"]["users/"]
    assert (users["storage_prefix"], users["tainted"]) == (f"auth/{users['uuid']}/", False)
    assert tables["root"]["token/"]["storage_prefix"] == "sys/token/"
    assert tables["root"]["sys/"]["storage_prefix"] == "sys/"
    assert tables["root"]["secret/"]["storage_prefix"] == f"logical/{tables['uuid']['secret/']['uuid']}/"
    assert "storage_prefix" not in tables["uuid"]["users/"]
