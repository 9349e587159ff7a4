"""TLS faults: where they can be written, and what is refused with a reason. What clients see: tests/faults."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest
import requests
import trustme

from mockkms import MockKMS, SeedError
from mockkms.faults import FaultError
from mockkms.faults.kinds.connections import TLS_FAULTS


def health(kms: MockKMS) -> int:
    return requests.get(kms.url + "/v1/sys/health", verify=kms.ca_file or True, timeout=60).status_code


def test_a_rule_of_a_world_counts_connections() -> None:
    rule = {"id": "old", "tls": "expired", "skip": 1, "times": 1}
    with MockKMS(tls=True, seed={"faults": [rule]}) as kms:
        assert health(kms) == 200
        with pytest.raises(requests.exceptions.SSLError, match="has expired"):
            health(kms)
        assert health(kms) == 200
        found = kms.faults.get("old")
        assert (found.matched, found.fired) == (3, 1)
        kms.reset()
        assert found.fired == 0


def test_over_the_control_api_on_one_connection() -> None:
    with MockKMS(tls=True) as kms, requests.Session() as session:
        session.verify, session.trust_env = kms.ca_file, False
        added = session.post(f"{kms.url}/_mockkms/faults", json={"tls": "wrong-host"}, timeout=60)
        assert added.status_code == 200
        with pytest.raises(requests.exceptions.SSLError, match="mismatch"):
            health(kms)
        assert session.delete(f"{kms.url}/_mockkms/faults/{added.json()['id']}", timeout=60).status_code == 200
        assert health(kms) == 200
        wrong = session.post(f"{kms.url}/_mockkms/faults", json={"tls": "expierd"}, timeout=60)
        assert "did you mean 'expired'" in wrong.json()["message"]


def test_a_window_of_the_clock_heals_it() -> None:
    with MockKMS(tls=True, seed={"clock": "2026-01-01T00:00:00Z"}) as kms:
        kms.faults.add("*", tls="close", lasts="30s")
        with pytest.raises(requests.exceptions.SSLError):
            health(kms)
        kms.clock.advance(30)
        assert health(kms) == 200


@pytest.mark.parametrize("fault", [{"close": True}, {"close": "headers"}, {"truncate": 5}])
def test_a_fault_that_closes_a_tls_connection_logs_nothing(
    fault: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    with MockKMS(tls=True) as kms:
        kms.faults.add("sys/health", **fault)
        context = ssl.create_default_context(cafile=kms.ca_file)
        address = ("127.0.0.1", int(kms.url.rpartition(":")[2]))
        with context.wrap_socket(socket.create_connection(address, 5), server_hostname="localhost") as wire:
            wire.sendall(b"GET /v1/sys/health HTTP/1.1\r\nHost: x\r\n\r\n")
            while wire.recv(4096):
                pass
        kms.faults.clear()
        assert health(kms) == 200
    assert caplog.messages == []


@pytest.mark.parametrize("fault", TLS_FAULTS)
def test_without_tls_it_is_refused(fault: str) -> None:
    with pytest.raises(FaultError, match="speaks no TLS"):
        MockKMS().faults.add(tls=fault)
    with pytest.raises(SeedError, match="speaks no TLS"):
        MockKMS(seed={"faults": [{"tls": fault}]})


def test_a_tenant_has_no_connections_of_its_own() -> None:
    kms = MockKMS(tls=True, seed={"faults": [{"tls": "reset"}]})
    kms.start()
    try:
        tenant = kms.tenant("one")
        assert len(tenant.faults) == 0
        with pytest.raises(FaultError, match="a tenant shares the server"):
            tenant.faults.add(tls="reset")
    finally:
        kms.stop()


def test_certificates_of_others(tmp_path: Path) -> None:
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1")
    chain, key, ca = tmp_path / "chain.pem", tmp_path / "key.pem", tmp_path / "ca.pem"
    leaf.private_key_pem.write_to_path(key)
    leaf.cert_chain_pems[0].write_to_path(chain)
    authority.cert_pem.write_to_path(ca)
    with MockKMS(tls=(chain, key)) as kms:
        kms.ca_file = str(ca)
        with pytest.raises(FaultError, match="own authority"):
            kms.faults.add(tls="expired")
        kms.faults.add(tls="client-cert", times=1)
        with pytest.raises((requests.exceptions.SSLError, requests.ConnectionError), match="CERTIFICATE_REQUIRED"):
            health(kms)
        assert health(kms) == 200
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    with pytest.raises(FaultError, match="as files"):
        MockKMS(tls=context).faults.add(tls="client-cert")


@pytest.mark.parametrize(
    "words",
    [{"tls": "expired", "delay": 1}, {"tls": "expired", "applied": True}, {"tls": "reset", "path": "secret/*"},
     {"tls": "reset", "match": {"method": "GET"}}, {"sequence": [{"tls": "reset"}, 503]}],
)  # fmt: skip
def test_nothing_goes_with_it(words: dict[str, object]) -> None:
    with pytest.raises(FaultError, match="applies before a request is read"):
        MockKMS(tls=True).faults.add(**words)


def test_answers_name_their_rules_when_asked_to() -> None:
    with MockKMS() as kms:
        kms.faults.add("sys/health", id="odd, name", status=418)
        plain = requests.get(kms.url + "/v1/sys/health", timeout=60)
        assert "X-Mockkms-Fault" not in plain.headers
        done = requests.post(kms.url + "/_mockkms/state", json={"fault_header": True}, timeout=60)
        assert done.json()["fault_header"] is True
        kms.faults.add("sys/*", id="cut", truncate=20, times=1)
        cut = requests.get(kms.url + "/v1/sys/health", stream=True, timeout=60)
        assert cut.headers["X-Mockkms-Fault"] == "odd%2C name, cut"
        assert "X-Mockkms-Fault" not in requests.get(kms.url + "/v1/sys/internal/ui/mounts", timeout=60).headers
        kms.reset()
        assert kms.faults.header is False
