"""Batch items that are plain maps of text: what ``sign``, ``verify`` and ``hmac`` take, and how their batches end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mockkms.crypto.encoding import b64
from mockkms.vault.framework.endpoint import Call, conversion_text
from mockkms.vault.framework.fields import ConversionError, go_kind, go_type, several
from mockkms.vault.framework.message import BackendError, ErrorResponse
from mockkms.vault.golang.fmt import shown
from mockkms.vault.golang.number import Number
from mockkms.vault.secrets.transit.encryption.items import no_list


class ItemFault(Exception):
    """What is wrong with one item: the caller's mistake, sent bare and as 400 outside a batch."""


class ItemFailure(Exception):
    """A failure of the server with one item: a framed 500 outside a batch."""


@dataclass(slots=True)
class Shape:
    """How the results of a batch look."""

    defaults: dict[str, object]
    """Members of every result, those of failed items too."""
    order: tuple[str, ...]
    """All members in the order in which they are sent."""


UNABLE = "unable to decode input as base64"


def decode_maps(call: Call, raw: Any, item_type: str) -> list[dict[str, str]]:
    """Items that tell an absent text from an empty one; ``item_type`` is Go's name of an item, for texts.

    Numbers count as text and null as empty. Raises BackendError ``failed to parse batch input: …``, ErrorResponse for
    an empty batch.
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


def decode_loose_maps(call: Call, raw: Any, item_type: str) -> list[dict[str, object]]:
    """Return items as maps of whatever they hold; ``item_type`` is Go's name of an item, for texts.

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


def text_of(value: Any) -> str:
    """Return a member of a loose map as the weak decoder turns it into text. Raises ValueError."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (str, int, float, Number)):
        return str(value)
    text = f"'' expected type 'string', got unconvertible type '{go_type(value)}', value: '{shown(value)}'"
    raise ValueError(f"1 error(s) decoding:\n\n* {text}")


def _map(raw: Any, at: int, item_type: str, faults: list[ConversionError]) -> dict[str, str]:
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


def decode_input(item: dict[str, str], missing: str = "missing input", unable: str = UNABLE) -> bytes:
    """The ``input`` of an item. Raises ItemFault."""
    if "input" not in item:
        raise ItemFault(missing)
    try:
        return b64.decode(item["input"])
    except ValueError as error:
        raise ItemFault(f"{unable}: {error}") from None


def decode_context(item: dict[str, str], framing: str = "") -> bytes:
    """The ``context`` of an item, empty if absent. Raises ItemFault; with ``framing``, it says what is wrong."""
    try:
        return b64.decode(item.get("context", ""))
    except ValueError as error:
        raise ItemFault(f"{framing}{error}" if framing else "failed to base64-decode context") from None


def answer_batch(
    items: list[dict[str, object]], work: Callable[[dict[str, object]], dict[str, object]], shape: Shape
) -> dict[str, object]:
    """The results of ``work`` for each item, faults among them, with the items' references."""
    results = []
    for item in items:
        result = dict(shape.defaults)
        try:
            result |= work(item)
        except (ItemFault, ItemFailure) as error:
            result["error"] = str(error)
        result["reference"] = _reference(item)
        results.append({name: result[name] for name in shape.order if name in result})
    return {"batch_results": results}


def _reference(item: dict[str, object]) -> str:
    try:
        return text_of(item.get("reference"))
    except ValueError:
        return ""


def answer_one(item: dict[str, object], work: Callable[[dict[str, object]], dict[str, object]]) -> dict[str, object]:
    """What ``work`` says to the only item. Raises ErrorResponse, BackendError."""
    try:
        return work(item)
    except ItemFault as error:
        raise ErrorResponse(str(error)) from None
    except ItemFailure as error:
        raise BackendError(str(error)) from None
