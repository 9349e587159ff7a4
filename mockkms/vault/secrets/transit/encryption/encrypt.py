"""``encrypt/{name}``: one plaintext or a batch; creates the key if it does not exist."""

from __future__ import annotations

from typing import Final

from mockkms.crypto.encoding import b64
from mockkms.outside.turn import waiting
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response, VaultError
from mockkms.vault.golang.json_text import Encoded, encode
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.transit import CONTEXT, KEY_VERSION, NAME, NONCE, PADDING, PARTIAL_FAILURE, engine
from mockkms.vault.secrets.transit.encryption import cipher
from mockkms.vault.secrets.transit.encryption.items import (
    Item,
    ItemOutcome,
    decode_contexts,
    decode_strictly,
    plain_items,
)
from mockkms.vault.secrets.transit.keys.keyring import create, find, made_by, used_apart
from mockkms.vault.secrets.transit.model import TYPES, Transit, TransitKey

NONCE_REFUSED: Final = "provided nonce not allowed for this key"
"""Only convergent keys of the first kind, which are not supported, took a nonce from the caller."""

endpoint = engine.path(
    "encrypt/{name}",
    {
        "name": NAME,
        "plaintext": Field(Kind.STRING, help="Plaintext, in base64."),
        "context": CONTEXT,
        "type": Field(Kind.STRING, default="aes256-gcm96", help="Type of the key, if it is created."),
        "convergent_encryption": Field(Kind.BOOL, help="Whether the key is convergent, if it is created."),
        "key_version": KEY_VERSION,
        "partial_failure_response_code": PARTIAL_FAILURE,
        "associated_data": Field(Kind.STRING, help="Data to authenticate but not encrypt, in base64 (AEAD keys)."),
        "batch_input": Field(Kind.SLICE, help="Items to encrypt; other parameters are ignored then."),
        "nonce": NONCE,
        "padding_scheme": PADDING,
        "iv": Field(
            Kind.STRING, help="Start of AES-CBC, for the enterprise edition only.", needs=Feature.TRANSIT_ENTERPRISE
        ),
    },
    help="Encrypt with a named key.",
    go_errors=True,
)


@endpoint.existence
def key_exists(state: Transit, call: Call) -> bool:
    """Return whether the key exists: to encrypt with a new one is a create."""
    return call["name"] in state.keys


@endpoint.on(Operation.CREATE, Operation.UPDATE)
def encrypt(state: Transit, call: Call) -> Reply:
    """Encrypt one plaintext, or each item of a batch on its own. Raises VaultError.

    Where storage has transactions, a key that was made for a request that failed is known but not stored.
    """
    new = call["name"] not in state.keys
    try:
        return _encrypt(state, call)
    except VaultError:
        made = state.keys.get(call["name"]) if new and call.core.product.has(Feature.TRANSACTIONS) else None
        if made is not None:
            made.unsaved = True
        raise


def _encrypt(state: Transit, call: Call) -> Reply:
    batch = call.raw.get("batch_input")
    if batch is None:
        return _encrypt_one(state, call)
    plain = _encrypt_plain(state, call, batch)
    if plain is not None:
        return Response(data=plain)
    with waiting():
        items = decode_strictly(call, batch, "plaintext", "missing plaintext to encrypt")
        outcome = ItemOutcome(user_error=decode_contexts(items, _check_plaintext))
    key = _key(state, call, derived=items[0].context != "")
    random = cipher.drawn_ahead(key, sum(not item.error for item in items), call.core.entropy.bytes)
    with used_apart(key) as held:
        results = [_result(held, number, item, outcome, random) for number, item in enumerate(items)]
    return outcome.response({"batch_results": results}, call)


