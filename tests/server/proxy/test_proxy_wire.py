"""What a proxy changes on the wire, and what it leaves as it is: every byte of a server and a client of our own."""

from __future__ import annotations

import gzip
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import requests

from mockkms import MockKMS
from mockkms.server.proxy import upstream
from tests.server.raw_client import Wire
from tests.server.raw_server import PATIENCE, RawServer, answer

JSON = "Content-Type: application/json"


@pytest.fixture
def behind() -> Iterator[RawServer]:
    server = RawServer()
    yield server
    server.close()


@pytest.fixture
def relay(behind: RawServer) -> Iterator[MockKMS]:
    with MockKMS(upstream=behind.url) as kms:
        yield kms


def raw(kms: MockKMS, *lines: str, body: bytes = b"") -> bytes:
    """All that comes back for one request on a connection that ends with it."""
    with Wire(kms) as wire:
        wire.send("\r\n".join([*lines, "Connection: close", "", ""]).encode() + body)
        got = wire.held
        while piece := wire.socket.recv(65536):
            got += piece
        return got


def get(kms: MockKMS, path: str = "secret/a", **options: object) -> requests.Response:
    return requests.get(f"{kms.url}/v1/{path}", timeout=60, **options)  # type: ignore[arg-type]


def noting(kms: MockKMS) -> threading.Event:
    """Set when a request is journalled, which is after its last byte where the answer is sent on as it comes."""
    noted = threading.Event()
    kms.journal.subscribe(lambda entry: noted.set())
    return noted


def test_an_answer_keeps_its_bytes_its_order_and_its_repeated_headers(behind: RawServer, relay: MockKMS) -> None:
    behind.will(
        answer(
            "Date: Mon, 01 Jan 2001 00:00:00 GMT",
            "x-lower: 1",
            "Set-Cookie: a=1",
            "Cache-Control: no-store",
            "Set-Cookie: b=2",
            "Warning: one",
            "warning: two",
            "Connection: keep-alive, X-Hop",
            "X-Hop: 1",
            "Keep-Alive: timeout=5",
            body=b'{"data": {"x": "\xff"}}\n',
        )
    )
    head, _, body = raw(relay, "GET /v1/secret/a HTTP/1.1", "Host: x").partition(b"\r\n\r\n")
    assert body == b'{"data": {"x": "\xff"}}\n'
    assert head.decode().split("\r\n") == [
        "HTTP/1.1 200 OK", "Date: Mon, 01 Jan 2001 00:00:00 GMT", "x-lower: 1", "Set-Cookie: a=1",
        "Cache-Control: no-store", "Warning: one", "Set-Cookie: b=2", "Warning: two", "Content-Length: 21",
        "Connection: close",
    ]  # fmt: skip


def test_a_request_keeps_its_method_target_body_and_headers(behind: RawServer, relay: MockKMS) -> None:
    behind.will(answer())
    body = b'{"a": "\xc3\xa9"}'
    raw(
        relay, "LIST /v1/secret//a%2Fb/../c%20d#e?list=true&x=%ff HTTP/1.1", "Host: proxy.invalid", "X-Vault-Token: t",
        "X-Vault-Namespace: ns", "X-Vault-Policy-Override: 1", "X-Twice: 1", "x-twice: 2", "X-Hop: 1",
        "Accept-Encoding: gzip", "Keep-Alive: 5", "Te: trailers", "Connection: X-Hop", f"Content-Length: {len(body)}",
        body=body,
    )  # fmt: skip
    assert behind.requests[0].endswith(b"\r\n\r\n" + body)
    host = behind.url.removeprefix("http://")
    assert behind.heads[0][0] == "LIST /v1/secret//a%2Fb/../c%20d#e?list=true&x=%ff HTTP/1.1"
    assert sorted(behind.heads[0][1:]) == sorted([
        f"Host: {host}", "X-Vault-Token: t", "X-Vault-Namespace: ns", "X-Vault-Policy-Override: 1", "X-Twice: 1",
        "X-Twice: 2", "Accept-Encoding: identity", f"Content-Length: {len(body)}",
    ])  # fmt: skip


def test_a_signed_request_keeps_the_host_that_was_signed(behind: RawServer, relay: MockKMS) -> None:
    signature = "Authorization: AWS4-HMAC-SHA256 Credential=a, SignedHeaders=accept-encoding;host, Signature=b"
    behind.will(answer(), answer())
    raw(relay, "GET /rustfs/admin/v3/kms/status HTTP/1.1", "Host: me:9000", "Accept-Encoding: gzip", signature)
    assert (behind.header("Host"), behind.header("Accept-Encoding")) == (["me:9000"], ["gzip"])
    raw(relay, "GET /rustfs/admin/v3/kms/status HTTP/1.1", "Host: me:9000", "Accept-Encoding: gzip")
    assert (behind.header("Host"), behind.header("Accept-Encoding")) == ([behind.url[7:]], ["identity"])
    assert [entry.service for entry in relay.journal] == ["rustfs", "rustfs"]


