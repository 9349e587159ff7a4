"""The order of members in answers: maps are sorted by name, what Go writes from structs keeps its order."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from mockkms import MockKMS


@pytest.fixture
def openbao() -> Any:
    with MockKMS(flavor="openbao") as kms:
        yield kms


def ask(kms: MockKMS, method: str, path: str, **sent: Any) -> dict[str, Any]:
    url = f"{kms.url}/v1/{path}"
    answer = requests.request(method, url, json=sent or None, headers={"X-Vault-Token": kms.token}, timeout=60)
    found: dict[str, Any] = json.loads(answer.text or "{}")
    return found


def test_the_status_of_a_move(openbao: MockKMS) -> None:
    move = ask(openbao, "POST", "sys/remount", **{"from": "secret", "to": "moved"})["migration_id"]
    data = ask(openbao, "GET", f"sys/remount/status/{move}")["data"]
    assert list(data["migration_info"]) == ["source_mount", "target_mount", "status"]


def test_locked_users(openbao: MockKMS) -> None:
    ask(openbao, "POST", "sys/auth/userpass", type="userpass")
    ask(openbao, "POST", "auth/userpass/users/al", password="p")
    for _ in range(6):
        ask(openbao, "POST", "auth/userpass/login/al", password="wrong")
    (space,) = ask(openbao, "GET", "sys/locked-users")["data"]["by_namespace"]
    assert list(space) == ["namespace_id", "namespace_path", "counts", "mount_accessors"]
    assert list(space["mount_accessors"][0]) == ["mount_accessor", "counts", "alias_identifiers"]


def test_programs(openbao: MockKMS) -> None:
    pytest.importorskip("celpy")
    ask(openbao, "POST", "sys/auth/jwt", type="jwt")
    program = {"expression": "v", "variables": [{"expression": "claims.sub", "name": "v"}]}
    shown = ask(openbao, "POST", "auth/jwt/cel/role/r", cel_program=program)["data"]["cel_program"]
    assert list(shown) == ["variables", "expression"]
    assert list(shown["variables"][0]) == ["name", "expression"]
