"""A request to a cluster that waits or computes for long: other nodes answer other requests meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import requests

from mockkms import Cluster
from mockkms.crypto.rsa import pool

ROOT = {"X-Vault-Token": "root"}


def status_of(method: str, url: str, body: object = None) -> int:
    return requests.request(method, url, json=body, headers=ROOT, timeout=60).status_code


@contextmanager
def making_a_key(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, node: int) -> Iterator[Future[int]]:
    """Hold the request of a key to ``node`` until the block ends, and yield its status to come."""
    begun, allowed, generate = threading.Event(), threading.Event(), pool.generate

    def slowly(bits: int) -> bytes:
        begun.set()
        allowed.wait(60)
        return generate(bits)

    assert status_of("POST", f"{cluster.nodes[0].url}/v1/sys/mounts/transit", {"type": "transit"}) == 204
    monkeypatch.setattr(pool, "generate", slowly)
    with ThreadPoolExecutor() as clients:
        url = f"{cluster.nodes[node].url}/v1/transit/keys/k"
        asked = clients.submit(status_of, "POST", url, {"type": "rsa-2048"})
        try:
            assert begun.wait(60)
            yield asked
        finally:
            allowed.set()


def made_cluster() -> Cluster:
    return Cluster(3, root_token="root", fresh_keys=True)


def test_other_requests_are_answered_while_a_node_makes_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with made_cluster() as cluster:
        with making_a_key(cluster, monkeypatch, node=1) as asked:
            for node in cluster.nodes:
                assert status_of("POST", f"{node.url}/v1/secret/data/{node.index}", {"data": {}}) == 200
            health = [status_of("GET", f"{node.url}/v1/sys/health") for node in cluster.nodes]
            assert health == [200, 429, 429]
            assert not asked.done()
        assert asked.result() == 200
        read = requests.get(f"{cluster.nodes[0].url}/v1/transit/keys/k", headers=ROOT, timeout=60)
        assert read.json()["data"]["type"] == "rsa-2048"


CHANGES: dict[str, tuple[Callable[[Cluster], object], list[str]]] = {
    "the active node is sealed": (lambda cluster: cluster.nodes[0].seal(), ["sealed", "active", "standby"]),
    "the active node steps down": (lambda cluster: cluster.step_down(), ["standby", "active", "standby"]),
    "the active node is sealed by a request": (
        lambda cluster: status_of("POST", f"{cluster.nodes[0].url}/v1/sys/seal"), ["sealed", "active", "standby"],
    ),
    "a node is stopped": (lambda cluster: cluster.nodes[2].stop(), ["active", "standby", "stopped"]),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_request_that_waits_keeps_nothing_of_the_nodes(monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    do, roles = CHANGES[change]
    with made_cluster() as cluster:
        with making_a_key(cluster, monkeypatch, node=0) as asked:
            do(cluster)
            cluster.elect()
            assert [node.role for node in cluster.nodes] == roles
            assert not asked.done()
        assert asked.result() == 200
        assert [node.role for node in cluster.nodes] == roles


def test_each_node_tells_its_health_while_the_world_is_in_use() -> None:
    with Cluster(4, root_token="root") as cluster, ThreadPoolExecutor() as clients:
        cluster.nodes[3].seal()
        with cluster.world.lock:
            asked = [clients.submit(status_of, "GET", f"{node.url}/v1/sys/health") for node in cluster.nodes]
            query = clients.submit(status_of, "HEAD", f"{cluster.nodes[1].url}/v1/sys/health?standbycode=299")
            invalid = clients.submit(status_of, "GET", f"{cluster.nodes[1].url}/v1/sys/health?standbycode=x")
            assert [answer.result(60) for answer in (*asked, query, invalid)] == [200, 429, 429, 503, 299, 400]