@pytest.mark.parametrize("size", [1, 100_000, 3_000_000])
def test_bodies_of_any_size_pass_both_ways(behind: RawServer, relay: MockKMS, size: int) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    behind.will(answer("Content-Type: application/octet-stream", body=body))
    got = requests.post(f"{relay.url}/v1/secret/a", data=body, timeout=60)
    assert got.content == body
    assert behind.requests[0].partition(b"\r\n\r\n")[2] == body
    assert behind.header("Content-Length") == [str(len(body))]


def test_a_body_sent_in_chunks_arrives_with_its_length(behind: RawServer, relay: MockKMS) -> None:
    behind.will(answer())
    requests.post(f"{relay.url}/v1/secret/a", data=iter([b"abc", b"defg"]), timeout=60)
    assert behind.requests[0].endswith(b"\r\n\r\nabcdefg")
    assert (behind.header("Content-Length"), behind.header("Transfer-Encoding")) == (["7"], [])


def test_bodies_over_the_limit_are_not_forwarded(behind: RawServer, relay: MockKMS) -> None:
    refused = requests.post(f"{relay.url}/v1/secret/a", data=b"x" * (32 * 1024 * 1024 + 1), timeout=60)
    assert refused.status_code == 413
    assert behind.requests == []


def test_chunked_json_comes_in_one_piece(behind: RawServer, relay: MockKMS) -> None:
    chunks = b'5\r\n{"a":\r\n2\r\n1}\r\n0\r\nX-Trailer: 1\r\n\r\n'
    behind.will(
        f"HTTP/1.1 200 OK\r\n{JSON}\r\nTransfer-Encoding: chunked\r\nTrailer: X-Trailer\r\n\r\n".encode() + chunks
    )
    got = get(relay)
    assert got.json() == {"a": 1}
    assert {"Content-Length": "7"}.items() <= got.headers.items()
    assert not {"Transfer-Encoding", "Trailer"} & {*got.headers}


@pytest.mark.parametrize("path", ["sys/monitor", "sys/storage/raft/snapshot"])
def test_an_answer_without_end_comes_as_it_is_sent(behind: RawServer, relay: MockKMS, path: str) -> None:
    kind, seen = JSON if path == "sys/monitor" else "Content-Type: text/plain", threading.Event()
    noted = noting(relay)

    def trickle(made: socket.socket) -> None:
        made.sendall(f"HTTP/1.1 200 OK\r\n{kind}\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n".encode())
        assert seen.wait(60)
        made.sendall(b"4\r\ntwo\n\r\n0\r\n\r\n")

    behind.will(trickle)
    with get(relay, path, stream=True) as got:
        pieces = got.iter_content(None)
        assert next(pieces) == b"one\n"
        assert relay.journal.total == 0, "it is journalled when it is through"
        seen.set()
        assert b"".join(pieces) == b"two\n"
    assert noted.wait(60)
    entry = relay.journal.assert_called(path, status=200, cut=False)[0]
    assert entry.answer == b"one\ntwo\n"


def test_a_compressed_answer_is_not_touched(behind: RawServer, relay: MockKMS) -> None:
    packed = gzip.compress(b'{"a": 1}')
    behind.will(answer("Content-Encoding: gzip", JSON, body=packed))
    connection = http.client.HTTPConnection(relay.url[7:], timeout=60)
    connection.request("GET", "/v1/secret/a")
    got = connection.getresponse()
    assert (got.getheader("Content-Encoding"), got.read()) == ("gzip", packed)
    connection.close()


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_answers_without_a_body(behind: RawServer, relay: MockKMS, status: str) -> None:
    behind.will(f"HTTP/1.1 {status}\r\nX-A: 1\r\n\r\n".encode(), answer(body=b"next"))
    session = requests.Session()
    first = session.get(f"{relay.url}/v1/secret/a", timeout=60)
    assert (first.status_code, first.content, first.headers["X-A"]) == (int(status[:3]), b"", "1")
    assert "Content-Length" not in first.headers
    assert session.get(f"{relay.url}/v1/secret/a", timeout=60).content == b"next"


