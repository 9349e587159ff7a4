"""The items of a ``batch_input`` as encrypt and decrypt read them, strictly, and the status of a batch's response."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mockkms.crypto.encoding import b64
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.fields import go_kind, go_type
from mockkms.vault.framework.message import BackendError, ErrorResponse, Response, VaultError
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature

MISSING_BATCH = "missing batch input to process"
INT64 = range(-(1 << 63), 1 << 63)


@dataclass(slots=True)
class Item:
    """One item of a batch, and its error."""

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


_STRICT = ("context", "ciphertext", "plaintext", "key_version", "associated_data", "reference")
_WITH_NONCES = (*_STRICT[:5], "nonce", "padding_scheme", "reference")
"""The members that products read which take nonces; the others ignore the two, whatever their values."""


def listed(faults: list[str]) -> str:
    """Return faults as the older decoder lists them."""
    return f"{len(faults)} error(s) decoding:\n\n" + "\n".join(sorted(f"* {fault}" for fault in faults))


def decode_strictly(call: Call, raw: object, text: str, missing: str) -> list[Item]:
    """Decode items; the member ``text`` (``plaintext``, ``ciphertext``) is required, ``missing`` the error without it.

    Raises BackendError ``failed to parse batch input: …``, ErrorResponse for an empty batch.
    """
    if not isinstance(raw, list):
        raise unparsed(f"source data must be an array or slice, got {go_type(raw)}")
    faults: list[str] = []
    members = _WITH_NONCES if call.core.product.has(Feature.TRANSIT_NONCE) else _STRICT
    items = [_strict_item(item, number, members, text, missing, faults) for number, item in enumerate(raw)]
    if faults:
        older = call.core.product.has(Feature.OLDER_DECODER)
        raise unparsed(listed(faults) if older else "\n".join(faults))
    if not items:
        raise ErrorResponse(MISSING_BATCH)
    return items


def plain_items(raw: object, text: str) -> tuple[list[str], list[str]] | None:
    """Return the texts and references of items that have nothing else; None for any others."""
    if not isinstance(raw, list):
        return None
    texts, references = [], []
    for item in raw:
        if type(item) is not dict:
            return None
        found, reference = item.get(text), item.get("reference", "")
        if type(found) is not str or type(reference) is not str or len(item) > ("reference" in item) + 1:
            return None
        texts.append(found)
        references.append(reference)
    return texts, references


def _strict_item(
    raw: object, number: int, members: tuple[str, ...], text: str, missing: str, faults: list[str]
) -> Item:
    if not isinstance(raw, dict):
        raise unparsed(f"[{number}] expected a map, got '{go_type(raw)}'")
    item = Item()
    for name in members:
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


def _strict_version(value: object, number: int, faults: list[str]) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value in INT64:
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


def no_list(product: Product, raw: object) -> str:
    """Return the error text for a batch that is not a list."""
    colon = ":" if product.has(Feature.OLDER_DECODER) else ""
    return f"''{colon} source data must be an array or slice, got {go_kind(raw)}"


def unparsed(text: str) -> BackendError:
    """Return the error for a batch that cannot be decoded."""
    return BackendError(f"failed to parse batch input: {text}")


def decode_contexts(items: Sequence[Item], check: Callable[[Item], None]) -> bool:
    """Decode the contexts of all items; ``check(item)`` may find a fault first. Returns whether one is at fault.

    Where the product takes nonces they have to be base64.

    Raises ErrorResponse where only some items have a context.
    """
    wanted = items[0].context != ""
    failed = False
    for item in items:
        if (item.context != "") != wanted:
            raise ErrorResponse("context should be set either in all the request blocks or in none")
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
class ItemOutcome:
    """The outcome of a batch."""

    succeeded: bool = False
    user_error: bool = False
    internal_error: bool = False

    def failed(self, error: VaultError) -> str:
        """Note the error of an item and return its text."""
        if isinstance(error, BackendError):
            self.internal_error = True
        else:
            self.user_error = True
        return str(error)

    def response(self, data: dict[str, object], call: Call) -> Response | dict[str, object]:
        """Return the response: status 400 after user errors, 500 after internal ones, unless the caller chose one."""
        if not self.user_error and not self.internal_error:
            return data
        status = 400 if self.user_error else 500
        warnings = []
        if self.succeeded and "partial_failure_response_code" in call:
            wanted = call["partial_failure_response_code"]
            # The real server takes 1 to 99 too, on which it panics; it turns an interim status into 200.
            if 100 <= wanted <= 599:
                status = max(wanted, 200)
            else:
                warnings.append(
                    f"invalid HTTP response code override from partial_failure_response_code, reverting to {status}"
                )
        return Response(data=data, status=status, warnings=warnings)
