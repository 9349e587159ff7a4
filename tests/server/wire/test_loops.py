"""The loop of a server: asyncio's in a test's process, uvloop's in ``mockkms serve`` where it is installed."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from urllib.request import Request, urlopen

import pytest

from mockkms.server.wire import loops


def test_a_test_has_the_loop_of_asyncio() -> None:
    loop = loops.new_loop()
    assert isinstance(loop, asyncio.SelectorEventLoop)
    loop.close()


def test_uvloop_is_used_where_it_is_wanted_and_there(monkeypatch: pytest.MonkeyPatch) -> None:
    made = object()
    monkeypatch.setitem(sys.modules, "uvloop", SimpleNamespace(new_event_loop=lambda: made))  # type: ignore[arg-type]
    with loops.fast_loops():
        assert loops.new_loop() is made
        monkeypatch.setitem(sys.modules, "uvloop", None)  # type: ignore[arg-type]
        loop = loops.new_loop()
        assert isinstance(loop, asyncio.SelectorEventLoop)
        loop.close()
    assert not loops._fast


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop does not exist there")
def test_serve_answers_on_uvloop_and_ends(tmp_path: Path) -> None:
    pytest.importorskip("uvloop")
    ready = tmp_path / "ready.json"
    command = [sys.executable, "-m", "mockkms", "serve", "--port", "0", "--ready-file", str(ready)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while not ready.exists():
            assert server.poll() is None
            time.sleep(0.01)
        url = json.loads(ready.read_text())["url"]
        rule = {"match": "sys/leader", "delay": 0.05, "reset": True}
        urlopen(Request(f"{url}/_mockkms/faults", json.dumps(rule).encode()), timeout=60).close()
        body = json.dumps({"data": {"a": "x" * 100_000}}).encode()
        with urlopen(Request(f"{url}/v1/secret/data/a", body, {"X-Vault-Token": "root"}), timeout=60) as answer:
            assert answer.status == 200
        with pytest.raises(OSError, match=r"."):
            urlopen(f"{url}/v1/sys/leader", timeout=60).read()
        libraries = Path(f"/proc/{server.pid}/maps")
        assert not libraries.exists() or "uvloop" in libraries.read_text()
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0
