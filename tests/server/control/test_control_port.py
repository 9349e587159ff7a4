"""The control API on a port of its own, which no fault touches."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from mockkms import Cluster, MockKMS, RemoteKMS


def reachable(kms: MockKMS, timeout: float = 60) -> bool:
    try:
        return requests.get(f"{kms.url}/v1/sys/health", timeout=timeout, verify=kms.ca_file or False).ok
    except requests.RequestException:
        return False


@pytest.mark.parametrize("fault", [{"refuse": 60}, {"deaf": 60}])
def test_a_fault_of_the_ports_is_lifted(fault: dict[str, object]) -> None:
    with MockKMS(control_port=0) as kms:
        assert kms.control_url != kms.url
        kms.faults.add({"path": "sys/seal-status", **fault})
        with pytest.raises(requests.RequestException):
            requests.get(f"{kms.url}/v1/sys/seal-status", timeout=0.5)
        assert not reachable(kms, timeout=0.5)
        assert requests.get(f"{kms.control_url}/_mockkms/faults", timeout=60).json()["rules"][0]["fired"] == 1
        assert requests.delete(f"{kms.control_url}/_mockkms/faults", timeout=60).ok
        assert reachable(kms)


@pytest.mark.parametrize("tenant", ["/t/x", "/t/x/t/y"])
@pytest.mark.parametrize("fault", [{"refuse": 600}, {"deaf": 600}])
def test_a_fault_of_a_tenant_is_lifted(tenant: str, fault: dict[str, object]) -> None:
    with MockKMS(control_port=0) as kms:
        control, health = f"{kms.control_url}{tenant}/_mockkms", f"{kms.url}{tenant}/v1/sys/health"
        assert requests.post(f"{control}/state", json=fault, timeout=60).ok
        with pytest.raises(requests.RequestException):
            requests.get(health, timeout=0.5)
        assert requests.get(f"{control}/state", timeout=60).ok
        assert requests.post(f"{control}/reset", timeout=60).ok
        assert requests.get(health, timeout=60).ok


def test_a_restart_of_a_tenant_leaves_the_port_alone() -> None:
    with MockKMS(control_port=0) as kms, requests.Session() as session:
        state = f"{kms.control_url}/t/x/_mockkms/state"
        answer = session.post(state, json={"restart": True}, timeout=60)
        assert answer.ok
        assert "Connection" not in answer.headers


def test_a_tls_fault_is_lifted() -> None:
    with MockKMS(control_port=0, tls=True) as kms:
        assert reachable(kms)
        with RemoteKMS(kms.control_url) as remote:
            remote.faults.add(tls="reset")
            assert not reachable(kms, timeout=0.5)
            remote.faults.clear()
        assert reachable(kms)


def test_nothing_else_is_served_there() -> None:
    with MockKMS(control_port=0) as kms:
        for path in ("/v1/sys/health", "/", "/rustfs/admin/v3/kms/status", "/t/x/v1/sys/health"):
            refused = requests.get(kms.control_url + path, timeout=60)
            assert refused.status_code == 404
            assert "/_mockkms/" in refused.json()["errors"][0]
        assert requests.get(f"{kms.control_url}/t/x/_mockkms/state", timeout=60).ok
        assert requests.get(f"{kms.control_url}/_mockkms/ui/", timeout=60).ok


def test_a_reset_listens_again_without_such_a_port() -> None:
    with MockKMS() as kms, RemoteKMS(kms.url) as remote:
        assert kms.control_url == kms.url
        # The connection of the control API is cut with all others, so the server itself is asked.
        kms.faults.add({"path": "sys/seal-status", "deaf": 60})
        with pytest.raises(requests.RequestException):
            requests.get(f"{kms.url}/v1/sys/seal-status", timeout=0.5)
        remote.reset()
        assert reachable(kms)


@pytest.mark.parametrize("fault", [{"refuse": 60}, {"deaf": 60}])
def test_a_reset_in_python_listens_again(fault: dict[str, object]) -> None:
    with MockKMS() as kms:
        kms.faults.add({"path": "sys/seal-status", **fault})
        with pytest.raises(requests.RequestException):
            requests.get(f"{kms.url}/v1/sys/seal-status", timeout=0.5)
        kms.reset()
        assert reachable(kms)


def test_a_cluster_has_one() -> None:
    with Cluster(nodes=2, control_port=0) as cluster:
        assert requests.get(f"{cluster.control_url}/_mockkms/state", timeout=60).ok
        assert cluster.control_url not in cluster.urls


def test_start_and_stop_again() -> None:
    kms = MockKMS(control_port=0)
    for _ in range(2):
        with kms:
            assert requests.get(f"{kms.control_url}/_mockkms/", timeout=60).ok


def test_serve(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from mockkms.cli import main

    with MockKMS(control_port=0) as kms:
        port = kms.control_url.rpartition(":")[2]
        assert main(["serve", "--port", "0", "--control-port", port, "--ready-file", str(tmp_path / "r")]) == 2
        taken = f"cannot listen on 127.0.0.1:{port}: Address already in use; --control-port 0 picks a free port"
        assert taken in capsys.readouterr().err
        assert main(["serve", "--port", "0", "--rustfs-port", port, "--ready-file", str(tmp_path / "r")]) == 2
        assert taken.replace("--control-port", "--rustfs-port") in capsys.readouterr().err
