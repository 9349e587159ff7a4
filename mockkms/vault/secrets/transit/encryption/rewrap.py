"""``rewrap/{name}``: ciphertexts encrypted again with a newer version of their key, without a look at the plaintext."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

from mockkms.outside.turn import waiting
from mockkms.vault.framework.endpoint import Call, Field, Reply, conversion_text
from mockkms.vault.framework.fields import ConversionError, Kind, go_kind, go_type, several
from mockkms.vault.framework.message import ErrorResponse, Operation
from mockkms.vault.golang.fmt import shown
from mockkms.vault.golang.number import Number
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.transit import CONTEXT, KEY_VERSION, NAME, NONCE, PADDING, engine
from mockkms.vault.secrets.transit.encryption import cipher
from mockkms.vault.secrets.transit.encryption.decrypt import MISSING, check_ciphertext
from mockkms.vault.secrets.transit.encryption.encrypt import NONCE_REFUSED
from mockkms.vault.secrets.transit.encryption.items import (
    INT64,
    MISSING_BATCH,
    Item,
    decode_contexts,
    no_list,
    unparsed,
)
from mockkms.vault.secrets.transit.keys.keyring import existing, used_apart
from mockkms.vault.secrets.transit.model import Transit, TransitKey

endpoint = engine.path(
    "rewrap/{name}",
    {
        "name": NAME,
        "ciphertext": Field(Kind.STRING, help="The ciphertext to encrypt again, as returned by encrypt."),
        "context": CONTEXT,
        "key_version": KEY_VERSION,
        "batch_input": Field(Kind.SLICE, help="Items to rewrap; other parameters are ignored then."),
        "nonce": NONCE,
        "decrypt_padding_scheme": PADDING,
        "encrypt_padding_scheme": PADDING,
    },
    help="Encrypt a ciphertext again with the latest version of its key.",
    go_errors=True,
)

_PADDINGS = ("decrypt_padding_scheme", "encrypt_padding_scheme")
_TEXTS = ("context", "plaintext", "ciphertext")
_MORE_TEXTS = ("associated_data", "reference")


@dataclass(slots=True)
class RewrapItem(Item):
    """One ciphertext to rewrap, and its error."""

    decrypt_padding_scheme: str = ""
    encrypt_padding_scheme: str = ""


@endpoint.on(Operation.UPDATE)
def rewrap(
    state: Transit,
    call: Call,
    *,
    name: str,
    ciphertext: str,
    context: str,
    key_version: int,
    nonce: str,
    decrypt_padding_scheme: str,
    encrypt_padding_scheme: str,
) -> Reply:
    """Rewrap one ciphertext, or each item of a batch. A batch reports errors per item, with status 200."""
    batch = call.raw.get("batch_input")
    if batch is not None:
        with waiting():
            items = _decoded(call, batch)
    elif not ciphertext:
        raise ErrorResponse(MISSING)
    else:
        one = RewrapItem(ciphertext, context, key_version, nonce=nonce)
        one.decrypt_padding_scheme, one.encrypt_padding_scheme = decrypt_padding_scheme, encrypt_padding_scheme
        items = [one]
    decode_contexts(items, check_ciphertext)
    key = existing(state, name, call.core, "encryption key not found")
    random = cipher.drawn_ahead(key, sum(not item.error for item in items), call.core.entropy.bytes)
    with used_apart(key) if batch is not None else nullcontext(key) as held:
        results = [_result(held, number, item, random) for number, item in enumerate(items)]
    if batch is not None:
        return {"batch_results": results}
    if "error" in results[0]:
        raise ErrorResponse(str(results[0]["error"]))
    del results[0]["reference"]
    return results[0]


def _result(key: TransitKey, number: int, item: RewrapItem, random: cipher.Random) -> dict[str, object]:
    """Return the result of one item. Raises BackendError for a failure of the server, which ends the whole batch."""
    if item.error:
        return {"error": item.error, "reference": item.reference}
    old, new = item.decrypt_padding_scheme, item.encrypt_padding_scheme
    try:
        cipher.check_padding(key, old, f"'[{number}].decrypt_padding_scheme'")
        if item.nonce:
            raise ErrorResponse(NONCE_REFUSED)
        plaintext = cipher.decrypt(key, item.decoded_context, item.text, "", old)
        cipher.check_padding(key, new, f"'[{number}].encrypt_padding_scheme'")
        text, version = cipher.encrypt(key, item.key_version, item.decoded_context, plaintext, "", random, new)
    except ErrorResponse as error:
        return {"error": str(error), "reference": item.reference}
    return {"ciphertext": text, "key_version": version, "reference": item.reference}


# -- the lenient decoder: takes numbers for text, ignores the case of names, and reports the errors of all items -------


def _decoded(call: Call, raw: object) -> list[RewrapItem]:
    """Return the items of a batch.

    Raises BackendError ``failed to parse batch input: …``, ErrorResponse for an empty batch.
    """
    if not isinstance(raw, list):
        raise unparsed(no_list(call.core.product, raw))
    names = [*_TEXTS, "key_version", *_MORE_TEXTS]
    if call.core.product.has(Feature.TRANSIT_NONCE):
        names += ["nonce", *_PADDINGS]
    faults: list[ConversionError] = []
    items = [_item(item, number, names, faults) for number, item in enumerate(raw)]
    if faults:
        raise unparsed(conversion_text(call.core.product, several(faults)))
    if not items:
        raise ErrorResponse(MISSING_BATCH)
    return items


def _item(raw: object, number: int, names: list[str], faults: list[ConversionError]) -> RewrapItem:
    item = RewrapItem()
    if raw is None:
        return item
    if not isinstance(raw, dict):
        text = f"'[{number}]' expected a map or struct, got \"{go_kind(raw)}\""
        faults.append(ConversionError(text, f"'[{number}]' expected a map, got '{go_kind(raw)}'"))
        return item
    for name in names:
        value = raw[name] if name in raw else next((raw[given] for given in raw if given.lower() == name), None)
        if value is None:
            continue
        try:
            if name == "key_version":
                item.key_version = _whole(value)
            else:
                _set(item, name, _text(value))
        except ConversionError as error:
            faults.append(error.at(f"[{number}].{name}"))
    return item


def _set(item: RewrapItem, name: str, text: str) -> None:
    if name == "ciphertext":
        item.text = text
    elif name not in ("plaintext", "associated_data"):  # Decoded, but without effect.
        setattr(item, name, text)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float, Number)) and not isinstance(value, bool):
        return str(value)
    raise _unconvertible(value, "string")


def _whole(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        if value in INT64:
            return value
        raise _unparsable(value, "value out of range")
    if isinstance(value, (float, Number)):
        raise _unparsable(value, "invalid syntax")
    raise _unconvertible(value, "int")


def _unconvertible(value: object, go_name: str) -> ConversionError:
    text = f"'' expected type '{go_name}', got unconvertible type '{go_type(value)}'"
    return ConversionError(text, f"{text}, value: '{shown(value)}'")


def _unparsable(value: object, fault: str) -> ConversionError:
    parsing = f'strconv.ParseInt: parsing "{value}": {fault}'
    return ConversionError(f"'' cannot parse value as 'int': {parsing}", f"cannot parse '' as int: {parsing}")
