"""Requests whose cost lies in a parameter, or in what is stored, not in the size of their body, run off the loop."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from mockkms import MockKMS
from mockkms.faults import FaultError
from mockkms.server.control.worlds import WorldHandle
from mockkms.server.gateway.threads import LARGE
from mockkms.vault.kernel.core import Core
from mockkms.world.entropy import Entropy

MANY = 10 * 1024 * 1024


def _asked(kms: MockKMS, path: str, body: object = None, method: str | None = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"{kms.url}/{path}", data, {"X-Vault-Token": "root"}, method=method)
    try:
        with urlopen(request, timeout=60) as answer:
            return dict(json.loads(answer.read() or b"{}"))
    except HTTPError as refused:
        return dict(json.loads(refused.read() or b"{}"))


def _write_a_large_secret(kms: MockKMS) -> None:
    large = {f"k{number}": "v" * 1000 for number in range(100)}
    _asked(kms, "v1/sys/mounts/kv1", {"type": "kv"})
    _asked(kms, "v1/kv1/large", large)
    _asked(kms, "v1/secret/data/large", {"data": large})
    _asked(kms, "v1/cubbyhole/large", large)


def _mount(kind: str) -> Callable[[MockKMS], Any]:
    return lambda kms: _asked(kms, f"v1/sys/mounts/{kind}", {"type": kind})


QR = {"generate": True, "issuer": "a", "account_name": "b"}
CASES: dict[str, tuple[Callable[[MockKMS], Any], str, str, object]] = {
    "random bytes of transit": (_mount("transit"), "POST", f"v1/transit/random/{MANY}", {}),
    "random bytes by parameter": (_mount("transit"), "POST", "v1/transit/random", {"bytes": MANY}),
    "random bytes of sys": (lambda kms: None, "POST", f"v1/sys/tools/random/platform/{MANY}", {}),
    "QR code": (_mount("totp"), "POST", "v1/totp/keys/a", QR),
    "passwords": (lambda kms: None, "GET", "v1/sys/policies/password/a/generate", None),
    "revocation": (lambda kms: None, "POST", "v1/auth/token/revoke", {"token": "none"}),
    "leases": (lambda kms: None, "PUT", "v1/sys/leases/revoke-prefix/auth", {}),
    "unwrapping": (lambda kms: None, "POST", "v1/sys/wrapping/unwrap", {"token": "none"}),
    "KV 1": (_write_a_large_secret, "GET", "v1/kv1/large", None),
    "KV 2": (_write_a_large_secret, "GET", "v1/secret/data/large", None),
    "an old version": (_write_a_large_secret, "GET", "v1/secret/data/large?version=1", None),
    "cubbyhole": (_write_a_large_secret, "GET", "v1/cubbyhole/large", None),
    "entities": (lambda kms: None, "LIST", "v1/identity/entity/id", None),
}


@pytest.mark.parametrize("case", CASES)
def test_health_is_answered_meanwhile(kms: MockKMS, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare, method, path, body = CASES[case]
    prepare(kms)
    begun, go_on = threading.Event(), threading.Event()
    handle = Core.handle

    def held(core: Core, request: Any) -> Any:
        if request.path != "sys/health":
            begun.set()
            assert go_on.wait(60)
        return handle(core, request)

    monkeypatch.setattr(Core, "handle", held)
    answers: list[dict[str, Any]] = []
    working = threading.Thread(target=lambda: answers.append(_asked(kms, path, body, method)))
    working.start()
    try:
        assert begun.wait(60)
        health = Request(f"{kms.url}/v1/sys/health")
        with urlopen(health, timeout=5) as answer:
            assert json.loads(answer.read())["sealed"] is False
        assert answers == []
    finally:
        go_on.set()
        working.join(60)
    assert answers


def test_many_bytes_of_a_seeded_stream_are_those_of_many_draws() -> None:
    whole, pieces = Entropy(7), Entropy(7)
    assert whole.bytes(MANY) == b"".join(pieces.bytes(MANY // 16) for _ in range(16))
    assert whole.state() == pieces.state()
    assert Entropy(7).derived("a", MANY)[:100] == Entropy(7).derived("a", 100)


@pytest.mark.parametrize("size", [4097, 10**18])
def test_a_huge_picture_is_refused_before_it_is_drawn(kms: MockKMS, size: int) -> None:
    _mount("totp")(kms)
    answer = _asked(kms, "v1/totp/keys/a", {**QR, "qr_size": size})
    assert "mockkms draws none of more than 4096 pixels a side" in answer["errors"][0]


def test_a_huge_key_of_a_second_factor_is_refused(kms: MockKMS) -> None:
    answer = _asked(kms, "v1/identity/mfa/method/totp", {"issuer": "a", "key_size": 10**9})
    assert "mockkms generates no keys of more than 4194304 bytes" in answer["errors"][0]


@pytest.mark.parametrize("path", ["faults", "script", "world"])
def test_health_is_answered_while_a_large_body_is_applied(
    kms: MockKMS, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def held(*_arguments: object) -> Any:
        begun.set()
        assert go_on.wait(60)
        raise FaultError("held") if path != "world" else ValueError("held")

    book = type(kms.world.faults)
    of, name = {"faults": (book, "extend"), "script": (book, "script"), "world": (WorldHandle, "load")}[path]
    monkeypatch.setattr(of, name, held)
    body: object = {"worlds": ["#" * LARGE]} if path == "world" else [{"path": "a" * LARGE}]
    answers: list[dict[str, Any]] = []
    working = threading.Thread(target=lambda: answers.append(_asked(kms, f"_mockkms/{path}", body)))
    working.start()
    try:
        assert begun.wait(60)
        with urlopen(f"{kms.url}/v1/sys/health", timeout=5) as answer:
            assert json.loads(answer.read())["sealed"] is False
        assert answers == []
    finally:
        go_on.set()
        working.join(60)
    assert answers[0]["message"] == "held"
