"""Reads the requests of a connection as Go does, and passes them in a plain form to aiohttp's parser.

Usual heads are passed unchanged, except that ``LIST`` and ``SCAN``, which aiohttp's parser refuses, are replaced by
``LINK`` and ``BIND``, which no client of a Vault sends. All others are read by ``heads``. The properties that aiohttp
does not see are kept in a ``Note`` by the number of the request on its connection. Refusals are numbered too, because
they must be sent after the responses to earlier requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from mockkms.server.gateway.header_facts import HeaderFacts
from mockkms.server.wire.chunks import ChunkedBody
from mockkms.server.wire.heads import CHUNKED, MAX_HEAD, BadHead, bad_head, read_head, usual_fields, usual_method

_STAND_IN = {b"LIST": b"LINK", b"SCAN": b"BIND"}
_METHODS = {"LINK": "LIST", "BIND": "SCAN"}
_TEXTS = {name.encode(): name for name in ("GET", "POST", "PUT", "DELETE", "LIST", "PATCH", "HEAD", "OPTIONS")}
"""One text for each usual method: the journal keeps the methods of thousands of requests."""
_PLACEHOLDER = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
"""Passed to aiohttp's parser instead of a refused head."""
_LONGEST_USUAL = 8192
"""Maximum length in bytes of header fields whose meaning is cached."""
_VERSION = len(" HTTP/1.1")
_SHORT = 4096
"""Length in bytes up to which an incomplete head is read again with each piece."""
_TLS_HELLO = b"\x16\x03"
_PEEKED = 4
"""Bytes that Go waits for before it reads another request on a connection."""
UNEXPECTED_EOF = "unexpected EOF"


@dataclass(frozen=True, slots=True)
class Note:
    """The properties of a request that aiohttp does not see."""

    method: str = ""
    target: str = ""
    wants_continue: bool = False
    refusal: bytes = b""
    """The response to send instead, for an invalid request."""


class Whole(NamedTuple):
    """A usual request that was received in one piece."""

    method: str
    target: str
    """Path and query, as sent."""
    headers: Mapping[str, str]
    """Case-insensitive."""
    memo: list[HeaderFacts]
    """The facts of the headers once they are read, shared by all requests with the same headers."""
    body: bytes
    shown: bytes
    """The bytes for aiohttp's parser."""


def method_of(method: str) -> str:
    """Return the method that was sent, given the one passed to the parser."""
    return _METHODS.get(method, method)


