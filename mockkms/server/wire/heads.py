"""Reads the head of a request as Go's ``net/http`` does, which every real server is built on, and refuses in its texts.

Heads that Go accepts and aiohttp's parser refuses are rewritten to equivalent plain heads. The rules are those of
``readRequest``, ``readTransfer`` (``net/http``), ``ReadMIMEHeader`` (``net/textproto``) and ``ParseRequestURI``
(``net/url``) of Go 1.26.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from multidict import CIMultiDict, CIMultiDictProxy

from mockkms.server.gateway.header_facts import HeaderFacts
from mockkms.server.wire.targets import Target, read_target
from mockkms.vault.golang.fmt import quote

MAX_HEAD = 1024 * 1024 + 4096
"""Maximum bytes of a head: Go's ``DefaultMaxHeaderBytes`` and the size of its buffer."""
CHUNKED = -1
"""Stands for the length of a chunked body."""
_ERROR_HEADERS = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
_USUAL_LINE = re.compile(
    rb"(GET|POST|PUT|DELETE|PATCH|HEAD|LIST|SCAN|OPTIONS) /[!$&-;=?-Z_a-z~]*(?:%[0-9A-Fa-f]{2}[!$&-;=?-Z_a-z~]*)*"
    rb" HTTP/1\.1"
)
_USUAL_FIELDS = re.compile(rb"(?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]+:(?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)+\r\n\r\n")
_NAME = re.compile(rb"\n([^\r\n:]+):")
_HOST = re.compile(rb"\nhost:[ \t]*[A-Za-z0-9!$%&'()*+,\-.:;=\[\]_~]*[ \t]*\r")
_LENGTH = re.compile(rb"\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r")
_KEEP_ALIVE = re.compile(rb"\nconnection:[ \t]*keep-alive[ \t]*\r")
_RARE = frozenset((b"transfer-encoding", b"expect", b"upgrade", b"trailer"))
_KNOWN_METHODS = frozenset(("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"))
"""Methods that are passed to aiohttp; all others are replaced by LOCK."""
_REWRITTEN = frozenset(("host", "content-length", "transfer-encoding", "expect", "upgrade"))
_ONCE = frozenset(
    ("content-location", "content-range", "content-type", "etag", "max-forwards", "server", "user-agent")
)  # fmt: skip
"""Headers that aiohttp refuses if they are repeated; only the first one is passed on."""
_PLAIN_FIELDS = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:[\t -~\x80-\xff]*+\r\n)++")
"""Lines of fields that only need to be split."""
_FIELD = re.compile(r"([^:]+):[ \t]*([^\r]*)\r\n")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIELD_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z -]+")
_FIELD_VALUE = re.compile(rb"[\t -~\x80-\xff]*")
_HOST_VALUE = re.compile(r"[A-Za-z0-9!$%&'()*+,\-.:;=\[\]_~]*")
_VERSION = re.compile(r"HTTP/([0-9])\.([0-9])")
_CONTINUE = re.compile(r"(?:^|[ ,\t])100-continue(?:$|[ ,\t])", re.IGNORECASE)


class BadHead(Exception):
    """Raised for an invalid head; ``answer`` is the response in bytes, after which the connection is closed."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(answer)
        self.answer = answer


def bad_head(status: str = "400 Bad Request", body: str = "") -> BadHead:
    """Return Go's refusal; without ``body`` the status is the body too."""
    return BadHead(f"HTTP/1.1 {status}{_ERROR_HEADERS}{body or status}".encode())


@dataclass(frozen=True, slots=True)
class Head:
    """A head that is not usual."""

    plain: bytes
    """The head for aiohttp."""
    length: int
    """Bytes of the body, or CHUNKED."""
    method: str
    target: str
    """Path and query; bytes that are not ASCII are escaped."""
    closes: bool
    """Whether the connection is closed after the response; nothing after the request is read."""
    wants_continue: bool
    """Whether ``100 Continue`` is sent before the body is read."""


# -- usual heads -----------------------------------------------------------------------------------------------------


def usual_method(data: bytes, line_end: int) -> bytes:
    """Return the method of a request line that aiohttp and Go parse equally; empty for any other."""
    found = _USUAL_LINE.fullmatch(data, 0, line_end)
    return found[1] if found is not None else b""


