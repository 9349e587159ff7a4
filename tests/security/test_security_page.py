"""Every line of `docs/security.md` has a test, and what the page says is not protected is not."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest
import requests

from mockkms import MockKMS
from mockkms.server.gateway.exchange import HttpReply, HttpRequest
from mockkms.server.gateway.gateway import Gateway
from mockkms.world.world import World

ROOT = Path(__file__).resolve().parents[2]
ROWS = re.findall(r"^\| (?!---)(?! )(.+) \| `(.+)` \|$", (ROOT / "docs" / "security.md").read_text(), re.MULTILINE)


def test_every_line_of_the_page_has_a_test() -> None:
    lines = [line for line in (ROOT / "docs" / "security.md").read_text().splitlines() if line.startswith("| ")]
    assert len(ROWS) == len([line for line in lines if not line.startswith(("| |", "| ---"))])
    assert len({name for _, name in ROWS}) == len(ROWS)


@pytest.mark.parametrize("name", [name for _, name in ROWS])
def test_the_test_of_a_line_is_there(name: str) -> None:
    file, _, function = name.partition("::")
    assert f"\ndef {function}(" in (ROOT / file).read_text(encoding="utf-8")


def controlled(host: str, peer: str, *, anywhere: bool = False) -> int:
    """The status of a request to the control API from a peer."""
    world = World()
    world.begin(root_token="root", rng=1, flavor="vault")
    gateway = Gateway(world)
    gateway.control.anywhere = anywhere
    http = HttpRequest("GET", "/_mockkms/state", "", {"Host": host}, remote_address=peer)
    return asyncio.run(gateway.control.serve(http)).status


def test_other_machines_cannot_use_the_control_api() -> None:
    assert controlled("127.0.0.1:8200", "127.0.0.1") == 200
    assert controlled("127.0.0.1:8200", "192.0.2.7") == 403
    assert controlled("vault.example", "127.0.0.1") == 403


def test_control_anywhere_means_everyone() -> None:
    assert controlled("vault.example", "192.0.2.7", anywhere=True) == 200


def test_everyone_on_this_machine_can_read_the_root_token() -> None:
    with MockKMS(root_token="mine") as kms:
        state = requests.get(f"{kms.url}/_mockkms/state", timeout=60).json()
        assert (state["token"], state["unseal_keys"]) == ("mine", kms.unseal_keys)


def test_the_usual_root_token_is_known() -> None:
    with MockKMS() as kms:
        assert kms.token == "root"


def test_other_addresses_are_open_to_pages() -> None:
    world = World()
    world.begin(root_token="root", rng=1, flavor="vault")
    page = {"Host": "evil.example", "Origin": "http://evil.example"}

    def status(address: str) -> int:
        reply = Gateway(world).start(HttpRequest("GET", "/v1/sys/health", "", page, local_address=address))
        assert isinstance(reply, HttpReply)
        return reply.status

    assert (status("127.0.0.1"), status("::1"), status("192.0.2.1")) == (403, 403, 200)


def test_keys_of_a_seed_are_known() -> None:
    one, other = MockKMS(rng=5), MockKMS(rng=5)
    assert one.unseal_keys == other.unseal_keys


def test_dumps_and_state_files_hold_secrets(tmp_path: Path) -> None:
    secret = {"vault": {"root_token": "my-root", "mounts": {"kv/": {"type": "kv", "secrets": {"a": {"b": "s3cr3t"}}}}}}
    with MockKMS(seed=secret, state_file=tmp_path / "state") as kms:
        kms.seal()
        assert "s3cr3t" in kms.dump()
    kept = (tmp_path / "state").read_bytes()
    assert b"s3cr3t" in kept
    assert b"my-root" in kept


def test_the_journal_holds_bodies() -> None:
    with MockKMS() as kms:
        headers = {"X-Vault-Token": kms.token}
        requests.post(f"{kms.url}/v1/secret/data/a", json={"data": {"b": "s3cr3t"}}, headers=headers, timeout=60)
        assert b"s3cr3t" in kms.journal[0].body


def test_a_root_token_can_append_to_files(tmp_path: Path) -> None:
    target = tmp_path / "notes"
    target.write_text("mine\n")
    with MockKMS() as kms:
        body = {"type": "file", "options": {"file_path": str(target)}}
        headers = {"X-Vault-Token": kms.token}
        assert requests.post(f"{kms.url}/v1/sys/audit/x", json=body, headers=headers, timeout=60).status_code == 204
    first, *lines = target.read_text().splitlines()
    assert first == "mine"
    assert all(json.loads(line)["type"] in ("request", "response") for line in lines)
