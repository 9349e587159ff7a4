"""An answer of the admin API in the recorded form: ids, times, key material and local names told by kind."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

Names = Sequence[tuple[str, str]]
"""Local texts and what stands for them."""

_PATTERNS = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?(\[[A-Za-z/_+-]+\])?"), "<time>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<hex64>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<hex32>"),
    (re.compile(r"\b1[0-9]{9}\b"), "<epoch>"),
    (re.compile(r"(127\.0\.0\.1|localhost):\d+"), "<addr>"),
]
_COUNTERS = frozenset((
    "entry_count", "eviction_count", "hit_count", "miss_count", "scanned_buckets", "snapshot_generation",
    "wrap_budget_reserved",
))  # fmt: skip
_IDS = frozenset(("HostId", "RequestId", "request_id"))
_UNORDERED = frozenset(("conflicts", "references"))
_SIZED = "plaintext_key"
_UNSIZED = frozenset(("ciphertext_blob", "secret_key"))


def normalise(status: int, content_type: str, raw: bytes, names: Names) -> dict[str, Any]:
    """Status, content type without parameters, and the body as ``json``, ``xml``, ``text`` or a null ``body``."""
    out: dict[str, Any] = {"status": status, "content_type": content_type.split(";")[0].strip()}
    text = raw.decode("utf-8", "replace")
    if not text:
        return out | {"body": None}
    try:
        return out | {"json": _value(json.loads(text), names)}
    except ValueError:
        pass
    if text.lstrip().startswith("<"):
        root = ElementTree.fromstring(text)
        return out | {"xml": _value({_tag(root): _children(root)}, names)}
    return out | {"text": _text(text, names)}


def _value(value: Any, names: Names, key: str = "") -> Any:
    if isinstance(value, dict):
        return {_text(name, names): _value(below, names, name) for name, below in value.items()}
    if isinstance(value, list):
        items = [_value(item, names, key) for item in value]
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True)) if key in _UNORDERED else items
    if isinstance(value, str):
        return _string(value, names, key)
    if type(value) in (int, float) and key in _COUNTERS:
        return "<number>"
    return value


def _string(value: str, names: Names, key: str) -> str:
    if key in _IDS:
        return "<id>"
    if key in _UNSIZED:
        return "<material>"
    if key == _SIZED:
        try:
            return f"<material:{len(base64.b64decode(value))} bytes>"
        except binascii.Error:
            return "<material:not base64>"
    return _text(value, names)


def _text(text: str, names: Names) -> str:
    for local, name in names:
        text = text.replace(local, name)
    for pattern, label in _PATTERNS:
        text = pattern.sub(label, text)
    return text


def _tag(node: ElementTree.Element) -> str:
    return node.tag.split("}")[-1]


def _children(node: ElementTree.Element) -> Any:
    return {_tag(child): _children(child) for child in node} or (node.text or "")
