"""Clusters: who answers and how, failovers, and that nothing acknowledged is lost."""

from __future__ import annotations

import http.client
import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mockkms import Cluster, MockKMS
from mockkms.cluster import ClusterNode
from mockkms.server.cluster.nodes import Nodes
from mockkms.world.clock import Clock
from tests.serving import ready_file


@pytest.fixture
def make() -> Iterator[Callable[..., Cluster]]:
    """Starts clusters whose clock stands still."""
    made: list[Cluster] = []

    def begin(nodes: int = 3, **options: Any) -> Cluster:
        cluster = Cluster(nodes, rng=7, **options)
        made.append(cluster)
        cluster.clock.freeze(1_800_000_000)
        cluster.start()
        return cluster

    yield begin
    for cluster in made:
        cluster.stop()


class Answer:
    """Status, headers and decoded body."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(node: ClusterNode | str, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    """One request on a connection of its own, redirects not followed. Raises OSError, HTTPException."""
    url = node if isinstance(node, str) else node.url
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    sent = {"X-Vault-Token": "root", **{name.replace("_", "-"): text for name, text in headers.items()}}
    try:
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def ask_on(connection: http.client.HTTPConnection) -> Answer:
    connection.request("GET", "/v1/sys/health")
    return Answer(connection.getresponse())


def write(node: ClusterNode | str, value: Any, **headers: str) -> Answer:
    return ask(node, "POST", "/v1/secret/data/a", {"data": {"v": value}}, **headers)


def read(node: ClusterNode | str, **headers: str) -> Answer:
    return ask(node, "GET", "/v1/secret/data/a", **headers)


def health(cluster: Cluster, query: str = "") -> list[int]:
    return [ask(node, "GET", f"/v1/sys/health{query}").status for node in cluster.nodes]


def test_standbys_forward(make: Callable[..., Cluster]) -> None:
    cluster = make()
    assert [node.role for node in cluster.nodes] == ["active", "standby", "standby"]
    assert health(cluster) == [200, 429, 429]
    assert health(cluster, "?standbyok=true") == [200, 200, 200]
    assert health(cluster, "?standbycode=299") == [200, 299, 299]
    assert write(cluster.nodes[2], 1).status == 200
    assert read(cluster.nodes[1]).json["data"]["data"] == {"v": 1}
    assert ask(cluster.nodes[1], "GET", "/v1/sys/health?standbyok=true").json["standby"] is True


@pytest.mark.parametrize(("standby", "header"), [("redirect", {}), ("forward", {"X_Vault_No_Request_Forwarding": "1"})])
def test_standbys_redirect(make: Callable[..., Cluster], standby: str, header: dict[str, str]) -> None:
    cluster = make(standby=standby)
    sent = ask(cluster.nodes[1], "POST", "/v1/secret/data/a?x=1", {"data": {}}, **header)
    assert (sent.status, sent.body) == (307, b"")
    assert sent.headers["Location"] == f"{cluster.nodes[0].url}/v1/secret/data/a?x=1"
    assert read(cluster.nodes[0]).status == 404
    assert ask(cluster.nodes[1], "GET", "/v1/sys/seal-status").status == 200


@pytest.mark.parametrize(
    ("standby", "status", "text"),
    [
        ("redirect", 503, "no active Vault instance found"),
        ("forward", 500, "local node not active but active cluster node not found"),
    ],
)
def test_without_a_leader(make: Callable[..., Cluster], standby: str, status: int, text: str) -> None:
    cluster = make(standby=standby, election_delay=2)
    cluster.nodes[0].stop()
    assert cluster.active is None
    refused = read(cluster.nodes[1])
    assert (refused.status, refused.json) == (status, {"errors": [text]})
    assert ask(cluster.nodes[1], "GET", "/v1/sys/health").status == 474
    cluster.clock.advance(1.9)
    assert cluster.active is None
    cluster.clock.advance(0.2)
    assert cluster.active is cluster.nodes[1]
    assert write(cluster.nodes[1], 1).status == 200


def test_a_stopped_node_refuses_connections_and_returns(make: Callable[..., Cluster]) -> None:
    cluster = make()
    assert write(cluster.nodes[0], 1).status == 200
    idle = http.client.HTTPConnection(urlsplit(cluster.nodes[2].url).netloc, timeout=60)
    idle.connect()
    cluster.nodes[2].stop()
    with pytest.raises(ConnectionRefusedError):
        read(cluster.nodes[2])
    with pytest.raises((OSError, http.client.HTTPException)):
        ask_on(idle)
    idle.close()
    assert cluster.active is cluster.nodes[0]
    cluster.nodes[2].start()
    assert read(cluster.nodes[2]).json["data"]["data"] == {"v": 1}


def test_step_down(make: Callable[..., Cluster]) -> None:
    cluster = make()
    assert ask(cluster.nodes[0], "PUT", "/v1/sys/step-down", X_Vault_Token="wrong").status == 403
    assert cluster.active is cluster.nodes[0]
    assert ask(cluster.nodes[2], "PUT", "/v1/sys/step-down").status == 204
    assert cluster.active is None
    assert cluster.elect() is cluster.nodes[1]
    assert health(cluster) == [429, 200, 429]


def test_one_node_is_sealed_and_unsealed_by_its_key(make: Callable[..., Cluster]) -> None:
    cluster = make()
    refused = ask(cluster.nodes[1], "PUT", "/v1/sys/seal")
    text = "vault cannot seal when in standby mode; please restart instead"
    assert (refused.status, refused.json) == (500, {"errors": [text]})
    assert ask(cluster.nodes[0], "PUT", "/v1/sys/seal").status == 204
    cluster.elect()
    assert [node.role for node in cluster.nodes] == ["sealed", "active", "standby"]
    assert health(cluster) == [503, 200, 429]
    assert read(cluster.nodes[0]).json == {"errors": ["Vault is sealed"]}
    seals = [ask(node, "GET", "/v1/sys/seal-status").json["sealed"] for node in cluster.nodes]
    assert seals == [True, False, False]
    unsealed = ask(cluster.nodes[0], "PUT", "/v1/sys/unseal", {"key": cluster.unseal_keys[0]})
    assert unsealed.json["sealed"] is False
    assert health(cluster) == [429, 200, 429]


def test_the_whole_cluster_is_sealed(make: Callable[..., Cluster]) -> None:
    cluster = make()
    cluster.seal()
    assert health(cluster) == [503, 503, 503]
    cluster.nodes[0].unseal()
    cluster.clock.advance(5)
    assert cluster.active is None  # one of three is no quorum
    cluster.unseal()
    cluster.clock.advance(5)
    assert sorted(health(cluster)) == [200, 429, 429]


def test_partition(make: Callable[..., Cluster]) -> None:
    cluster = make(standby="redirect", flavor="openbao")
    cluster.partition(cluster.nodes[0])
    assert cluster.elect() is cluster.nodes[1]
    assert read(cluster.nodes[0]).status == 503
    assert read(cluster.nodes[2]).headers["Location"].startswith(cluster.nodes[1].url)
    assert health(cluster) == [429, 200, 429]
    cluster.partition(0, 1)
    assert cluster.active is cluster.nodes[1]  # two of three see each other
    cluster.heal()
    assert read(cluster.nodes[0]).status == 307


def test_leader_and_ha_status(make: Callable[..., Cluster]) -> None:
    cluster = make()
    leaders = [ask(node, "GET", "/v1/sys/leader").json for node in cluster.nodes]
    assert [leader["is_self"] for leader in leaders] == [True, False, False]
    assert {leader["leader_address"] for leader in leaders} == {cluster.nodes[0].url}
    assert leaders[0]["ha_enabled"] is True
    nodes = ask(cluster.nodes[1], "GET", "/v1/sys/ha-status").json["data"]["nodes"]
    assert {node["api_address"]: node["active_node"] for node in nodes} == {
        node.url: node is cluster.nodes[0] for node in cluster.nodes
    }


def test_openbao_leaves_out_what_has_no_value(make: Callable[..., Cluster]) -> None:
    cluster = make(flavor="openbao")
    assert set(ask(cluster.nodes[1], "GET", "/v1/sys/leader").json) == {
        "ha_enabled",
        "leader_address",
        "leader_cluster_address",
    }


def test_performance_standbys_and_index_headers(make: Callable[..., Cluster]) -> None:
    cluster = make(performance_standbys=True, index_headers=True)
    assert health(cluster) == [200, 473, 473]
    assert health(cluster, "?perfstandbyok=true") == [200, 200, 200]
    cluster.nodes[1].lag = 3
    first = write(cluster.nodes[1], 1).headers["X-Vault-Index"]
    assert read(cluster.nodes[1]).status == 200
    refused = read(cluster.nodes[1], X_Vault_Index=first)
    assert (refused.status, refused.json) == (412, {"errors": ["required index state not present"]})
    assert read(cluster.nodes[2], X_Vault_Index=first).status == 200
    assert read(cluster.nodes[1], X_Vault_Index=first, X_Vault_Inconsistent="forward-active-node").status == 200
    assert read(cluster.nodes[1], X_Vault_Index=first, X_Vault_Forward="active-node").status == 200
    assert read(cluster.nodes[1], X_Vault_Index=first[:-4] + "AAAA").status == 400
    cluster.clock.advance(3)
    assert read(cluster.nodes[1], X_Vault_Index=first).status == 200


def test_faults_and_journal_see_every_node(make: Callable[..., Cluster]) -> None:
    cluster = make()
    cluster.faults.add("secret/*", answer="overloaded", times=1)
    assert (write(cluster.nodes[1], 1).status, write(cluster.nodes[2], 1).status) == (503, 200)
    assert cluster.journal.count("secret/data/a") == 2


def test_reset_brings_every_node_back(make: Callable[..., Cluster]) -> None:
    cluster = make()
    cluster.nodes[0].stop()
    cluster.nodes[1].seal()
    cluster.partition(2)
    cluster.reset()
    cluster.clock.freeze()
    assert health(cluster) == [200, 429, 429]


def test_a_snapshot_keeps_the_nodes(make: Callable[..., Cluster]) -> None:
    cluster = make(5)
    cluster.nodes[0].stop()
    cluster.elect()
    cluster.nodes[2].seal()
    cluster.partition(3)
    cluster.nodes[4].lag = 2
    kept = cluster.snapshot()
    expected = [node.role for node in cluster.nodes]
    leader = cluster.leader
    assert (expected[0], expected[2], leader) == ("stopped", "sealed", None)
    cluster.reset()
    cluster.clock.freeze()
    assert health(cluster) == [200, 429, 429, 429, 429]
    cluster.restore(kept)
    assert ([node.role for node in cluster.nodes], cluster.leader, cluster.nodes[4].lag) == (expected, leader, 2)
    with pytest.raises(ConnectionError):
        read(cluster.nodes[0])
    assert ask(cluster.nodes[2], "GET", "/v1/sys/health").status == 503
    cluster.heal()
    cluster.nodes[0].start()
    cluster.elect()
    assert read(cluster.nodes[0]).status == 404


def test_a_named_snapshot_keeps_the_nodes(make: Callable[..., Cluster]) -> None:
    cluster = make()
    cluster.nodes[2].stop()
    first = cluster.nodes[0].url
    assert ask(first, "PUT", "/_mockkms/snapshots/one").status == 200
    assert roles(control(first, do="start", node=2)) == ["active", "standby", "standby"]
    assert ask(first, "POST", "/_mockkms/snapshots/one/restore").status == 200
    assert roles(ask(first, "GET", "/_mockkms/cluster")) == ["active", "standby", "stopped"]


# -- from outside ----------------------------------------------------------------------------------------------------


def control(node: ClusterNode | str, /, **body: Any) -> Answer:
    return ask(node, "POST", "/_mockkms/cluster", body)


def roles(answer: Answer) -> list[str]:
    return [node["role"] for node in answer.json["nodes"]]


def test_the_control_api_changes_nodes(make: Callable[..., Cluster]) -> None:
    cluster = make()
    first, second, third = cluster.nodes
    assert roles(ask(third, "GET", "/_mockkms/cluster")) == ["active", "standby", "standby"]
    stopped = control(first, do="stop", node=0)  # the node answers before it goes
    assert (stopped.json["active"], roles(stopped)) == (None, ["stopped", "standby", "standby"])
    with pytest.raises(ConnectionError):
        read(first)
    assert roles(control(second, do="elect")) == ["stopped", "active", "standby"]
    assert roles(control(second, do="start", node=0)) == ["standby", "active", "standby"]
    assert roles(control(second, do="seal", node=1)) == ["standby", "sealed", "standby"]
    assert roles(control(third, do="unseal", node=1)) == ["standby", "standby", "standby"]
    assert control(third, do="lag", node=1, seconds=2).json["nodes"][1]["lag"] == 2
    assert control(third, do="elect").json["active"] == 2
    assert control(third, do="partition", nodes=[2]).json["active"] is None
    assert control(third, do="elect").json["active"] == 0
    assert control(third, do="heal").json["active"] == 0
    assert control(third, do="step-down").json["active"] is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"do": "dance"},
        {"do": "stop"},
        {"do": "stop", "node": 3},
        {"do": "stop", "node": True},
        {"do": "lag", "node": 0, "seconds": -1},
        {"do": "lag", "node": 0, "seconds": "x"},
        {"do": "partition", "nodes": 1},
        {"do": "partition", "nodes": ["a"]},
    ],
)
def test_the_control_api_refuses_invalid_changes(make: Callable[..., Cluster], body: dict[str, Any]) -> None:
    cluster = make()
    assert control(cluster.nodes[0], **body).status == 400
    assert health(cluster) == [200, 429, 429]


def test_a_single_server_is_not_a_cluster() -> None:
    with MockKMS() as kms:
        assert ask(kms.url, "GET", "/_mockkms/cluster").status == 404


def test_the_factory_makes_clusters(mockkms_factory: Any) -> None:
    cluster = mockkms_factory.cluster(2, standby="redirect", quorum=1)
    assert write(cluster.nodes[1], 1).status == 307
    cluster.nodes[0].stop()
    assert cluster.elect() is cluster.nodes[1]
    assert write(cluster.nodes[1], 1).status == 200


def test_serve_nodes(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    command = [sys.executable, "-m", "mockkms", "serve", "--port", "0", "--nodes", "3", "--standby", "redirect"]
    with subprocess.Popen([*command, "--ready-file", ready], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            printed = [process.stdout.readline() for _ in range(4)]
            nodes = ready_file(ready, process)["nodes"]
            assert [f"Node {number} at {url}\n" for number, url in enumerate(nodes)] == printed[1:]
            assert [ask(url, "GET", "/v1/sys/health").status for url in nodes] == [200, 429, 429]
        finally:
            process.terminate()


@pytest.mark.parametrize(
    "flags",
    [["--nodes", "0"], ["--standby", "redirect"], ["--nodes", "3", "--port", "65535"], ["--index-headers"]],
)
def test_serve_refuses_invalid_cluster_options(flags: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mockkms", "serve", *flags], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert "--nodes" in done.stderr or "nodes" in done.stderr


# -- failovers -------------------------------------------------------------------------------------------------------


class Retrying:
    """A client that goes from node to node, with pauses on the virtual clock, until one answers it."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.node = 0

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        for _ in range(40):
            try:
                answer = ask(self.cluster.nodes[self.node], method, path, body)
            except (OSError, http.client.HTTPException):
                answer = None
            if answer is not None and answer.status == 307:
                self.node = self.cluster.urls.index(answer.headers["Location"].partition("/v1/")[0])
                continue
            if answer is not None and answer.status < 500:
                return answer
            self.node = (self.node + 1) % len(self.cluster.nodes)
            self.cluster.clock.advance(0.25)
        raise AssertionError("no node answered")


