"""Every example of the page on the proxy runs, and what its tables say is so."""

from __future__ import annotations

import json
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from mockkms import MockKMS
from mockkms.faults.kinds import KINDS, stateless
from tests.docs.pages import ROOT, blocks
from tests.ports import wait_for_port

PAGE = "docs/proxy.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")


def test_the_python_examples_run() -> None:
    first, second = blocks(PAGE, "python")
    with MockKMS() as real:
        names: dict[str, object] = {"URL": real.url, "TOKEN": real.token}
        exec(compile(first, PAGE, "exec"), names)
        assert real.journal.count("secret/data/app") == 2
        with MockKMS(upstream=real.url) as kms:
            exec(compile(second, PAGE, "exec"), {"kms": kms})
            assert len(kms.faults) == 1


def test_the_commands_run(tmp_path: Path) -> None:
    lines = blocks(PAGE, "sh")[0].splitlines()
    with socket.create_server(("127.0.0.1", 0)) as place:
        port = place.getsockname()[1]
    with MockKMS() as real:
        lines = [line.replace("8300", str(port)).replace("http://127.0.0.1:8200", real.url) for line in lines]
        serve = shlex.split(lines[0])
        assert serve[:2] == ["mockkms", "serve"]
        with subprocess.Popen([sys.executable, "-m", *serve], stdout=subprocess.DEVNULL, cwd=tmp_path) as served:
            try:
                wait_for_port(f"http://127.0.0.1:{port}")
                run = subprocess.run(
                    ["sh", "-ec", "\n".join(lines[1:])], capture_output=True, text=True, timeout=60, check=True
                )
            finally:
                served.terminate()
        assert real.journal.lines() == ["GET /v1/sys/health"]
    assert '"fired": 0' in run.stdout.replace('"fired":0', '"fired": 0')
    assert "GET /v1/sys/health" in run.stdout.splitlines()[-1]


def test_a_client_may_take_it_for_its_http_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with MockKMS() as real, MockKMS(upstream=real.url) as kms:
        monkeypatch.setenv("HTTP_PROXY", kms.url)
        monkeypatch.setenv("NO_PROXY", "")
        assert requests.get("http://vault.invalid:8200/v1/sys/health", timeout=60).json()["initialized"] is True
        assert kms.journal.lines() == real.journal.lines() == ["GET /v1/sys/health"]


def test_the_refused_kinds_are_the_ones_named() -> None:
    sentence = TEXT[TEXT.index("Fault kinds that act on requests") : TEXT.index("require emulated state: such")]
    named = re.findall(r"`([a-z_]+)(?:: lose)?`", sentence)
    assert {*named} - {"restart", "stale"} == {*KINDS} - {*stateless()}


def test_the_answer_of_a_server_that_is_down_is_the_one_shown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as place:
        port = place.getsockname()[1]
    with MockKMS(upstream=f"http://127.0.0.1:{port}") as kms:
        got = requests.get(f"{kms.url}/v1/sys/health", timeout=60).json()
    assert got == json.loads(blocks(PAGE, "json")[0].replace("8200", str(port)))


@pytest.mark.parametrize("flag", re.findall(r"^\| `(--[a-z-]+)", TEXT, re.MULTILINE))
def test_the_flags_are_there(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    from mockkms.cli import main

    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    assert flag in capsys.readouterr().out
