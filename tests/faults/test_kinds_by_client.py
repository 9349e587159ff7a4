"""Each fault kind as real clients see it: requests, aiohttp, Go's net/http, Node's fetch."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import hvac
import pytest
import requests

from mockkms import Cluster, MockKMS
from mockkms.faults.kinds import KINDS
from mockkms.faults.kinds.connections import TLS_FAULTS
from tests.faults.asking import Client, ClientRequest, Seen, by_aiohttp, by_requests, go, node
from tests.ports import wait_for_port

PATH = "secret/data/app"
CLIENTS = ("requests", "aiohttp", "go", "node")


@dataclass
class Case:
    """One fault, with a part of each client's error message; ``a|b`` are alternatives."""

    words: dict[str, Any]
    errors: dict[str, str] | None = None
    """None if the client gets an answer, which ``check`` verifies."""
    check: Callable[[Seen], object] | None = None
    applied: bool = True
    """Whether the write took effect."""
    timeout: float = 5


def errors(requests: str, aiohttp: str, go: str, node: str) -> dict[str, str]:
    return {"requests": requests, "aiohttp": aiohttp, "go": go, "node": node}


RESET = errors("ConnectionResetError ECONNRESET", "ECONNRESET", "ECONNRESET", "ECONNRESET")
CLOSED = errors("RemoteDisconnected", "ServerDisconnectedError", "EOF", "UND_ERR_SOCKET")
CUT = errors("IncompleteRead", "ClientPayloadError", "ErrUnexpectedEOF", "terminated")
SILENT = errors("ReadTimeout", "TimeoutError", "Timeout", "TimeoutError")


def version(seen: Seen) -> int:
    return int(json.loads(seen.body)["data"]["version"])


CASES: dict[str, Case] = {
    "advance": Case({"advance": "1h"}, check=lambda seen: version(seen) == 1),
    "answer": Case({"answer": "sealed"}, check=lambda seen: (seen.status, b"is sealed" in seen.body) == (503, True),
                   applied=False),
    "bad_chunk": Case({"bad_chunk": True}, errors(
        "InvalidChunkLength", "ClientPayloadError|ClientResponseError", "invalid byte in chunk length",
        "HPE_INVALID_CHUNK_SIZE|terminated")),
    "close": Case({"close": True}, CLOSED, applied=False),
    "close headers": Case({"close": "headers"}, CUT),
    "close 5": Case({"close": 5}, CUT),
    "content_length": Case({"content_length": 10000}, CUT),
    "content_type": Case({"content_type": "text/html"}, check=lambda seen: seen.headers["content-type"] == "text/html"),
    "deaf": Case({"deaf": 0.05}, CLOSED, applied=False),
    "delay": Case({"delay": 0.02}, check=lambda seen: version(seen) == 1),
    "delay too long": Case({"delay": 60}, SILENT, applied=False, timeout=1),
    "drip": Case({"drip": {"bytes": 100, "every": "2ms"}}, check=lambda seen: version(seen) == 1),
    "drip too slow": Case({"drip": {"bytes": 1, "every": 60}}, errors(
        "Read timed out", "TimeoutError", "Timeout", "TimeoutError"), timeout=1),
    "drop": Case({"drop": "data.version"}, check=lambda seen: "version" not in json.loads(seen.body)["data"]),
    "empty": Case({"empty": True}, check=lambda seen: (seen.status, seen.body) == (200, b"")),
    "expire": Case({"expire": "last"}, check=lambda seen: version(seen) == 1),
    "flip": Case({"flip": "data.created_time"}, check=lambda seen: not json.loads(seen.body)["data"]["created_time"]
                 .startswith("2026-01-01T00:00:00")),
    "garbage": Case({"garbage": 64}, check=lambda seen: (seen.status, len(seen.body), seen.body[:1] == b"{")
                    == (200, 64, False)),
    "garbage wire": Case({"garbage": "wire"}, errors(
        "BadStatusLine|RemoteDisconnected", "ClientResponseError", "malformed HTTP", "HPE_INVALID|UND_ERR_SOCKET"),
        applied=False),
    "hang": Case({"hang": True}, SILENT, applied=False, timeout=1),
    "headers": Case({"headers": {"Retry-After": "3", "Cache-Control": None}}, check=lambda seen: (
        seen.headers["retry-after"], "cache-control" in seen.headers) == ("3", False)),
    "lose_answer": Case({"lose_answer": True}, CLOSED),
    "lose_answer reset": Case({"lose_answer": "reset"}, RESET),
    "lose_request": Case({"lose_request": True}, CLOSED, applied=False),
    "refuse": Case({"refuse": 0.05}, CLOSED, applied=False),
    "replace": Case({"replace": {"data.version": 7}}, check=lambda seen: version(seen) == 7),
    "reset": Case({"reset": True}, RESET, applied=False),
    "reset 5": Case({"reset": 5}, errors(
        "ECONNRESET|IncompleteRead", "ECONNRESET|ClientPayloadError", "ECONNRESET|ErrUnexpectedEOF",
        "ECONNRESET|terminated")),
    "restart": Case({"restart": "keep"}, CLOSED, applied=False),
    "revoke": Case({"revoke": True}, check=lambda seen: seen.status == 403, applied=False),
    "seal": Case({"seal": True}, check=lambda seen: seen.status == 503, applied=False),
    "set_clock": Case({"set_clock": "2030-01-01"}, check=lambda seen: (
        json.loads(seen.body)["data"]["created_time"] == "2030-01-01T00:00:00Z")),
    "set_state": Case({"set_state": "down"}, check=lambda seen: version(seen) == 1),
    "stale": Case({"stale": True}, check=lambda seen: version(seen) == 1),
    "status": Case({"status": 500}, check=lambda seen: (seen.status, version(seen)) == (500, 1)),
    "truncate": Case({"truncate": 5}, CUT),
    "unseal": Case({"unseal": True}, check=lambda seen: version(seen) == 1),
}  # fmt: skip

