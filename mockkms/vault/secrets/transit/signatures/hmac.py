"""``hmac/{name}[/{urlalgorithm}]``, and the checking of HMACs for ``verify``."""

from __future__ import annotations

from typing import Final

from mockkms.crypto import hashes, mac
from mockkms.crypto.encoding import b64
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.transit.engine import engine
from mockkms.vault.secrets.transit.keys.keyring import find
from mockkms.vault.secrets.transit.model import PREFIX, Key, KeyFault, Transit, go_atoi
from mockkms.vault.secrets.transit.signatures import signing
from mockkms.vault.secrets.transit.signatures.items import (
    ItemFault,
    Shape,
    answer_batch,
    answer_one,
    decode_input,
    decode_maps,
)

_ITEM: Final = "transit.batchRequestHMACItem"
_SHAPE = Shape({}, ("hmac", "valid", "error", "reference"))
_ALWAYS_VALID = Shape({"valid": False}, _SHAPE.order)
"""``valid`` is shown of every item, also where nothing was checked."""
_MISSING = "missing input for HMAC"

endpoint = engine.path(
    "hmac/{name}[/{urlalgorithm:some}]",
    {
        "name": Field(Kind.STRING, help="Name of the key."),
        "input": Field(Kind.STRING, help="What is authenticated, in base64."),
        "algorithm": Field(Kind.STRING, default="sha2-256", help="The hash: sha1, sha2-* or sha3-*."),
        "urlalgorithm": Field(Kind.STRING, help="The hash, in the path."),
        "key_version": Field(Kind.INT, help="Version to use; 0 is the latest."),
        "batch_input": Field(Kind.SLICE, help="Many inputs at once."),
    },
    help="Make an HMAC.",
)


@endpoint.on(Operation.UPDATE)
def make(state: Transit, call: Call, *, name: str, key_version: int, urlalgorithm: str) -> Reply:
    """One HMAC, or one for each item of a batch."""
    key = find(state, name, call.core)
    if key is None:
        raise ErrorResponse("encryption key not found")
    number = key_version or key.latest_version
    if key.min_encryption_version and number != key.latest_version and number < key.min_encryption_version:
        raise ErrorResponse("cannot generate HMAC: version is too old (disallowed by policy)")
    try:
        secret = key.hmac_key(number)
    except KeyFault as error:
        raise ErrorResponse(str(error)) from None
    algorithm = urlalgorithm or call["algorithm"]
    if algorithm not in hashes.HASHES:
        # The real server prints the number of the hash it did not find.
        raise ErrorResponse("unsupported algorithm '\\x00'")

    def work(item: dict[str, str]) -> dict[str, object]:
        sealed = mac.sign(secret, decode_input(item, _MISSING), algorithm)
        return {"hmac": f"{PREFIX}{number}:{b64.encode(sealed)}"}

    batch = call.raw.get("batch_input")
    if batch is not None:
        return answer_batch(decode_maps(call, batch, _ITEM), work, _shape(call))
    if "input" not in call:
        raise ErrorResponse(_MISSING)
    return answer_one({"input": call["input"]}, work)


def verify(state: Transit, call: Call, items: list[dict[str, str]], is_batch: bool) -> Reply:
    """Check the HMACs of ``items``; a malformed one in a batch lacks ``valid`` in its result."""
    key = find(state, call["name"], call.core)
    if key is None:
        raise ErrorResponse("encryption key not found")
    algorithm = signing.hash_asked(call)
    if algorithm == hashes.NONE:
        raise ErrorResponse("unsupported algorithm '\\x00'")

    def work(item: dict[str, str]) -> dict[str, object]:
        data = decode_input(item)
        number, given = _given(key, item)
        try:
            return {"valid": mac.verify(key.hmac_key(number), data, given, algorithm)}
        except KeyFault as error:
            raise ItemFault(str(error)) from None

    def shown(item: dict[str, str]) -> dict[str, object]:
        return {name: valid for name, valid in work(item).items() if valid}

    return answer_batch(items, shown, _shape(call)) if is_batch else answer_one(items[0], work)


def _shape(call: Call) -> Shape:
    return _ALWAYS_VALID if call.core.product.has(Feature.TRANSIT_REWORDED) else _SHAPE


def _given(key: Key, item: dict[str, str]) -> tuple[int, bytes]:
    """Version and bytes of the HMAC to check. Raises ItemFault."""
    if "hmac" not in item:
        raise ItemFault("missing hmac")
    text = item["hmac"]
    if not text.startswith(PREFIX):
        raise ItemFault("invalid HMAC to verify: no prefix")
    digits, colon, encoded = text[len(PREFIX) :].partition(":")
    if not colon:
        raise ItemFault("invalid HMAC: wrong number of fields")
    number = go_atoi(digits)
    if number is None:
        raise ItemFault("invalid HMAC: version number could not be decoded")
    try:
        given = b64.decode(encoded)
    except ValueError as error:
        raise ItemFault(f"unable to decode verification HMAC as base64: {error}") from None
    if number > key.latest_version:
        raise ItemFault("invalid HMAC: version is too new")
    if number < key.min_decryption_version:
        raise ItemFault("cannot verify HMAC: version is too old (disallowed by policy)")
    return number, given
