"""The items of a ``batch_input``, decoded with the real server's two decoders, and the status a batch ends with.

Encrypt and decrypt have a strict decoder of their own; the other endpoints go through a lenient one that takes numbers
for text and ignores the case of names. Both gather the faults of all items.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mockkms.crypto.encoding import b64
from mockkms.vault.framework.endpoint import Call, Field, conversion_text
from mockkms.vault.framework.fields import ConversionError, Kind, go_kind, go_type, several
from mockkms.vault.framework.message import BackendError, ErrorResponse, Response
from mockkms.vault.golang.fmt import shown
from mockkms.vault.golang.number import Number
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature

MISSING_BATCH = "missing batch input to process"
PADDING = Field(Kind.STRING, help="Padding of RSA keys: oaep (if empty) or pkcs1v15.", needs=Feature.TRANSIT_NONCE)
NONCE = Field(Kind.STRING, help="Nonce in base64, for convergent keys of the first kind.", needs=Feature.TRANSIT_NONCE)
_INT64 = range(-(1 << 63), 1 << 63)


@dataclass(slots=True)
class Item:
    """One thing to encrypt, decrypt or rewrap, and what was found wrong with it."""

    text: str = ""
    """Plaintext in base64, or ciphertext."""
    context: str = ""
    key_version: int = 0
    associated_data: str = ""
    nonce: str = ""
    padding_scheme: str = ""
    reference: str = ""
    decoded_context: bytes = b""
    error: str = ""


_STRICT = (
    "context", "ciphertext", "plaintext", "key_version", "associated_data", "nonce", "padding_scheme", "reference",
)  # fmt: skip


def listed(faults: list[str]) -> str:
    """Return faults as the older decoder lists them."""
    return f"{len(faults)} error(s) decoding:\n\n" + "\n".join(sorted(f"* {fault}" for fault in faults))


def decode_strictly(call: Call, raw: Any, text: str, missing: str) -> list[Item]:
    """Items whose ``text`` member (``plaintext``, ``ciphertext``) must be there, else ``missing`` is a fault.

    Raises BackendError ``failed to parse batch input: …``, ErrorResponse for an empty batch.
    """
    if not isinstance(raw, list):
        raise _unparsed(f"source data must be an array or slice, got {go_type(raw)}")
    faults: list[str] = []
    items = [_strict_item(item, number, text, missing, faults) for number, item in enumerate(raw)]
    if faults:
        older = call.core.product.has(Feature.OLDER_DECODER)
        raise _unparsed(listed(faults) if older else "\n".join(faults))
    if not items:
        raise ErrorResponse(MISSING_BATCH)
    return items


def _strict_item(raw: Any, number: int, text: str, missing: str, faults: list[str]) -> Item:
    if not isinstance(raw, dict):
        raise _unparsed(f"[{number}] expected a map, got '{go_type(raw)}'")
    item = Item()
    for name in _STRICT:
        if name not in raw:
            if name == text:
                faults.append(f"'[{number}].{name}' {missing}")
            continue
        value = raw[name]
        if value is None and name not in ("plaintext", "padding_scheme"):
            continue
        if name == "key_version":
            item.key_version = _strict_version(value, number, faults)
        elif not isinstance(value, str):
            faults.append(f"'[{number}].{name}' expected type 'string', got unconvertible type '{go_type(value)}'")
        elif name == text:
            item.text = value
        elif name not in ("plaintext", "ciphertext"):
            setattr(item, name, value)
    return item


def _strict_version(value: Any, number: int, faults: list[str]) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value in _INT64:
        return value
    kind = go_type(value)
    if kind == "json.Number":
        faults.append(
            f'error decoding json.Number into [{number}].key_version: strconv.ParseInt: parsing "{value}": '
            "invalid syntax"
        )
    else:
        faults.append(f"'[{number}].key_version' expected type 'int', got unconvertible type '{kind}'")
    return 0


def decode_leniently(call: Call, raw: Any, fields: Mapping[str, type]) -> list[dict[str, object]]:
    """Items as structs of ``fields``: name to ``str``, ``int``, ``bool``, in the order of their faults; absent is zero.

    Raises BackendError ``failed to parse batch input: …``, ErrorResponse for an empty batch.
    """
    if isinstance(raw, dict) or not isinstance(raw, list):
        raise _unparsed(no_list(call.core.product, raw))
    faults: list[ConversionError] = []
    items = [_lenient_item(item, number, fields, faults) for number, item in enumerate(raw)]
    if faults:
        raise _unparsed(conversion_text(call.core.product, several(faults)))
    if not items:
        raise ErrorResponse(MISSING_BATCH)
    return items


def _lenient_item(
    raw: Any, number: int, fields: Mapping[str, type], faults: list[ConversionError]
) -> dict[str, object]:
    item = {name: kind() for name, kind in fields.items()}
    if raw is None:
        return item
    if not isinstance(raw, dict):
        text = f"'[{number}]' expected a map or struct, got \"{go_kind(raw)}\""
        faults.append(ConversionError(text, f"'[{number}]' expected a map, got '{go_kind(raw)}'"))
        return item
    for name, kind in fields.items():
        value = raw.get(name) if name in raw else _any_case(raw, name)
        if value is not None:
            try:
                item[name] = _converted(value, kind)
            except ConversionError as error:
                faults.append(error.at(f"[{number}].{name}"))
    return item


def _any_case(raw: dict[str, object], name: str) -> Any:
    return next((value for given, value in raw.items() if given.lower() == name), None)


def _converted(value: Any, kind: type) -> Any:
    number = isinstance(value, (int, float, Number)) and not isinstance(value, bool)
    if kind is str and number:
        return str(value)
    if kind is int and number:
        if isinstance(value, int):
            if value in _INT64:
                return value
            raise _no_number(value, "value out of range")
        raise _no_number(value, "invalid syntax")
    if not number and isinstance(value, kind) and isinstance(value, bool) == (kind is bool):
        return value
    text = f"'' expected type '{_GO_NAMES[kind]}', got unconvertible type '{go_type(value)}'"
    raise ConversionError(text, f"{text}, value: '{shown(value)}'")


def _no_number(value: Any, fault: str) -> ConversionError:
    parsing = f'strconv.ParseInt: parsing "{value}": {fault}'
    return ConversionError(f"'' cannot parse value as 'int': {parsing}", f"cannot parse '' as int: {parsing}")


def no_list(product: Product, raw: Any) -> str:
    """Return the error text for a batch that is not a list."""
    colon = ":" if product.has(Feature.OLDER_DECODER) else ""
    return f"''{colon} source data must be an array or slice, got {go_kind(raw)}"


_GO_NAMES = {str: "string", int: "int", bool: "bool"}


def _unparsed(text: str) -> BackendError:
    return BackendError(f"failed to parse batch input: {text}")


def decode_contexts(items: list[Item], check: Any, product: Product) -> bool:
    """Decode the contexts of all items; ``check(item)`` may find a fault first. Returns whether one is at fault.

    Where the product takes nonces they have to be base64; elsewhere they, and paddings, are dropped.

    Raises ErrorResponse where only some items have a context.
    """
    wanted = items[0].context != ""
    nonces = product.has(Feature.TRANSIT_NONCE)
    failed = False
    for item in items:
        if (item.context != "") != wanted:
            raise ErrorResponse("context should be set either in all the request blocks or in none")
        if not nonces:
            item.nonce = item.padding_scheme = ""
        try:
            check(item)
            if wanted:
                item.decoded_context = b64.decode(item.context)
            b64.decode(item.nonce)
        except ValueError as error:
            item.error = str(error)
            failed = True
    return failed


@dataclass(slots=True)
class Outcome:
    """What happened in a batch."""

    succeeded: bool = False
    user_error: bool = False
    internal_error: bool = False

    def response(self, data: dict[str, object], call: Call) -> Response | dict[str, object]:
        """The batch's answer: user errors make it a 400, internal ones alone a 500, unless the caller chose a code."""
        if not self.user_error and not self.internal_error:
            return data
        status = 400 if self.user_error else 500
        warnings = []
        if self.succeeded and "partial_failure_response_code" in call:
            wanted = call["partial_failure_response_code"]
            if 1 <= wanted <= 599:
                status = wanted
            else:
                warnings.append(
                    f"invalid HTTP response code override from partial_failure_response_code, reverting to {status}"
                )
        return Response(data=data, status=status, warnings=warnings)
