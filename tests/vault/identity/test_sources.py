"""The sources of entities, groups and aliases, and child issuers, in Vault's later releases."""

from __future__ import annotations

import json

import pytest

from tests.vault.driving import World


@pytest.fixture
def vault() -> World:
    made = World("vault")
    made.core.mount("", "auth/up/", "userpass")
    return made


def test_an_alias_keeps_its_issuer_and_its_id_there(vault: World) -> None:
    accessor = vault.core.state.mounts.entries["auth/up/"].accessor
    asked = {"name": "ann", "mount_accessor": accessor, "issuer": "https://i", "external_id": "7"}
    made = vault.write("identity/entity-alias", asked)
    assert made.data is not None
    assert made.warnings == []
    id = made.data["id"]
    vault.write(f"identity/entity-alias/id/{id}", {"external_id": "8"})
    shown = vault.ask("read", f"identity/entity-alias/id/{id}").data
    assert shown is not None
    assert (shown["issuer"], shown["external_id"]) == ("https://i", "8")


@pytest.mark.parametrize(("path", "more"), [("entity", {"external_id": "7"}), ("group", {})])
@pytest.mark.parametrize(("flavor", "known"), [("vault", True), ("vault-1.21", False), ("openbao", False)])
def test_only_vault_2_has_scim_client_id(path: str, more: dict[str, str], flavor: str, known: bool) -> None:
    warnings = World(flavor).write(f"identity/{path}", {"name": "a", "scim_client_id": "", **more}).warnings
    assert bool(warnings) is not known


@pytest.mark.parametrize("kind", ["entity", "group"])
def test_only_a_scim_client_sets_its_id(vault: World, kind: str) -> None:
    """Vault's check of SCIM resources, in identity_store_groups.go and the entity builder."""
    refused = vault.write(f"identity/{kind}", {"name": "a", "scim_client_id": "c"})
    assert (refused.status, refused.errors) == (400, ["cannot set scim_client_id"])
    assert vault.ask("read", f"identity/{kind}/name/a").data is None
    vault.write(f"identity/{kind}", {"name": "a"})
    refused = vault.write(f"identity/{kind}/name/a", {"scim_client_id": "c", "policies": ["p"]})
    assert (refused.status, refused.errors) == (400, ["cannot update scim_client_id"])
    shown = vault.ask("read", f"identity/{kind}/name/a").data
    assert shown is not None
    assert not shown["policies"]


def test_an_entity_is_found_by_its_id_at_its_source(vault: World) -> None:
    """Vault's identity_store_entity_builder.go: first by id, then by external id, then by name."""
    made = vault.write("identity/entity", {"name": "ann", "external_id": "7"}).data
    assert made is not None
    assert vault.write("identity/entity", {"name": "anne", "external_id": "7"}).data is None, "nothing is created"
    assert vault.ask("read", "identity/entity/name/ann").data is None
    shown = vault.ask("read", "identity/entity/name/anne").data
    assert shown is not None
    assert shown["id"] == made["id"]
    assert "external_id" not in shown
    vault.write("identity/entity", {"name": "bob"})
    refused = vault.write("identity/entity", {"name": "bob", "external_id": "7"})
    assert refused.errors == ["entity name 'bob' is already in use"]
    vault.write("identity/entity", {"name": "bob", "external_id": "8"})
    assert vault.write("identity/entity", {"external_id": "8", "name": "carl"}).data is not None, "a name sets no id"


def test_an_id_at_the_source_is_set_by_id(vault: World) -> None:
    made = vault.write("identity/entity", {"name": "ann"}).data
    assert made is not None
    vault.write(f"identity/entity/id/{made['id']}", {"external_id": "7"})
    vault.write("identity/entity", {"external_id": "7", "policies": ["p"]})
    shown = vault.ask("read", "identity/entity/name/ann").data
    assert shown is not None
    assert shown["policies"] == ["p"]


@pytest.mark.parametrize("document", ["keys", "openid-configuration"])
@pytest.mark.parametrize("flavor", ["vault", "vault-1.21"])
def test_the_community_edition_has_no_child_issuers(flavor: str, document: str) -> None:
    answer = World(flavor).ask("read", f"identity/oidc/plugins/.well-known/{document}", token="")
    assert (answer.status, answer.errors) == (400, ['invalid child issuer "plugins"'])


def test_openbao_has_no_child_issuers() -> None:
    assert World("openbao").ask("read", "identity/oidc/plugins/.well-known/keys", token="").status == 403


@pytest.mark.parametrize("flavor", ["vault", "vault-1.21", "openbao"])
def test_only_keys_that_roles_use_are_published(flavor: str) -> None:
    world = World(flavor)

    def published() -> int:
        raw = world.ask("read", "identity/oidc/.well-known/keys", token="").raw
        assert raw is not None
        return len(json.loads(raw)["keys"])

    world.write("identity/oidc/key/k", {"algorithm": "EdDSA"})
    assert published() == 0
    world.write("identity/oidc/role/r", {"key": "k", "ttl": 600})
    assert published() == 2
    world.ask("delete", "identity/oidc/role/r")
    assert published() == 0


@pytest.mark.parametrize(("flavor", "denied"), [("vault", True), ("vault-1.21", False), ("openbao", False)])
@pytest.mark.parametrize("path", ["identity/entity/merge", "auth/token/revoke-orphan"])
def test_vault_2_protects_merging_and_orphaning(flavor: str, denied: bool, path: str) -> None:
    world = World(flavor)
    world.write("sys/policies/acl/p", {"policy": f'path "{path}" {{ capabilities = ["update"] }}'})
    answer = world.write(path, {}, token=world.token(policies=["p"]))
    assert answer.status == (403 if denied else 400)


@pytest.mark.parametrize(("flavor", "timed"), [("vault", True), ("vault-1.21", False), ("openbao", False)])
def test_only_vault_2_lists_the_times_of_entities(flavor: str, timed: bool) -> None:
    world = World(flavor)
    world.core.mount("", "auth/up/", "userpass")
    made = world.write("identity/entity", {"name": "ann", "disabled": True}).data
    accessor = world.core.state.mounts.entries["auth/up/"].accessor
    assert made is not None
    world.write("identity/entity-alias", {"name": "a", "mount_accessor": accessor, "canonical_id": made["id"]})
    listed = world.ask("list", "identity/entity/id").data
    assert listed is not None
    info = listed["key_info"][made["id"]]
    times = {"creation_time", "last_update_time"} if timed else set()
    assert info.keys() == {"name", "aliases"} | times | ({"disabled"} if timed else set())
    assert info["aliases"][0].keys() == {"id", "name", "mount_accessor", "mount_path", "mount_type"} | times
    assert not timed or info["disabled"] is True
