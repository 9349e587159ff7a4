"""A request that needs a new RSA key starts over when it is made, and decides by what the world is then."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
import requests

from mockkms import MockKMS
from mockkms.crypto.rsa import pool

ROOT = {"X-Vault-Token": "root"}
DAY = 86400


class Making:
    """The making of keys: each one waits for its permission, from a test that has seen it begin."""

    def __init__(self, generate: Callable[[int], bytes]) -> None:
        self.begun, self.allowed = threading.Semaphore(0), threading.Semaphore(0)
        self._generate = generate

    def __call__(self, bits: int) -> bytes:
        self.begun.release()
        self.allowed.acquire(timeout=60)
        return self._generate(bits)

    def allow(self, count: int) -> None:
        for _ in range(count):
            self.allowed.release()


class Asking:
    """A request in a thread of its own."""

    def __init__(self, kms: MockKMS, method: str, path: str, data: dict[str, object] | None = None) -> None:
        self._response: requests.Response | None = None
        url = f"{kms.url}/v1/{path}"

        def ask() -> None:
            self._response = requests.request(method, url, json=data, headers=ROOT, timeout=60)

        self._thread = threading.Thread(target=ask)
        self._thread.start()

    @property
    def open(self) -> bool:
        return self._response is None

    def response(self) -> requests.Response:
        self._thread.join(60)
        assert self._response is not None
        return self._response


@pytest.fixture
def kms() -> Iterator[MockKMS]:
    """A server that makes every key when it is asked for, with transit and a secret."""
    with MockKMS(root_token="root", fresh_keys=True) as started:
        send(started, "POST", "sys/mounts/transit", {"type": "transit"})
        send(started, "POST", "secret/data/app", {"data": {"a": "b"}})
        yield started


@pytest.fixture
def making(kms: MockKMS, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Making]]:
    """A function that lets keys be made as slowly as the test wants from now on."""
    begun: list[Making] = []

    def start() -> Making:
        slow = Making(pool.generate)
        begun.append(slow)
        monkeypatch.setattr(pool, "generate", slow)
        return slow

    yield start
    for slow in begun:
        slow.allow(1000)


def send(kms: MockKMS, method: str, path: str, data: dict[str, object] | None = None) -> requests.Response:
    response = requests.request(method, f"{kms.url}/v1/{path}", json=data, headers=ROOT, timeout=60)
    assert response.status_code < 300, response.text
    return response


def publics(shown: requests.Response) -> list[str]:
    return [version["public_key"] for _, version in sorted(shown.json()["data"]["keys"].items())]


def test_two_requests_for_one_name_make_one_key(kms: MockKMS, making: Callable[[], Making]) -> None:
    slow = making()
    both = [Asking(kms, "POST", "transit/keys/k", {"type": "rsa-2048"}) for _ in range(2)]
    for _ in both:
        assert slow.begun.acquire(timeout=60)
    slow.allow(2)
    answered = [publics(one.response()) for one in both]
    kept = publics(send(kms, "GET", "transit/keys/k"))
    assert len(kept) == 1
    assert answered == [kept, kept]


def test_what_another_request_created_meanwhile_is_kept(kms: MockKMS, making: Callable[[], Making]) -> None:
    slow = making()
    asking = Asking(kms, "POST", "transit/keys/k", {"type": "rsa-2048"})
    assert slow.begun.acquire(timeout=60)
    send(kms, "POST", "transit/keys/k", {"type": "ed25519"})
    slow.allow(1)
    assert asking.response().json()["data"]["type"] == "ed25519"


def test_a_snapshot_that_was_restored_meanwhile_is_left_alone(kms: MockKMS, making: Callable[[], Making]) -> None:
    kms.snapshot("s")
    slow = making()
    asking = Asking(kms, "POST", "transit/keys/k", {"type": "rsa-2048"})
    assert slow.begun.acquire(timeout=60)
    kms.restore("s")
    slow.allow(1)
    assert asking.response().status_code == 503
    response = requests.get(f"{kms.url}/v1/transit/keys/k", headers=ROOT, timeout=60)
    assert response.status_code == 404


def test_every_due_rotation_by_the_clock_makes_a_key_of_its_own(kms: MockKMS, making: Callable[[], Making]) -> None:
    send(kms, "POST", "transit/keys/k", {"type": "rsa-2048", "auto_rotate_period": f"{DAY}s"})
    slow = making()
    kms.clock.advance(3 * DAY + 1)
    asking = Asking(kms, "POST", "transit/encrypt/k", {"plaintext": "YQ=="})
    for _ in range(3):
        assert slow.begun.acquire(timeout=60)
        assert send(kms, "GET", "secret/data/app").json()["data"]["data"] == {"a": "b"}
        assert asking.open
        slow.allow(1)
    slow.allow(10)  # One of two that it makes before the last rotation.
    assert asking.response().json()["data"]["ciphertext"].startswith("vault:v4:")
    assert len(set(publics(send(kms, "GET", "transit/keys/k")))) == 4


def test_a_key_that_its_first_encryption_creates(kms: MockKMS, making: Callable[[], Making]) -> None:
    slow = making()
    asking = Asking(kms, "POST", "transit/encrypt/new", {"plaintext": "YQ==", "type": "rsa-2048"})
    assert slow.begun.acquire(timeout=60)
    send(kms, "GET", "secret/data/app")
    assert asking.open
    slow.allow(1)
    assert asking.response().status_code == 200


def test_both_keys_of_a_ring_differ_and_a_rotation_adds_one(kms: MockKMS, making: Callable[[], Making]) -> None:
    slow = making()
    for path, data in (("identity/oidc/key/k", {"algorithm": "RS256"}), ("identity/oidc/key/k/rotate", None)):
        asking = Asking(kms, "POST", path, data)
        assert slow.begun.acquire(timeout=60)
        send(kms, "GET", "secret/data/app")
        slow.allow(3)
        assert asking.response().status_code < 300
    send(kms, "POST", "identity/oidc/role/r", {"key": "k"})
    ring = send(kms, "GET", "identity/oidc/.well-known/keys").json()["keys"]
    assert len({one["n"] for one in ring}) == len(ring) == 3