def fail_over(cluster: Cluster, chance: random.Random) -> str:
    """Repair what was broken before, and take the leadership from the active node in one of the possible ways."""
    cluster.heal()
    for node in cluster.nodes:
        if node.role in ("stopped", "sealed"):
            node.start()
    active = cluster.active or cluster.elect()
    assert active is not None
    how = chance.choice(["step down", "seal", "stop", "partition", "lost answer"])
    if how == "seal":
        active.seal()
    elif how == "stop":
        active.stop()
    elif how == "partition":
        cluster.partition(active)
    else:
        if how == "lost answer":
            cluster.faults.add("secret/*", method="POST", lose_answer="reset", times=1)
        cluster.step_down()
    return how


@pytest.mark.parametrize("standby", ["forward", "redirect"])
def test_fifty_failovers_lose_no_acknowledged_write(make: Callable[..., Cluster], standby: str) -> None:
    cluster = make(standby=standby)
    chance = random.Random(20261123)
    client = Retrying(cluster)
    versions: dict[str, int] = {}
    ways, leaders, before = set(), 0, cluster.leader
    for number in range(50):
        ways.add(fail_over(cluster, chance))
        for step in range(2):
            name = f"/v1/secret/data/key-{chance.randrange(12)}"
            cas = versions.get(name, 0)
            body = {"data": {"number": number, "step": step}, "options": {"cas": cas}}
            answer = client.call("POST", name, body)
            stored = client.call("GET", name).json["data"]
            # A write whose answer was lost is refused when it is made again: it did take effect, once.
            assert answer.status == 200 or (answer.status == 400 and b"check-and-set" in answer.body)
            assert (stored["metadata"]["version"], stored["data"]) == (cas + 1, body["data"])
            versions[name] = cas + 1
        leaders += cluster.leader != before
        before = cluster.leader
    assert ways == {"step down", "seal", "stop", "partition", "lost answer"}
    assert leaders == 50
    for name, version in versions.items():
        assert client.call("GET", name).json["data"]["metadata"]["version"] == version
    assert client.call("GET", "/v1/secret/data/none").status == 404


# -- rules -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "options"), [(0, {}), (3, {"quorum": 4}), (3, {"quorum": 0}), (3, {"election_delay": -1})]
)
def test_invalid_cluster_options(count: int, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\d"):
        Nodes(Clock(), count, **options)
    with pytest.raises(ValueError, match="standby"):
        Cluster(standby="ignore")


def test_a_lone_node_leads_again_after_it_stepped_down() -> None:
    clock = Clock()
    clock.freeze(100.0)
    nodes = Nodes(clock, 1)
    nodes.step_down()
    during = nodes.leader
    clock.advance(1)
    after = nodes.leader
    assert (during, after, nodes.active_since) == (None, 0, 101.0)


def test_old_writes_are_forgotten_but_counted() -> None:
    clock = Clock()
    clock.freeze(100.0)
    nodes = Nodes(clock, 3)
    nodes.all[1].lag = 5
    for _ in range(45_000):
        nodes.wrote()
    assert nodes.index == 45_000
    assert nodes.seen(2) == 45_000
    assert nodes.seen(1) < 45_000
    clock.advance(5)
    assert nodes.seen(1) == 45_000
