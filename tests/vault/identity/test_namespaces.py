"""Namespaces share no identities: objects of another namespace are not found."""

from __future__ import annotations

from typing import Any

import pytest

from mockkms.vault.framework.message import Response
from tests.vault.driving import World

BESIDE: dict[str, Any] = {"namespace": "team"}


def prepare(world: World) -> None:
    world.core.namespaces.create("team/")
    world.core.mount("", "auth/userpass/", "userpass")
    world.core.mount("team/", "auth/userpass/", "userpass")


pytestmark = pytest.mark.prepared(by=prepare)


def data(response: Response) -> dict[str, Any]:
    assert response.errors is None, response.errors
    assert response.data is not None
    return response.data


def accessor(world: World, namespace: str = "") -> str:
    mount = world.core.state.mounts.get(namespace, "auth/userpass/")
    assert mount is not None
    return mount.accessor


@pytest.fixture
def ids(world: World) -> dict[str, str]:
    """One of everything in ``team``, by kind."""
    entity = data(world.write("identity/entity", {"name": "e"}, **BESIDE))["id"]
    named = {"name": "ann", "mount_accessor": accessor(world, "team/")}
    alias = data(world.write("identity/entity-alias", {**named, "canonical_id": entity}, **BESIDE))["id"]
    group = data(world.write("identity/group", {"name": "g", "type": "external"}, **BESIDE))["id"]
    group_alias = data(world.write("identity/group-alias", {**named, "canonical_id": group}, **BESIDE))["id"]
    return {"entity": entity, "entity-alias": alias, "group": group, "group-alias": group_alias}


@pytest.mark.parametrize("kind", ["entity", "entity-alias", "group", "group-alias"])
def test_reads_and_deletes_of_other_namespaces_find_nothing(world: World, ids: dict[str, str], kind: str) -> None:
    path = f"identity/{kind}/id/{ids[kind]}"
    assert (world.ask("read", path).status, world.ask("read", path).errors) == (404, [])
    assert world.ask("delete", path).status == 204
    assert world.ask("read", path, **BESIDE).data is not None


@pytest.mark.parametrize(
    ("path", "sent", "text"),
    [
        ("entity", {"id": "entity"}, "entity not found from id"),
        ("entity-alias", {"id": "entity-alias", "name": "x"}, "invalid alias ID provided"),
        ("entity-alias", {"canonical_id": "entity"}, "invalid canonical ID"),
        ("group", {"id": "group"}, "invalid group ID"),
        ("group", {"name": "h", "member_entity_ids": "entity"}, '1 error occurred:\n\t* invalid entity ID "{}"\n\n'),
        (
            "group",
            {"name": "h", "member_group_ids": "group"},
            '1 error occurred:\n\t* invalid member group ID "{}"\n\n',
        ),
        ("group-alias", {"id": "group-alias", "name": "x"}, "invalid group alias ID"),
        ("group-alias", {"canonical_id": "group"}, "invalid group ID given in 'canonical_id'"),
        ("entity/merge", {"to_entity_id": "entity", "from_entity_ids": "entity"}, "entity id to merge to is invalid"),
    ],
)
def test_writes_refuse_objects_of_other_namespaces(
    world: World, ids: dict[str, str], path: str, sent: dict[str, str], text: str
) -> None:
    body = {word: ids.get(value, value) for word, value in sent.items()}
    if "alias" in path:
        body = {"name": "ann", "mount_accessor": accessor(world), **body}
    meant = next((ids[value] for value in sent.values() if value in ids), "")
    assert world.write(f"identity/{path}", body).errors == [text.format(meant)]


def test_lookups_in_other_namespaces_find_nothing(world: World, ids: dict[str, str]) -> None:
    for kind in ("entity", "group"):
        alias = "entity-alias" if kind == "entity" else "group-alias"
        for sent in ({"id": ids[kind]}, {"alias_id": ids[alias]}):
            assert world.write(f"identity/lookup/{kind}", sent).status == 204
            assert world.write(f"identity/lookup/{kind}", sent, **BESIDE).data is not None


def test_enforcements_know_their_own_subjects(world: World, ids: dict[str, str]) -> None:
    method = data(world.write("identity/mfa/method/totp", {"issuer": "a"}))["method_id"]
    for word, kind in (("identity_group_ids", "group"), ("identity_entity_ids", "entity")):
        sent = {"mfa_method_ids": [method], word: [ids[kind]]}
        noun = kind if kind == "group" else "entity"
        text = f"one of the provided {noun} ids doesn't exist"
        assert world.write("identity/mfa/login-enforcement/x", sent).errors == [text]
        assert world.write("identity/mfa/login-enforcement/x", sent, **BESIDE).status == 204
