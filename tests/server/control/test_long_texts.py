"""Dumps of more than a million characters, which are sent in pieces."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

import pytest

from mockkms import MockKMS
from mockkms.server.control.large import LONG
from mockkms.vault.framework.message import Operation, Request

STATE = "/_mockkms/state?format=yaml"


def test_a_long_dump_arrives_whole_and_the_connection_stays_open(kms: MockKMS) -> None:
    _write_much(kms)
    with_state = http.client.HTTPConnection(urlsplit(kms.url).netloc, timeout=60)
    with_state.request("GET", STATE)
    answer = with_state.getresponse()
    body = answer.read()
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert int(answer.headers["Content-Length"]) == len(body) > LONG
    assert body.decode() == kms.dump()
    with_state.request("HEAD", STATE)
    head = with_state.getresponse()
    assert (head.read(), int(head.headers["Content-Length"])) == (b"", len(body))
    with_state.request("GET", "/v1/sys/health")
    assert with_state.getresponse().status == 200
    with_state.close()


@pytest.mark.parametrize("read", [1, 100_000])
def test_a_client_that_disconnects_during_a_long_dump_affects_no_other(kms: MockKMS, read: int) -> None:
    _write_much(kms)
    leaving = http.client.HTTPConnection(urlsplit(kms.url).netloc, timeout=60)
    leaving.request("GET", STATE)
    leaving.getresponse().read(read)
    leaving.close()
    staying = http.client.HTTPConnection(urlsplit(kms.url).netloc, timeout=60)
    staying.request("GET", "/v1/sys/health")
    assert staying.getresponse().status == 200
    staying.close()


def _write_much(kms: MockKMS) -> None:
    for number in range(120):
        data: dict[str, object] = {"data": {"text": f"ä{number}" + "x" * 12_000}}
        assert kms.world.core.handle(Request(Operation.UPDATE, f"secret/data/{number}", data=data, token="root")).data
