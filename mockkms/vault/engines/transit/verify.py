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
from mockkms.vault.message import ErrorResponse, Operation

_SHAPE = Shape({"valid": False}, ("valid", "error", "reference"))

endpoint = engine.path(
    "verify/{name}[/{urlalgorithm:some}]",
    {
        **signing.FIELDS,
        "signature": Field(Kind.STRING, help="The signature to check, with its version."),
        "hmac": Field(Kind.STRING, help="The HMAC to check, with its version."),
    },
    help="Check a signature or an HMAC.",
)


@endpoint.on(Operation.UPDATE)
def verify(state: Transit, call: Call) -> Reply:
    """One check, or one for each item of a batch."""
    items, is_batch = _items(call)
    if _about_hmac(items, is_batch):
        return hmac.verify(state, call, items, is_batch)
    options = signing.options_of(call)
    key = find(state, call["name"], call.core)
    if key is None:
        raise ErrorResponse("signature verification key not found")
    if not key.kind.signs:
        raise ErrorResponse(f"key type {key.type} does not support verification")
    signing.check_unhashed(options)
    signing.check_pure(key, call, options)

    def work(item: dict[str, str]) -> dict[str, Any]:
        data = signing.digest(key, decode_input(item), options)
        if "signature" not in item:
            raise ItemFault("missing signature")
        try:
            return {"valid": signing.verify(key, decode_context(item), data, item["signature"], options)}
        except UserFault as error:
            raise ItemFault(str(error)) from None
        except KeyFault as error:
            raise ItemFailure(str(error)) from None

    return answer_batch(items, work, _SHAPE) if is_batch else answer_one(items[0], work)


def _items(call: Call) -> tuple[list[dict[str, str]], bool]:
    batch = call.raw.get("batch_input")
    if batch is not None:
        return decode_maps(batch, "transit.batchRequestVerifyItem"), True
    item = {"input": call["input"], "context": call["context"]}
    for name in ("signature", "hmac"):
        if name in call:
            item[name] = call[name]
    return [item], False


def _about_hmac(items: list[dict[str, str]], is_batch: bool) -> bool:
    """Whether HMACs are to be checked; an item with both counts as one with a signature. Raises ErrorResponse."""
    signatures = any("signature" in item for item in items)
    hmacs = any("hmac" in item and "signature" not in item for item in items)
    missing = any("hmac" not in item and "signature" not in item for item in items)
    if not is_batch and missing:
        raise ErrorResponse("neither a 'signature' nor an 'hmac' were given to verify")
    if signatures and hmacs:
        raise ErrorResponse("elements of batch_input must all provide 'signature' or all provide 'hmac'")
    if missing and signatures:
        raise ErrorResponse("some elements of batch_input are missing 'signature'")
    if missing and hmacs:
        raise ErrorResponse("some elements of batch_input are missing 'hmac'")
    if missing:
        raise ErrorResponse("no batch_input elements have 'signature' or 'hmac'")
    return hmacs