def test_head_tells_the_length_and_sends_no_body(behind: RawServer, relay: MockKMS) -> None:
    behind.will(answer(JSON, length=1234), answer(body=b"next"))
    with Wire(relay) as wire:
        wire.send(b"HEAD /v1/sys/health HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/sys/health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.answer(head_only=True) == (200, b"")
        assert wire.answer() == (200, b"next")
    behind.will(answer(JSON, length=1234))
    assert b"Content-Length: 1234\r\n" in raw(relay, "HEAD /v1/sys/health HTTP/1.1", "Host: x")


@pytest.mark.parametrize(
    ("inside", "prefix", "location", "seen"),
    [
        ("", "", "{real}/v1/sys/health?a=b", "/v1/sys/health?a=b"),
        ("", "", "/ui/", "/ui/"),
        ("", "", "https://active.invalid:8200/v1/a", "https://active.invalid:8200/v1/a"),
        ("", "", "//other/v1/a", "//other/v1/a"),
        ("", "", "relative", "relative"),
        ("", "/t/one", "/v1/a", "/t/one/v1/a"),
        ("/vault", "/t/one", "{real}/vault/v1/a", "/t/one/v1/a"),
        ("/vault", "", "/vaults/v1/a", "/vaults/v1/a"),
    ],
)
def test_a_redirect_is_the_clients_to_follow(
    behind: RawServer, inside: str, prefix: str, location: str, seen: str
) -> None:
    with MockKMS(upstream=behind.url + inside + "/") as relay:
        behind.will(answer(f"Location: {location.format(real=behind.url)}", status="307 Temporary Redirect"))
        got = requests.get(f"{relay.url}{prefix}/v1/a", allow_redirects=False, timeout=60)
    assert (got.status_code, got.headers["Location"]) == (307, seen)
    assert [head[0] for head in behind.heads] == [f"GET {inside}/v1/a HTTP/1.1"]


def test_connections_are_kept_and_cookies_are_not(behind: RawServer, relay: MockKMS) -> None:
    behind.will(answer("Set-Cookie: a=1"), answer())
    assert [get(relay).status_code for _ in range(2)] == [200, 200]
    assert behind.connections == 1
    assert behind.header("Cookie") == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "GET"])
def test_no_request_is_sent_twice(behind: RawServer, relay: MockKMS, method: str) -> None:
    behind.will(answer(), lambda made: None)
    get(relay)
    lost = requests.request(method, f"{relay.url}/v1/secret/a", data=b"{}", timeout=60)
    assert (lost.status_code, lost.headers["X-Mockkms-Upstream"]) == (502, "cut")
    assert [head[0].split()[0] for head in behind.heads] == ["GET", method]


def test_a_silent_server_times_out(behind: RawServer) -> None:
    silent = threading.Event()
    behind.will(lambda made: silent.wait(60) and None)
    with MockKMS(upstream=behind.url, upstream_timeout=1) as relay:
        got = get(relay)
    silent.set()
    assert (got.status_code, got.headers["X-Mockkms-Upstream"]) == (504, "timeout")
    assert got.json() == {"errors": [f"mockkms: no answer from {behind.url}: it was silent for 1 s"]}


def drip(*pieces: bytes) -> Callable[[socket.socket], None]:
    """What sends the first piece, and then the second one again and again until nobody listens."""
    first, again = pieces

    def send(made: socket.socket) -> None:
        made.sendall(first)
        with suppress(OSError):
            while True:
                made.sendall(again)
                time.sleep(0.02)

    return send


@pytest.mark.parametrize(
    ("path", "pieces"),
    [
        ("secret/a", (b"HTTP/1.1 200 OK\r\n", b"X-A: 1\r\n")),
        ("sys/monitor", (b"HTTP/1.1 200 OK\r\n", b"X-A: 1\r\n")),
        ("secret/a", (b"", b"HTTP/1.1 100 Continue\r\n\r\n")),
        ("secret/a", (f"HTTP/1.1 200 OK\r\n{JSON}\r\nContent-Length: 100000\r\n\r\n".encode(), b" ")),
    ],
)
def test_a_response_that_drips_is_given_up(
    behind: RawServer, path: str, pieces: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "PATIENCE", 0.1)
    behind.will(drip(*pieces))
    with MockKMS(upstream=behind.url, upstream_timeout=PATIENCE) as relay:
        got = get(relay, path)
        assert (got.status_code, got.headers["X-Mockkms-Upstream"]) == (504, "timeout")
        assert got.json() == {"errors": [f"mockkms: no answer from {behind.url}: its response did not end within 1 s"]}
        assert relay.journal[0].status == 504


