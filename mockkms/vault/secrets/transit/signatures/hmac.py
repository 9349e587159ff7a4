"""``hmac/{name}[/{urlalgorithm}]``, and the checking of HMACs for ``verify``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mockkms.crypto import hashes
from mockkms.crypto.encoding import b64
from mockkms.outside.turn import waiting
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, refusing
from mockkms.vault.golang.integers import int64
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.transit import KEY_VERSION, NAME, engine
from mockkms.vault.secrets.transit.keys.keyring import existing, used_apart
from mockkms.vault.secrets.transit.model import PREFIX, Transit, TransitKey
from mockkms.vault.secrets.transit.signatures import signing
from mockkms.vault.secrets.transit.signatures.items import (
    BatchShape,
    Item,
    answer_batch,
    decode_input,
    decode_maps,
    text_of,
)

_ITEM: Final = "transit.batchRequestHMACItem"
_SHAPE = BatchShape({}, ("hmac", "valid", "error", "reference"))
_ALWAYS_VALID = BatchShape({"valid": False}, _SHAPE.order)
"""``valid`` is part of every result, even of failed items."""
_MISSING = "missing input for HMAC"
_UNSUPPORTED = "unsupported algorithm '\\x00'"
"""The real server prints the number of the unknown hash."""

endpoint = engine.path(
    "hmac/{name}[/{urlalgorithm:some}]",
    {
        "name": NAME,
        "input": Field(Kind.STRING, help="Data to authenticate, in base64."),
        "algorithm": Field(Kind.STRING, default="sha2-256", help="The hash: sha1, sha2-* or sha3-*."),
        "urlalgorithm": Field(Kind.STRING, help="Name of the hash, in the path."),
        "key_version": KEY_VERSION,
        "batch_input": Field(Kind.SLICE, help="Several inputs."),
    },
    help="Compute an HMAC.",
    go_errors=True,
)


@endpoint.on(Operation.UPDATE)
def make(state: Transit, call: Call, *, name: str, key_version: int, urlalgorithm: str) -> Reply:
    """Return an HMAC, or one for each item of a batch."""
    key = existing(state, name, call.core, "encryption key not found")
    number = key_version or key.latest_version
    if key.min_encryption_version and number != key.latest_version and number < key.min_encryption_version:
        raise ErrorResponse("cannot generate HMAC: version is too old (disallowed by policy)")
    secret = key.hmac_key(number)
    algorithm = urlalgorithm or call["algorithm"]
    if not hashes.known(algorithm):
        raise ErrorResponse(_UNSUPPORTED)

    def work(item: Item) -> dict[str, object]:
        data = decode_input(item, _MISSING)
        _check_computable(algorithm)
        sealed = hashes.sign_hmac(secret, data, algorithm)
        return {"hmac": f"{PREFIX}{number}:{b64.encode(sealed)}"}

    batch = call.raw.get("batch_input")
    if batch is not None:
        items = decode_maps(call, batch, _ITEM)
        with waiting():
            return answer_batch(items, work, _shape(call))
    if "input" not in call:
        raise ErrorResponse(_MISSING)
    return work({"input": call["input"]})


def verify(state: Transit, call: Call, items: Sequence[Item], *, is_batch: bool) -> Reply:
    """Check the HMACs of ``items``; a malformed one in a batch lacks ``valid`` in its result."""
    key = existing(state, call["name"], call.core, "encryption key not found")
    algorithm = _hash_to_check(call)
    if not hashes.known(algorithm):
        raise ErrorResponse(_UNSUPPORTED)

    def work(key: TransitKey, item: Item) -> dict[str, object]:
        data = decode_input(item)
        number, given = _given(key, item)
        _check_computable(algorithm)
        return {"valid": hashes.verify_hmac(key.hmac_key(number), data, given, algorithm)}

    if not is_batch:
        return work(key, items[0])
    with used_apart(key) as held:

        def shown(item: Item) -> dict[str, object]:
            return {name: valid for name, valid in work(held, item).items() if valid}

        return answer_batch(items, shown, _shape(call))


def _check_computable(algorithm: str) -> None:
    """Refuse hash ``none``, a known name, for an item that is right otherwise. Raises ErrorResponse.

    The real server panics here, and closes the connection.
    """
    if algorithm == hashes.NONE:
        raise ErrorResponse(_UNSUPPORTED)


def _hash_to_check(call: Call) -> str:
    """Return the name of the hash of HMACs to check: the one in the path, or one of two parameters.

    In Vault a parameter that was sent counts even if it is empty, and ``algorithm`` only without ``hash_algorithm``.
    Raises ErrorResponse.
    """
    if not call.core.product.has(Feature.TRANSIT_REWORDED):
        return signing.hash_asked(call)
    named: str = call["urlalgorithm"] or call.get("hash_algorithm", call["algorithm"])
    return named


def _shape(call: Call) -> BatchShape:
    return _ALWAYS_VALID if call.core.product.has(Feature.TRANSIT_REWORDED) else _SHAPE


def _given(key: TransitKey, item: Item) -> tuple[int, bytes]:
    """Return version and bytes of the HMAC to check. Raises ErrorResponse."""
    if "hmac" not in item:
        raise ErrorResponse("missing hmac")
    text = text_of(item["hmac"])
    if not text.startswith(PREFIX):
        raise ErrorResponse("invalid HMAC to verify: no prefix")
    digits, colon, encoded = text[len(PREFIX) :].partition(":")
    if not colon:
        raise ErrorResponse("invalid HMAC: wrong number of fields")
    number = int64(digits)
    if number is None:
        raise ErrorResponse("invalid HMAC: version number could not be decoded")
    with refusing("unable to decode verification HMAC as base64: "):
        given = b64.decode(encoded)
    if number > key.latest_version:
        raise ErrorResponse("invalid HMAC: version is too new")
    if number < key.min_decryption_version:
        raise ErrorResponse("cannot verify HMAC: version is too old (disallowed by policy)")
    return number, given
