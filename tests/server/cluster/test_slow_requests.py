"""A request to a cluster that computes for long leaves the loop: what needs no world is answered meanwhile."""

from __future__ import annotations

import threading

import pytest
import requests

from mockkms import Cluster
from mockkms.crypto.rsa import pool

ROOT = {"X-Vault-Token": "root"}


def test_the_loop_goes_on_while_a_node_makes_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, allowed, statuses = threading.Event(), threading.Event(), []
    generate = pool.generate

    def slowly(bits: int) -> bytes:
        begun.set()
        allowed.wait(30)
        return generate(bits)

    with Cluster(3, root_token="root", fresh_keys=True) as cluster:
        first, second = (node.url for node in cluster.nodes[:2])
        mounted = requests.post(f"{first}/v1/sys/mounts/transit", json={"type": "transit"}, headers=ROOT, timeout=10)
        assert mounted.status_code == 204
        monkeypatch.setattr(pool, "generate", slowly)

        def ask() -> None:
            url = f"{second}/v1/transit/keys/k"
            statuses.append(requests.post(url, json={"type": "rsa-2048"}, headers=ROOT, timeout=60).status_code)

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            assert begun.wait(20)
            assert requests.get(f"{first}/ui/", timeout=10).status_code == 200
            assert statuses == []
        finally:
            allowed.set()
            asking.join(60)
        assert statuses == [200]
        read = requests.get(f"{first}/v1/transit/keys/k", headers=ROOT, timeout=10)
        assert read.json()["data"]["type"] == "rsa-2048"