class UsualFields(NamedTuple):
    """Header fields that aiohttp and Go parse equally."""

    length: int
    """Bytes of the body; -1: the fields are not usual."""
    headers: CIMultiDictProxy[str]
    memo: list[HeaderFacts]
    """The facts of these headers once they are read, shared by all requests with the same headers."""


_UNUSUAL = UsualFields(-1, CIMultiDictProxy(CIMultiDict()), [])


@lru_cache(maxsize=256)
def usual_fields(fields: bytes) -> UsualFields:
    """Return the fields and the length of the body; -1 if aiohttp and Go might parse them differently.

    ``fields`` starts with the line end of the request line.
    """
    length = _usual_length(fields)
    if length < 0:
        return _UNUSUAL
    headers: CIMultiDict[str] = CIMultiDict()
    for line in fields[2:-4].decode("utf-8", "surrogateescape").split("\r\n"):  # As aiohttp decodes them.
        name, _, value = line.partition(":")
        headers.add(name, value.strip(" \t"))
    return UsualFields(length, CIMultiDictProxy(headers), [])


def _usual_length(fields: bytes) -> int:
    if _USUAL_FIELDS.fullmatch(fields) is None:
        return -1
    lower = fields.lower()
    names = _NAME.findall(lower)
    known = frozenset(names)
    if len(known) != len(names) or not known.isdisjoint(_RARE) or _HOST.search(lower) is None:
        return -1
    if b"connection" in known and _KEEP_ALIVE.search(lower) is None:
        return -1
    if b"content-length" not in known:
        return 0
    length = _LENGTH.search(lower)
    return int(length[1]) if length is not None else -1


# -- all other heads -------------------------------------------------------------------------------------------------


def read_head(data: bytes) -> tuple[Head, int] | None:
    """Read a head at the beginning of ``data``; return it with its length in bytes, or None if it is incomplete.

    Raises BadHead at the first invalid line.
    """
    end = data.find(b"\n")
    if end < 0:
        return None
    line = data[:end].removesuffix(b"\r").decode("latin-1")
    method, _, rest = line.partition(" ")
    uri, space, version = rest.partition(" ")
    if not space or _TOKEN.fullmatch(method) is None:
        raise bad_head()
    spoken = _VERSION.fullmatch(version)
    if spoken is None:
        raise bad_head()
    try:
        target = read_target(method, uri)
        found = read_fields(data, end + 1)
    except ValueError:
        raise bad_head() from None
    if found is None:
        return None
    fields, size = found
    return _judged(method, target, (int(spoken[1]), int(spoken[2])), fields), size


def read_fields(data: bytes, start: int) -> tuple[list[tuple[str, str]], int] | None:
    """Read header fields up to an empty line, as Latin-1; return them and where they end, or None if incomplete.

    Raises ValueError, with Go's text, at the first invalid line.
    """
    # One look at all plain lines: a head may have more than 100,000.
    plain = _PLAIN_FIELDS.match(data, start)
    end = start if plain is None else plain.end()
    if data.find(b"\n", end) < 0:
        return None
    if end > start and data.startswith(b"\r\n", end):
        found = _FIELD.findall(data[start:end].decode("latin-1"))
        return [(name, value.rstrip(" \t")) for name, value in found], end + 2
    fields: list[tuple[str, str]] = []
    first = data[start : start + 1] in (b" ", b"\t")
    while (end := data.find(b"\n", start)) >= 0:
        line = data[start:end].removesuffix(b"\r")
        start = end + 1
        if first:
            raise ValueError(f"malformed MIME header initial line: {_quoted(line)}")
        if not line:
            return fields, start
        if b":" not in line:
            raise ValueError(f"malformed MIME header: missing colon: {_quoted(line)}")
        line = line.strip(b" \t")
        if data[start : start + 1] in (b" ", b"\t"):
            lines = [line]
            while data[start : start + 1] in (b" ", b"\t"):
                end = data.find(b"\n", start)
                if end < 0:
                    return None
                lines.append(data[start:end].removesuffix(b"\r").strip(b" \t"))
                start = end + 1
            line = b" ".join(lines)
        if start == len(data):
            # The next line may go on with this one.
            return None
        name, _, value = line.partition(b":")
        if _FIELD_NAME.fullmatch(name) is None or _FIELD_VALUE.fullmatch(value) is None:
            raise ValueError(f"malformed MIME header line: {_quoted(line)}")
        fields.append((name.decode("latin-1"), value.lstrip(b" \t").decode("latin-1")))
    return None


