"""``decrypt/{name}``: one ciphertext or a batch."""

from __future__ import annotations

from collections.abc import Mapping

from mockkms.crypto.encoding import b64
from mockkms.outside.turn import waiting
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response, VaultError
from mockkms.vault.golang.json_text import Encoded, encode, in_order
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.transit import CONTEXT, NAME, NONCE, PADDING, PARTIAL_FAILURE, engine
from mockkms.vault.secrets.transit.encryption import cipher
from mockkms.vault.secrets.transit.encryption.encrypt import check_item
from mockkms.vault.secrets.transit.encryption.items import (
    Item,
    ItemOutcome,
    decode_contexts,
    decode_strictly,
    plain_items,
)
from mockkms.vault.secrets.transit.keys.keyring import existing, used_apart
from mockkms.vault.secrets.transit.model import Transit, TransitKey

MISSING = "missing ciphertext to decrypt"

endpoint = engine.path(
    "decrypt/{name}",
    {
        "name": NAME,
        "ciphertext": Field(Kind.STRING, help="Ciphertext, as returned by encrypt."),
        "context": CONTEXT,
        "partial_failure_response_code": PARTIAL_FAILURE,
        "associated_data": Field(Kind.STRING, help="Authenticated data of the encryption, in base64."),
        "batch_input": Field(Kind.SLICE, help="Items to decrypt; other parameters are ignored then."),
        "nonce": NONCE,
        "padding_scheme": PADDING,
    },
    help="Decrypt with a named key.",
    go_errors=True,
)


@endpoint.on(Operation.UPDATE)
def decrypt(state: Transit, call: Call) -> Reply:
    """Decrypt one ciphertext, or each item of a batch on its own."""
    batch = call.raw.get("batch_input")
    if batch is None:
        return _decrypt_one(state, call)
    plain = _decrypt_plain(state, call, batch)
    if plain is not None:
        return Response(data=plain)
    with waiting():
        items = decode_strictly(call, batch, "ciphertext", MISSING)
        outcome = ItemOutcome(user_error=decode_contexts(items, check_ciphertext))
    with used_apart(_key(state, call)) as key:
        results = [_result(key, number, item, outcome) for number, item in enumerate(items)]
    return outcome.response({"batch_results": results}, call)


def _decrypt_plain(state: Transit, call: Call, batch: object) -> Encoded | None:
    """Return the result of a batch of ciphertexts with nothing but references beside them, none at fault, else None.

    The fast path of most batches: no objects for single items, and the result is written as JSON at once.
    """
    found = plain_items(batch, "ciphertext")
    if not found or not found[0] or not all(found[0]):
        return None
    with used_apart(_key(state, call)) as key:
        texts = cipher.decrypt_all(key, found[0])
        if texts is None:
            return None
        results = [
            '{"plaintext":"' + text + '","reference":' + (encode(reference) if reference else '""') + "}"
            for text, reference in zip(texts, found[1], strict=True)
        ]
        return Encoded(f'{{"batch_results":[{",".join(results)}]}}')


def _decrypt_one(state: Transit, call: Call) -> Reply:
    text = call["ciphertext"]
    if not text:
        raise ErrorResponse(MISSING)
    context, fault = b"", ""
    nonce = call["nonce"] if call.core.product.has(Feature.TRANSIT_NONCE) else ""
    try:
        context = b64.decode(call["context"])
        b64.decode(nonce)
    except ValueError as error:
        fault = str(error)
    key = _key(state, call)
    if fault:
        raise ErrorResponse(fault)
    padding = call["padding_scheme"] if call.core.product.has(Feature.TRANSIT_NONCE) else ""
    cipher.check_padding(key, padding, "'[0].padding_scheme'")
    associated = call["associated_data"]
    cipher.check_associated(key, associated, "'[0].associated_data'")
    return {"plaintext": b64.encode(cipher.decrypt(key, context, text, associated, padding))}


def _result(key: TransitKey, number: int, item: Item, outcome: ItemOutcome) -> Mapping[str, object]:
    plaintext = ""
    check_item(key, number, item)
    if not item.error:
        try:
            opened = cipher.decrypt(key, item.decoded_context, item.text, item.associated_data, item.padding_scheme)
            plaintext = b64.encode(opened)
        except VaultError as error:
            item.error = outcome.failed(error)
    if item.error:
        return in_order({"plaintext": "", "error": item.error, "reference": item.reference})
    outcome.succeeded = True
    return {"plaintext": plaintext, "reference": item.reference}


def check_ciphertext(item: Item) -> None:
    """Raise ValueError for an item without a ciphertext."""
    if not item.text:
        raise ValueError(MISSING)


def _key(state: Transit, call: Call) -> TransitKey:
    return existing(state, call["name"], call.core, "encryption key not found")
