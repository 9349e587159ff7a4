"""Every example of docs/faults.md and docs/tenants.md runs."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import hvac
import pytest
import requests

from mockkms import MockKMS
from mockkms.cli import main
from mockkms.faults.kinds import KINDS, FaultKind
from mockkms.faults.match import match_words
from mockkms.faults.parsing import flag
from mockkms.faults.plan import Plan, Turn
from mockkms.faults.presets import PRESETS
from mockkms.faults.request_view import Reply
from mockkms.faults.schedule import WORDS
from tests.clients.toolchain import tool
from tests.docs.pages import ROOT, blocks

FAULTS, TENANTS = "docs/faults.md", "docs/tenants.md"


def get(kms: MockKMS, path: str) -> requests.Response:
    return requests.get(f"{kms.url}/v1/{path}", headers={"X-Vault-Token": "root"}, timeout=60)


def shell(command: str, kms: MockKMS) -> str:
    """A curl line of the page, done."""
    words = shlex.split(command.replace("$VAULT_ADDR", kms.url).replace("http://127.0.0.1:8200", kms.url))
    done = subprocess.run([tool(words[0]), "-sSf", *words[1:]], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


def test_rules_in_python(kms: MockKMS) -> None:
    exec(blocks(FAULTS, "python")[0], {"kms": kms})
    assert [rule.words["match"] if "match" in rule.words else rule.words["path"] for rule in kms.faults] == [
        "transit/encrypt/*",
        {"path": "secret/*", "operation": "read"},
    ]


def test_rules_in_a_world(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = tmp_path / "world.yaml"
    world.write_text("mockkms: 1\n" + blocks(FAULTS, "yaml")[0], encoding="utf-8")
    assert main(["check", str(world)]) == 0, capsys.readouterr().out


def test_rules_over_http_and_the_command_line(kms: MockKMS, monkeypatch: pytest.MonkeyPatch) -> None:
    curl, command = blocks(FAULTS, "sh")[0].splitlines()
    shell(curl, kms)
    monkeypatch.setenv("VAULT_ADDR", kms.url)
    assert main(shlex.split(command)[1:]) == 0
    first, second = kms.faults.list()
    assert first.words == second.words


def test_the_script(kms: MockKMS) -> None:
    before, after = blocks(FAULTS, "python")[1].split("...\n")
    exec(before, {"kms": kms})
    assert get(kms, "auth/token/lookup-self").json()["data"] == {"ttl": 0, "renewable": False}
    assert [get(kms, "secret/data/a").status_code for _ in range(2)] == [503, 404]
    exec(after, {"kms": kms})


def test_the_new_kind(kms: MockKMS) -> None:
    try:
        exec(
            blocks(FAULTS, "python")[2],
            {"FaultKind": FaultKind, "flag": flag, "Any": Any, "Plan": Plan, "Turn": Turn, "Reply": Reply},
        )
        kms.faults.add("secret/*", teapot=True)
        assert get(kms, "secret/data/a").status_code == 418
    finally:
        KINDS.pop("teapot", None)


@pytest.mark.parametrize("words", [match_words(), WORDS, KINDS, PRESETS], ids=["match", "when", "what", "presets"])
def test_every_word_is_explained(words: Any) -> None:
    named = set(re.findall(r"[\w-]+", (ROOT / FAULTS).read_text(encoding="utf-8")))
    assert {*words} <= named


def test_tenants_over_http(kms: MockKMS) -> None:
    export, curl = blocks(TENANTS, "sh")[0].splitlines()
    address = export.removeprefix("export VAULT_ADDR=")
    shell(curl.replace("$VAULT_ADDR", address), kms)
    assert (len(kms.tenant("test-17").faults), len(kms.faults)) == (1, 0)


def test_tenants_in_python(kms: MockKMS) -> None:
    names: dict[str, Any] = {"kms": kms, "hvac": hvac}
    exec(blocks(TENANTS, "python")[0], names)
    with pytest.raises(hvac.exceptions.VaultDown):
        names["client"].secrets.kv.v2.read_configuration()
    names["client"].adapter.close()
