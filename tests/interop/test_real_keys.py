"""Keys backed up by a real server are restored here; what it encrypted, signed and exported with them is still good."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from mockkms import MockKMS

Key = dict[str, Any]

_LINES = (Path(__file__).parent / "data" / "keys.jsonl").read_text(encoding="utf-8").rstrip("\n").split("\n")
CONVERGENT = "convergent_encryption"
KEYS: list[Key] = [json.loads(line) for line in _LINES]
"""For every key type: its backup, ciphertexts, signatures and HMACs of each version, and its exports."""


class Transit:
    """A Transit mount that holds one restored key."""

    def __init__(self, kms: MockKMS, key: Key) -> None:
        self.url, self.token, self.name = kms.url, kms.token, key["name"]
        self.send("POST", "sys/mounts/interop", {"type": "transit"})
        self.send("POST", f"interop/restore/{self.name}", {"backup": key["backup"]})

    def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The answer's ``data``; fails where it is an error."""
        headers = {"X-Vault-Token": self.token}
        answer = requests.request(method, f"{self.url}/v1/{path}", json=body, headers=headers, timeout=60)
        assert answer.ok, (path, answer.status_code, answer.text)
        return answer.json()["data"] if answer.content else None


pytestmark = pytest.mark.flavors("openbao")


def named(key: Key) -> str:
    return "-".join([key["name"], key["type"], *key["options"]])


@pytest.fixture(params=KEYS, ids=named)
def key(request: pytest.FixtureRequest) -> Key:
    return dict(request.param)


@pytest.fixture
def transit(kms: MockKMS, key: Key) -> Transit:
    kms.reset()
    return Transit(kms, key)


def test_restored_key_has_its_type_and_versions(transit: Transit, key: Key) -> None:
    shown = transit.send("GET", f"interop/keys/{key['name']}")
    assert shown["type"] == key["type"]
    assert list(range(1, shown["latest_version"] + 1)) == key["versions"]


def test_ciphertexts_decrypt(transit: Transit, key: Key) -> None:
    for sample in key["encrypt"]:
        asked = {name: value for name, value in sample.items() if name != "plaintext"}
        assert transit.send("POST", f"interop/decrypt/{key['name']}", asked)["plaintext"] == sample["plaintext"]


@pytest.mark.parametrize("key", [key for key in KEYS if key["options"].get(CONVERGENT)], ids=named)
def test_convergent_encryption_gives_the_same_ciphertext(transit: Transit, key: Key) -> None:
    for sample in key["encrypt"]:
        asked = {name: value for name, value in sample.items() if name != "ciphertext"}
        asked["key_version"] = int(sample["ciphertext"].split(":")[1].removeprefix("v"))
        assert transit.send("POST", f"interop/encrypt/{key['name']}", asked)["ciphertext"] == sample["ciphertext"]


def test_signatures_verify(transit: Transit, key: Key) -> None:
    for sample in key["sign"]:
        assert transit.send("POST", f"interop/verify/{key['name']}", sample)["valid"] is True


def test_hmacs_verify(transit: Transit, key: Key) -> None:
    for sample in key["hmac"]:
        asked = {"input": sample["input"], "hmac": sample["hmac"]}
        assert transit.send("POST", f"interop/verify/{key['name']}/{sample['algorithm']}", asked)["valid"] is True


def test_exports_are_the_same_bytes(transit: Transit, key: Key) -> None:
    for what, keys in key["export"].items():
        assert transit.send("GET", f"interop/export/{what}/{key['name']}")["keys"] == keys


def test_no_sample_was_lost() -> None:
    """773 checks: a restore and a read of each key, and every sample."""
    convergent = sum(len(key["encrypt"]) for key in KEYS if key["options"].get(CONVERGENT))
    samples = sum(len(key[kind]) for key in KEYS for kind in ("encrypt", "sign", "hmac", "export"))
    assert 2 * len(KEYS) + samples + convergent == 773
