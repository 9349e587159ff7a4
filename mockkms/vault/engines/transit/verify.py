"""``verify/{name}[/{urlalgorithm}]``: checks signatures and HMACs."""

from __future__ import annotations

from typing import Any

from mockkms.vault.endpoint import Call, Field, Reply
from mockkms.vault.engines.transit import hmac, signing
from mockkms.vault.engines.transit.engine import engine
from mockkms.vault.engines.transit.keyring import find
from mockkms.vault.engines.transit.maps import (
    ItemFailure,
    ItemFault,
    Shape,
    answer_batch,
    answer_one,
    decode_context,
    decode_input,
    decode_maps,
)
from mockkms.vault.engines.transit.model import KeyFault, Transit, UserFault
from mockkms.vault.fields import Kind
from mockkms.vault.message import BackendError, ErrorResponse, Operation
from mockkms.vault.products.features import Feature

_SHAPE = Shape({"valid": False}, ("valid", "error", "reference"))

endpoint = engine.path(
    "verify/{name}[/{urlalgorithm:some}]",
    {
        **signing.FIELDS,
        "signature": Field(Kind.STRING, help="The signature to check, with its version."),
        "hmac": Field(Kind.STRING, help="The HMAC to check, with its version."),
        "cmac": Field(Kind.STRING, help="For the enterprise edition only.", needs=Feature.TRANSIT_ENTERPRISE),
    },
    help="Check a signature or an HMAC.",
)


_WORDED = (
    "neither a 'signature' nor an 'hmac' were given to verify",
    "elements of batch_input must all provide 'signature' or all provide 'hmac'",
)
_REWORDED = (
    "missing one of 'signature', 'hmac' or 'cmac' arguments to verify",
    "elements of batch_input must all provide either 'signature', 'hmac' or 'cmac'",
)
"""The refusals of one check without a proof, and of a batch with proofs of several kinds."""


@endpoint.on(Operation.UPDATE)
def verify(state: Transit, call: Call) -> Reply:
    """One check, or one for each item of a batch."""
    items, is_batch = _items(call)
    reworded = call.core.product.has(Feature.TRANSIT_REWORDED)
    if any("cmac" in item for item in items) and call.core.product.has(Feature.TRANSIT_ENTERPRISE):
        product = call.core.product.words.product
        raise ErrorResponse(f"key type cmac is only available in enterprise versions of {product}")
    if _about_hmac(items, is_batch, _REWORDED if reworded else _WORDED):
        return hmac.verify(state, call, items, is_batch)
    options = signing.options_of(call)
    key = find(state, call["name"], call.core)
    if key is None:
        raise ErrorResponse("signature verification key not found")
    if not key.kind.signs:
        raise ErrorResponse(f"key type {key.type} does not support verification")
    signing.check_unhashed(options)
    signing.check_pure(key, call, options, "failed to parse item: ")

    def work(item: dict[str, str]) -> dict[str, Any]:
        data = signing.digest(key, decode_input(item), options)
        if "signature" not in item:
            raise ItemFault("missing signature")
        try:
            context = decode_context(item, "failed to parse item: failed to parse context: " if reworded else "")
            return {"valid": signing.verify(key, context, data, item["signature"], options)}
        except UserFault as error:
            raise ItemFault(str(error)) from None
        except KeyFault as error:
            raise ItemFailure(str(error)) from None

    return answer_batch(items, work, _SHAPE) if is_batch else answer_one(items[0], work)


def _items(call: Call) -> tuple[list[dict[str, str]], bool]:
    batch = call.raw.get("batch_input")
    if batch is not None:
        try:
            return decode_maps(call, batch, "transit.batchRequestVerifyItem"), True
        except BackendError as error:
            if call.core.product.has(Feature.TRANSIT_REWORDED):
                raise ErrorResponse(*error.errors) from None
            raise
    item = {"input": call["input"], "context": call["context"]}
    for name in ("signature", "hmac", "cmac"):
        if name in call:
            item[name] = call[name]
    return [item], False


def _about_hmac(items: list[dict[str, str]], is_batch: bool, texts: tuple[str, str]) -> bool:
    """Whether HMACs are to be checked; an item with both counts as one with a signature. Raises ErrorResponse."""
    signatures = any("signature" in item for item in items)
    hmacs = any("hmac" in item and "signature" not in item for item in items)
    missing = any("hmac" not in item and "signature" not in item for item in items)
    if not is_batch and missing:
        raise ErrorResponse(texts[0])
    if signatures and hmacs:
        raise ErrorResponse(texts[1])
    if missing and signatures:
        raise ErrorResponse("some elements of batch_input are missing 'signature'")
    if missing and hmacs:
        raise ErrorResponse("some elements of batch_input are missing 'hmac'")
    if missing:
        raise ErrorResponse("no batch_input elements have 'signature' or 'hmac'")
    return hmacs
