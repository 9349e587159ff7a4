"""Redirects of servers on this machine are followed as Go's HTTP client follows them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mockkms import outside

Received = list[tuple[str, str, bytes, str]]
"""Method, path, body and ``Authorization`` of each request."""


@pytest.fixture
def redirecting() -> Iterator[tuple[str, Received]]:
    """A server that answers ``/<status>/<location>`` with a redirect and every other path with ``found``."""
    received: Received = []

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            received.append((self.command, self.path, body, self.headers.get("Authorization", "")))
            status, _, location = self.path[1:].partition("/")
            self.send_response(int(status) if status.isdigit() else 200)
            if status.isdigit() and location:
                self.send_header("Location", location)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"found")

        do_GET = do_POST = respond

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", received
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("method", "status", "next_method"),
    [
        ("GET", 301, "GET"), ("GET", 307, "GET"), ("POST", 301, "GET"), ("POST", 302, "GET"), ("POST", 303, "GET"),
        ("POST", 307, "POST"), ("POST", 308, "POST"),
    ],
)  # fmt: skip
def test_the_next_request(redirecting: tuple[str, Received], method: str, status: int, next_method: str) -> None:
    url, received = redirecting
    body = b"sent" if method == "POST" else b""
    assert outside.ask(method, f"{url}/{status}//there", {"Authorization": "a"}, body) == (200, b"found")
    assert received[1:] == [(next_method, "/there", body if next_method == "POST" else b"", "a")]


def test_another_host_gets_no_credentials(redirecting: tuple[str, Received]) -> None:
    url, received = redirecting
    other = url.replace("127.0.0.1", "localhost")
    assert outside.ask("GET", f"{url}/302/{other}/there", {"Authorization": "a", "X-Key": "b"})[0] == 200
    assert [one[3] for one in received] == ["a", ""]


def test_responses_that_are_not_followed(redirecting: tuple[str, Received]) -> None:
    url, received = redirecting
    assert outside.ask("GET", f"{url}/302", {})[0] == 302
    assert outside.ask("GET", f"{url}/302//there", {}, follows=False)[0] == 302
    assert outside.ask("GET", f"{url}/304//there", {})[0] == 304
    assert len(received) == 3


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        ("http://203.0.113.1/there", "http://203.0.113.1/there is not on this machine"),
        ("ftp://127.0.0.1/there", 'unsupported protocol scheme "ftp"'),
        (":there", 'failed to parse Location header ":there": parse ":there": missing protocol scheme'),
        ("http://a:x/there", 'failed to parse Location header "http://a:x/there": parse "http://a:x/there": invalid'),
    ],
)
def test_targets_that_are_refused(redirecting: tuple[str, Received], target: str, fault: str) -> None:
    url, received = redirecting
    with pytest.raises(OSError, match=f"^{re.escape(fault)}"):
        outside.ask("GET", f"{url}/302/{target}", {})
    assert len(received) == 1


def test_redirects_come_to_an_end(redirecting: tuple[str, Received]) -> None:
    url, received = redirecting
    with pytest.raises(OSError, match="stopped after 10 redirects"):
        outside.ask("GET", f"{url}/302/" + "/302/" * 11, {})
    assert len(received) == 10
