"""``rewrap/{name}``: ciphertexts brought to a newer version of their key, the plaintext never leaving the server."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.transit.encryption import cipher
from mockkms.vault.secrets.transit.encryption.decrypt import MISSING, check_ciphertext
from mockkms.vault.secrets.transit.encryption.encrypt import NONCE_REFUSED
from mockkms.vault.secrets.transit.encryption.items import NONCE, PADDING, Item, decode_contexts, decode_leniently
from mockkms.vault.secrets.transit.engine import engine
from mockkms.vault.secrets.transit.keys.keyring import find
from mockkms.vault.secrets.transit.model import Key, KeyFault, Transit, UserFault

endpoint = engine.path(
    "rewrap/{name}",
    {
        "name": Field(Kind.STRING, help="Name of the key."),
        "ciphertext": Field(Kind.STRING, help="The ciphertext to encrypt again, as returned by encrypt."),
        "context": Field(Kind.STRING, help="Context of a derived key, in base64."),
        "key_version": Field(Kind.INT, help="Version to encrypt with; 0 is the latest."),
        "batch_input": Field(Kind.SLICE, help="Items to rewrap; the parameters for a single one are ignored then."),
        "nonce": NONCE,
        "decrypt_padding_scheme": PADDING,
        "encrypt_padding_scheme": PADDING,
    },
    help="Encrypt a ciphertext again with the latest version of its key.",
)

_ITEM = {
    "context": str,
    "plaintext": str,
    "ciphertext": str,
    "key_version": int,
    "associated_data": str,
    "reference": str,
}


_PADDINGS = ("decrypt_padding_scheme", "encrypt_padding_scheme")
_RSA_ITEM = {**_ITEM, "nonce": str, "decrypt_padding_scheme": str, "encrypt_padding_scheme": str}
"""What an item holds where the product takes a nonce and paddings."""


@endpoint.on(Operation.UPDATE)
def rewrap(state: Transit, call: Call, *, ciphertext: str) -> Reply:
    """Rewrap one ciphertext, or each item of a batch. A batch reports errors per item, with status 200."""
    batch = call.raw.get("batch_input")
    padded = call.core.product.has(Feature.TRANSIT_NONCE)
    if batch is not None:
        sent = decode_leniently(call, batch, _RSA_ITEM if padded else _ITEM)
    elif not ciphertext:
        raise ErrorResponse(MISSING)
    else:
        names = ("ciphertext", "context", "key_version", *(("nonce", *_PADDINGS) if padded else ()))
        sent = [{name: call[name] for name in names}]
    items = [
        Item(
            one["ciphertext"], one["context"], one["key_version"],
            nonce=one.get("nonce", ""), reference=one.get("reference", ""),
        )
        for one in sent
    ]  # fmt: skip
    decode_contexts(items, check_ciphertext, call.core.product)
    key = find(state, call["name"], call.core)
    if key is None:
        raise ErrorResponse("encryption key not found")
    results = [
        _result(key, number, item, call, {name: one.get(name, "") for name in _PADDINGS})
        for number, (item, one) in enumerate(zip(items, sent, strict=True))
    ]
    if batch is not None:
        return {"batch_results": results}
    if "error" in results[0]:
        raise ErrorResponse(results[0]["error"])
    del results[0]["reference"]
    return results[0]


def _check_padding(key: Key, number: int, name: str, padding: str) -> None:
    try:
        cipher.check_padding(key, padding)
    except UserFault as error:
        raise UserFault(f"'[{number}].{name}' invalid: {error}") from None


def _result(key: Key, number: int, item: Item, call: Call, paddings: dict[str, str]) -> dict[str, object]:
    """The outcome of one item. Raises BackendError for what is not the caller's fault: it ends the whole batch."""
    old, new = _PADDINGS
    if item.error:
        return {"error": item.error, "reference": item.reference}
    try:
        _check_padding(key, number, old, paddings[old])
        if item.nonce:
            raise UserFault(NONCE_REFUSED)
        plaintext = cipher.decrypt(key, item.decoded_context, item.text, "", paddings[old])
        _check_padding(key, number, new, paddings[new])
        text, version = cipher.encrypt(
            key, item.key_version, item.decoded_context, plaintext, "", call.core.entropy.bytes, paddings[new]
        )
    except UserFault as error:
        return {"error": str(error), "reference": item.reference}
    except KeyFault as error:
        raise BackendError(str(error)) from None
    return {"ciphertext": text, "key_version": version, "reference": item.reference}
