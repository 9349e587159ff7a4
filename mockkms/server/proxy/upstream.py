"""The client of a real server: forwards requests and returns the responses with as few changes as possible.

Hop-by-hop headers are not forwarded, redirects are not followed, and no request is sent twice: the session does not
retry a request that a kept connection lost, because the server may have processed it.
"""

from __future__ import annotations

import asyncio
import inspect
import io
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
from yarl import URL

from mockkms.pem_files import Pem
from mockkms.server.gateway.exchange import HttpReply, HttpRequest, error_reply
from mockkms.server.proxy.upstream_address import address, context, reason, tls_reason

UPSTREAM_HEADER = "X-Mockkms-Upstream"
"""Header of responses by mockkms itself if the real server did not respond; its value is the reason."""
TIMEOUT = 60.0
"""Seconds without a connection or data after which a request fails."""
PATIENCE = 6.0
"""How many times its time limit a whole response may take: a server that sends a byte now and then is not silent."""
MAX_ANSWER = 64 * 1024 * 1024
"""Maximum bytes of a response's body."""
_KEPT_IDLE = 15.0
"""Seconds; well below the limits of servers, so that none closes a connection while it is used again."""
_LARGE = 1 << 20
"""Bytes of a request's body that is written in pieces."""
_AT_ONCE = 64 * 1024
"""Bytes: a response of at most this declared length is read completely before it is forwarded."""
_MAX_LINE = 64 * 1024
"""Bytes of a line of a response's head. With the number of headers, it bounds a head to 64 MiB."""
_MAX_HEADERS: dict[str, Any] = (
    {"max_headers": 1000} if "max_headers" in inspect.signature(aiohttp.ClientSession).parameters else {}
)
"""The maximum number of headers of a response. Before 3.14, aiohttp has no limit and no such argument."""
_HOP = frozenset((
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
))  # fmt: skip
_OURS = _HOP | {"content-length", "expect", "host"}
"""Headers of a request that are not forwarded."""
_AUTOMATIC = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""Headers that the session would add."""
_LOG = "/sys/monitor"
_SIGNED = "AWS4-HMAC-SHA256"

_HERE = frozenset(("localhost", "127.0.0.1", "::1"))
_ANYWHERE = frozenset(("", "0.0.0.0", "::"))

Pairs = list[tuple[str, str]]


class Upstream:
    """The real server in proxy mode. It can be made on any thread and is used on the server's thread only.

    ``url`` may have a path, which is prefixed to that of every request. ``ca_file`` is the CA certificate (PEM) to
    trust instead of the system's, ``cert`` the client certificate and its key (PEM); ``insecure`` accepts all.
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
        self._limit = PATIENCE * timeout
        self._base = URL(self.url)
        self._path = self._base.raw_path.rstrip("/")
        self._origin = self.url[: len(self.url) - len(self._path)]
        # aiohttp makes its own context at import, which the command line does without certificates.
        self._ssl = context(ca_file, cert, insecure=insecure) if self._base.scheme == "https" else False
        if self._ssl is False and (ca_file or cert or insecure):
            raise ValueError(f"{self.url}: options for TLS require an https:// address")
        self._session: aiohttp.ClientSession | None = None
        self._under_way: set[asyncio.Task[HttpReply]] = set()

    def is_here(self, host: str) -> bool:
        """Return whether this is an address of a server that listens on ``host``, judging by the names."""
        return self.host == host or (self.host in _HERE and (host in _HERE or host in _ANYWHERE))

    async def ask(self, http: HttpRequest) -> HttpReply:
        """Return the server's response, or a 502 or 504 with the reason why there is none.

        A sent request is completed even if the caller is cancelled, because disconnecting does not undo a write.
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
        """Close the kept connections; the next request opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    # -- there and back ----------------------------------------------------------------------------------------------

    async def _ask(self, http: HttpRequest) -> HttpReply:
        until = asyncio.get_running_loop().time() + self._limit
        deadline = asyncio.timeout_at(until)
        try:
            async with deadline:
                return await self._exchange(http, until)
        except TimeoutError:
            return self._failed(504, "timeout", self._overdue() if deadline.expired() else self._silent())
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

    def _silent(self) -> str:
        return f"it was silent for {self.timeout:g} s"

    def _overdue(self) -> str:
        return f"its response did not end within {self._limit:g} s"

    async def _exchange(self, http: HttpRequest, until: float) -> HttpReply:
        body: bytes | io.BytesIO | None = http.body or None
        if len(http.body) > _LARGE:
            body = io.BytesIO(http.body)  # Written in pieces, so that other requests are not blocked.
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
            # The log of sys/monitor has no end.
            limit = None if http.target.endswith(_LOG) else until
            reply.rest = _Rest(answer, limit, self._overdue(), self._silent())
        return reply

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ssl=self._ssl, keepalive_timeout=_KEPT_IDLE),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self.timeout, sock_read=self.timeout),
                auto_decompress=False,
                max_line_size=_MAX_LINE,
                max_field_size=_MAX_LINE,
                **_MAX_HEADERS,
            )
            # The session would retry PUT and DELETE and has no public option for this; a test checks it.
            self._session._retry_connection = False
        return self._session

    def _target(self, http: HttpRequest) -> URL:
        # Built from its parts: a string would be cut at a "#", which servers treat as part of the path.
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
        """Return a location that leads through the proxy if it is on the same server, else unchanged."""
        path = location.removeprefix(self._origin)
        if not path.startswith("/") or path.startswith("//"):
            return location
        inside = self._path
        if inside and path != inside and not path.startswith(inside + "/"):
            return location
        return prefix + (path[len(inside) :] or "/")


