"""HTTP servers on this machine that answer slowly."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

import pytest

from mockkms import outside


def test_an_answer_that_drips_in_has_a_deadline_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "PATIENCE", 0.3)
    ended = threading.Event()

    def drip(listener: socket.socket) -> None:
        peer, _ = listener.accept()
        with peer, suppress(OSError):
            peer.recv(65536)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while not ended.wait(0.05):
                peer.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        with pytest.raises(OSError, match="deadline exceeded"):
            outside.get(f"http://127.0.0.1:{listener.getsockname()[1]}/", {})
        ended.set()
        thread.join()
