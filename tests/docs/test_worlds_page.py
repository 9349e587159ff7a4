"""Every world of docs/worlds.md is good, fits the schema and loads; together they have every section."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests
import yaml

from mockkms import MockKMS
from mockkms.cli import main
from tests.docs.pages import ROOT, blocks

WORLDS = blocks("docs/worlds.md", "yaml")
SCHEMA = json.loads((ROOT / "mockkms" / "mockkms.schema.json").read_text(encoding="utf-8"))


def plain(text: str) -> Any:
    """A world as JSON has it."""
    return json.loads(json.dumps(yaml.safe_load(text), default=lambda moment: moment.isoformat()))


@pytest.mark.parametrize("place", range(len(WORLDS)))
def test_a_world_is_good(place: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jsonschema.validate(plain(WORLDS[place]), SCHEMA)
    world = tmp_path / "world.yaml"
    world.write_text(WORLDS[place], encoding="utf-8")
    assert main(["check", str(world)]) == 0, capsys.readouterr()
    MockKMS(seed=world)


def test_every_section_has_an_example() -> None:
    worlds = [plain(text) for text in WORLDS]
    assert {name for world in worlds for name in world} == set(SCHEMA["properties"]) - {"exact"}
    vault = {name for world in worlds for name in world.get("vault", {})}
    assert vault == set(SCHEMA["properties"]["vault"]["properties"])


def test_merged_worlds_answer() -> None:
    worlds = [text for text in WORLDS if "flavor: openbao" not in text]
    with MockKMS(seed=worlds) as kms:
        read = requests.get(f"{kms.url}/v1/secret/data/app/old", headers={"X-Vault-Token": "root"}, timeout=60).json()
        assert (read["data"]["data"], read["data"]["metadata"]["version"]) == ({"password": "third"}, 3)
        login = requests.post(f"{kms.url}/v1/auth/userpass/login/anna", json={"password": "secret"}, timeout=60)
        assert login.status_code == 200
        for path, sent in {
            "ldap/login/anna": {"password": "secret"},
            "github/login": {"token": "ghp_anna"},
            "okta/login/anna": {"password": "secret"},
            "okta/login/ben": {"password": "hidden", "totp": "123456"},
            "radius/login/anna": {"password": "secret"},
        }.items():
            login = requests.post(f"{kms.url}/v1/auth/{path}", json=sent, timeout=60)
            assert (login.status_code, login.json()["auth"]["policies"]) == (200, ["default"]), path
