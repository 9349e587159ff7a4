"""Wall clock beside a real server: here another mockkms has its place, so that no figure is judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import beside, load, operations
from mockkms import MockKMS


def test_each_operation_is_measured_on_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored = tmp_path / "rates.json"
    with MockKMS(root_token="root") as real:
        port = real.url.rpartition(":")[2]
        assert beside.main(["--port", port, "--rounds", "1", "--seconds", "0.05", "--json", str(stored)]) == 0
    rates = json.loads(stored.read_text())
    assert set(rates) == {"1", "16"}
    assert set(rates["16"]) == set(operations.GOALS) - {operations.RULES}
    assert all(one["ours"] > 0 and one["theirs"] > 0 for named in rates.values() for one in named.values())
    assert "encrypt, batch of 100" in capsys.readouterr().out


def test_a_server_that_refuses_the_token_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with MockKMS(root_token="another") as real:
        port = real.url.rpartition(":")[2]
        assert beside.main(["--port", port]) == 2
    assert f"the server at 127.0.0.1:{port} cannot be measured" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
    ],
)
def test_answers_end_where_their_framing_says(data: bytes, whole: bool) -> None:
    assert load.complete(data) is whole
