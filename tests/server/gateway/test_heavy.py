"""Requests that hold the world for long run off the loop: the health check is answered meanwhile."""

from __future__ import annotations

import json
import threading
from typing import Any
from urllib.request import Request, urlopen

import pytest

from mockkms import MockKMS
from mockkms.vault.secrets.transit.encryption import cipher

_ITEMS = 8_000


def _asked(kms: MockKMS, path: str, body: object = None) -> bytes:
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(f"{kms.url}/v1/{path}", data, {"X-Vault-Token": "root"}), timeout=60) as answer:
        return bytes(answer.read())


def _with_a_key(kms: MockKMS) -> None:
    _asked(kms, "sys/mounts/transit", {"type": "transit"})
    _asked(kms, "transit/keys/app", {})


pytestmark = [pytest.mark.flavors("vault-1.21"), pytest.mark.prepared(by=_with_a_key)]


def test_health_while_another_thread_holds_the_world(kms: MockKMS) -> None:
    read: list[bytes] = []
    reading = threading.Thread(target=lambda: read.append(_asked(kms, "sys/mounts")))
    with kms.world.lock:
        reading.start()
        assert json.loads(_asked(kms, "sys/health"))["sealed"] is False
        assert read == []
    reading.join(60)
    assert b"transit/" in read[0]


def test_health_during_a_large_batch(kms: MockKMS, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()
    seal = cipher.encrypt_all

    def held(*arguments: Any) -> list[str]:
        begun.set()
        assert go_on.wait(60)
        return seal(*arguments)

    monkeypatch.setattr(cipher, "encrypt_all", held)
    answers: list[bytes] = []
    batch = {"batch_input": [{"plaintext": "Zm91ciBzY29yZQ=="}] * _ITEMS}
    working = threading.Thread(target=lambda: answers.append(_asked(kms, "transit/encrypt/app", batch)))
    working.start()
    assert begun.wait(60)
    assert json.loads(_asked(kms, "sys/health"))["sealed"] is False
    assert answers == []
    go_on.set()
    working.join(60)
    assert len(json.loads(answers[0])["data"]["batch_results"]) == _ITEMS
