"""The items of ``sign``, ``verify`` and ``hmac``, which are plain maps of texts, and the results of their batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from mockkms.crypto.encoding import b64
from mockkms.vault.framework.endpoint import Call, conversion_text
from mockkms.vault.framework.fields import ConversionError, go_kind, go_type, several
from mockkms.vault.framework.message import BackendError, ErrorResponse, VaultError, refusing
from mockkms.vault.golang.fmt import shown
from mockkms.vault.golang.json_text import in_order
from mockkms.vault.golang.number import Number
from mockkms.vault.secrets.transit.encryption.items import no_list

Item = Mapping[str, object]
"""One item of a batch: texts by name; in checks of later releases values of any type."""
Work = Callable[[Item], Mapping[str, object]]
"""Processes one item. Raises ErrorResponse for an error of the caller, BackendError for a failure."""


@dataclass(slots=True)
class BatchShape:
    """The members of the results of a batch."""

    defaults: Mapping[str, object]
    """Members of every result, those of failed items too."""
    order: tuple[str, ...]
    """All members in the order in which they are sent."""


UNABLE = "unable to decode input as base64"


def decode_maps(call: Call, raw: object, item_type: str) -> Sequence[Item]:
    """Decode items as maps of texts; ``item_type`` is Go's name of an item, for error messages.

    Numbers are read as text, null as empty. Raises BackendError for malformed items, ErrorResponse for an empty batch.
    """
    if not isinstance(raw, list):
        raise BackendError(f"failed to parse batch input: {no_list(call.core.product, raw)}")
    faults: list[ConversionError] = []
    items = [_map(item, at, item_type, faults) for at, item in enumerate(raw)]
    if faults:
        raise BackendError(f"failed to parse batch input: {conversion_text(call.core.product, several(faults))}")
    if not items:
        raise ErrorResponse("missing batch input to process")
    return items


def decode_loose_maps(call: Call, raw: object, item_type: str) -> Sequence[Item]:
    """Decode items as maps of any values; ``item_type`` is Go's name of an item, for error messages.

    Raises ErrorResponse ``failed to parse batch input: …``, also for an empty batch.
    """
    if not isinstance(raw, list):
        raise ErrorResponse(f"failed to parse batch input: {no_list(call.core.product, raw)}")
    faults: list[ConversionError] = []
    items = [item if isinstance(item, dict) else _map(item, at, item_type, faults) for at, item in enumerate(raw)]
    if faults:
        raise ErrorResponse(f"failed to parse batch input: {conversion_text(call.core.product, several(faults))}")
    if not items:
        raise ErrorResponse("missing batch input to process")
    return items


def text_of(value: object) -> str:
    """Return a member of a loose map as the weak decoder turns it into text. Raises ValueError."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (str, int, float, Number)):
        return str(value)
    text = f"'' expected type 'string', got unconvertible type '{go_type(value)}', value: '{shown(value)}'"
    raise ValueError(f"1 error(s) decoding:\n\n* {text}")


def _map(raw: object, at: int, item_type: str, faults: list[ConversionError]) -> dict[str, str]:
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        text = f"'[{at}]' expected type '{item_type}', got unconvertible type '{go_type(raw)}'"
        faults.append(ConversionError(text, f"'[{at}]' expected a map, got '{go_kind(raw)}'"))
        return {}
    texts = {}
    for name, value in raw.items():
        if isinstance(value, str):
            texts[name] = value
        elif value is None:
            texts[name] = ""
        elif isinstance(value, (int, float, Number)) and not isinstance(value, bool):
            texts[name] = str(value)
        else:
            text = f"'[{at}][{name}]' expected type 'string', got unconvertible type '{go_type(value)}'"
            faults.append(ConversionError(text, f"{text}, value: '{shown(value)}'"))
    return texts


@lru_cache
def _undecodable(text: str) -> refusing:
    return refusing(f"{text}: ")


def decode_input(item: Item, missing: str = "missing input", unable: str = UNABLE) -> bytes:
    """Return the ``input`` of an item, decoded from base64. Raises ErrorResponse."""
    if "input" not in item:
        raise ErrorResponse(missing)
    with _undecodable(unable):
        return b64.decode(text_of(item["input"]))


def decode_context(item: Item) -> bytes:
    """Return the ``context`` of an item, decoded from base64; empty if absent. Raises ErrorResponse."""
    if not item.get("context"):
        return b""
    with refusing(text="failed to base64-decode context"):
        return b64.decode(text_of(item.get("context")))


def answer_batch(items: Sequence[Item], work: Work, shape: BatchShape) -> dict[str, object]:
    """Return the result of ``work`` for each item, errors among them, with the items' references."""
    results = []
    for item in items:
        result = dict(shape.defaults)
        try:
            result.update(work(item))
        except VaultError as error:
            result["error"] = str(error)
        result["reference"] = _reference(item)
        results.append(in_order({name: result[name] for name in shape.order if name in result}))
    return {"batch_results": results}


def _reference(item: Item) -> str:
    try:
        return text_of(item.get("reference"))
    except ValueError:
        return ""
