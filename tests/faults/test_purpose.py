"""What the faults are for: the second decrypt is applied but its answer is lost, then the server is sealed for thirty
(virtual) seconds; and afterwards it is proved what the client did. In a world, in Python, by one HTTP call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hvac
import pytest
import requests
import yaml

from mockkms import MockKMS

RULE: dict[str, Any] = {
    "path": "transit/decrypt/*", "skip": 1, "times": 1, "applied": True, "lose_answer": True, "seal": "30s",
}  # fmt: skip
KEYS = {"orders": {"type": "aes256-gcm96"}}
WORLD = {
    "rng": 3,
    "clock": "2026-01-01T00:00:00Z",
    "vault": {"root_token": "root", "mounts": {"transit/": {"type": "transit", "keys": KEYS}}},
}


def in_a_world(kms: MockKMS) -> None:
    kms.load(yaml.safe_dump({"faults": [RULE]}))


def in_python(kms: MockKMS) -> None:
    kms.faults.add(**RULE)


def by_one_call(kms: MockKMS) -> None:
    assert requests.post(kms.url + "/_mockkms/faults", json=RULE, timeout=60).json()["id"]


@pytest.mark.parametrize("say", [in_a_world, in_python, by_one_call])
def test_the_second_decrypt(say: Callable[[MockKMS], None]) -> None:
    with MockKMS(seed=WORLD) as kms:
        client = hvac.Client(url=kms.url, token="root")
        client.session.trust_env = False
        transit = client.secrets.transit
        sealed = transit.encrypt_data("orders", plaintext="aGVsbG8=")["data"]["ciphertext"]
        say(kms)
        assert transit.decrypt_data("orders", sealed)["data"]["plaintext"] == "aGVsbG8="
        with pytest.raises(requests.ConnectionError):
            transit.decrypt_data("orders", sealed)
        with pytest.raises(hvac.exceptions.VaultDown):
            transit.decrypt_data("orders", sealed)
        kms.clock.advance(29)
        assert kms.state == "sealed"
        kms.clock.advance(1)
        assert kms.state == "unsealed", "before anything is asked"
        assert transit.decrypt_data("orders", sealed)["data"]["plaintext"] == "aGVsbG8="
        client.adapter.close()

        told = kms.journal.entries("transit/decrypt/orders")
        assert [(entry.status, entry.cut) for entry in told] == [(200, ""), (0, "close"), (503, ""), (200, "")]
        assert told[1].trace.rule, "it reached the core, and a policy let it pass"
        kms.journal.assert_called("transit/decrypt/orders", fault=True, times=1)
        kms.faults.assert_all_fired()
