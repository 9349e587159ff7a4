"""Whatever is sent to the control API, it answers with a reason and never with 500."""

from __future__ import annotations

import http.client
import json
import random
from typing import Any

import pytest

from mockkms import MockKMS
from mockkms.faults.chaos.phases import PHASE_WORDS
from mockkms.faults.chaos.plans import PLAN_WORDS
from mockkms.faults.kinds import KINDS
from mockkms.server.control.routing import all_routes
from tests.server.gateway.fuzzing import FACTOR
from tests.server.raw_client import Wire

DIGITS = "9" * 5000
VALUES: list[Any] = [
    None, True, False, 0, -1, 5, 1.5, 1e308, -1e308, 10**30, 10**400, float("inf"), float("nan"), "", "x", "\ud800",
    "a\0b", "1h", "-1h", "999999999999999999h", DIGITS, "2026-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z",
    [], {}, [None], [[]], [{}], {"a": None}, {"": ""}, {"epoch": 1e300}, {"epoch": -1e18}, {"epoch": "x"}, "[" * 3000,
]  # fmt: skip
WORDS = [
    "freeze", "set", "advance", "resume", "seal", "unseal", "revoke", "expire", "set_clock", "set_state",
    "fault_header", "redact", "match", "last", "bodies", "format", "called", "not_called", "order", "no_unhandled",
    "faults_fired",
    "script_done", "times", "entries", "with", "path", "operation", "status", "headers", "body", "query", "namespace",
    "token", "service", "method", "id", "chance", "skip", "every", "when", "answer", "flavor", "seed", "steps",
    "strict",
]  # fmt: skip
CUTS = {"restart", "refuse", "deaf"}
"""What ends the connection that asked for it."""
QUERIES = ["last", "status", "path", "format", "bodies", "with", "flavor", "operation", "after", "limit", "token"]
TEXTS = [DIGITS, "%ff", "%zz", "-1", "x", "", "true", "[", "*", "{", "1e999", "%00", "%ED%A0%80", "\u0665"]
SHOTS = 1500


def _asked(dice: random.Random) -> tuple[str, str, bytes]:
    route = dice.choice(all_routes())
    path = "/_mockkms/" + route.path.replace("{name}", "x").replace("{id}", "y")
    if dice.random() < 0.3:
        path += f"?{dice.choice(QUERIES)}={dice.choice(TEXTS)}"
    words = sorted({*WORDS, *KINDS, *PLAN_WORDS, *PHASE_WORDS} - CUTS)
    value = dice.choice(VALUES)
    for _ in range(dice.choice((0, 1, 1, 1, 2))):
        value = {dice.choice(words): value}
        if dice.random() < 0.3:
            value[dice.choice(words)] = dice.choice(VALUES)
    if dice.random() < 0.1:
        value = [value]
    body = (
        json.dumps(value).encode() if dice.random() < 0.95 else dice.choice([b"{", b"\xff", b"[" * 9999, b"9" * 5000])
    )
    return route.method, path, body


@pytest.mark.parametrize("seed", range(3 * FACTOR))
def test_no_request_is_answered_with_500(kms: MockKMS, seed: int, caplog: pytest.LogCaptureFixture) -> None:
    dice = random.Random(f"control {seed}")
    port = int(kms.url.rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for number in range(SHOTS):
        method, path, body = _asked(dice)
        connection.putrequest(method, path.replace("\u0665", "%D9%A5"))
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status != 500, (number, method, path, body[:300], text[:300])
        if number % 100 == 0:
            kms.reset()
    connection.close()
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize("header", [b"X-Mockkms-Token: \xff", b"Origin: http://[", b"Origin: \xff", b"Host: \x5b"])
def test_odd_headers(header: bytes) -> None:
    with MockKMS(control_token="secret") as kms, Wire(kms) as wire:
        host = b"" if header.startswith(b"Host") else b"Host: 127.0.0.1\r\n"
        wire.send(b"GET /_mockkms/clock HTTP/1.1\r\n" + host + header + b"\r\n\r\n")
        assert wire.answer()[0] in (401, 403)


def test_the_clock_stays_within_the_years_that_can_be_written(kms: MockKMS) -> None:
    for _ in range(300):
        kms.clock.advance(1e9)
    assert kms.clock.now() <= 253402300799 + 60
    with Wire(kms) as wire:
        wire.send(b"GET /_mockkms/clock HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert wire.answer()[0] == 200