class Framing:
    """Follows the requests of one connection."""

    __slots__ = ("_again", "_body", "_chunks", "_closing", "_held", "_posted", "closed", "fault", "heads", "notes")

    def __init__(self) -> None:
        self._held = bytearray()
        """An incomplete head."""
        self._again = 0
        """The length at which it is read again even if its end is not found."""
        self._body = 0
        """Bytes of the body that are not received yet."""
        self._chunks: ChunkedBody | None = None
        """The chunked body that is being received."""
        self._closing = False
        """Whether the current request is the last one."""
        self._posted = False
        """Whether the last method was POST: Go ignores an empty line after its body, which old clients send."""
        self.heads = 0
        """Number of heads passed on, refused ones included."""
        self.notes: dict[int, Note] = {}
        """By the number of the head, from 1."""
        self.fault = ""
        """The error in the body of the last request; nothing is read after it."""
        self.closed = False
        """Whether nothing more is read."""

    @property
    def between(self) -> bool:
        """Whether no request is incomplete."""
        return not (self._body or self._held or self._chunks)

    @property
    def in_body(self) -> bool:
        """Whether a head is complete but its body is not."""
        return bool(self._body or self._chunks)

    def whole(self, data: bytes) -> Whole | None:
        """Return the request if ``data`` is one usual request, else None; call it only between two requests."""
        end = data.find(b"\r\n\r\n") + 4
        line_end = data.find(b"\r\n")
        if end <= 3 or end > _LONGEST_USUAL:
            return None
        method = usual_method(data, line_end)
        if not method:
            return None
        length, headers, memo = usual_fields(data[line_end:end])
        if length != len(data) - end:
            return None
        self.heads += 1
        self._posted = method == b"POST"
        stand_in = _STAND_IN.get(method)
        return Whole(
            _TEXTS.get(method) or method.decode(), data[len(method) + 1 : line_end - _VERSION].decode(), headers, memo,
            data[end:], data if stand_in is None else stand_in + data[4:],
        )  # fmt: skip

    def feed(self, data: bytes) -> bytes:
        """Process received bytes and return the bytes for aiohttp's parser."""
        if self.closed:
            return b""
        if not self._held and not self._body and self._chunks is None:
            # One whole request in nearly all cases.
            out, data = self._usual(data)
            if not data:
                return out
        elif self._held:
            self._held += data
            if not self._readable(len(data)):
                return b""
            out, data, self._held = b"", bytes(self._held), bytearray()
        else:
            out = b""
        pieces = [out]
        while data and not self.closed:
            if self._body:
                piece, data = data[: self._body], data[self._body :]
                self._body -= len(piece)
            elif self._chunks is not None:
                piece, data = self._chunks.feed(data)
                if self._chunks.done:
                    self._end_chunks(self._chunks.fault)
            else:
                piece, data = self._usual(data)
                if not piece:
                    piece, data = self._read(data)
                    if not piece:
                        break
            pieces.append(piece)
            if self._closing and self.between:
                self.closed = True
        return b"".join(pieces)

    def _readable(self, more: int) -> bool:
        """Return whether to read the held head again, which now ends in ``more`` new bytes.

        Go reads it line by line. A long one is only read again when it ends or has grown by a quarter, as it would
        take a time with the square of its length if each piece of it were read from the beginning.
        """
        if len(self._held) >= min(self._again, MAX_HEAD):
            return True
        tail = self._held[-more - 3 :]
        return b"\n\r\n" in tail or b"\n\n" in tail

    def _hold(self, data: bytes) -> None:
        self._held = bytearray(data)
        self._again = len(data) + (len(data) // 4 if len(data) > _SHORT else 1)

    def _usual(self, data: bytes) -> tuple[bytes, bytes]:
        """Return a usual head with the received part of its body, and the rest of ``data``; empty for others."""
        end = data.find(b"\r\n\r\n") + 4
        line_end = data.find(b"\r\n")
        method = usual_method(data, line_end) if 3 < end <= _LONGEST_USUAL else b""
        length = usual_fields(data[line_end:end]).length if method else -1
        if length < 0:
            return b"", data
        self.heads += 1
        self._posted = method == b"POST"
        there = len(data) - end
        if length > there:
            self._body, taken, rest = length - there, data, b""
        elif length == there:
            taken, rest = data, b""
        else:
            taken, rest = data[: end + length], data[end + length :]
        stand_in = _STAND_IN.get(method)
        return taken if stand_in is None else stand_in + taken[4:], rest

    def _read(self, data: bytes) -> tuple[bytes, bytes]:
        """Read any head; return the bytes for aiohttp and the rest of ``data``. An incomplete head is kept."""
        if self.heads and len(data) < _PEEKED:
            self._hold(data)
            return b"", b""
        if self._posted:
            data = data[:_PEEKED].lstrip(b"\r\n") + data[_PEEKED:]
        try:
            found = read_head(data)
            if found is None:
                if len(data) >= MAX_HEAD:
                    raise bad_head("431 Request Header Fields Too Large")
                if data.startswith(_TLS_HELLO):
                    # Go waits for the end of a line, which a TLS client may never send.
                    raise bad_head()
                self._hold(data)
                self._posted = False
                return b"", b""
            head, size = found
            if size > MAX_HEAD:
                raise bad_head("431 Request Header Fields Too Large")
        except BadHead as error:
            return self._refuse(error.answer), b""
        self.heads += 1
        self._posted, self._closing = head.method == "POST", head.closes
        self.notes[self.heads] = Note(head.method, head.target, head.wants_continue)
        if head.length == CHUNKED:
            self._chunks = ChunkedBody()
        else:
            self._body = head.length
        return head.plain, data[size:]

    def _refuse(self, answer: bytes) -> bytes:
        self.closed, self._held = True, bytearray()
        self.heads += 1
        self.notes[self.heads] = Note(refusal=answer)
        return _PLACEHOLDER

    def _end_chunks(self, fault: str) -> None:
        self._chunks = None
        if fault:
            self.fault, self.closed = fault, True

    def end(self, fault: str = UNEXPECTED_EOF) -> bytes:
        """Stop reading when the client is done or too slow; return the bytes for aiohttp's parser."""
        if self.closed:
            return b""
        self.closed = True
        if self._chunks is not None:
            ending = self._chunks.fail(fault)
            self._end_chunks(fault)
            return ending
        if self._body:
            self.fault = fault
        elif self._held and not (self.heads and len(self._held) < _PEEKED):
            return self._refuse(bad_head().answer)
        return b""
