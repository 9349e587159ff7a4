"""A real server whose answers are passed on: one request out, one answer back, nothing changed that need not be.

Hop-by-hop headers stay on their hop, redirects are the client's to follow, and no request is ever sent twice: the
session is told not to do again what a kept connection lost, for the server may have done it already.
"""

from __future__ import annotations

import asyncio
import inspect
import io
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
from yarl import URL

from mockkms.server.gateway.exchange import HttpReply, HttpRequest, error_reply
from mockkms.server.proxy.upstream_address import Pem, address, context, reason, tls_reason

UPSTREAM_HEADER = "X-Mockkms-Upstream"
"""Marks an answer that is ours because the real server gave none, and says why."""
TIMEOUT = 60.0
"""Seconds without a connection, or without a byte, after which an answer is given up."""
MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of an answer's body."""
_KEPT_IDLE = 15.0
"""Seconds; well below what servers allow, so that none closes a connection just as it is used again."""
_LARGE = 1 << 20
_AT_ONCE = 64 * 1024
"""Bytes: an answer that declares no more is read as a whole before it is sent on."""
_MAX_HEAD = 1 << 20
_MAX_HEADERS: dict[str, Any] = (
    {"max_headers": 1000} if "max_headers" in inspect.signature(aiohttp.ClientSession).parameters else {}
)
"""The number of headers of an answer. Before 3.14, aiohttp counts none and knows no such argument."""
_HOP = frozenset((
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
))  # fmt: skip
_OURS = _HOP | {"content-length", "expect", "host"}
"""Headers of a request that are made anew."""
_AUTOMATIC = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""What the session would add by itself."""
_SIGNED = "AWS4-HMAC-SHA256"

_HERE = frozenset(("localhost", "127.0.0.1", "::1"))
_ANYWHERE = frozenset(("", "0.0.0.0", "::"))

Pairs = list[tuple[str, str]]


class Upstream:
    """The server behind a proxy. Made on any thread, used on the server's alone.

    ``url`` may have a path, which is put in front of every request's. ``ca_file`` is the certificate (PEM) to trust in
    the place of the system's, ``cert`` our own and its key (PEM), shown on demand; ``insecure`` trusts everything.
    Raises ValueError for an invalid address and for invalid certificate files. No connection is opened before the
    first request.
    """

    def __init__(
        self,
        url: str,
        *,
        ca_file: Pem = "",
        cert: tuple[Pem, Pem] | None = None,
        insecure: bool = False,
        timeout: float = TIMEOUT,
    ) -> None:
        self.url, self.host, self.port = address(url)
        if not 0 < timeout < float("inf"):
            raise ValueError(f"upstream_timeout={timeout!r}: seconds above 0")
        self.timeout = timeout
        self._base = URL(self.url)
        self._path = self._base.raw_path.rstrip("/")
        self._origin = self.url[: len(self.url) - len(self._path)]
        # aiohttp's own context is made at its import, which the command line does without certificates.
        self._ssl = context(ca_file, cert, insecure) if self._base.scheme == "https" else False
        if self._ssl is False and (ca_file or cert or insecure):
            raise ValueError(f"{self.url} has no certificate: https://… is expected with words about trust")
        self._session: aiohttp.ClientSession | None = None
        self._under_way: set[asyncio.Task[HttpReply]] = set()

    def is_here(self, host: str) -> bool:
        """Whether this names the machine that a server on ``host`` listens on, so far as the names tell."""
        return self.host == host or (self.host in _HERE and (host in _HERE or host in _ANYWHERE))

    async def ask(self, http: HttpRequest) -> HttpReply:
        """The server's answer, or one of ours (502, 504) that says why there is none.

        What was sent is seen through even if the caller is cancelled: a client that leaves takes no write back.
        """
        task = asyncio.get_running_loop().create_task(self._ask(http))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_let_go)
            raise

    async def close(self) -> None:
        """Close the kept connections; the next request opens others."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    # -- there and back ----------------------------------------------------------------------------------------------

    async def _ask(self, http: HttpRequest) -> HttpReply:
        try:
            return await self._exchange(http)
        except TimeoutError:
            return self._failed(504, "timeout", f"it was silent for {self.timeout:g} s")
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError) as error:
            return self._failed(502, "tls", tls_reason(error))
        except aiohttp.ClientConnectorError as error:
            return self._failed(502, "unreachable", reason(error.os_error))
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError) as error:
            return self._failed(502, "cut", f"the connection ended before the answer did ({type(error).__name__})")
        except (aiohttp.ClientError, UnicodeError) as error:
            return self._failed(502, "garbled", f"it did not speak HTTP ({type(error).__name__})")

    def _failed(self, status: int, kind: str, why: str) -> HttpReply:
        reply = error_reply(status, f"mockkms: no answer from {self.url}: {why}")
        reply.headers = {"Cache-Control": "no-store", "Content-Type": "application/json", UPSTREAM_HEADER: kind}
        return reply

    async def _exchange(self, http: HttpRequest) -> HttpReply:
        body: bytes | io.BytesIO | None = http.body or None
        if len(http.body) > _LARGE:
            body = io.BytesIO(http.body)  # Written piece by piece, so that others have their turn.
        answer = await self._opened().request(
            http.method, self._target(http), data=body, headers=_passed(http.headers, http.query),
            skip_auto_headers=_AUTOMATIC, allow_redirects=False,
        )  # fmt: skip
        pairs = [(_text(name), _text(text)) for name, text in answer.raw_headers]
        reply = self._reply(http, answer.status, _end_to_end(pairs))
        if http.whole or _soon_whole(http, answer):
            try:
                body_of_answer = await _whole(answer.content)
            finally:
                answer.release()
            if body_of_answer is None:
                return self._failed(502, "too-large", f"its response has more than {MAX_ANSWER >> 20} MiB")
            reply.body = body_of_answer
        elif not answer.content.at_eof():
            reply.rest = _Rest(answer)
        return reply

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ssl=self._ssl, keepalive_timeout=_KEPT_IDLE),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self.timeout, sock_read=self.timeout),
                auto_decompress=False,
                max_line_size=_MAX_HEAD,
                max_field_size=_MAX_HEAD,
                **_MAX_HEADERS,
            )
            # It would send PUT and DELETE again, and has no public word for this; a test holds it to that.
            self._session._retry_connection = False
        return self._session

    def _target(self, http: HttpRequest) -> URL:
        # Put together of its parts: a text would be cut at a "#", which servers take for a part of the path.
        base = self._base
        return URL.build(
            scheme=base.scheme, authority=base.raw_authority, path=self._path + http.target, query_string=http.query,
            encoded=True,
        )  # fmt: skip

    def _reply(self, http: HttpRequest, status: int, pairs: Pairs) -> HttpReply:
        headers: dict[str, str] = {}
        repeated: Pairs = []
        for name, text in pairs:
            if name.lower() == "location":
                text = self._through_here(text, http.prefix)
            if name in headers:
                repeated.append((name, text))
            else:
                headers[name] = text
        return HttpReply(status, b"", headers, repeated=tuple(repeated))

    def _through_here(self, location: str, prefix: str) -> str:
        """A redirect to the same server leads through the proxy again; others are as they were."""
        path = location.removeprefix(self._origin)
        if not path.startswith("/") or path.startswith("//"):
            return location
        inside = self._path
        if inside and path != inside and not path.startswith(inside + "/"):
            return location
        return prefix + (path[len(inside) :] or "/")


