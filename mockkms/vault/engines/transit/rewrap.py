"""``rewrap/{name}``: ciphertexts brought to a newer version of their key, the plaintext never leaving the server."""

from __future__ import annotations

from typing import Any

from mockkms.vault.endpoint import Call, Field, Reply
from mockkms.vault.engines.transit import cipher
from mockkms.vault.engines.transit.decrypt import MISSING, check_ciphertext
from mockkms.vault.engines.transit.engine import engine
from mockkms.vault.engines.transit.items import NONCE, PADDING, Item, decode_contexts, decode_leniently
from mockkms.vault.engines.transit.keyring import find
from mockkms.vault.engines.transit.model import Key, KeyFault, Transit, UserFault
from mockkms.vault.fields import Kind
from mockkms.vault.message import BackendError, ErrorResponse, Operation
from mockkms.vault.products.features import Feature

endpoint = engine.path(
    "rewrap/{name}",
    {
        "name": Field(Kind.STRING, help="Name of the key."),
        "ciphertext": Field(Kind.STRING, help="What to encrypt anew, as encrypt gave it."),
        "context": Field(Kind.STRING, help="Context of a derived key, in base64."),
        "key_version": Field(Kind.INT, help="Version to encrypt with; 0 is the latest."),
        "batch_input": Field(Kind.SLICE, help="Items to rewrap; the parameters for a single one are ignored then."),
        "nonce": NONCE,
        "decrypt_padding_scheme": PADDING,
        "encrypt_padding_scheme": PADDING,
    },
    help="Encrypt a ciphertext anew with the latest version of its key.",
)

_ITEM = {
    "context": str,
    "plaintext": str,
    "ciphertext": str,
    "key_version": int,
    "associated_data": str,
    "reference": str,
}


@endpoint.on(Operation.UPDATE)
def rewrap(state: Transit, call: Call) -> Reply:
    """Rewrap one ciphertext, or each item of a batch on its own: there, faults are told in a 200."""
    batch = call.raw.get("batch_input")
    if batch is not None:
        items = [
            Item(item["ciphertext"], item["context"], item["key_version"], reference=item["reference"])
            for item in decode_leniently(call, batch, _ITEM)
        ]
    elif not call["ciphertext"]:
        raise ErrorResponse(MISSING)
    else:
        items = [Item(call["ciphertext"], call["context"], call["key_version"])]
    decode_contexts(items, check_ciphertext)
    key = find(state, call["name"], call.core)
    if key is None:
        raise ErrorResponse("encryption key not found")
    paddings = [("", "")] * len(items)
    if call.core.product.has(Feature.TRANSIT_NONCE):
        paddings = [_paddings(key, number, sent) for number, sent in enumerate(_sent(call, batch))]
    results = [_result(key, item, call, *padding) for item, padding in zip(items, paddings, strict=True)]
    if batch is not None:
        return {"batch_results": results}
    if "error" in results[0]:
        raise ErrorResponse(results[0]["error"])
    del results[0]["reference"]
    return results[0]


def _sent(call: Call, batch: Any) -> list[dict[str, Any]]:
    return [item or {} for item in batch] if batch is not None else [call.given]


def _paddings(key: Key, number: int, sent: dict[str, Any]) -> tuple[str, str]:
    """The paddings to decrypt and to encrypt with. Raises ErrorResponse."""
    found = []
    for name in ("decrypt_padding_scheme", "encrypt_padding_scheme"):
        padding = str(sent.get(name) or "")
        try:
            cipher.check_padding(key, padding)
        except UserFault as error:
            raise ErrorResponse(f"'[{number}].{name}' invalid: {error}") from None
        found.append(padding)
    return found[0], found[1]


def _result(key: Key, item: Item, call: Call, padding: str, new_padding: str) -> dict[str, Any]:
    """The outcome of one item. Raises BackendError for what is not the caller's fault: it ends the whole batch."""
    if item.error:
        return {"error": item.error, "reference": item.reference}
    try:
        plaintext = cipher.decrypt(key, item.decoded_context, item.text, "", padding)
        text, number = cipher.encrypt(
            key, item.key_version, item.decoded_context, plaintext, "", call.core.entropy.bytes, new_padding
        )
    except UserFault as error:
        return {"error": str(error), "reference": item.reference}
    except KeyFault as error:
        raise BackendError(str(error)) from None
    return {"ciphertext": text, "key_version": number, "reference": item.reference}
