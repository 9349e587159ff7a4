"""``sys/pprof``: profiles in the format of Go's tools, without samples, as this is not a Go program."""

from __future__ import annotations

import gzip

from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response
from mockkms.vault.golang.integers import int64
from mockkms.vault.sys.engine import engine

_LONGEST = 90
"""Seconds: the server's longest request."""
_UNITS = {
    "allocs": ("alloc_objects", "count"),
    "block": ("contentions", "count"),
    "goroutine": ("goroutine", "count"),
    "heap": ("inuse_objects", "count"),
    "mutex": ("contentions", "count"),
    "threadcreate": ("threadcreate", "count"),
}
"""The sample type and the unit of each profile."""
_LISTED = sorted((*_UNITS, "cmdline", "profile", "symbol", "trace"))
_TEXT, _BINARY, _HTML = "text/plain; charset=utf-8", "application/octet-stream", "text/html; charset=utf-8"
_SECONDS = {"seconds": Field(Kind.INT, query=True, help="Length of the profile; the response comes at once.")}

index = engine.path("pprof[/]", help="An HTML page of the available profiles.")
cmdline = engine.path("pprof/cmdline", help="The command line of the server.")
symbol = engine.path("pprof/symbol", help="Names of functions; none are known.")
profile = engine.path("pprof/profile", _SECONDS, help="A CPU profile.")
trace = engine.path("pprof/trace", _SECONDS, help="A trace of execution.")


@index.on(Operation.READ)
def read_index(_state: object, _call: Call) -> Response:
    """Return a page of links."""
    rows = "".join(f"<tr><td>0</td><td><a href='{name}?debug=1'>{name}</a></td></tr>\n" for name in _LISTED)
    page = (
        "<html>\n<head>\n<title>/debug/pprof/</title>\n</head>\n<body>\n/debug/pprof/\n<br>\n<table>\n"
        f"<thead><td>Count</td><td>Profile</td></thead>\n{rows}</table>\n</body>\n</html>"
    )
    return _raw(page.encode(), _HTML)


@cmdline.on(Operation.READ)
def read_cmdline(_state: object, call: Call) -> Response:
    """Return the command line of a dev server, its arguments separated by NUL."""
    return _raw("\0".join((call.core.product.texts.cli, "server", "-dev")).encode(), _TEXT)


@symbol.on(Operation.READ)
def read_symbol(_state: object, _call: Call) -> Response:
    """Return the number of symbols alone, as no address is known."""
    return _raw(b"num_symbols: 1\n", _TEXT)


@profile.on(Operation.READ)
def read_profile(_state: object, call: Call) -> Response:
    """Return a CPU profile without a sample."""
    _check_seconds(call)
    return _raw(_profile("samples", "count", call.now()), _BINARY, "profile")


@trace.on(Operation.READ)
def read_trace(_state: object, call: Call) -> Response:
    """Return an empty trace."""
    _check_seconds(call)
    return _raw(b"go 1.25 trace\0\0\0", _BINARY, "trace")


def _check_seconds(call: Call) -> None:
    if call["seconds"] > _LONGEST:
        raise ErrorResponse(f"seconds {call['seconds']} exceeds max request duration of {_LONGEST}")


def _read(_state: object, call: Call) -> Reply:
    name = call.endpoint.template.removeprefix("pprof/")
    query = call.request.query
    if query.get("seconds"):
        if (int64(query["seconds"]) or 0) <= 0:
            return _refused('invalid value for "seconds" - must be a positive integer')
        if query.get("debug", "0") != "0":
            return _refused("seconds and debug params are incompatible")
    if query.get("debug", "0") not in ("", "0"):
        return _raw(f"{name} profile: total 0\n".encode(), _TEXT)
    return _raw(_profile(*_UNITS[name], call.now()), _BINARY, name)


def _refused(text: str) -> Response:
    answer = _raw(text.encode() + b"\n", _TEXT)
    answer.status = 400
    answer.headers["X-Go-Pprof"] = "1"
    return answer


def _raw(body: bytes, content_type: str, file: str = "") -> Response:
    headers = {"X-Content-Type-Options": "nosniff"}
    if file:
        headers["Content-Disposition"] = f'attachment; filename="{file}"'
    return Response(raw=body, written=True, status=200, content_type=content_type, headers=headers)


def _profile(what: str, unit: str, now: float) -> bytes:
    """Return a gzipped ``perftools.profiles.Profile`` of one sample type, its strings and the moment."""
    strings = b"".join(_bytes(6, text.encode()) for text in ("", what, unit))
    return gzip.compress(_bytes(1, b"\x08\x01\x10\x02") + strings + b"\x48" + _varint(int(now * 1e9)), mtime=0)


def _bytes(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2, len(content)]) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


for _name in _UNITS:
    engine.path(f"pprof/{_name}", help=f"The {_name} profile.").on(Operation.READ)(_read)
