"""Requests for made-up paths keep no memory, whatever they bring."""

from __future__ import annotations

import socket
import tracemalloc

from mockkms import MockKMS
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
