"""``random[/{source}][/{urlbytes}]`` and ``hash[/{urlalgorithm}]``: random bytes and digests, without a key."""

from __future__ import annotations

from mockkms.crypto import hashes
from mockkms.crypto.encoding import b64
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response, refusing
from mockkms.vault.golang.fmt import quote
from mockkms.vault.golang.integers import parse_int
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.transit import engine
from mockkms.vault.secrets.transit.model import Transit

SOURCES = ("", "platform", "seal", "all")

random = engine.path(
    "random[/{source}][/{urlbytes:some}]",
    {
        "source": Field(Kind.STRING, default="platform", help="Source of the bytes: platform, seal or all."),
        "urlbytes": Field(Kind.STRING, help="Number of bytes, in the path."),
        "bytes": Field(Kind.INT, default=32, help="Number of bytes, 1 to 131072."),
        "format": Field(Kind.STRING, default="base64", help="hex or base64."),
        "drbg": Field(Kind.STRING, help="Deterministic random bit generator.", needs=Feature.SOURCES_CHOSEN),
    },
    help="Generate random bytes.",
)
digest = engine.path(
    "hash[/{urlalgorithm:some}]",
    {
        "input": Field(Kind.STRING, help="Data to hash, in base64."),
        "algorithm": Field(Kind.STRING, default="sha2-256", help="The hash: sha2-* or sha3-*."),
        "urlalgorithm": Field(Kind.STRING, help="Name of the hash, in the path."),
        "format": Field(Kind.STRING, default="hex", help="hex or base64."),
    },
    help="Compute a digest.",
)


@random.on(Operation.UPDATE)
def make_random(state: Transit, call: Call, *, source: str, urlbytes: str) -> Reply:
    """Return random bytes; all sources are the same here, as in a real server without an entropy seal."""
    source, size = _read_path(source, urlbytes, call["bytes"])
    output_format = call["format"]
    with refusing():
        call.core.product.check_random_size(size)
    if output_format not in ("hex", "base64"):
        raise ErrorResponse(f'unsupported encoding format {quote(output_format)}; must be "hex" or "base64"')
    if source not in SOURCES:
        raise ErrorResponse(f'unsupported entropy source {quote(source)}; must be "platform" or "seal", or "all"')
    raw = call.core.entropy.bytes(size)
    response = Response(data={"random_bytes": raw.hex() if output_format == "hex" else b64.encode(raw)})
    if source == "seal":
        response.warnings.append("no seal/entropy augmentation available, using platform entropy source")
    return response


def _read_path(source: str, digits: str, size: int) -> tuple[str, int]:
    """Return source and number of bytes: a single part of the path is either. Raises ErrorResponse.

    Without a source a number of bytes in the path is ignored (``random/+6``), as in the real server.
    """
    if not source or (not digits and source in SOURCES):
        return source, size
    with refusing("error parsing url-set byte count: "):
        number = parse_int(digits or source, "Atoi")
    return source if digits else "", number


@digest.on(Operation.UPDATE)
def make_digest(state: Transit, call: Call, *, urlalgorithm: str) -> Reply:
    """Return the digest of the input; SHA-1 is not offered here."""
    if "input" not in call:
        raise ErrorResponse("input missing")
    with refusing("unable to decode input as base64: "):
        data = b64.decode(call["input"])
    output_format = call["format"]
    if output_format not in ("hex", "base64"):
        raise ErrorResponse(f'unsupported encoding format {output_format}; must be "hex" or "base64"')
    algorithm = urlalgorithm or call["algorithm"]
    if algorithm not in hashes.HASHES or algorithm == "sha1":
        raise ErrorResponse(f"unsupported algorithm {algorithm}")
    hashed = hashes.digest(algorithm, data)
    return {"sum": hashed.hex() if output_format == "hex" else b64.encode(hashed)}
