"""The OIDC provider in worlds: described, used, and written down again."""

from __future__ import annotations

from typing import Any

import pytest

from mockkms.vault.framework.message import Operation, Request
from mockkms.world.world import World
from mockkms.worldfile import Problem, SeedError, check, dump, exact, load
from tests.worldfile.test_dump import made

OIDC: dict[str, Any] = {
    "issuer": "https://vault.test:8200",
    "keys": {"k": {"algorithm": "ES256", "allowed_client_ids": ["app-id"], "rotation_period": "24h"}},
    "scopes": {"team": {"template": '{"team": {{identity.entity.metadata.team}}}', "description": "the team"}},
    "assignments": {"payments": {"entities": ["anna"]}},
    "clients": {"app": {"client_id": "app-id", "client_secret": "app-secret", "key": "k", "assignments": ["payments"],
                        "redirect_uris": ["https://app.test/cb"]}},
    "providers": {"p": {"allowed_client_ids": ["app-id"], "scopes_supported": ["team"]}},
    "roles": {"r": {"key": "k", "ttl": "1h", "client_id": "app-id"}},
}  # fmt: skip
SEED: dict[str, Any] = {
    "rng": 5, "clock": "2026-01-01T00:00:00Z",
    "vault": {"identity": {"entities": {"anna": {"id": "Anna-1", "metadata": {"team": "payments"}}}, "oidc": OIDC}},
}  # fmt: skip


def ask(world: World, path: str, operation: Operation = Operation.READ, **data: Any) -> dict[str, Any]:
    answer = world.core.handle(Request(operation, f"identity/oidc/{path}", data=data, token=world.root_token))
    assert answer.errors is None, answer.errors
    return answer.data or {}


def test_all_parts_are_there() -> None:
    world = made(SEED)
    client = ask(world, "client/app")
    assert (client["client_id"], client["client_secret"]) == ("app-id", "app-secret")
    assert ask(world, "assignment/payments")["entity_ids"] == ["Anna-1"]
    assert ask(world, "provider/p")["scopes_supported"] == ["team"]
    assert ask(world, "role/r")["ttl"] == 3600
    assert ask(world, "config")["issuer"] == "https://vault.test:8200"
    assert made(SEED).core.state.identity.oidc == world.core.state.identity.oidc


def test_a_dump_is_readable_and_loads_to_an_equal_world() -> None:
    world = made(SEED)
    ask(world, "key/k/rotate", Operation.UPDATE)
    ask(world, "client/other", Operation.UPDATE, client_type="public")
    text = dump(world)
    assert exact.roots(made(text)) == exact.roots(world)
    assert dump(made(text)) == text
    shown = load(text).sections["vault"]["identity"]["oidc"]
    assert shown["clients"]["app"]["client_secret"] == "app-secret"
    assert len(shown["keys"]["k"]["ring"]) == 3
    assert set(shown["keys"]) == {"default", "k"}
    assert "oidc" not in str(load(text).sections.get("exact", ""))


def faults(section: str) -> list[Problem]:
    try:
        return check([f"vault:\n  identity:\n    oidc:\n      {section}\n"])
    except SeedError as error:
        return error.problems


@pytest.mark.parametrize(
    ("section", "column", "path", "message"),
    [
        ("keyz: {}", 7, "keyz", 'did you mean "keys"'),
        ("keys: {k: {algorithm: RS265}}", 29, "algorithm", 'did you mean "RS256"'),
        ("keys: {k: {rotation_period: 1}}", 17, "keys.k", "rotation_period must be at least one minute"),
        ("keys: {k: {ring: [{id: a}]}}", 25, "ring[0]", 'the key "private" is missing'),
        ("clients: {c: {key: none}}", 20, "clients.c", 'key "none" does not exist'),
        ("assignments: {a: {entities: [nobody]}}", 36, "a.entities[0]", 'no entity is named "nobody"'),
        ("scopes: {openid: {}}", 24, "scopes.openid", "reserved"),
        ("issuer: here", 15, "issuer", "issuer"),
    ],
)
def test_faults_have_places(section: str, column: int, path: str, message: str) -> None:
    found = faults(section)
    assert len(found) == 1, "\n".join(map(str, found))
    assert (found[0].line, found[0].column) == (4, column)
    assert path in found[0].path
    assert message in found[0].message
