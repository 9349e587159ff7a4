"""``sys/tools``: random bytes and hashes."""

from __future__ import annotations

from mockkms.crypto import hashes
from mockkms.crypto.encoding import b64
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response, refusing
from mockkms.vault.golang.fmt import quote
from mockkms.vault.golang.integers import parse_int
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine

_SOURCES = ("platform", "seal", "all")
_HASHES = ("sha2-224", "sha2-256", "sha2-384", "sha2-512", "sha3-224", "sha3-256", "sha3-384", "sha3-512")

hash_tool = engine.path(
    "tools/hash[/{urlalgorithm:some}]",
    fields={
        "input": Field(Kind.STRING, help="Data to hash, in base64."),
        "algorithm": Field(Kind.STRING, default="sha2-256", help="Hash to use: sha2-256, sha3-512 and so on."),
        "urlalgorithm": Field(Kind.STRING, help="The algorithm in the path, which has precedence."),
        "format": Field(Kind.STRING, default="hex", help="`hex` or `base64`."),
    },
    help="Hash data.",
)
random_tool = engine.path(
    "tools/random[/{source}][/{urlbytes:some}]",
    fields={
        "urlbytes": Field(Kind.STRING, help="Number of bytes, in the path."),
        "bytes": Field(Kind.INT, default=32, help="Number of bytes, up to 128 KiB."),
        "format": Field(Kind.STRING, default="base64", help="`hex` or `base64`."),
        "source": Field(Kind.STRING, default="platform", help="`platform`, `seal` or `all`."),
        "drbg": Field(Kind.STRING, help="Deterministic random bit generator.", needs=Feature.SOURCES_CHOSEN),
    },
    help="Random bytes.",
)


@hash_tool.on(Operation.UPDATE)
def hash_data(_state: object, call: Call, *, urlalgorithm: str, algorithm: str) -> dict[str, object]:
    """Return the hash of the input."""
    algorithm = urlalgorithm or algorithm
    with refusing("unable to decode input as base64: "):
        data = b64.decode(call["input"])
    form = call["format"]
    if form not in ("hex", "base64"):
        raise ErrorResponse(f'unsupported encoding format {form}; must be "hex" or "base64"')
    if algorithm not in _HASHES:
        raise ErrorResponse(f"unsupported algorithm {algorithm}")
    digest = hashes.digest(algorithm, data)
    return {"sum": digest.hex() if form == "hex" else b64.encode(digest)}


@random_tool.on(Operation.UPDATE)
def random_bytes(_state: object, call: Call) -> Response:
    """Return random bytes from the world's entropy."""
    source, size = _asked(call)
    with refusing():
        call.core.product.check_random_size(size)
    form = call["format"]
    if form not in ("hex", "base64"):
        raise ErrorResponse(f'unsupported encoding format {quote(form)}; must be "hex" or "base64"')
    if source not in _SOURCES:
        raise ErrorResponse(f'unsupported entropy source {quote(source)}; must be "platform" or "seal", or "all"')
    raw = call.core.entropy.bytes(size)
    warnings = ["no seal/entropy augmentation available, using platform entropy source"] if source == "seal" else []
    return Response(data={"random_bytes": raw.hex() if form == "hex" else b64.encode(raw)}, warnings=warnings)


def _asked(call: Call) -> tuple[str, int]:
    """Return source and number of bytes; the path may contain either or both."""
    source, url_bytes = call.raw.get("source", ""), call.raw.get("urlbytes", "")
    source = "" if source is None else str(source)
    if source == "":
        return "platform", call["bytes"]
    if not url_bytes and source in _SOURCES:
        return source, call["bytes"]
    with refusing("error parsing url-set byte count: "):
        number = parse_int(str(url_bytes or source), "Atoi")
    return source if url_bytes else "platform", number