def _quoted(line: bytes) -> str:
    return quote(line.decode("utf-8", "replace"))


def _judged(method: str, target: Target, version: tuple[int, int], fields: list[tuple[str, str]]) -> Head:
    """Check a head in Go's order and return it as it is passed on. Raises BadHead."""
    by_name: dict[str, list[str]] = {}
    for name, value in fields:
        by_name.setdefault(name.lower(), []).append(value)
    hosts = by_name.get("host", [])
    if len(hosts) > 1:
        raise bad_head()
    length = _body_length(by_name, chunks_known=version >= (1, 1))
    preface = version == (2, 0) and method == "PRI" and target.path == "*"
    if version[0] != 1 and not preface:
        raise bad_head("505 HTTP Version Not Supported: unsupported protocol version")
    if version >= (1, 1) and not hosts and method != "CONNECT" and not (preface and not fields):
        raise bad_head("400 Bad Request: missing required Host header")
    if hosts and _HOST_VALUE.fullmatch(hosts[0]) is None:
        raise bad_head("400 Bad Request: malformed Host header")
    if any(" " in name for name in by_name):
        raise bad_head("400 Bad Request: invalid header name")
    expected = by_name.get("expect", [""])[0]
    continues = _CONTINUE.search(expected) is not None
    if expected and not continues:
        raise BadHead(b"HTTP/1.1 417 Expectation Failed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    host = target.host or "".join(hosts) if target.host or hosts or version >= (1, 1) else None
    plain = _rewritten(method, version, host, fields, length, expects=continues)
    wants_continue = continues and version >= (1, 1) and length != 0
    options = {option.strip(" \t").lower() for line in by_name.get("connection", []) for option in line.split(",")}
    closes = preface or "close" in options or (version == (1, 0) and "keep-alive" not in options)
    return Head(plain, length, method, target.shown, closes, wants_continue)


def _rewritten(
    method: str,
    version: tuple[int, int],
    host: str | None,
    fields: list[tuple[str, str]],
    length: int,
    *,
    expects: bool,
) -> bytes:
    """Return a checked head as aiohttp accepts it: with ``Host`` unless None, and ``Expect`` if ``expects``."""
    head = [f"{method if method in _KNOWN_METHODS else 'LOCK'} / HTTP/1.{min(version[1], 1) if version[0] == 1 else 1}"]
    if host is not None:
        head.append(f"Host: {host}")
    if version[0] != 1:
        head.append("Connection: close")
    given: set[str] = set()
    for name, value in fields:
        low = name.lower()
        if low not in _REWRITTEN and not (low in _ONCE and low in given):
            head.append(f"{name}: {value}")
        given.add(low)
    if expects:
        head.append("Expect: 100-continue")
    if length == CHUNKED:
        head.append("Transfer-Encoding: chunked")
    elif length or "content-length" in given:
        head.append(f"Content-Length: {length}")
    return "\r\n".join((*head, "", "")).encode("latin-1")


def _body_length(by_name: dict[str, list[str]], *, chunks_known: bool) -> int:
    """Return the bytes of the body, or CHUNKED. Raises BadHead."""
    codings = by_name.get("transfer-encoding")
    chunked = codings is not None and chunks_known
    if chunked and (codings is None or [coding.lower() for coding in codings] != ["chunked"]):
        raise bad_head("501 Not Implemented", "Unsupported transfer encoding")
    lengths = [length.strip(" \t") for length in by_name.get("content-length", [])]
    if len(set(lengths)) > 1:
        raise bad_head()
    for length in lengths:
        if not (length.isascii() and length.isdecimal()) or len(length) > 4096 or int(length) >= 1 << 63:
            raise bad_head()
    if not chunked:
        return int(lengths[0]) if lengths else 0
    for trailer in ",".join(by_name.get("trailer", [])).split(","):
        if trailer.strip(" \t").lower() in ("transfer-encoding", "trailer", "content-length"):
            raise bad_head()
    return CHUNKED
