"""A client for the name server that a test started on this machine: addresses and texts (RFC 1035).

A query goes over UDP, and over TCP if the response is truncated. Aliases (CNAME) are followed as far as the response
contains them.
"""

from __future__ import annotations

import secrets
import socket
import struct
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from ipaddress import ip_address
from time import monotonic

from mockkms.error_context import error_context
from mockkms.outside.turn import waiting

A, CNAME, TXT, AAAA = 1, 5, 16, 28
"""Types of records."""
_IN = 1
_RESPONSE, _TRUNCATED, _RECURSION_DESIRED = 0x8000, 0x0200, 0x0100
_NAME_ERROR = 3
_LONGEST_CHAIN = 16
_TRIES = 2
"""Packets that are sent over UDP before a server counts as missing."""


@dataclass(frozen=True)
class _Record:
    name: str
    kind: int
    data: bytes
    alias: str = ""


def addresses(server: tuple[str, int], name: str, seconds: float) -> list[str]:
    """Return the IPv4 and IPv6 addresses of a name. Raises OSError, within ``seconds``."""
    until = monotonic() + seconds
    found = [str(ip_address(one.data)) for one in _query(server, name, A, until) if len(one.data) == 4]
    found += [str(ip_address(one.data)) for one in _query(server, name, AAAA, until) if len(one.data) == 16]
    if not found:
        raise OSError("no such host")
    return found


def texts(server: tuple[str, int], name: str, seconds: float) -> list[str]:
    """Return the TXT records of a name, each as one text. Raises OSError, within ``seconds``."""
    found = [_text(one.data) for one in _query(server, name, TXT, monotonic() + seconds)]
    if not found:
        raise OSError("no such host")
    return found


def _query(server: tuple[str, int], name: str, kind: int, until: float) -> list[_Record]:
    """Return the records of a type at the end of the name's aliases. Raises OSError."""
    number = secrets.randbits(16)
    question = _labels(name) + struct.pack("!HH", kind, _IN)
    request = struct.pack("!6H", number, _RECURSION_DESIRED, 1, 0, 0, 0) + question
    with error_context(raised=OSError, of=TimeoutError, text="i/o timeout"):
        with error_context("read udp: ", raised=OSError, of=ConnectionError):
            flags, records = _over_udp(server, request, number, until)
        if flags & _TRUNCATED:
            with error_context("read tcp: ", raised=OSError, of=ConnectionError):
                flags, records = _over_tcp(server, request, number, until)
    code = flags & 0xF
    if code == _NAME_ERROR:
        raise OSError("no such host")
    if code:
        raise OSError("server misbehaving")
    wanted = name.rstrip(".").lower()
    for _ in range(_LONGEST_CHAIN):
        alias = next((one.alias for one in records if one.name == wanted and one.kind == CNAME), "")
        if not alias:
            break
        wanted = alias
    return [one for one in records if one.name == wanted and one.kind == kind]


def _over_udp(server: tuple[str, int], request: bytes, number: int, until: float) -> tuple[int, list[_Record]]:
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_DGRAM)) as channel:
        channel.connect(server)
        share = max(until - monotonic(), 0.001) / _TRIES
        for attempt in range(_TRIES):
            ends = until if attempt == _TRIES - 1 else monotonic() + share
            channel.send(request)
            try:
                while True:
                    channel.settimeout(max(ends - monotonic(), 0.001))
                    with waiting():
                        data = channel.recv(65535)
                    found = _parsed(data, number)
                    if found is not None:
                        return found
                    if monotonic() >= ends:
                        raise TimeoutError
            except TimeoutError:
                continue
    raise TimeoutError


def _over_tcp(server: tuple[str, int], request: bytes, number: int, until: float) -> tuple[int, list[_Record]]:
    with waiting():
        channel = socket.create_connection(server, timeout=max(until - monotonic(), 0.001))
    with closing(channel):
        channel.sendall(struct.pack("!H", len(request)) + request)
        size = int.from_bytes(_exactly(channel, 2, until), "big")
        found = _parsed(_exactly(channel, size, until), number)
    if found is None:
        raise OSError("server misbehaving")
    return found


def _exactly(channel: socket.socket, size: int, until: float) -> bytes:
    data = b""
    while len(data) < size:
        channel.settimeout(max(until - monotonic(), 0.001))
        with waiting():
            more = channel.recv(size - len(data))
        if not more:
            raise ConnectionResetError("EOF")
        data += more
    return data


def _labels(name: str) -> bytes:
    """Return a name on the wire. Raises OSError for one that no server can have."""
    parts = [label.encode("ascii", "replace") for label in name.rstrip(".").split(".")]
    if any(not 0 < len(part) < 64 for part in parts) or sum(len(part) + 1 for part in parts) > 254:
        raise OSError("no such host")
    return b"".join(bytes((len(part),)) + part for part in parts) + b"\0"


def _parsed(data: bytes, number: int) -> tuple[int, list[_Record]] | None:
    """Return flags and answers of a response to the query ``number``; None for anything else."""
    try:
        given, flags, questions, answers, *_ = struct.unpack_from("!6H", data)
        if given != number or not flags & _RESPONSE:
            return None
        place = 12
        for _ in range(questions):
            place = _name(data, place)[1] + 4
        return flags, list(_records(data, place, answers))
    except (struct.error, IndexError, ValueError):
        return None


def _records(data: bytes, place: int, count: int) -> Iterator[_Record]:
    for _ in range(count):
        name, place = _name(data, place)
        kind, _, _, size = struct.unpack_from("!HHIH", data, place)
        place += 10
        if place + size > len(data):
            raise ValueError("a record is cut off")
        yield _Record(name, kind, data[place : place + size], _name(data, place)[0] if kind == CNAME else "")
        place += size


def _name(data: bytes, place: int) -> tuple[str, int]:
    """Return the name at a place, in lower case, and the place behind it. Raises ValueError or IndexError."""
    labels: list[str] = []
    end = 0
    jumps = 0
    while data[place]:
        size = data[place]
        if size & 0xC0 == 0xC0:
            end = end or place + 2
            place = (size & 0x3F) << 8 | data[place + 1]
            jumps += 1
            if jumps > _LONGEST_CHAIN:
                raise ValueError("a name has too many pointers")
            continue
        labels.append(data[place + 1 : place + 1 + size].decode("ascii", "replace").lower())
        place += 1 + size
    return ".".join(labels), end or place + 1


def _text(data: bytes) -> str:
    parts = []
    place = 0
    while place < len(data):
        size = data[place]
        parts.append(data[place + 1 : place + 1 + size])
        place += 1 + size
    return b"".join(parts).decode("utf-8", "replace")
