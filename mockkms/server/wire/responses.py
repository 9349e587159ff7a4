"""An answer with just the headers it was given, written in one piece.

aiohttp's own response would add ``Content-Type`` and ``Server``, and copy every header into a multi-dict on the way.
"""

from __future__ import annotations

import asyncio
import http
import time
from collections.abc import Iterable, Mapping
from email.utils import formatdate
from functools import lru_cache

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from mockkms.server.gateway.exchange import HttpReply

_REASONS = {status.value: status.phrase for status in http.HTTPStatus}
_REFUSED_SECONDS = 0.5
"""Seconds that a refused connection stays open, as in Go."""
_BODILESS = frozenset((204, 304))
_stamp = (0, "")
"""The second that was last written as a date, and its text."""


class PlainResponse(web.StreamResponse):
    """A whole answer, known before its first byte is sent."""

    def __init__(
        self, *, status: int, body: bytes, headers: Mapping[str, str], repeated: Iterable[tuple[str, str]] = ()
    ) -> None:
        super().__init__(status=status, reason=_reason(status))
        self._plain_body, self._plain_headers, self._repeated = body, headers, repeated
        self._open = True

    @property
    def keep_alive(self) -> bool:
        """Whether the connection goes on after this answer."""
        return self._open

    def force_close(self) -> None:
        """End the connection after this answer."""
        self._open = False

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write head and body. Raises ConnectionResetError where the client has left."""
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has left")
        self._open = self._open and request.keep_alive
        transport.write(self._bytes(request))
        await request.writer.drain()
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to write."""

    def _bytes(self, request: web.BaseRequest) -> bytes:
        status, body, bodiless = self.status, self._plain_body, request.method == "HEAD"
        begun, declared = self._begun()
        begun, bodiless = _with_length(begun, declared, status, body, bodiless)
        head = self._end(begun, request)
        return head if bodiless else head + body

    def _begun(self) -> tuple[str, str]:
        """Status line and headers, and apart from them the length that they declare."""
        begun, declared, _ = _head_of(self.status, self._plain_headers)
        return begun + "".join(f"{_line(f'{name}: {text}')}\r\n" for name, text in self._repeated), declared

    def _end(self, begun: str, request: web.BaseRequest) -> bytes:
        if request.version.minor == 0:
            begun = begun.replace("HTTP/1.1", "HTTP/1.0", 1) + ("Connection: keep-alive\r\n" if self._open else "")
        elif not self._open:
            begun += "Connection: close\r\n"
        return (begun + "\r\n").encode("utf-8", "replace")


def plain_bytes(
    method: str, status: int, body: bytes, headers: Mapping[str, str], repeated: Iterable[tuple[str, str]] = ()
) -> bytes:
    """Return a whole HTTP/1.1 answer as a ``PlainResponse`` writes it."""
    begun, declared, encoded = _head_of(status, headers)
    bodiless = method == "HEAD"
    if not (bodiless or repeated or status in _BODILESS or status < 200):
        return b"%bContent-Length: %d\r\n\r\n%b" % (encoded, len(body), body)
    begun += "".join(f"{_line(f'{name}: {text}')}\r\n" for name, text in repeated)
    begun, bodiless = _with_length(begun, declared, status, body, bodiless)
    head = (begun + "\r\n").encode("utf-8", "replace")
    return head if bodiless else head + body


def _with_length(begun: str, declared: str, status: int, body: bytes, bodiless: bool) -> tuple[str, bool]:
    """Return the head with the length of the body, and whether no body is sent."""
    if status not in _BODILESS and status >= 200 and (body or not bodiless):
        return f"{begun}Content-Length: {len(body)}\r\n", bodiless
    return f"{begun}Content-Length: {declared}\r\n" if bodiless and declared else begun, True


def _head_of(status: int, headers: Mapping[str, str]) -> tuple[str, str, bytes]:
    # More than the usual headers may be long: of those no copy is kept.
    short = len(headers) <= _USUAL_HEADERS or sum(map(len, headers.values())) <= _LONGEST_CACHED
    head = _head if short else _head.__wrapped__
    return head(status, tuple(headers.items()), _date())


def plain(reply: HttpReply) -> PlainResponse:
    """Return the answer of a gateway as aiohttp sends it."""
    return PlainResponse(status=reply.status, body=reply.body, headers=reply.headers, repeated=reply.repeated)


class Refusal(web.StreamResponse):
    """The response to an invalid request, written as given; the connection is closed afterwards."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(status=400)
        self._answer = answer
        self.force_close()

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write the answer and end our side; the client gets time to read it, for a close with bytes unread resets."""
        transport = request.transport
        if transport is None or transport.is_closing():
            return None
        transport.write(self._answer)
        if transport.can_write_eof():
            try:
                transport.write_eof()
            except OSError:
                return None  # The client has left, and the loop has not noticed yet.
            # The server cancels this when the client leaves.
            await asyncio.sleep(_REFUSED_SECONDS)
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to write."""


_USUAL_HEADERS = 3
"""Headers that every answer has; none of them is long."""
_LONGEST_CACHED = 4096
"""Characters of the values of an answer's headers of which a copy is kept."""


@lru_cache(maxsize=64)
def _head(status: int, headers: tuple[tuple[str, str], ...], date: str) -> tuple[str, str, bytes]:
    """Status line and headers, apart from them the length that they declare, and the first again as bytes.

    Most answers of a second share one.
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
    begun = "\r\n".join((*lines, ""))
    return begun, _line(declared), begun.encode("utf-8", "replace")


def _reason(status: int) -> str:
    return _REASONS.get(status) or f"status code {status}"


def _line(text: str) -> str:
    """As Go writes a header: what would end its line becomes a blank."""
    return text.replace("\r", " ").replace("\n", " ")


def _date() -> str:
    """The present moment as HTTP writes it."""
    global _stamp
    now = int(time.time())
    if _stamp[0] != now:
        _stamp = (now, formatdate(now, usegmt=True))
    return _stamp[1]
