"""Recordings as files: streamed, bounded, versioned, and readable after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from mockkms import MockKMS
from mockkms.recording.reader import RecordingError, read
from mockkms.recording.writer import Recorder
from mockkms.vault.framework.message import Operation, Request
from mockkms.world.journal.entry import Entry
from tests.serving import served

JSON = [("Content-Type", "application/json")]


def entry(
    path: str = "secret/data/app", body: bytes = b"", answer: bytes = b'{"data":null}\n', status: int = 200
) -> Entry:
    """A request with the root token."""
    request = Request(Operation.READ, path, token="root-token-of-a-server")
    return Entry(5.0, "vault", "POST" if body else "GET", f"/v1/{path}", {}, body, request, 200, answer, 0.25)


def recorder(tmp_path: Path, limit: int = 1 << 20) -> tuple[Recorder, list[str]]:
    warnings: list[str] = []
    return Recorder(tmp_path / "r.jsonl", "http://127.0.0.1:8200", 1.0, warnings.append, limit=limit), warnings


def test_lines_are_written_at_once_and_a_partial_one_is_ignored(tmp_path: Path) -> None:
    made, _ = recorder(tmp_path)
    made.add(entry(), JSON)
    found = read(made.path)
    assert (found.upstream, found.started) == ("http://127.0.0.1:8200", "1970-01-01T00:00:01Z")
    (one,) = found.exchanges
    assert (one.at, one.took, one.request.token) == (4.0, 0.25, "(mockkms:text:1)")
    with made.path.open("ab") as file:
        file.write(b'{"at":1.0,"requ')
    found = read(made.path)
    assert len(found.exchanges) == 1
    assert "was killed" in found.notes[-1]


def test_a_recording_ends_at_its_limit(tmp_path: Path) -> None:
    made, warnings = recorder(tmp_path, limit=1 << 16)
    for number in range(1000):
        made.add(entry(f"secret/data/{number}"), JSON)
    assert made.path.stat().st_size <= 1 << 16
    assert 20 < made.exchanges < 1000
    assert made.left_out["requests after the end of the recording"] == 1000 - made.exchanges
    assert len(warnings) == 1
    assert "limit of 65536 bytes" in warnings[0]
    found = read(made.path)
    assert len(found.exchanges) == made.exchanges
    assert "limit of 65536 bytes" in found.notes[-1]
    with pytest.raises(ValueError, match="at least 65536"):
        Recorder(tmp_path / "other", "", 0.0, print, limit=100)


def test_a_file_that_exists_is_left_alone(tmp_path: Path) -> None:
    there = tmp_path / "r.jsonl"
    there.write_text("mine")
    with pytest.raises(ValueError, match="exists already; remove it, or name another file"):
        recorder(tmp_path)
    assert there.read_text() == "mine"
    there.unlink()
    there.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="cannot write the recording"):
        recorder(tmp_path)
    assert not (tmp_path / "elsewhere").exists()


def test_a_name_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot write the recording .*: File name too long"):
        Recorder(tmp_path / ("n" * 300), "", 0.0, print)


def test_a_disk_that_is_full_ends_the_recording_with_a_warning(tmp_path: Path) -> None:
    made, warnings = recorder(tmp_path)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, made._file)
    os.close(full)
    made.add(entry(), JSON)
    made.add(entry(), JSON)
    made.close()
    assert len(warnings) == 1
    assert "No space left on device" in warnings[0]
    assert (made.exchanges, made.left_out) == (0, {"requests after the end of the recording": 2})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"nonsense", "line 2: it is not JSON"),
        (b"[1]", "line 2: it is not an object"),
        (b"{}", "line 2: expected a secret, or a request"),
        (b'{"secret":0,"kind":"text"}', "line 2: secret is not a number"),
        (b'{"secret":1,"kind":"texts"}', "line 2: kind is 'texts'; expected one of token"),
        (b'{"request":{"method":"GET"},"answer":{"status":200}}', "line 2: path is not a text"),
        (b'{"request":{"method":"GET","path":"/"},"answer":{"status":"x"}}', "status is not a number"),
        (b'{"request":{"method":"GET","path":"/"},"answer":{"status":200,"text":1}}', "text is not a text"),
        (
            b'{"request":{"method":"GET","path":"/","query":[1]},"answer":{"status":200}}',
            "query is not a list of pairs",
        ),
    ],
)
def test_a_damaged_file_is_refused_with_its_line(tmp_path: Path, line: bytes, message: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(b'{"mockkms_recording":1}\n' + line + b"\n")
    with pytest.raises(RecordingError, match=message):
        read(path)


def test_a_later_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(b'{"mockkms_recording":2,"version":"9.0"}\n')
    with pytest.raises(RecordingError, match=r"has format 2, written by mockkms 9.0; this version reads format 1"):
        read(path)
    with pytest.raises(RecordingError, match="not a regular file"):
        read(tmp_path)


def test_what_is_left_out_is_reported(tmp_path: Path) -> None:
    made, _ = recorder(tmp_path)
    made.add(entry(body=b"not json"), JSON)
    made.add(entry(answer=b"\x00\x01"), [("Content-Type", "application/gzip"), ("X-Custom", "1")])
    made.add(entry(answer=b'{"a":"' + b"x" * (1 << 20) + b'"}'), JSON)
    made.add(entry(answer=b""), JSON, streamed=True)
    made.add(entry(body=b'{"a":' * 5000 + b"1" + b"}" * 5000), JSON)
    made.skip("a request without an answer: timeout")
    made.close()
    summary = made.summary()
    for reason in (
        "the body of the request: not JSON (1)",
        "headers of the answer: x-custom (1)",
        "the body of the answer: application/gzip, which may hold secrets (1)",
        "longer than 1 MiB (1)",
        "the body of the answer: it is streamed (1)",
        "the bodies: nested too deeply (1)",
        "a request without an answer: timeout (1)",
    ):
        assert reason in summary
    assert "5 requests recorded" in summary
    assert len(read(made.path).exchanges) == 5
    last = json.loads(made.path.read_bytes().splitlines()[-1])
    assert last["left_out"] == made.left_out


def test_a_killed_server_leaves_what_it_recorded(tmp_path: Path) -> None:
    path = tmp_path / "killed.jsonl"
    with MockKMS() as real:
        command = [
            sys.executable,
            "-m",
            "mockkms",
            "serve",
            "--port",
            "0",
            "--upstream",
            real.url,
            "--record",
            str(path),
        ]
        ready = tmp_path / "ready.json"
        with subprocess.Popen([*command, "--ready-file", str(ready)], stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            assert f"recorded without secrets in {path}" in server.stdout.readline()
            while not ready.exists():
                assert server.poll() is None
            for _ in range(5):
                requests.get(json.loads(ready.read_text())["url"] + "/v1/sys/health", timeout=60)
            server.send_signal(signal.SIGKILL)
    assert len(read(path).exchanges) == 5


def test_serve_replays(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    with MockKMS() as real, MockKMS(upstream=real.url, record=path) as proxy:
        health = requests.get(f"{proxy.url}/v1/sys/health", timeout=60).json()
    with served(tmp_path, "--replay", str(path)) as ready:
        assert requests.get(ready["url"] + "/v1/sys/health", timeout=60).json() == health
        assert ready["state"] == "replay"
        assert requests.get(ready["url"] + "/v1/sys/init", timeout=60).status_code == 599
    other = tmp_path / "other"
    other.mkdir()
    with served(other, "--replay", str(path), "--replay-fallback") as ready:
        assert requests.get(ready["url"] + "/v1/sys/health", timeout=60).json() == health
        assert requests.get(ready["url"] + "/v1/sys/init", timeout=60).json() == {"initialized": True}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--record", "x"], "--record requires --upstream"),
        (["--record-limit", "5"], "--record-limit requires --record"),
        (["--replay-fallback"], "--replay-fallback requires --replay"),
        (["--replay", "x", "--upstream", "http://127.0.0.1:1"], "cannot be used together"),
        (["--replay", "x", "--state", "sealed"], "--state cannot be used with --replay without --replay-fallback"),
        (["--replay", "missing.jsonl"], "cannot read the recording missing.jsonl: No such file or directory"),
    ],
)
def test_flags_that_contradict_each_other(flags: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    from mockkms.cli import main

    assert main(["serve", "--port", "0", *flags]) == 2
    assert message in capsys.readouterr().err