def _encrypt_plain(state: Transit, call: Call, batch: object) -> Encoded | None:
    """Return the result of a batch of plaintexts with nothing but references beside them, none at fault, else None.

    The fast path of most batches: no objects for single items, and the result is written as JSON at once.
    """
    found = plain_items(batch, "plaintext")
    if not found or not found[0]:
        return None
    given, references = found
    try:
        with waiting():
            plaintexts = [b64.decode(text) for text in given]
    except ValueError:
        return None
    sealing = cipher.sealing(_key(state, call, derived=False))
    if sealing is None:
        return None
    nonces = call.core.entropy.bytes(sealing.nonce_size * len(plaintexts))
    middle = f'","key_version":{sealing.version},"reference":'
    with waiting():
        texts = cipher.encrypt_all(sealing, plaintexts, nonces)
        results = [
            '{"ciphertext":"' + ciphertext + middle + (encode(reference) if reference else '""') + "}"
            for ciphertext, reference in zip(texts, references, strict=True)
        ]
        return Encoded(f'{{"batch_results":[{",".join(results)}]}}')


def _encrypt_one(state: Transit, call: Call) -> Reply:
    given = call.given
    if "plaintext" not in given:
        raise ErrorResponse("missing plaintext to encrypt")
    plaintext, context, fault = b"", b"", ""
    nonce = given["nonce"] if "nonce" in given and call.core.product.has(Feature.TRANSIT_NONCE) else ""
    try:
        plaintext = b64.decode(given["plaintext"])
        context = b64.decode(given["context"]) if given.get("context") else b""
        if nonce:
            b64.decode(nonce)
    except ValueError as error:
        fault = str(error)
    key = _key(state, call, derived=bool(given.get("context")))
    if fault:
        raise ErrorResponse(fault)
    if nonce:
        raise ErrorResponse(NONCE_REFUSED)
    padding = given.get("padding_scheme", "")
    if padding:
        cipher.check_padding(key, padding, "'[0].padding_scheme'")
    associated = given.get("associated_data", "")
    cipher.check_associated(key, associated, "'[0].associated_data'")
    version = given.get("key_version", 0)
    text, number = cipher.encrypt(key, version, context, plaintext, associated, call.core.entropy.bytes, padding)
    return {"ciphertext": text, "key_version": number}


def _result(key: TransitKey, number: int, item: Item, outcome: ItemOutcome, random: cipher.Random) -> dict[str, object]:
    if not item.error and item.nonce:
        item.error = NONCE_REFUSED
        outcome.user_error = True
    check_item(key, number, item)
    if item.error:
        return {"error": item.error, "reference": item.reference}
    try:
        text, version = cipher.encrypt(
            key, item.key_version, item.decoded_context, b64.decode(item.text), item.associated_data,
            random, item.padding_scheme,
        )  # fmt: skip
    except VaultError as error:
        return {"error": outcome.failed(error), "reference": item.reference}
    outcome.succeeded = True
    return {"ciphertext": text, "key_version": version, "reference": item.reference}


def _check_plaintext(item: Item) -> None:
    b64.decode(item.text)


def check_item(key: TransitKey, number: int, item: Item) -> None:
    """Note in an item of a batch what does not fit its key; as in the real server, the status stays 200."""
    if item.error:
        return
    try:
        cipher.check_padding(key, item.padding_scheme, f"'[{number}].padding_scheme'")
        cipher.check_associated(key, item.associated_data, f"'[{number}].associated_data'")
    except ErrorResponse as error:
        item.error = str(error)


def _key(state: Transit, call: Call, *, derived: bool) -> TransitKey:
    """Return the key; create it if it is missing, derived if the request has contexts. Raises ErrorResponse."""
    key = find(state, call["name"], call.core)
    if key is not None:
        return key
    convergent = call["convergent_encryption"]
    if convergent and not derived:
        raise ErrorResponse("convergent encryption requires derivation to be enabled, so context is required")
    key_type = call["type"]
    if key_type.startswith("ecdsa-p") and key_type in TYPES:
        raise ErrorResponse(f"key type {key_type} not supported for this operation")
    kind = TYPES.get(key_type)
    wide = call.core.product.has(Feature.TRANSIT_UPSERT_RSA)
    if kind is None or not made_by(key_type, call.core.product) or not (kind.aead or (kind.bits and wide)):
        raise ErrorResponse(f"unknown key type {key_type}")
    if state.disable_upsert:
        raise ErrorResponse("encryption key not found")
    return create(state, TransitKey(call["name"], key_type, derived=derived), call.core, convergent=convergent)