HANDSHAKES = {
    "untrusted": errors(
        "unable to get local issuer", "unable to get local issuer", "x509.UnknownAuthorityError",
        "UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
    "expired": errors("certificate has expired", "certificate has expired", "x509.CertificateInvalidError",
                      "CERT_HAS_EXPIRED"),
    "wrong-host": errors("IP address mismatch", "IP address mismatch", "x509.HostnameError",
                         "ERR_TLS_CERT_ALTNAME_INVALID"),
    "client-cert": errors(
        "TLSV13_ALERT_CERTIFICATE_REQUIRED", "TLSV13_ALERT_CERTIFICATE_REQUIRED", "tls: certificate required",
        "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED|UND_ERR_SOCKET"),
    "reset": RESET,
    "close": errors("SSLEOFError", "ClientConnectorError|ClientOSError|ServerDisconnectedError", "EOF",
                    "ECONNRESET"),
    "hang": errors("ReadTimeout|ConnectTimeout", "TimeoutError", "Timeout", "TimeoutError"),
}  # fmt: skip


@pytest.fixture(scope="module")
def plain() -> Iterator[MockKMS]:
    with MockKMS(rng=5, seed={"clock": "2026-01-01T00:00:00Z"}) as kms:
        yield kms


@pytest.fixture(scope="module")
def clients(secure: MockKMS) -> Iterator[Callable[[str], Client]]:
    known: dict[str, Client] = {"requests": by_requests, "aiohttp": by_aiohttp}
    with ExitStack() as stack:

        def client(name: str) -> Client:
            if name not in known:
                known[name] = stack.enter_context({"go": go, "node": node}[name](secure.ca_file))
            return known[name]

        yield client


def write(kms: MockKMS, timeout: float = 5) -> ClientRequest:
    return ClientRequest("POST", f"{kms.url}/v1/{PATH}", kms.token, '{"data": {"n": 1}}', kms.ca_file, timeout)


def agreed(seen: Seen, wanted: str) -> bool:
    return any(all(word in seen.error for word in words.split(" ")) for words in wanted.split("|"))


@pytest.mark.parametrize("name", CLIENTS)
@pytest.mark.parametrize("row", sorted(CASES))
def test_kind(plain: MockKMS, clients: Callable[[str], Client], row: str, name: str) -> None:
    client, case = clients(name), CASES[row]
    plain.reset()
    rule = plain.faults.add(PATH, times=1, **case.words)
    seen = client(write(plain, case.timeout))
    if case.errors is None:
        assert not seen.error
        assert case.check is not None
        assert case.check(seen), seen
    else:
        assert agreed(seen, case.errors[name]), seen
    assert rule.fired == 1
    wait_for_port(plain.url)
    plain.unseal()
    stored = plain.world.core.state.mounts.match("", PATH)
    assert stored is not None
    assert ("app" in repr(stored.state)) is case.applied


@pytest.mark.parametrize("name", CLIENTS)
@pytest.mark.parametrize("fault", TLS_FAULTS)
def test_handshake(secure: MockKMS, clients: Callable[[str], Client], fault: str, name: str) -> None:
    client = clients(name)
    secure.reset()
    rule = secure.faults.add(tls=fault, times=1)
    seen = client(write(secure, 1 if fault == "hang" else 5))
    assert agreed(seen, HANDSHAKES[fault][name]), seen
    assert rule.fired == 1
    after = client(write(secure))
    assert (after.status, after.error) == (200, ""), "the next connection is as usual"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster(2, seed={"clock": "2026-01-01T00:00:00Z"}) as kms:
        yield kms


@pytest.mark.parametrize("name", CLIENTS)
def test_step_down(cluster: Cluster, clients: Callable[[str], Client], name: str) -> None:
    client = clients(name)
    cluster.reset()
    cluster.faults.add(PATH, times=1, step_down=True)
    seen = client(write(cluster))
    assert (seen.status, b"active cluster node not found" in seen.body) == (500, True), seen
    assert cluster.leader is None
    cluster.clock.advance(1)
    assert cluster.leader == 1
    assert client(write(cluster)).status == 200


def test_every_kind_has_its_row() -> None:
    rows = {row.split()[0] for row in CASES} | {"tls", "step_down"}
    assert rows == set(KINDS)
    assert set(HANDSHAKES) == set(TLS_FAULTS)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ({"answer": "sealed"}, hvac.exceptions.VaultDown),
        ({"answer": "permission-denied"}, hvac.exceptions.Forbidden),
        ({"answer": "rate-limited"}, hvac.exceptions.RateLimitExceeded),
        ({"answer": "bad-gateway"}, hvac.exceptions.BadGateway),
        ({"reset": True}, requests.ConnectionError),
        ({"lose_answer": True}, requests.ConnectionError),
        ({"truncate": 5}, requests.exceptions.ChunkedEncodingError),
        ({"hang": True}, requests.ReadTimeout),
        ({"tls": "expired"}, requests.exceptions.SSLError),
        ({"tls": "client-cert"}, requests.exceptions.SSLError),
    ],
)
def test_hvac(secure: MockKMS, words: dict[str, Any], error: type[Exception]) -> None:
    secure.reset()
    secure.faults.add("*", times=1, **words)
    client = hvac.Client(url=secure.url, token=secure.token, verify=secure.ca_file, timeout=2)
    client.session.trust_env = False
    try:
        with pytest.raises(error):
            client.secrets.kv.v2.create_or_update_secret("app", {"n": 1})
    finally:
        client.adapter.close()
    assert not secure.faults.unfired
