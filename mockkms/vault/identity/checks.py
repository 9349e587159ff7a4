"""Limits on identity metadata, and the real server's normalisation of lists."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mockkms.vault.framework.message import BackendError, ErrorResponse
from mockkms.vault.golang.fmt import quote

MAX_PAIRS = 64
MAX_KEY_BYTES = 128
MAX_VALUE_BYTES = 512
_KEY = re.compile(r"[a-zA-Z0-9=/+_-]+")


def check_metadata(kind: str, metadata: dict[str, str] | None) -> None:
    """Raise BackendError with the server's text for invalid metadata of a ``kind`` (``entity``, ``alias``)."""
    pairs = metadata or {}
    if len(pairs) > MAX_PAIRS:
        raise BackendError(f"invalid {kind} metadata: metadata cannot contain more than {MAX_PAIRS} key/value pairs")
    for key, value in pairs.items():
        fault = _pair_fault(key, value)
        if fault:
            pair = f"{quote(key)}, {quote(value)}"
            raise BackendError(f"invalid {kind} metadata: failed to load metadata pair ({pair}): {fault}")


def _pair_fault(key: str, value: str) -> str:
    if not key:
        return "key cannot be blank"
    if not _KEY.fullmatch(key):
        return "key contains invalid characters"
    if len(key) > MAX_KEY_BYTES:
        return f"key is too long (limit: {MAX_KEY_BYTES} characters)"
    if key.startswith("vault-"):
        return 'key prefix "vault-" is reserved for internal use'
    if len(value.encode("utf-8", "replace")) > MAX_VALUE_BYTES:
        return f"value is too long (limit: {MAX_VALUE_BYTES} characters)"
    return ""


def policy_names(sent: Iterable[str], *, lower: bool) -> list[str]:
    """Return policy names sorted and without duplicates, in lower case if ``lower``.

    Raises ErrorResponse for the root policy, in any case.
    """
    names = distinct(name.lower() if lower else name for name in sent)
    if "root" in map(str.lower, names):
        raise ErrorResponse("policies cannot contain root")
    return names


def one_of_each_case(names: Iterable[str]) -> list[str]:
    """Return the names in their order; of those that differ only in case, the first."""
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(name.strip().lower(), name)
    return list(first.values())


def distinct(items: Iterable[str]) -> list[str]:
    """Return items trimmed and sorted, without empty ones and duplicates."""
    return sorted({item.strip() for item in items} - {""})


def without_one(items: Iterable[str] | None, item: str) -> list[str]:
    """Return items without the first that equals ``item``, if any."""
    left = list(items or ())
    if item in left:
        left.remove(item)
    return left
