"""Random bytes and digests, which ``sys/tools`` and transit make without a key, in the same way."""

from __future__ import annotations

from collections.abc import Mapping

from mockkms.crypto import hashes
from mockkms.crypto.encoding import b64
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Request, Response, refusing
from mockkms.vault.golang.fmt import quote
from mockkms.vault.golang.integers import parse_int
from mockkms.vault.products.features import Feature

RANDOM = {
    "source": Field(Kind.STRING, default="platform", help="Source of the bytes: platform, seal or all."),
    "urlbytes": Field(Kind.STRING, help="Number of bytes, in the path."),
    "bytes": Field(Kind.INT, default=32, help="Number of bytes, 1 to 131072."),
    "format": Field(Kind.STRING, default="base64", help="hex or base64."),
    "drbg": Field(Kind.STRING, help="Deterministic random bit generator.", needs=Feature.SOURCES_CHOSEN),
}
"""The parameters of random bytes."""
DIGEST = {
    "input": Field(Kind.STRING, help="Data to hash, in base64."),
    "algorithm": Field(Kind.STRING, default="sha2-256", help="The hash: sha2-* or sha3-*."),
    "urlalgorithm": Field(Kind.STRING, help="Name of the hash, in the path, which has precedence."),
    "format": Field(Kind.STRING, default="hex", help="hex or base64."),
}
"""The parameters of a digest."""
_SOURCES = ("", "platform", "seal", "all")
_FORMATS = ("hex", "base64")


def random_bytes(call: Call) -> Response:
    """Return random bytes; all sources are the same here, as in a real server without an entropy seal.

    Raises ErrorResponse.
    """
    source, size = _read_path(call["source"], call["urlbytes"], call["bytes"])
    with refusing():
        call.core.product.check_random_size(size)
    form = call["format"]
    if form not in _FORMATS:
        raise ErrorResponse(f'unsupported encoding format {quote(form)}; must be "hex" or "base64"')
    if source not in _SOURCES:
        raise ErrorResponse(f'unsupported entropy source {quote(source)}; must be "platform" or "seal", or "all"')
    warnings = ["no seal/entropy augmentation available, using platform entropy source"] if source == "seal" else []
    return Response(data={"random_bytes": _text(call.core.entropy.bytes(size), form)}, warnings=warnings)


_MANY = 64 * 1024
"""Number of random bytes from which on they take long."""


def many_bytes(request: Request, captures: Mapping[str, str]) -> bool:
    """Return whether a request to ``random`` asks for so many bytes that they take long."""
    asked = str(captures["urlbytes"] or captures["source"] or request.data.get("bytes", ""))
    # Only the number of digits of long texts matters: such numbers are refused.
    return asked[:1].isdecimal() and (len(asked) > 9 or int("".join(filter(str.isdecimal, asked))) > _MANY)


def _read_path(source: str, digits: str, size: int) -> tuple[str, int]:
    """Return source and number of bytes: a single part of the path is either. Raises ErrorResponse.

    Without a source a number of bytes in the path is ignored (``random/+6``), as in the real server.
    """
    if not source or (not digits and source in _SOURCES):
        return source, size
    with refusing("error parsing url-set byte count: "):
        number = parse_int(digits or source, "Atoi")
    return source if digits else "", number


def digest(call: Call) -> dict[str, object]:
    """Return the digest of the input; SHA-1 is not offered here. Raises ErrorResponse."""
    with refusing("unable to decode input as base64: "):
        data = b64.decode(call["input"])
    form = call["format"]
    if form not in _FORMATS:
        raise ErrorResponse(f'unsupported encoding format {form}; must be "hex" or "base64"')
    algorithm = call["urlalgorithm"] or call["algorithm"]
    if algorithm not in hashes.HASHES or algorithm == "sha1":
        raise ErrorResponse(f"unsupported algorithm {algorithm}")
    return {"sum": _text(hashes.digest(algorithm, data), form)}


def _text(raw: bytes, form: str) -> str:
    return raw.hex() if form == "hex" else b64.encode(raw)
