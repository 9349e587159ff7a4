"""``hash[/{urlalgorithm}]``: digests without any key."""

from __future__ import annotations

from mockkms.crypto import hashes
from mockkms.crypto.encoding import b64
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, refusing
from mockkms.vault.secrets.transit.engine import engine
from mockkms.vault.secrets.transit.model import Transit

endpoint = engine.path(
    "hash[/{urlalgorithm:some}]",
    {
        "input": Field(Kind.STRING, help="What is hashed, in base64."),
        "algorithm": Field(Kind.STRING, default="sha2-256", help="The hash: sha2-* or sha3-*."),
        "urlalgorithm": Field(Kind.STRING, help="The hash, in the path."),
        "format": Field(Kind.STRING, default="hex", help="hex or base64."),
    },
    help="Make a digest.",
)


@endpoint.on(Operation.UPDATE)
def make(state: Transit, call: Call, *, urlalgorithm: str) -> Reply:
    """The digest of the input; SHA-1 is not offered here."""
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
    digest = hashes.digest(algorithm, data)
    return {"sum": digest.hex() if output_format == "hex" else b64.encode(digest)}
