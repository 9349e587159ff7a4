"""Lets aiohttp's C parser read ``LIST``, ``SCAN`` and ``HELP``, the verbs that Vault's clients send and it refuses.

The parser knows ``LINK``, ``BIND`` and ``COPY``, which no client of ours sends. Where a message begins with a verb that
the parser does not know, the verb is replaced by one that it does; the handler reads it back with ``method_of``. To
know where messages begin (keep-alive, pipelining, packets split anywhere), ``Framing`` follows the lengths of head and
body.

This leans on aiohttp's ``data_received`` being called on the protocol: tests/server/wire/test_listable.py holds it to
that.
"""

from __future__ import annotations

import re

_KNOWN = {b"GET", b"POST", b"PUT", b"DELETE", b"PATCH", b"HEAD", b"OPTIONS"}
_STAND_IN = {b"LIST": b"LINK", b"SCAN": b"BIND", b"HELP": b"COPY"}
_UNKNOWN = b"LOCK"
_METHODS = {"LINK": "LIST", "BIND": "SCAN", "COPY": "HELP", "LOCK": "UNKNOWN"}
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r]*chunked", re.IGNORECASE)
_LONGEST_VERB = 32


def method_of(method: str) -> str:
    """The verb that was sent, from the one that the parser was shown."""
    return _METHODS.get(method, method)


class Framing:
    """Rewrites the verb at the beginning of each message of one connection; everything else passes unchanged."""

    __slots__ = ("_body", "_head", "_held", "_opaque", "heads")

    def __init__(self) -> None:
        self._held = b""
        """The beginning of a message too short to know its verb."""
        self._head = b""
        """What has passed of an unfinished head; empty between messages."""
        self._body = 0
        """Bytes of body still to come."""
        self._opaque = False
        """A chunked body is passing: its end is not followed, so nothing is rewritten on this connection until idle."""
        self.heads = 0
        """Whole heads that have passed."""

    @property
    def between(self) -> bool:
        """The last byte that passed was the last of a message."""
        return not (self._body or self._head or self._held or self._opaque)

    def idle(self) -> None:
        """The server has answered all it was sent: the next byte begins a message."""
        if self._opaque:
            self._opaque = False
            self._head = b""
            self._body = 0

    def feed(self, data: bytes) -> bytes:
        """The bytes for the parser; empty while a verb is not yet known."""
        if self._opaque:
            return data
        out = b""
        data, self._held = self._held + data, b""
        while data:
            if self._body:
                passed, data = data[: self._body], data[self._body :]
                self._body -= len(passed)
                out += passed
                continue
            if not self._head:
                space = data.find(b" ", 0, _LONGEST_VERB)
                if space < 0 and len(data) < _LONGEST_VERB:
                    self._held = data
                    return out
                verb = data[:space] if space >= 0 else b""
                if verb and verb not in _KNOWN and verb.isalpha():
                    data = _STAND_IN.get(verb, _UNKNOWN) + data[space:]
            before = len(self._head)
            head = self._head + data
            end = head.find(b"\r\n\r\n", max(0, before - 3))
            if end < 0:
                self._head = head
                return out + data
            end += 4
            out += data[: end - before]
            data = data[end - before :]
            self._head = b""
            self.heads += 1
            if _CHUNKED.search(head, 0, end):
                self._opaque = True
                return out + data
            length = _LENGTH.search(head, 0, end)
            self._body = int(length.group(1)) if length else 0
        return out
