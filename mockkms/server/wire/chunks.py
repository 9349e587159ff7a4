"""Reads a chunked body, and finds its end and its errors as Go's chunked reader does."""

from __future__ import annotations

from mockkms.server.wire.heads import read_fields

_MAX_LINE = 4096
"""Bytes of a chunk's first line and of all trailers: the size of Go's buffer."""
_MAX_EXCESS = 16 * 1024
_HEX = frozenset(b"0123456789abcdefABCDEF")


class ChunkedBody:
    """One chunked body while it is received."""

    __slots__ = ("_excess", "_held", "_left", "_place", "done", "fault")

    def __init__(self) -> None:
        self._held = b""
        self._left = 0
        """Bytes of the current chunk still to come."""
        self._place = self._size_line
        self._excess = 0
        """Bytes that were no data, beyond what Go grants to each chunk."""
        self.done = False
        self.fault = ""
        """What Go reports when it reads the body; nothing is read after it."""

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Take bytes; return their data as one plain chunk for aiohttp's parser, and what follows the body.

        A body with a fault is ended: aiohttp waits for nothing then.
        """
        if self._held:
            data, self._held = self._held + data, b""
        pieces: list[bytes] = []
        start = 0
        while start < len(data) and not self.done:
            if self._left:
                piece = data[start : start + self._left]
                pieces.append(piece)
                start += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._place = self._chunk_end
                continue
            after = self._place(data, start)
            if after is None:
                self._held = data[start:]
                break
            start = after
        content = b"".join(pieces)
        out = b"%x\r\n%b\r\n" % (len(content), content) if content else b""
        if self.done:
            out += b"0\r\n\r\n"
        return out, data[start:] if self.done and not self.fault else b""

    def fail(self, fault: str) -> bytes:
        """End the body with a fault; return what ends it for aiohttp's parser."""
        self.fault, self.done = fault, True
        return b"0\r\n\r\n"

    def _broken(self, fault: str) -> int:
        self.fail(fault)
        return 0

    def _size_line(self, data: bytes, start: int) -> int | None:
        end = data.find(b"\n", start, start + _MAX_LINE)
        if end < 0:
            return self._broken("header line too long") if len(data) - start >= _MAX_LINE else None
        carriage = data.find(b"\r", start, end)
        if carriage != end - 1 or end == start:
            return self._broken("chunked line ends with bare LF" if carriage < 0 else "invalid CR in chunked line")
        line = data[start:carriage]
        digits = line.rstrip(b" \t").partition(b";")[0]
        if not digits:
            return self._broken("empty hex number for chunk length")
        for place, byte in enumerate(digits):
            if byte not in _HEX:
                return self._broken("invalid byte in chunk length")
            if place == 16:
                return self._broken("http chunk length too large")
        self._left = int(digits, 16)
        self._excess = max(0, self._excess + len(line) + 2 - 16 - 2 * self._left)
        if self._excess > _MAX_EXCESS:
            return self._broken("chunked encoding contains too much non-data")
        if not self._left:
            self._place = self._trailers
        return end + 1

    def _chunk_end(self, data: bytes, start: int) -> int | None:
        if len(data) - start < 2:
            return None
        if not data.startswith(b"\r\n", start):
            return self._broken("malformed chunked encoding")
        self._place = self._size_line
        return start + 2

    def _trailers(self, data: bytes, start: int) -> int | None:
        if len(data) - start < 2:
            return None
        if data.startswith(b"\r\n", start):
            self.done = True
            return start + 2
        if data.find(b"\r\n\r\n", start, start + _MAX_LINE) < 0:
            if len(data) - start < _MAX_LINE:
                return None
            return self._broken("http: suspiciously long trailer after chunked body")
        try:
            found = read_fields(data, start)
        except ValueError as error:
            return self._broken(str(error))
        if found is None:
            return None
        self.done = True
        return found[1]
