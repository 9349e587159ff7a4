"""Requests for made-up paths keep no memory, whatever they bring."""

from __future__ import annotations

import gc
import socket
import tracemalloc
from collections.abc import Callable

import pytest

from mockkms import MockKMS
from mockkms.server.gateway.exchange import HttpReply, HttpRequest
from mockkms.vault.framework.cache_bounds import MOST_CACHED
from mockkms.vault.framework.message import Operation
from mockkms.world.journal.bounds import PART_LIMIT

_LONG = 900 * 1024


def _ask(port: int, target: str, **headers: str) -> None:
    lines = [
        f"GET {target} HTTP/1.1",
        "Host: x",
        "Connection: close",
        *(f"{n}: {t}" for n, t in headers.items()),
        "",
        "",
    ]
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall("\r\n".join(lines).encode())
        beginning = client.recv(65536)
        assert beginning.startswith(b"HTTP/1.1 ")
        while client.recv(65536):
            pass


def test_long_paths_and_headers() -> None:
    with MockKMS() as kms:
        kms.load({"vault": {
            "policies": {"p": 'path "secret/*" { capabilities = ["read"] }'},
            "tokens": [{"id": "reader", "policies": ["p"]}],
        }})  # fmt: skip
        token = "reader"
        kms.faults.add("secret/never/*", status=500)
        port, known = int(kms.url.rpartition(":")[2]), {"X-Vault-Token": token}
        _ask(port, "/v1/secret/x", **known)
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for number in range(60):
                _ask(port, f"/v1/secret/{number}/" + "x" * _LONG, **({} if number % 2 else known))
                _ask(port, f"/v1/sys/health?{number}=" + "x" * _LONG)
                _ask(port, "/v1/sys/health", **{f"X-{number}": "x" * _LONG})
                _ask(port, f"/v1/secret/{number}", **{"X-Vault-Namespace": "x" * _LONG})
            kept = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        assert kept < 16 * 1024 * 1024
        assert all(len(entry.target) <= PART_LIMIT for entry in kms.journal)
        acl = kms.world.core.policies.acl(kms.world.core.tokens.lookup(token))
        assert max(len(path) for _, path, _ in acl.decisions) < 1000
        assert (Operation.READ, "secret/x", False) in acl.decisions
        kms.reset()
        assert kms.journal.bytes == 0


def _target(number: int) -> str:
    return f"/v1/secret/{number}/" + "x" * _LONG


_LONG_HEADS: dict[str, Callable[[int], list[str]]] = {
    "path": lambda number: [f"GET {_target(number)} HTTP/1.1", "Host: x"],
    "token": lambda number: ["GET /v1/secret/data/x HTTP/1.1", "Host: x", f"X-Vault-Token: {number}" + "x" * _LONG],
    "host": lambda number: ["GET /v1/sys/health HTTP/1.1", f"Host: a{number}" + "x" * _LONG, "Origin: null"],
    "origin": lambda number: ["GET /v1/sys/health HTTP/1.1", "Host: x", f"Origin: http://{number}" + "x" * _LONG],
    "admin path": lambda number: [f"GET /rustfs/admin/v3/kms/{number}" + "x" * _LONG + " HTTP/1.1", "Host: x"],
    "control path": lambda number: [f"GET /_mockkms/{number}" + "x" * _LONG + " HTTP/1.1", "Host: localhost"],
    "tenant": lambda number: [f"GET /t/{number}" + "x" * _LONG + "/v1/sys/health HTTP/1.1", "Host: x"],
}


@pytest.mark.parametrize("kind", _LONG_HEADS)
def test_long_heads_over_one_connection_keep_nothing(kind: str) -> None:
    with MockKMS() as kms, socket.create_connection(("127.0.0.1", int(kms.url.rpartition(":")[2]))) as client:
        answers = client.makefile("rb")

        def ask(number: int) -> None:
            client.sendall("\r\n".join([*_LONG_HEADS[kind](number), "", ""]).encode())
            assert answers.readline().startswith(b"HTTP/1.1 ")
            length = 0
            while (line := answers.readline().lower()) != b"\r\n":
                length = int(line[15:]) if line.startswith(b"content-length:") else length
            answers.read(length)

        ask(0)
        tracemalloc.start()
        try:
            for number in range(1, 20):
                ask(number)
            kms.journal.clear()
            gc.collect()
            kept = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        assert kept < 4 * 1024 * 1024


def test_the_caches_of_paths_are_bounded_and_emptied_by_a_reset() -> None:
    with MockKMS() as kms:
        kms.load({"vault": {
            "policies": {f"p{number}": 'path "secret/*" { capabilities = ["read"] }' for number in range(20)},
            "tokens": [{"id": f"reader-{number}", "policies": [f"p{number}"]} for number in range(20)],
        }})  # fmt: skip
        core = kms.world.core

        def ask(number: int) -> None:
            http = HttpRequest("GET", f"/v1/secret/{number:0240}", "", {"X-Vault-Token": f"reader-{number % 20}"}, b"")
            assert isinstance(kms._gateway.vault(http), HttpReply)

        ask(0)
        tracemalloc.start()
        try:
            for number in range(10_000):
                ask(number)
            kept = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        assert kept < 16 * 1024 * 1024
        decided = sum(len(acl.decisions) for acl in core.policies._acls.values())
        assert 0 < decided <= MOST_CACHED
        kms.reset()
        mounts = core.state.mounts
        assert (core.policies._acls, mounts.matches, mounts.targets, mounts._found) == ({}, {}, {}, {})
