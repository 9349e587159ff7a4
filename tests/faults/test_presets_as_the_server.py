"""Presets say what the emulated server itself says in that state: status, headers and body, byte for byte."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from mockkms import Cluster, MockKMS

SEED = {"clock": "2026-01-01T00:00:00Z", "rng": 5}
ASKED = [
    ("GET", "sys/health"), ("HEAD", "sys/health"), ("GET", "sys/health?sealedcode=200&uninitcode=201&standbycode=202"),
    ("GET", "sys/health?standbyok=true"), ("GET", "sys/seal-status"), ("GET", "sys/init"), ("GET", "sys/leader"),
    ("GET", "secret/data/x"), ("POST", "secret/data/x"), ("LIST", "secret/metadata"), ("GET", "nowhere"),
    ("GET", "sys/mounts"), ("GET", "sys/ha-status"), ("PUT", "sys/seal"),
]  # fmt: skip
Answer = tuple[int, dict[str, str], bytes]


def ask(url: str, method: str, path: str, data: Any = None, token: str = "root", **headers: str) -> Answer:
    headers = {name.replace("_", "-"): text for name, text in headers.items()}
    answer = requests.request(
        method, f"{url}/v1/{path}", json=data, headers={"X-Vault-Token": token, **headers}, timeout=60,
        allow_redirects=False,
    )  # fmt: skip
    return answer.status_code, {n: v for n, v in answer.headers.items() if n != "Date"}, answer.content


pytestmark = [pytest.mark.flavors("vault", "openbao"), pytest.mark.server(seed=SEED)]


@pytest.mark.parametrize("state", ["sealed", "uninitialized"])
def test_states(kms: MockKMS, flavor: str, state: str) -> None:
    kms.faults.add("*", answer=state)
    with MockKMS(flavor=flavor, seed=SEED, state=state) as real:
        for method, path in ASKED:
            assert ask(kms.url, method, path) == ask(real.url, method, path), (method, path)


def test_a_standby_that_knows_the_active_node(kms: MockKMS, flavor: str) -> None:
    with Cluster(2, flavor=flavor, seed=SEED, standby="redirect") as real:
        kms.faults.add("*", answer={"preset": "standby", "location": real.nodes[0].url})
        for method, path in ASKED:
            wanted, got = (ask(url, method, path) for url in (real.nodes[1].url, kms.url))
            assert (wanted[0], wanted[2]) == (got[0], got[2]), (method, path)
            if wanted[0] != 307:
                assert wanted[1] == got[1], (method, path)
            assert wanted[1].get("Location") == got[1].get("Location")


@pytest.mark.parametrize("namespace", ["", "team"])
def test_refusals(kms: MockKMS, flavor: str, namespace: str) -> None:
    if namespace and flavor == "vault":
        pytest.skip("this flavor has no namespaces")
    headers = {"X_Vault_Namespace": namespace} if namespace else {}
    if namespace:
        ask(kms.url, "POST", "sys/namespaces/team", {})

    def call(method: str, path: str, data: Any = None, token: str = "root") -> Any:
        found = ask(kms.url, method, path, data, token, **headers)
        assert found[0] < 300, found
        return json.loads(found[2]) if found[2] else None

    if namespace:
        call("POST", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
    call("POST", "sys/auth/approle", {"type": "approle"})
    call("POST", "auth/approle/role/web", {})
    call("POST", "secret/data/a", {"data": {}})
    role = call("GET", "auth/approle/role/web/role-id")["data"]["role_id"]
    weak = call("POST", "auth/token/create", {"policies": ["default"]})["auth"]["client_token"]
    rows: list[tuple[str, str, str, Any, str]] = [
        ("permission-denied", "GET", "secret/data/a", None, weak),
        ("bad-token", "GET", "secret/data/a", None, "nobody"),
        ("not-found", "GET", "secret/data/none", None, "root"),
        ("missing-mount", "GET", "nowhere/at/all", None, "root"),
        ("missing-mount", "LIST", "nowhere/at", None, "root"),
        ("login-refused", "POST", "auth/approle/login", {"role_id": role, "secret_id": "x"}, ""),
        ("cas-conflict", "POST", "secret/data/a", {"data": {}, "options": {"cas": 9}}, "root"),
    ]
    for preset, method, path, data, token in rows:
        real = ask(kms.url, method, path, data, token, **headers)
        rule = kms.faults.add("*", answer=preset)
        assert ask(kms.url, method, path, data, token, **headers) == real, preset
        kms.faults.remove(rule.id)


def test_a_rate_limit_with_its_headers(kms: MockKMS) -> None:
    ask(kms.url, "POST", "sys/quotas/config", {"enable_rate_limit_response_headers": True})
    ask(kms.url, "POST", "sys/quotas/rate-limit/one", {"rate": 1, "path": "secret/"})
    ask(kms.url, "GET", "secret/data/a")
    status, headers, body = ask(kms.url, "GET", "secret/data/a")
    kms.faults.add("*", answer="rate-limited")
    got = ask(kms.url, "GET", "secret/data/a")
    assert (status, body) == (got[0], got[2])
    assert {name.lower() for name in headers} == {name.lower() for name in got[1]}


def test_a_locked_namespace() -> None:
    with MockKMS(flavor="openbao", seed=SEED) as kms:
        ask(kms.url, "POST", "sys/namespaces/team", {})
        assert ask(kms.url, "POST", "sys/namespaces/api-lock/lock/team", {})[0] == 200
        real = ask(kms.url, "GET", "sys/mounts", X_Vault_Namespace="team")
        kms.faults.add("*", answer="namespace-locked")
        assert ask(kms.url, "GET", "sys/mounts", X_Vault_Namespace="team") == real