class _Rest:
    """The body of an answer, while it is coming."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Its pieces as they come; raises EOFError if it ends too early."""
        try:
            async for piece in self._answer.content.iter_any():
                yield piece
        except (aiohttp.ClientError, TimeoutError) as error:
            raise EOFError(str(error)) from error

    def close(self) -> None:
        """Keep the connection if the body is whole, else cut it."""
        if self._answer.content.at_eof():
            self._answer.release()
        else:
            self._answer.close()


def _let_go(task: asyncio.Task[HttpReply]) -> None:
    """Nobody waits for this answer any more."""
    rest = None if task.cancelled() or task.exception() is not None else task.result().rest
    if rest is not None:
        rest.close()


def _soon_whole(http: HttpRequest, answer: aiohttp.ClientResponse) -> bool:
    """Return whether to buffer a response: short ones, and JSON except for the endless log of sys/monitor."""
    if answer.content_length is not None and answer.content_length <= _AT_ONCE:
        return True
    return answer.content_type == "application/json" and not http.target.endswith("/sys/monitor")


async def _whole(content: aiohttp.StreamReader) -> bytes | None:
    """Return the body of a response; None if it is over the limit."""
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER:
            return None
    return bytes(body)


# -- headers ---------------------------------------------------------------------------------------------------------


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _end_to_end(pairs: Pairs) -> Pairs:
    """The headers that are not for one connection alone; one that comes again is spelt as the first time."""
    named = {part.strip().lower() for name, text in pairs if name.lower() == "connection" for part in text.split(",")}
    spelt: dict[str, str] = {}
    kept = [(name, text) for name, text in pairs if name.lower() not in _HOP and name.lower() not in named]
    return [(spelt.setdefault(name.lower(), name), text) for name, text in kept]


def _passed(headers: Mapping[str, str], query: str) -> Pairs:
    """A request's headers as they are sent on.

    A signature may cover every header and always covers the host, so a signed request keeps them. Others are asked for
    without compression: faults and the journal read what comes back.
    """
    signed = headers.get("Authorization", "").startswith(_SIGNED) or f"X-Amz-Algorithm={_SIGNED}" in query
    given = _end_to_end([*headers.items()])
    passed = [(name, text) for name, text in given if name.lower() not in _OURS]
    if signed:
        return passed + [(name, text) for name, text in given if name.lower() == "host"]
    return [(n, t) for n, t in passed if n.lower() != "accept-encoding"] + [("Accept-Encoding", "identity")]
