"""Odd requests get what Go's HTTP server gives them: ``answers.json`` has its recorded answers, byte for byte."""

from __future__ import annotations

import json
import logging
import socket
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest

from mockkms import MockKMS

RECORDED = json.loads(Path(__file__).with_name("answers.json").read_text(encoding="utf-8"))
PATIENCE = 60
"""Seconds to wait for a recorded answer, or for the end of a connection."""
QUIET = 0.1
"""Seconds without a byte after the recorded answers, after which a connection counts as kept open."""


pytestmark = pytest.mark.flavors("openbao")


def _bytes(send: list[Any]) -> bytes:
    return b"".join(
        (part if isinstance(part, str) else part.get("repeat", "") * part.get("times", 0)).encode("latin-1")
        for part in send
    )


def _talk(kms: MockKMS, send: list[Any], recorded: list[dict[str, Any]], *, closes: bool) -> tuple[bytes, bool]:
    """Send, and return what comes until the connection is closed or nothing follows the recorded answers, and whether
    it closed.
    """
    port = int(kms.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as made:
        made.sendall(_bytes(send))
        if {"shut": True} in send:
            made.shutdown(socket.SHUT_WR)
        got = b""
        made.settimeout(PATIENCE)
        try:
            while piece := made.recv(65536):
                got += piece
                if not closes and got.count(b"\r\n\r\n") >= len(recorded):
                    made.settimeout(QUIET)
        except TimeoutError:
            return got, False
        except ConnectionError:
            pass
        return got, True


def _answers(got: bytes, recorded: list[dict[str, Any]]) -> list[tuple[str, list[str], str]]:
    """Cut into as many answers as were recorded: status line, headers without the date, and body, as Latin-1."""
    found = []
    for answer in recorded:
        head, end, got = got.partition(b"\r\n\r\n")
        assert end, f"only {len(found)} answers"
        status, *headers = head.decode("latin-1").split("\r\n")
        length = next((int(line[15:]) for line in headers if line.lower().startswith("content-length:")), None)
        bodiless = answer.get("seen", {}) == {} and "seen" in answer
        if bodiless:
            length = 0
        elif length is None and "errors" not in answer and not status.endswith("100 Continue"):
            length = len(got)
        body, got = got[: length or 0], got[length or 0 :]
        found.append(
            (status, [line for line in headers if not line.lower().startswith("date:")], body.decode("latin-1"))
        )
    assert not got
    return found


def _shown(data: bytes) -> str:
    """As Go puts bytes into JSON."""
    return data.decode("utf-8", "replace")


@pytest.mark.parametrize("probe", RECORDED["probes"], ids=lambda probe: probe["name"].replace(" ", "-"))
def test_as_recorded(kms: MockKMS, probe: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    kms.reset()
    recorded = probe["answers"]
    with caplog.at_level(logging.INFO):
        got, closed = _talk(kms, probe["send"], recorded, closes=probe["closed"])
    found = _answers(got, recorded)
    requests = iter(kms.journal.entries())
    for (status, headers, body), answer in zip(found, recorded, strict=True):
        if "headers" in answer:
            assert (status, headers, body) == (answer["status"], answer["headers"], answer["body"])
            continue
        connection = next((line[12:] for line in headers if line.lower().startswith("connection:")), "")
        assert (status[:8], connection) == (answer["status"][:8], answer.get("connection", ""))
        entry = next(requests)
        if "errors" in answer:
            # OpenBao reads the body before anything else, and says no more than what Go's reader says.
            assert status.split()[1] == "500"
            (said,), (wanted,) = json.loads(body)["errors"], answer["errors"]
            assert said == wanted.partition(": ")[2]
            continue
        path, _, query = entry.target.partition("?")
        seen = answer["seen"]
        if not seen:
            assert entry.method == "HEAD"
            continue
        assert entry.method == seen["method"]
        assert _shown(unquote_to_bytes(path)) == seen.get("path", "")
        assert _shown(unquote_to_bytes(query)) == _shown(unquote_to_bytes(seen.get("query", "")))
        if "headers" in entry.shortened:
            continue  # The journal keeps only the beginning of such a head.
        assert entry.headers.get("Host", "") == seen.get("host", "")
        if entry.method in ("POST", "PUT"):
            assert entry.body.decode() == seen.get("body", "")
        if "probe" in seen:
            probes = [text for name, text in entry.headers.items() if name.lower() == "x-probe"]
            assert [_shown(text.encode("utf-8", "surrogateescape")) for text in probes] == seen["probe"]
    assert closed == probe["closed"]
    assert [record for record in caplog.records if record.exc_info] == []
