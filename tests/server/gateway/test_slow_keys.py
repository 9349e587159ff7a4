"""Making an RSA key takes seconds, signing with many large ones too: others are answered meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
import requests

from mockkms import MockKMS
from mockkms.crypto import aead, hashes
from mockkms.crypto.rsa import pool, rsa
from mockkms.vault.secrets.transit.encryption import cipher

ROOT = {"X-Vault-Token": "root"}
MOUNTS = {"transit": "transit", "pki": "pki", "ssh": "ssh", "gcp": "gcp", "gcpkms": "gcpkms"}
BINDINGS = 'resource "//cloudresourcemanager.googleapis.com/projects/p" { roles = ["roles/viewer"] }'
BEFORE: dict[str, dict[str, object]] = {
    "secret/data/app": {"data": {"a": "b"}},
    "transit/keys/old": {"type": "ed25519"},
    "gcp/roleset/r": {"project": "p", "secret_type": "service_account_key", "bindings": BINDINGS},
}
MAKING: list[tuple[str, str, dict[str, object]]] = [
    ("POST", "transit/keys/new", {"type": "rsa-2048"}),
    ("GET", "transit/wrapping_key", {}),
    ("POST", "pki/root/generate/internal", {"common_name": "x", "key_type": "rsa"}),
    ("POST", "ssh/config/ca", {}),
    ("POST", "identity/oidc/key/k", {}),
    ("GET", "gcp/roleset/r/key", {}),
    ("POST", "gcpkms/keys/k", {
        "key_ring": "projects/p/locations/global/keyRings/r", "purpose": "asymmetric_sign",
        "algorithm": "rsa_sign_pkcs1_2048_sha256",
    }),
]  # fmt: skip


class Making:
    """The making of a key, which goes on until ``end``."""

    def __init__(self) -> None:
        self.begun, self.ended = threading.Event(), threading.Event()
        self._generate = pool.generate

    def __call__(self, bits: int) -> bytes:
        self.begun.set()
        self.ended.wait(60)
        return self._generate(bits)


@pytest.fixture
def making(monkeypatch: pytest.MonkeyPatch) -> Iterator[Making]:
    """Keys that are made as slowly as the test wants."""
    slow = Making()
    yield slow
    slow.ended.set()


def prepared() -> MockKMS:
    """A server that makes every key when it is asked for, with what the requests need."""
    kms = MockKMS(root_token="root", fresh_keys=True).start()
    for path, kind in MOUNTS.items():
        write(kms, f"sys/mounts/{path}", {"type": kind})
    for path, data in BEFORE.items():
        write(kms, path, data)
    return kms


def read(kms: MockKMS, path: str) -> requests.Response:
    return requests.get(f"{kms.url}/v1/{path}", headers=ROOT, timeout=60)


def write(kms: MockKMS, path: str, data: dict[str, object]) -> None:
    assert requests.post(f"{kms.url}/v1/{path}", json=data, headers=ROOT, timeout=60).status_code < 300, path


@pytest.mark.parametrize(("method", "path", "data"), MAKING, ids=[path for _, path, _ in MAKING])
def test_others_are_answered_while_a_key_is_made(
    method: str, path: str, data: dict[str, object], making: Making, monkeypatch: pytest.MonkeyPatch
) -> None:
    statuses: list[int] = []

    def ask(kms: MockKMS) -> None:
        statuses.append(
            requests.request(method, f"{kms.url}/v1/{path}", json=data or None, headers=ROOT, timeout=60).status_code
        )

    with prepared() as kms:
        monkeypatch.setattr(pool, "generate", making)
        asking = threading.Thread(target=ask, args=(kms,))
        asking.start()
        assert making.begun.wait(60)
        assert requests.get(f"{kms.url}/v1/sys/health", timeout=60).status_code == 200
        assert read(kms, "secret/data/app").status_code == 200
        assert statuses == []
        making.ended.set()
        asking.join(60)
        assert statuses[0] in (200, 204)


@pytest.mark.parametrize(("header", "path"), [("", "team/transit/keys/k"), ("team", "transit/keys/k")])
def test_a_key_in_a_namespace(header: str, path: str, making: Making, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {**ROOT, **({"X-Vault-Namespace": header} if header else {})}
    with MockKMS(root_token="root", flavor="openbao", fresh_keys=True) as kms:
        write(kms, "sys/namespaces/team", {})
        write(kms, "team/sys/mounts/transit", {"type": "transit"})
        monkeypatch.setattr(pool, "generate", making)
        asking = threading.Thread(
            target=lambda: requests.post(f"{kms.url}/v1/{path}", json={"type": "rsa-2048"}, headers=headers, timeout=60)
        )
        asking.start()
        assert making.begun.wait(60)
        assert requests.get(f"{kms.url}/v1/sys/health", timeout=60).status_code == 200
        making.ended.set()
        asking.join(60)


class Working:
    """The work on one item, which goes on until ``ended`` is set."""

    def __init__(self, work: Callable[..., object]) -> None:
        self.begun, self.ended = threading.Event(), threading.Event()
        self._work = work

    def __call__(self, *given: object) -> object:
        self.begun.set()
        self.ended.wait(60)
        return self._work(*given)


BATCHES: list[tuple[object, str, str, dict[str, str], int]] = [
    (rsa, "sign_pss", "sign/rsa", {"input": "eA=="}, 80),
    (rsa, "verify_pss", "verify/rsa", {"input": "eA==", "signature": "${signature}"}, 80),
    (rsa, "decrypt_oaep", "decrypt/rsa", {"ciphertext": "${ciphertext}"}, 80),
    (rsa, "decrypt_oaep", "decrypt/rsa", {"ciphertext": "${ciphertext}", "padding_scheme": "oaep"}, 80),
    (rsa, "encrypt_oaep", "encrypt/rsa", {"plaintext": "eA=="}, 400),
    (rsa, "encrypt_oaep", "rewrap/rsa", {"ciphertext": "${ciphertext}"}, 80),
    (cipher, "encrypt_all", "encrypt/aes", {"plaintext": "eA=="}, 400),
    (aead, "seal", "encrypt/aes", {"plaintext": "eA==", "associated_data": "eA=="}, 400),
    (aead, "seal", "rewrap/aes", {"ciphertext": "${ciphertext}"}, 400),
    (aead, "open_sealed", "rewrap/aes", {"ciphertext": "${ciphertext}"}, 400),
    (cipher, "decrypt_all", "decrypt/aes", {"ciphertext": "${ciphertext}"}, 400),
    (hashes, "sign_hmac", "hmac/aes", {"input": "eA=="}, 5000),
    (hashes, "verify_hmac", "verify/aes", {"input": "eA==", "hmac": "${hmac}"}, 1000),
]
"""What is held in its work, the path, the items, and how many of them take a thread of their own."""


@pytest.mark.parametrize(
    ("module", "function", "path", "item", "count"), BATCHES, ids=[f"{row[2]} {row[1]}" for row in BATCHES]
)
def test_others_are_answered_while_a_batch_is_worked_on(
    module: object, function: str, path: str, item: dict[str, str], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[requests.Response] = []

    def ask(kms: MockKMS, items: list[dict[str, str]]) -> None:
        url = f"{kms.url}/v1/transit/{path}"
        answers.append(requests.post(url, json={"batch_input": items}, headers=ROOT, timeout=60))

    with MockKMS(root_token="root", rng=1) as kms:
        write(kms, "sys/mounts/transit", {"type": "transit"})
        write(kms, "transit/keys/rsa", {"type": "rsa-2048"})
        write(kms, "transit/keys/aes", {})
        write(kms, "secret/data/app", {"data": {}})
        key = path.partition("/")[2]
        made = {
            "${signature}": ("sign", "input"),
            "${ciphertext}": ("encrypt", "plaintext"),
            "${hmac}": ("hmac", "input"),
        }
        for word, (verb, name) in made.items():
            if word in item.values():
                url = f"{kms.url}/v1/transit/{verb}/{key}"
                found = requests.post(url, json={name: "eA=="}, headers=ROOT, timeout=60)
                item = {key: found.json()["data"][word[2:-1]] if text == word else text for key, text in item.items()}
        working = Working(getattr(module, function))
        monkeypatch.setattr(module, function, working)
        asking = threading.Thread(target=ask, args=(kms, [item] * count))
        asking.start()
        assert working.begun.wait(60)
        assert requests.get(f"{kms.url}/v1/sys/health", timeout=60).status_code == 200
        assert read(kms, "secret/data/app").status_code == 200
        write(kms, f"transit/keys/{key}/rotate", {})
        write(kms, f"transit/keys/{key}/config", {"min_decryption_version": 2})
        assert answers == []
        working.ended.set()
        asking.join(60)
        results = answers[0].json()["data"]["batch_results"]
        assert answers[0].status_code == 200
        assert len(results) == count
        assert not any(result.get("error") for result in results)
        assert all(result.get("signature", "vault:v1:").startswith("vault:v1:") for result in results)
        assert all(result.get("key_version", 1) == 1 for result in results)
        assert all(result["valid"] for result in results if path.startswith("verify/"))


def test_nonces_of_a_batch_are_drawn_before_its_work() -> None:
    texts = []
    for size in (3, 600):  # Answered on the loop, and on a thread that gives the world back.
        with MockKMS(root_token="root", rng=1) as kms:
            write(kms, "sys/mounts/transit", {"type": "transit"})
            url, item = f"{kms.url}/v1/transit/encrypt/k", {"plaintext": "eA=="}
            whole = [{**item, "associated_data": "eA=="}, item, *[item] * (size - 2)]
            found = requests.post(url, json={"batch_input": whole}, headers=ROOT, timeout=60).json()["data"]
            texts.append([result["ciphertext"] for result in found["batch_results"][:3]])
    assert texts[0] == texts[1]


def test_a_server_stops_while_a_key_is_made(making: Making, monkeypatch: pytest.MonkeyPatch) -> None:
    kms = prepared()
    monkeypatch.setattr(pool, "generate", making)
    url, lost = f"{kms.url}/v1/transit/keys/new", []

    def ask() -> None:
        try:
            requests.post(url, json={"type": "rsa-4096"}, headers=ROOT, timeout=60)
        except requests.ConnectionError as error:
            lost.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    assert making.begun.wait(60)
    kms.stop()
    asking.join(60)
    assert len(lost) == 1