def test_a_streamed_response_that_drips_is_cut(behind: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "PATIENCE", 0.1)
    begun = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    behind.will(drip(begun, b"4\r\none\n\r\n"), drip(begun, b"4\r\none\n\r\n"))
    with MockKMS(upstream=behind.url, upstream_timeout=PATIENCE) as relay:
        noted = noting(relay)
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            get(relay, "sys/storage/raft/snapshot")
        assert noted.wait(60)
        entry = relay.journal.assert_called("sys/storage/raft/snapshot", cut="close", status=200)[0]
        assert entry.hint == "the response was cut: its response did not end within 1 s"
        with get(relay, "sys/monitor", stream=True) as log:
            started, read = time.monotonic(), 0
            for piece in log.iter_content(None):
                read += len(piece)
                if time.monotonic() - started > 1.5:
                    break  # A log goes on for as long as its client reads it.
    assert read


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (b"garbage\r\n\r\n", "garbled"),
        (b"", "cut"),
        (b"HTTP/1.1 200 OK\r\n", "cut"),
        (answer(JSON, body=b'{"a"', length=100), "cut"),
        (f"HTTP/1.1 200 OK\r\n{JSON}\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n".encode(), "garbled"),
    ],
)
def test_an_answer_that_breaks_off_is_a_bad_gateway(behind: RawServer, relay: MockKMS, bad: bytes, kind: str) -> None:
    behind.will(lambda made: made.sendall(bad))
    got = get(relay)
    assert (got.status_code, got.headers["X-Mockkms-Upstream"]) == (502, kind)
    assert got.json()["errors"][0].startswith(f"mockkms: no answer from {behind.url}: ")
    assert relay.journal[0].status == 502


def test_an_answer_that_breaks_off_on_its_way_breaks_off_for_the_client(behind: RawServer, relay: MockKMS) -> None:
    begun = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n"
    noted = noting(relay)
    behind.will(lambda made: made.sendall(begun))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        get(relay)
    assert noted.wait(60)
    relay.journal.assert_called("secret/a", cut="close", status=200)


def test_faults_keep_repeated_headers_unless_they_change_them(behind: RawServer, relay: MockKMS) -> None:
    cookies = answer("Set-Cookie: a=1", "Set-Cookie: b=2", JSON, body=b'{"data": {}}')
    for words, wanted in (
        ({"status": 500}, 2),
        ({"drip": 10000}, 2),
        ({"headers": {"Set-Cookie": "c=3"}}, 1),
        ({"headers": {"Set-Cookie": None}}, 0),
        ({"answer": 503, "applied": True}, 0),
    ):
        relay.faults.add("*", times=1, **words)
        behind.will(cookies)
        assert raw(relay, "GET /v1/a HTTP/1.1", "Host: x").count(b"Set-Cookie: ") == wanted
    assert len(behind.requests) == 5


def test_an_answer_too_long_to_be_held_is_refused_where_rules_want_it_whole(
    behind: RawServer, relay: MockKMS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "MAX_ANSWER", 1 << 20)
    long = answer("Content-Type: application/octet-stream", body=b"x" * ((1 << 20) + 1))
    relay.faults.add("*", headers={"X-A": "1"}, times=1)
    behind.will(long, long)
    refused = get(relay)
    assert (refused.status_code, refused.headers["X-Mockkms-Upstream"]) == (502, "too-large")
    assert len(get(relay).content) == (1 << 20) + 1


def test_a_reset_waits_for_no_server(behind: RawServer, relay: MockKMS) -> None:
    reached, done = threading.Event(), threading.Event()
    behind.will(lambda made: (reached.set(), done.wait(60)))
    with Wire(relay) as wire:
        wire.send(b"GET /v1/a HTTP/1.1\r\nHost: x\r\n\r\n")
        assert reached.wait(60)
        relay.reset()
        assert wire.closed()
    done.set()
    assert relay.journal.total == 0, "what was under way is forgotten too"


def test_an_endless_answer_ends_with_its_client(behind: RawServer, relay: MockKMS) -> None:
    ended, noted = threading.Event(), noting(relay)

    def endless(made: socket.socket) -> None:
        made.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                made.sendall(b"8\r\nstreams\n\r\n")
        except OSError:
            ended.set()

    behind.will(endless)
    with Wire(relay) as wire:
        wire.send(b"GET /v1/sys/monitor HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.socket.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")
    assert ended.wait(60)
    assert noted.wait(60)
    assert (relay.journal[0].status, relay.journal[0].cut) == (200, "left")


def test_http_1_0_clients_see_the_end_by_a_closed_connection(behind: RawServer, relay: MockKMS) -> None:
    behind.will(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    )
    got = raw(relay, "GET /v1/sys/monitor HTTP/1.0")
    assert got.startswith(b"HTTP/1.0 200 OK\r\n")
    assert got.endswith(b"\r\n\r\nabc")
    assert b"Connection:" not in got
    assert b"Transfer-Encoding" not in got
