"""``random[/{source}][/{urlbytes}]``: random bytes."""

from __future__ import annotations

from typing import Any

from mockkms.crypto.encoding import b64
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response
from mockkms.vault.framework.random_bytes import check_size
from mockkms.vault.golang.fmt import quote
from mockkms.vault.secrets.transit.engine import engine
from mockkms.vault.secrets.transit.model import Transit, go_atoi

SOURCES = ("", "platform", "seal", "all")

endpoint = engine.path(
    "random[/{source}][/{urlbytes:some}]",
    {
        "source": Field(Kind.STRING, default="platform", help="Where they come from: platform, seal or all."),
        "urlbytes": Field(Kind.STRING, help="How many bytes, in the path."),
        "bytes": Field(Kind.INT, default=32, help="How many bytes, 1 to 131072."),
        "format": Field(Kind.STRING, default="base64", help="hex or base64."),
    },
    help="Make random bytes.",
)


@endpoint.on(Operation.UPDATE)
def make(state: Transit, call: Call) -> Reply:
    """Random bytes; all sources are the same here, as in a real server without an entropy seal."""
    source, size = _asked(call)
    output_format = call["format"]
    check_size(call.core.product, size)
    if output_format not in ("hex", "base64"):
        raise ErrorResponse(f'unsupported encoding format {quote(output_format)}; must be "hex" or "base64"')
    if source not in SOURCES:
        raise ErrorResponse(f'unsupported entropy source {quote(source)}; must be "platform" or "seal", or "all"')
    raw = call.core.entropy.bytes(size)
    response = Response(data={"random_bytes": raw.hex() if output_format == "hex" else b64.encode(raw)})
    if source == "seal":
        response.warnings.append("no seal/entropy augmentation available, using platform entropy source")
    return response


def _asked(call: Call) -> tuple[str, int]:
    """Source and number of bytes: a single part of the path is either. Raises ErrorResponse.

    Without a source a number of bytes in the path is not looked at (``random/+6``), as in the real server.
    """
    source, digits = call["source"], call["urlbytes"]
    if not source or (not digits and source in SOURCES):
        size: Any = call["bytes"]
        return source, size
    text = digits or source
    number = go_atoi(text)
    if number is None:
        fault = "value out of range" if text.lstrip("+-").isdigit() else "invalid syntax"
        raise ErrorResponse(f"error parsing url-set byte count: strconv.Atoi: parsing {quote(text)}: {fault}")
    return source if digits else "", number
