"""``verify/{name}[/{urlalgorithm}]``: checks signatures and HMACs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from mockkms.crypto.encoding import b64
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, refusing
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.transit import engine
from mockkms.vault.secrets.transit.keys.keyring import existing, used_apart
from mockkms.vault.secrets.transit.model import Transit, TransitKey
from mockkms.vault.secrets.transit.signatures import hmac, signing
from mockkms.vault.secrets.transit.signatures.items import (
    BatchShape,
    Item,
    answer_batch,
    decode_context,
    decode_input,
    decode_loose_maps,
    decode_maps,
    text_of,
)

_SHAPE = BatchShape({"valid": False}, ("valid", "error", "reference"))

endpoint = engine.path(
    "verify/{name}[/{urlalgorithm:some}]",
    {
        **signing.FIELDS,
        "signature": Field(Kind.STRING, help="The signature to check, with its version."),
        "hmac": Field(Kind.STRING, help="The HMAC to check, with its version."),
        "cmac": Field(Kind.STRING, help="For the enterprise edition only.", needs=Feature.TRANSIT_ENTERPRISE),
        "mac_length": Field(Kind.INT, help="For the enterprise edition only.", needs=Feature.TRANSIT_ENTERPRISE),
    },
    help="Check a signature or an HMAC.",
    go_errors=True,
)


_HMAC_ITEM: Final = "transit.batchRequestHMACItem"
_ITEM: Final = "transit.batchRequestVerifyItem"


@dataclass(frozen=True, slots=True)
class _Texts:
    """Errors of requests without a signature or HMAC, and of batches that mix them."""

    none: str
    none_in_batch: str
    mixed: str


_WORDED = _Texts(
    "neither a 'signature' nor an 'hmac' were given to verify",
    "no batch_input elements have 'signature' or 'hmac'",
    "elements of batch_input must all provide 'signature' or all provide 'hmac'",
)
_REWORDED = _Texts(
    "missing one of 'signature', 'hmac' or 'cmac' arguments to verify",
    "no batch_input elements have 'signature', 'hmac' or 'cmac'",
    "elements of batch_input must all provide either 'signature', 'hmac' or 'cmac'",
)


@endpoint.on(Operation.UPDATE)
def verify(state: Transit, call: Call, *, name: str) -> Reply:
    """Return whether a signature or HMAC is valid, or that for each item of a batch."""
    product = call.core.product
    reworded = product.has(Feature.TRANSIT_REWORDED)
    items, is_batch = _items(call, reworded=reworded)
    proofs = ("signature", "hmac", "cmac") if product.has(Feature.TRANSIT_ENTERPRISE) else ("signature", "hmac")
    proof = _proof(items, proofs, _REWORDED if reworded else _WORDED, is_batch=is_batch)
    if proof == "cmac":
        raise ErrorResponse(f"key type cmac is only available in enterprise versions of {product.texts.product}")
    if proof == "hmac":
        if is_batch and reworded:
            items = decode_maps(call, call.raw["batch_input"], _HMAC_ITEM)
        return hmac.verify(state, call, items, is_batch=is_batch)
    options = signing.options_of(call)
    key = existing(state, name, call.core, "signature verification key not found")
    if not key.kind.signs:
        raise ErrorResponse(f"key type {key.type} does not support {'signing' if reworded else 'verification'}")
    signing.check_unhashed(options)

    def work(key: TransitKey, item: Item) -> dict[str, object]:
        data, context, signature = _parsed(item) if reworded else _decoded(item)
        framing = "failed to parse item: failed to parse batch item: "
        signing.check_pure(key, call, options, item.get("signature_context", ""), framing)
        return {"valid": signing.verify(key, context, signing.digest(key, data, options), signature, options)}

    if not is_batch:
        return work(key, items[0])
    with used_apart(key) as held:
        return answer_batch(items, partial(work, held), _SHAPE)


def _decoded(item: Item) -> tuple[bytes, bytes, str]:
    """Return input, context and signature of an item. Raises ErrorResponse."""
    data = decode_input(item)
    if "signature" not in item:
        raise ErrorResponse("missing signature")
    return data, decode_context(item), text_of(item["signature"])


def _parsed(item: Item) -> tuple[bytes, bytes, str]:
    """Return input, context and signature of an item whose members may be of any type. Raises ErrorResponse."""
    with refusing("failed to parse item: failed to parse input: "):
        data = b64.decode(text_of(item.get("input")))
    with refusing("failed to parse item: failed to parse signature as a string: "):
        signature = text_of(item["signature"])
    with refusing("failed to parse item: failed to parse context: "):
        return data, b64.decode(text_of(item.get("context"))), signature


def _items(call: Call, *, reworded: bool) -> tuple[Sequence[Item], bool]:
    batch = call.raw.get("batch_input")
    if batch is not None:
        return (decode_loose_maps if reworded else decode_maps)(call, batch, _ITEM), True
    item = {"input": call["input"], "context": call["context"]}
    for name in ("signature", "hmac", "cmac", "signature_context"):
        if name in call:
            item[name] = call[name]
    return [item], False


def _proof(items: Sequence[Item], proofs: tuple[str, ...], texts: _Texts, *, is_batch: bool) -> str:
    """Return what to check: the first of ``proofs`` that an item has. Raises ErrorResponse."""
    found = [next((name for name in proofs if name in item), "") for item in items]
    kinds = [name for name in proofs if name in found]
    if not is_batch and not kinds:
        raise ErrorResponse(texts.none)
    if len(kinds) > 1:
        raise ErrorResponse(texts.mixed)
    if not kinds:
        raise ErrorResponse(texts.none_in_batch)
    if "" in found:
        raise ErrorResponse(f"some elements of batch_input are missing '{kinds[0]}'")
    return kinds[0]
