"""A server whose output nobody reads goes on serving, and ends when it is told to."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from mockkms import MockKMS, outside
from mockkms.cli.line_writer import LineWriter
from mockkms.crypto.rsa import pool
from mockkms.crypto.rsa.pool import generate

from .conftest import WAIT, Served, command, environment

HOUR = 3600.0
"""Seconds for which a stop must not wait."""


def test_serving_into_a_pipe_that_nobody_reads(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    process = subprocess.Popen(
        command("-v", "--port", "0", "--ready-file", str(ready)),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment(),
    )  # fmt: skip
    try:
        until = time.monotonic() + WAIT
        while not ready.exists():
            assert process.poll() is None
            assert time.monotonic() < until
        url = json.loads(ready.read_text())["url"]
        with requests.Session() as session:
            for number in range(40):
                assert session.get(f"{url}/v1/sys/health?{number}={'x' * 8000}", timeout=60).status_code == 200
        process.send_signal(signal.SIGHUP)
        assert requests.get(f"{url}/v1/sys/health", timeout=60).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT) == 0
    finally:
        process.kill()
        process.communicate()


def test_a_reload_changes_nothing(serve: Callable[..., Served]) -> None:
    server = serve()
    server.process.send_signal(signal.SIGHUP)
    assert requests.get(f"{server.url}/v1/sys/health", timeout=60).status_code == 200
    server.stop()
    assert server.process.returncode == 0
    assert "SIGHUP ignored" in server.text()


def test_dropped_lines_are_counted() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "w") as stream:
        writer = LineWriter(stream, most_waiting=50)
        for number in range(1000):
            writer.write(f"{number} " + "x" * 4000)
        writer.close(0)
        os.set_blocking(reading, True)
        seen = b""
        while b"lines were dropped" not in seen:
            seen += source.read1()
    assert seen.startswith(b"0 xxx")


def test_a_stream_that_another_process_has_made_non_blocking() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "w") as stream:
        writer = LineWriter(stream)
        for number in range(100):
            writer.write(f"{number} " + "x" * 4000)
        seen = b""
        while b"\n99 xxx" not in seen:
            seen += source.read1()
        writer.close(WAIT)
    assert [int(line.split()[0]) for line in seen.splitlines() if b" " in line] == list(range(100))


def test_stopping_while_peers_are_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "PATIENCE", HOUR)
    with socket.create_server(("127.0.0.1", 0)) as silent, MockKMS() as kms:
        kms.faults.add("sys/health", drip={"bytes": 1, "every": 60})
        address = ("127.0.0.1", int(kms.url.rpartition(":")[2]))
        head = f"HTTP/1.1\r\nHost: x\r\nX-Vault-Token: {kms.token}\r\n"
        there = f"http://127.0.0.1:{silent.getsockname()[1]}"
        requests.post(
            f"{kms.url}/v1/sys/auth/jwt", json={"type": "jwt"}, headers={"X-Vault-Token": kms.token}, timeout=60
        )
        body = f'{{"oidc_discovery_url": "{there}"}}'
        with socket.create_connection(address) as dripping, socket.create_connection(address) as waiting:
            dripping.sendall(f"GET /v1/sys/health {head}\r\n".encode())
            waiting.sendall(f"POST /v1/auth/jwt/config {head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
            silent.settimeout(60)
            peer, _ = silent.accept()
            with peer:
                kms.stop()


def test_stopping_while_a_key_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server stops, and starts again, before the key is there."""
    begun, go_on = threading.Event(), threading.Event()

    def slowly(bits: int) -> bytes:
        begun.set()
        assert go_on.wait(WAIT)
        return generate(bits)

    monkeypatch.setattr(pool, "generate", slowly)
    kms = MockKMS(fresh_keys=True).start()
    headers = {"X-Vault-Token": kms.token}
    requests.post(f"{kms.url}/v1/sys/mounts/transit", json={"type": "transit"}, headers=headers, timeout=60)
    address = ("127.0.0.1", int(kms.url.rpartition(":")[2]))
    body = '{"type": "rsa-4096"}'
    head = f"Host: x\r\nX-Vault-Token: {kms.token}\r\nContent-Length: {len(body)}"
    try:
        with socket.create_connection(address) as client:
            client.sendall(f"POST /v1/transit/keys/a HTTP/1.1\r\n{head}\r\n\r\n{body}".encode())
            assert begun.wait(WAIT)
            kms.stop()
        kms.start()
        assert requests.get(f"{kms.url}/v1/sys/health", timeout=60).status_code == 200
        kms.stop()
        assert not go_on.is_set()
    finally:
        go_on.set()
