"""Vault's clients in other languages with a proxy between them and the server: nothing is different."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from mockkms import MockKMS
from tests.clients.test_vault_clients import go_program
from tests.clients.toolchain import HERE, run, tool


@pytest.fixture
def proxy(kms: MockKMS) -> Iterator[MockKMS]:
    with MockKMS(upstream=kms.url, root_token=kms.token) as made:
        yield made


def test_go_walks_the_clients_methods(kms: MockKMS, proxy: MockKMS) -> None:
    found = json.loads(run(go_program("gowalk"), proxy.url, proxy.token, kms.unseal_keys[0]))
    assert found["faults"] == {}
    assert proxy.journal.lines() == kms.journal.lines()


def test_node_fetch(kms: MockKMS, proxy: MockKMS) -> None:
    found = json.loads(run(tool("node"), str(HERE / "node_vault.mjs"), proxy.url, proxy.token))
    assert (found["plaintext"], found["many"]) == ("four score", ["db"] * 20)
    assert sorted(proxy.journal.lines()) == sorted(kms.journal.lines())
