"""Damaged and mixed requests, byte by byte: the server goes on, and nothing is logged with a traceback."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import struct
from pathlib import Path

import pytest
import requests

from mockkms import MockKMS
from tests.server.gateway.fuzzing import FACTOR

PROBES = [
    "".join(part for part in probe["send"] if isinstance(part, str)).encode("latin-1")
    for probe in json.loads(Path(__file__).with_name("answers.json").read_text(encoding="utf-8"))["probes"]
]
MORE = [
    b"X-Vault-Token: root\r\n", b"X-Vault-Token: \xff\r\n", b"X-Vault-Namespace: \xff\r\n",
    b"X-Vault-Wrap-TTL: \xc3\xbc\r\n", b"Content-Type: \xff; x=\xfe\r\n", b"Origin: \xff\r\n",
    b"Authorization: Bearer \xff\r\n", b"X-Vault-MFA: \xff:\r\n", b"\r\n", b"\n", b"\r", b" ", b"\t", b"\x00", b"\x7f",
    b"\xff", b":", b"%", b"%ff", b"?", b"#", b"//", b"/../", b"http://", b"0\r\n\r\n", b"5\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Content-Length: 3\r\n", b"Connection: close\r\n",
    b"Upgrade: websocket\r\nConnection: upgrade\r\n", b"Expect: 100-continue\r\n",
]  # fmt: skip
RESET = struct.pack("ii", 1, 0)
"""Of SO_LINGER: closing the connection resets it."""
PATHS = [
    b"/v1/sys/health", b"/v1/secret/data/\xff", b"/v1/transit/keys/%ff", b"/_mockkms/journal?path=\xff", b"//",
    b"/ui/\xff", b"/t/a/v1/sys/health", b"/rustfs/admin/v3/kms/keys?x=\xff", b"/v1/sys/wrapping/lookup",
    b"/v1/sys/internal/ui/mounts/\xff",
]  # fmt: skip


def _damaged(dice: random.Random) -> bytes:
    data = bytearray(b"".join(dice.choice(PROBES) for _ in range(dice.choice((1, 1, 2, 3)))))
    for _ in range(dice.randrange(4)):
        place = dice.randrange(len(data) + 1)
        kind = dice.randrange(5)
        if kind == 0:
            data[place:place] = dice.choice(MORE)
        elif kind == 1:
            data[place : place + dice.randrange(1, 9)] = b""
        elif kind == 2:
            data[place : place + 1] = bytes([dice.randrange(256)])
        elif kind == 3:
            lines = bytes(data).split(b"\r\n")
            lines.insert(dice.randrange(1, len(lines) + 1), dice.choice(MORE).removesuffix(b"\r\n"))
            data = bytearray(b"\r\n".join(lines))
        else:
            data = bytearray(bytes(data).replace(b"/v1/a", dice.choice(PATHS), 1))
    return bytes(data)


@pytest.mark.parametrize("seed", range(4 * FACTOR))
def test_nothing_breaks_the_server(kms: MockKMS, seed: int, caplog: pytest.LogCaptureFixture) -> None:
    dice = random.Random(f"wire {seed}")
    port = int(kms.url.rpartition(":")[2])
    for number in range(250):
        data = _damaged(dice)
        cut = dice.randrange(len(data) + 1)
        with socket.create_connection(("127.0.0.1", port)) as made:
            made.settimeout(5)
            got = b""
            # A connection that was closed at the first half is reset by the second.
            ending = dice.choice(("read", "read", "leave", "reset"))
            with contextlib.suppress(OSError):
                made.sendall(data[:cut])
                if ending == "reset":
                    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                if ending != "read":
                    continue
                made.sendall(data[cut:])
                made.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionError):
                while piece := made.recv(65536):
                    got += piece
            assert b"Server got itself in trouble" not in got, (number, data, got)
    kms.faults.clear()
    assert requests.get(kms.url + "/v1/sys/health", timeout=60).status_code == 200
    assert [record for record in caplog.records if record.exc_info] == []
