"""Responses with exactly the given headers, written in one piece.

aiohttp's own response would add ``Content-Type`` and ``Server``, and copy all headers to a multi-dict.
"""

from __future__ import annotations

import asyncio
import http
import time
from collections.abc import Iterable, Mapping
from email.utils import formatdate
from functools import lru_cache

from aiohttp.abc import AbstractStreamWriter

from mockkms.server import web
from mockkms.server.gateway.exchange import HttpReply

_REASONS = {status.value: status.phrase for status in http.HTTPStatus}
_REFUSED_SECONDS = 0.5
"""Seconds that a refused connection stays open, as in Go."""
_BODILESS = frozenset((204, 304))
_stamp = (0, "")
"""The last second that was formatted as a date, and its text."""


class PlainResponse(web.StreamResponse):
    """A response whose body is known before it is sent."""

    def __init__(
        self, *, status: int, body: bytes, headers: Mapping[str, str], repeated: Iterable[tuple[str, str]] = ()
    ) -> None:
        super().__init__(status=status, reason=_reason(status))
        self._plain_body, self._plain_headers, self._repeated = body, headers, repeated
        self._open = True

    @property
    def keep_alive(self) -> bool:
        """Whether the connection stays open after this response."""
        return self._open

    def force_close(self) -> None:
        """Close the connection after this response."""
        self._open = False

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write head and body. Raises ConnectionResetError if the client has disconnected."""
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has disconnected")
        self._open = self._open and request.keep_alive
        transport.write(self._bytes(request))
        await request.writer.drain()
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: ``prepare`` has written everything."""

    def _bytes(self, request: web.BaseRequest) -> bytes:
        status, body, bodiless = self.status, self._plain_body, request.method == "HEAD"
        text, declared = self._head()
        text, bodiless = _with_length(text, declared, status, body, bodiless)
        head = self._end(text, request)
        return head if bodiless else head + body

    def _head(self) -> tuple[str, str]:
        """Return status line and headers, and the declared length separately."""
        text, declared, _ = _head_of(self.status, self._plain_headers)
        return text + "".join(f"{_line(f'{name}: {value}')}\r\n" for name, value in self._repeated), declared

    def _end(self, head: str, request: web.BaseRequest) -> bytes:
        if request.version.minor == 0:
            head = head.replace("HTTP/1.1", "HTTP/1.0", 1) + ("Connection: keep-alive\r\n" if self._open else "")
        elif not self._open:
            head += "Connection: close\r\n"
        return (head + "\r\n").encode("utf-8", "replace")


def plain_bytes(
    method: str, status: int, body: bytes, headers: Mapping[str, str], repeated: Iterable[tuple[str, str]] = ()
) -> bytes:
    """Return an HTTP/1.1 response as a ``PlainResponse`` writes it."""
    text, declared, encoded = _head_of(status, headers)
    bodiless = method == "HEAD"
    if not (bodiless or repeated or status in _BODILESS or status < 200):
        return b"%bContent-Length: %d\r\n\r\n%b" % (encoded, len(body), body)
    text += "".join(f"{_line(f'{name}: {value}')}\r\n" for name, value in repeated)
    text, bodiless = _with_length(text, declared, status, body, bodiless)
    head = (text + "\r\n").encode("utf-8", "replace")
    return head if bodiless else head + body


def _with_length(head: str, declared: str, status: int, body: bytes, bodiless: bool) -> tuple[str, bool]:
    """Return the head with the length of the body, and whether no body is sent."""
    if status not in _BODILESS and status >= 200 and (body or not bodiless):
        return f"{head}Content-Length: {len(body)}\r\n", bodiless
    return f"{head}Content-Length: {declared}\r\n" if bodiless and declared else head, True


def _head_of(status: int, headers: Mapping[str, str]) -> tuple[str, str, bytes]:
    # Additional headers may be long: they are not cached.
    short = len(headers) <= _USUAL_HEADERS or sum(map(len, headers.values())) <= _LONGEST_CACHED
    head = _head if short else _head.__wrapped__
    return head(status, tuple(headers.items()), _date())


def plain(reply: HttpReply) -> PlainResponse:
    """Return the response of a gateway as aiohttp's response."""
    return PlainResponse(status=reply.status, body=reply.body, headers=reply.headers, repeated=reply.repeated)


class RefusalResponse(web.StreamResponse):
    """The response to an invalid request, in bytes; the connection is closed afterwards."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(status=400)
        self._answer = answer
        self.force_close()

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write the response and close our side; a close with unread bytes would reset the connection, so wait."""
        transport = request.transport
        if transport is None or transport.is_closing():
            return None
        transport.write(self._answer)
        if transport.can_write_eof():
            try:
                transport.write_eof()
            except OSError:
                return None  # The client has disconnected, which the loop has not noticed yet.
            # The server cancels this when the client disconnects.
            await asyncio.sleep(_REFUSED_SECONDS)
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: ``prepare`` has written everything."""


_USUAL_HEADERS = 3
"""Number of headers that every response has; none of them is long."""
_LONGEST_CACHED = 4096
"""Maximum length in characters of the header values that are cached."""


@lru_cache(maxsize=64)
def _head(status: int, headers: tuple[tuple[str, str], ...], date: str) -> tuple[str, str, bytes]:
    """Return status line and headers, the declared length separately, and the former as bytes.

    Most responses within a second share one result.
    """
    lines, declared, dated = [f"HTTP/1.1 {status} {_reason(status)}"], "", False
    for name, text in headers:
        low = name.lower()
        if low == "content-length":
            declared = text
            continue
        dated = dated or low == "date"
        lines.append(_line(f"{name}: {text}"))
    if not dated:
        lines.append(f"Date: {date}")
    head = "\r\n".join((*lines, ""))
    return head, _line(declared), head.encode("utf-8", "replace")


def _reason(status: int) -> str:
    return _REASONS.get(status) or f"status code {status}"


def _line(text: str) -> str:
    """Return a header line as Go writes it: line breaks are replaced by blanks."""
    return text.replace("\r", " ").replace("\n", " ")


def _date() -> str:
    """Return the current time in the format of HTTP."""
    global _stamp
    now = int(time.time())
    if _stamp[0] != now:
        _stamp = (now, formatdate(now, usegmt=True))
    return _stamp[1]