class _Rest:
    """The body of a response that is being received, until a moment of the loop's clock.

    ``overdue`` and ``silent`` are the errors for a body that has not ended by then, and for a silent server.
    """

    def __init__(self, answer: aiohttp.ClientResponse, until: float | None, overdue: str, silent: str) -> None:
        self._answer, self._until, self._overdue, self._silent = answer, until, overdue, silent

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the pieces as they are received. Raises EOFError, with the reason, if the body is incomplete."""
        content = self._answer.content
        while not content.at_eof():
            deadline = asyncio.timeout_at(self._until)
            try:
                async with deadline:
                    piece = await content.readany()
            except TimeoutError:
                raise EOFError(self._overdue if deadline.expired() else self._silent) from None
            except aiohttp.ClientError as error:
                raise EOFError(f"the connection ended before the response did ({type(error).__name__})") from None
            if piece:
                yield piece

    def close(self) -> None:
        """Keep the connection if the body is complete, else close it."""
        if self._answer.content.at_eof():
            self._answer.release()
        else:
            self._answer.close()


def _let_go(task: asyncio.Task[HttpReply]) -> None:
    """Release a response that is no longer needed."""
    rest = None if task.cancelled() or task.exception() is not None else task.result().rest
    if rest is not None:
        rest.close()


def _soon_whole(http: HttpRequest, answer: aiohttp.ClientResponse) -> bool:
    """Return whether to buffer a response: short ones, and JSON except for the endless log of sys/monitor."""
    if answer.content_length is not None and answer.content_length <= _AT_ONCE:
        return True
    return answer.content_type == "application/json" and not http.target.endswith(_LOG)


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
    """Return the end-to-end headers; repeated names get the spelling of the first one."""
    named = {part.strip().lower() for name, text in pairs if name.lower() == "connection" for part in text.split(",")}
    spelt: dict[str, str] = {}
    kept = [(name, text) for name, text in pairs if name.lower() not in _HOP and name.lower() not in named]
    return [(spelt.setdefault(name.lower(), name), text) for name, text in kept]


def _passed(headers: Mapping[str, str], query: str) -> Pairs:
    """Return the headers of a forwarded request.

    A signature may cover all headers and always covers the host, so a signed request keeps them. Other responses are
    requested without compression, because faults and the journal read them.
    """
    signed = headers.get("Authorization", "").startswith(_SIGNED) or f"X-Amz-Algorithm={_SIGNED}" in query
    given = _end_to_end([*headers.items()])
    passed = [(name, text) for name, text in given if name.lower() not in _OURS]
    if signed:
        return passed + [(name, text) for name, text in given if name.lower() == "host"]
    return [(n, t) for n, t in passed if n.lower() != "accept-encoding"] + [("Accept-Encoding", "identity")]
